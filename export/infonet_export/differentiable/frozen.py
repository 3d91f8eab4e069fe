"""Mutual information through a frozen model, differentiable by the samples.

The estimate is the model's. Its gradient is not taken through the network but through the
Donsker-Varadhan bound of the network's table, held fixed: E[T] - log E'[exp T] is largest at
T = log p(x, y) / (p(x) p(y)), so where T is right its change does not matter to first order, and
the rest is the gradient of the mutual information itself (the envelope theorem; what MINE-like
estimators do when they alternate). Through the network it is noisier, and not even finite where the
copula model takes square roots of empty cells; docs/how-to/maximise.md has the figures.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn


class Reading(NamedTuple):
    """What a model finds in samples: estimates mi [B] and tables [B, T, T], both in nats."""

    mi: Tensor
    table: Tensor


class FrozenModel(Protocol):
    """What `FrozenEstimator` needs of a model.

    n_min: the fewest samples that it reads. ``read`` is called without gradients; ``bound`` is the
    Donsker-Varadhan bound [B] of the tables that ``read`` gave, differentiable by the ranks [B, n,
    2], and ``ranks`` are differentiable by the samples [B, n, 2].
    """

    @property
    def n_min(self) -> int: ...
    def ranks(self, samples: Tensor) -> Tensor: ...
    def read(self, samples: Tensor, ranks: Tensor) -> Reading: ...
    def bound(self, table: Tensor, ranks: Tensor) -> Tensor: ...


class FrozenEstimator(nn.Module):
    """samples float32 or float64 [B, n, 2] -> mutual information [B] in nats, of the same dtype.

    Under torch.compile it runs as it is, between compiled parts.
    Raises ValueError for another shape or dtype, fewer samples than the model reads, and values
    that are not finite, with their place.
    """

    def __init__(self, model: FrozenModel) -> None:
        super().__init__()
        self.model = model

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def forward(self, samples: Tensor) -> Tensor:
        _check(samples, self.model.n_min)
        ranks = self.model.ranks(samples)
        with torch.no_grad():
            mi, table = self.model.read(samples.detach(), ranks.detach())
        bound = self.model.bound(table.to(samples.dtype), ranks)
        return mi.to(samples.dtype) + (bound - bound.detach())


def _check(samples: Tensor, n_min: int) -> None:
    if samples.ndim != 3 or samples.shape[2] != 2:
        raise ValueError(f"samples: got shape {list(samples.shape)}; [B, n, 2] is needed")
    if samples.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"samples: got dtype {samples.dtype}; float32 or float64 is needed: use .float()"
        )
    if samples.shape[1] < n_min:
        raise ValueError(f"samples: got n = {samples.shape[1]}; the model needs at least {n_min}")
    bad = ~torch.isfinite(samples.detach())
    if bad.any():
        batch, i, column = (int(k) for k in bad.nonzero()[0])
        raise ValueError(
            f"samples: got {float(samples[batch, i, column])} at batch {batch}, sample {i}, "
            f"{'xy'[column]}; all values must be finite (did the optimisation diverge?)"
        )
