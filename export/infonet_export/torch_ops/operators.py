"""The operators of torch_ops/registered.py with checks that hold under tracing, too."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

import infonet_export.torch_ops.registered  # noqa: F401  registers torch.ops.infonet

Normalize = Literal["midrank", "over_n", "minmax"]
_NORMALIZATIONS = ("midrank", "over_n", "minmax")
_DTYPES = (torch.float32, torch.float64)


def soft_rank(samples: Tensor, eps: float = 0.0, normalize: Normalize = "midrank") -> Tensor:
    """Rank samples along axis 1, softly if ``eps > 0``, with the exact gradient.

    With ``eps == 0`` the rank r is the average rank, 1 to n. It is piecewise constant: its gradient
    is zero (see `straight_through_rank` for one that is of use). With ``eps > 0`` each column is
    scaled to [0, 1] by its minimum and maximum, and r is the Euclidean projection of the scaled
    values / eps onto the permutahedron: torchsort's ``soft_rank`` with "l2" (Blondel et al., "Fast
    differentiable sorting and ranking", ICML 2020). The smaller eps, the nearer r is to the average
    rank, and the fewer samples have a gradient: one that is pooled with no other has a constant
    rank. From eps = 2/n up, r is affine in the samples and no sort is needed.

    The gradient includes the scaling before and the normalization after. Samples tied at the
    minimum or maximum share its part evenly, as in torch.amin and torch.amax; a constant column has
    gradient zero; at kinks, where the pooling is about to change, the gradient is one-sided. It
    cannot be differentiated again. Sums are held in double precision; works under torch.compile and
    torch.export.

    Args:
        samples: float32 or float64 [B, n, d]; finite, but for eps = 0 infinities are ordinary
            values. On a GPU float32, n up to 2^26, and nothing waits for the GPU to look for bad
            values: a column with one gets NaN for all its ranks, and for its gradient.
        eps: regularization strength, 0 or above.
        normalize: "midrank" gives (r - 1/2) / n, "over_n" gives r / n, and "minmax" gives
            (r - min r) / (max r - min r), or 1/2 throughout a constant column.

    Returns:
        Ranks in [0, 1], of the shape and dtype of ``samples``.

    Raises:
        ValueError: another shape, dtype, eps or normalization; on the CPU a value that cannot be
            ranked, with its place.
        ImportError: samples on a GPU, and infonet was built without the CUDA kernels.
    """
    _check("samples", samples, "d")
    if not (math.isfinite(eps) and eps >= 0):
        raise ValueError(f"eps: got {eps}; it must be finite and at least 0 (0: average ranks)")
    if normalize not in _NORMALIZATIONS:
        allowed = ", ".join(map(repr, _NORMALIZATIONS))
        raise ValueError(f"normalize: got {normalize!r}; allowed are {allowed}")
    ranks: Tensor = torch.ops.infonet.soft_rank(samples, float(eps), normalize)
    return ranks


def joint_histogram(ranks: Tensor, grid: int) -> Tensor:
    """Splat points of the unit square bilinearly onto grid x grid cells, with the exact gradient.

    A coordinate u lies at p = u * grid - 1/2, clamped to [0, grid - 1], so that whole numbers are
    cell centres; a point is shared by its four neighbours. The cells of a histogram sum to n. The
    gradient is that of the bilinear surface where a point lies; beyond the outer cell centres it is
    zero.

    Args:
        ranks: float32 or float64 [B, n, 2] in [0, 1]. On a GPU float32, and a histogram with ranks
            outside becomes NaN.
        grid: cells a side, 2 to 4096.

    Returns:
        Counts [B, grid, grid] of the dtype of ``ranks``, the first coordinate along axis 1.

    Raises:
        ValueError: another shape, dtype or grid; on the CPU a rank outside [0, 1].
        ImportError: ranks on a GPU, and infonet was built without the CUDA kernels.
    """
    _check("ranks", ranks, "2")
    if ranks.shape[2] != 2:
        raise ValueError(f"ranks: got shape {list(ranks.shape)}; [B, n, 2] is needed")
    if not 2 <= grid <= 4096:
        raise ValueError(f"grid: got {grid}; allowed are 2 to 4096")
    histogram: Tensor = torch.ops.infonet.joint_histogram(ranks, grid)
    return histogram


def _check(name: str, values: Tensor, last: str) -> None:
    if not isinstance(values, Tensor):
        raise ValueError(f"{name}: got {type(values).__name__}; a torch.Tensor is needed")
    if values.ndim != 3:
        raise ValueError(f"{name}: got shape {list(values.shape)}; [B, n, {last}] is needed")
    if values.dtype not in _DTYPES:
        raise ValueError(
            f"{name}: got dtype {values.dtype}; float32 or float64 is needed: use .float()"
        )
