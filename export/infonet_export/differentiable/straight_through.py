"""Exact ranks with a gradient that is of use.

Ranks are piecewise constant, so their own gradient is zero. But the rank of x among n samples is
about n F(x), F the distribution function, and that has a slope: the density. Soft ranks are a poor
substitute. Normalised ones have slope 1 / (n eps) where samples are pooled and 0 where they are
not: with eps small enough to stay near the exact ranks that is the density on average, from a few
samples here and there, and with a larger eps it is not the density (docs/how-to/maximise.md).
"""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from infonet_export.torch_ops.operators import Normalize, soft_rank


def straight_through_rank(
    samples: Tensor, normalize: Literal["midrank", "over_n"] = "midrank"
) -> Tensor:
    """Exact average ranks along axis 1, differentiated as if smoothed by a kernel.

    Forward, this is ``soft_rank(samples, 0.0, normalize)`` to the last bit. Backward, it is the
    exact gradient of another function, the ranks mean_j K(x_i - x_j) with K a ramp from 0 to 1 over
    [-h, h] (a step, smoothed by a uniform kernel), h held constant: a straight-through estimator
    (Bengio et al. 2013, arXiv 1308.3432). Its diagonal is a kernel estimate of the density at
    x_i; what all samples within h have in common cancels, as moving them together would change no
    rank. h is Silverman's rule of thumb, 0.9 min(s, IQR / 1.34) n^(-1/5), times 1.74 because the
    kernel is uniform.

    Args:
        samples: float32 or float64 [B, n, d], on a GPU float32; no NaN.
        normalize: "midrank" gives (r - 1/2) / n, "over_n" gives r / n.

    Returns:
        Ranks in [0, 1], of the shape and dtype of ``samples``. O(n log n), both ways.

    Raises:
        ValueError: another normalization, and as `soft_rank`.
    """
    if normalize not in ("midrank", "over_n"):
        raise ValueError(f"normalize: got {normalize!r}; allowed are 'midrank' and 'over_n'")
    ranks: Tensor = _StraightThroughRank.apply(samples, normalize)  # type: ignore[no-untyped-call]
    return ranks


def differentiable_ranks(samples: Tensor, eps: float, normalize: str) -> Tensor:
    """The ranks that a model reads: soft ones with their gradient, exact ones straight-through."""
    if eps == 0 and normalize != "minmax":
        return straight_through_rank(samples, cast(Literal["midrank", "over_n"], normalize))
    return soft_rank(samples, eps, cast(Normalize, normalize))


class _StraightThroughRank(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, samples: Tensor, normalize: Any) -> Tensor:
        ctx.save_for_backward(samples)
        return soft_rank(samples, 0.0, normalize)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (samples,) = ctx.saved_tensors
        if samples.numel() == 0:
            return torch.zeros_like(samples), None
        values, order = samples.detach().double().transpose(1, 2).contiguous().sort(-1)
        by = gradients[0].double().transpose(1, 2).gather(-1, order)
        n = values.shape[-1]
        half = _half_width(values)
        first = torch.searchsorted(values, values - half)
        last = torch.searchsorted(values, values + half, right=True)
        sums = F.pad(by.cumsum(-1), (1, 0))
        nearby = sums.gather(-1, last) - sums.gather(-1, first)
        slope = ((last - first) * by - nearby) / (2 * half * n)
        slope = torch.where(half > 0, slope, 0.0)  # a constant column
        result = torch.empty_like(slope).scatter(-1, order, slope)
        return result.transpose(1, 2).to(samples.dtype), None


def _half_width(values: Tensor) -> Tensor:
    """Half the width of the kernel [B, d, 1] for ascending values [B, d, n]; 0 if constant."""
    n = values.shape[-1]
    quarter = (n - 1) // 4
    spread = values.std(-1, correction=0, keepdim=True)
    middle = (values[..., n - 1 - quarter, None] - values[..., quarter, None]) / 1.34
    # half of the values may be equal; and the spread of infinite values is no number
    scale = torch.where(middle > 0, torch.fmin(middle, spread), spread)
    half: Tensor = 1.74 * 0.9 * scale * n**-0.2
    return half
