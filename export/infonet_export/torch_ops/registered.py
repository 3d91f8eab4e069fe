"""The kernels as PyTorch operators: ``torch.ops.infonet.soft_rank`` and ``joint_histogram``.

They run the same compiled kernels as the runtime, so a traced model and its export see the same
ranks and the same histograms to the last bit. Both have exact gradients, and accept float32 and
float64; on a GPU (torch_ops/cuda.py) float32. `infonet_export.soft_rank` and `joint_histogram` are
the same with checks.
"""

from __future__ import annotations

from typing import Any

import infonet_kernels
import torch
from torch import Tensor

from infonet_export.torch_ops import cuda

_DTYPES = {torch.float32: "float32", torch.float64: "float64"}
_SMALL = 1 << 15  # values below which threads cost more than they gain


@torch.library.custom_op("infonet::soft_rank", mutates_args=(), device_types="cpu")
def soft_rank(samples: Tensor, eps: float, normalize: str) -> Tensor:
    """samples float32 or float64 [B, n, d] -> soft ranks along axis 1, same shape and dtype.

    eps: regularization strength, 0 for average ranks. normalize: 'midrank', 'over_n' or 'minmax'.
    """
    kind: Any = normalize  # an operator's schema knows no literals; the kernel checks it
    rows = _rows(samples)
    try:
        ranks = infonet_kernels.soft_rank(rows, eps, kind, _threads(rows), dtype=rows.dtype.type)
    except ValueError as error:
        raise ValueError(_located(str(error), samples, eps)) from None
    return _columns(ranks, samples)


@soft_rank.register_fake
def _(samples: Tensor, eps: float, normalize: str) -> Tensor:
    return torch.empty_like(samples, memory_format=torch.contiguous_format)


@torch.library.custom_op("infonet::soft_rank_backward", mutates_args=(), device_types="cpu")
def soft_rank_backward(samples: Tensor, gradient: Tensor, eps: float, normalize: str) -> Tensor:
    """The gradient by the samples [B, n, d] from that by their soft ranks; not differentiable."""
    kind: Any = normalize
    rows, by = _rows(samples), _rows(gradient)
    result = infonet_kernels.soft_rank_backward(
        rows, by, eps, kind, _threads(rows), dtype=rows.dtype.type
    )
    return _columns(result, samples)


@soft_rank_backward.register_fake
def _(samples: Tensor, gradient: Tensor, eps: float, normalize: str) -> Tensor:
    return torch.empty_like(samples, memory_format=torch.contiguous_format)


@torch.library.custom_op("infonet::joint_histogram", mutates_args=(), device_types="cpu")
def joint_histogram(ranks: Tensor, grid: int) -> Tensor:
    """ranks float32 or float64 [B, n, 2] in [0, 1] -> splatted counts [B, grid, grid]."""
    if ranks.ndim != 3 or ranks.shape[2] != 2:
        raise ValueError(f"ranks: got shape {list(ranks.shape)}; [batch, n, 2] is needed")
    x, y = (_numpy(ranks[:, :, axis]) for axis in (0, 1))
    counts = infonet_kernels.joint_histogram(x, y, grid, _threads(x), dtype=x.dtype.type)
    return torch.from_numpy(counts)


@joint_histogram.register_fake
def _(ranks: Tensor, grid: int) -> Tensor:
    return ranks.new_empty(ranks.shape[0], grid, grid)


def _soft_rank_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, None, None]:
    if ctx.eps == 0:  # average ranks are piecewise constant
        return torch.zeros_like(gradient), None, None
    (samples,) = ctx.saved_tensors
    backward = torch.ops.infonet.soft_rank_backward
    return backward(samples, gradient, ctx.eps, ctx.normalize), None, None


def _soft_rank_context(ctx: Any, inputs: tuple[Tensor, float, str], output: Tensor) -> None:
    samples, ctx.eps, ctx.normalize = inputs
    if ctx.eps != 0:
        ctx.save_for_backward(samples)


def _histogram_gradient(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
    """Each sample gets the slope, where it lies, of the bilinear surface through ``gradient``."""
    (ranks,) = ctx.saved_tensors
    grid = ctx.grid
    position = ranks * grid - 0.5
    inside = (position >= 0) & (position <= grid - 1)  # those clamped to the edge do not move
    position = position.clamp(0, grid - 1)
    cell = position.detach().floor().clamp(max=grid - 2)
    x, y = (position - cell).unbind(2)
    corner = (cell[..., 0] * grid + cell[..., 1]).to(torch.int64)
    surface = gradient.reshape(gradient.shape[0], grid * grid)
    offsets = (0, 1, grid, grid + 1)
    low, up, right, both = (surface.gather(1, corner + offset) for offset in offsets)
    slope_x = torch.lerp(right - low, both - up, y)
    slope_y = torch.lerp(up - low, both - right, x)
    return torch.stack([slope_x, slope_y], 2) * inside * grid, None


def _histogram_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
    ranks, ctx.grid = inputs
    ctx.save_for_backward(ranks)


soft_rank.register_autograd(_soft_rank_gradient, setup_context=_soft_rank_context)
joint_histogram.register_autograd(_histogram_gradient, setup_context=_histogram_context)


soft_rank.register_kernel("cuda")(cuda.soft_rank)
soft_rank_backward.register_kernel("cuda")(cuda.soft_rank_backward)
joint_histogram.register_kernel("cuda")(cuda.joint_histogram)


def _rows(samples: Tensor) -> Any:
    """[B, n, d] -> an array [B * d, n] of the columns."""
    if samples.ndim != 3:
        raise ValueError(f"samples: got shape {list(samples.shape)}; [batch, n, d] is needed")
    batch, n, d = samples.shape
    return _numpy(samples.transpose(1, 2).reshape(batch * d, n))


def _numpy(values: Tensor) -> Any:
    if values.dtype not in _DTYPES:
        raise ValueError(
            f"got dtype {values.dtype}; allowed are {', '.join(_DTYPES.values())}: use .float()"
        )
    return values.detach().contiguous().numpy()


def _columns(rows: Any, samples: Tensor) -> Tensor:
    batch, n, d = samples.shape
    return torch.from_numpy(rows).view(batch, d, n).transpose(1, 2).contiguous()


def _threads(rows: Any) -> int:
    return torch.get_num_threads() if rows.size > _SMALL else 1


def _located(message: str, samples: Tensor, eps: float) -> str:
    """The kernel's complaint about a value, placed in [B, n, d] rather than in rows of columns."""
    bad = torch.isnan(samples) if eps == 0 else ~torch.isfinite(samples)
    if not bad.any():
        return message
    batch, i, column = (int(k) for k in bad.nonzero()[0])
    value, fix = float(samples[batch, i, column]), message.rpartition("; ")[2]
    return f"samples: {value} at batch {batch}, sample {i}, column {column}; {fix}"
