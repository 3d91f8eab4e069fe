"""Mutual information through a frozen model, differentiable by the samples.

The estimate is the model's. Its gradient is not taken through the network but through the
Donsker-Varadhan bound of the network's table, held fixed: E[T] - log E'[exp T] is largest at
T = log p(x, y) / (p(x) p(y)), so where T is right its change does not matter to first order, and
the rest is the gradient of the mutual information itself (the envelope theorem; what MINE-like
estimators do when they alternate). Through the network it is noisier, and not even finite where the
copula model takes square roots of empty cells; docs/how-to/maximise.md has the figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from infonet import Estimator
from torch import Tensor, nn

from infonet_export.differentiable.straight_through import differentiable_ranks
from infonet_export.perceiver.read_out import mutual_information
from infonet_export.torch_ops.operators import joint_histogram


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
    def n_min(self) -> int:
        """The fewest samples that the model reads."""

    def ranks(self, samples: Tensor) -> Tensor:
        """Samples [B, n, 2] -> ranks [B, n, 2] in [0, 1], differentiable by the samples."""

    def read(self, samples: Tensor, ranks: Tensor) -> Reading:
        """Samples and their ranks, both [B, n, 2] -> estimates and tables, without gradients."""

    def bound(self, table: Tensor, ranks: Tensor) -> Tensor:
        """The Donsker-Varadhan bounds [B] (nats) of tables that ``read`` gave, at ranks [B, n, 2].

        It is differentiable by the ranks.
        """


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
        """Samples [B, n, 2] -> mutual information [B] in nats, differentiable by the samples."""
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


def donsker_varadhan(table: Tensor, ranks: Tensor) -> Tensor:
    """E[T] - log E'[exp T] over the samples and over the product of their marginals.

    T is bilinear between cell centres and constant beyond the outer ones. The joint term is the
    mean of T at the samples exactly; the other sums exp T over the cells with the marginals of the
    joint histogram.

    Args:
        table: [B, T, T] in nats, x along axis 1; its cells divide [0, 1] evenly.
        ranks: [B, n, 2] in [0, 1].

    Returns:
        [B] in nats, differentiable by both.
    """
    share = joint_histogram(ranks, table.shape[-1]) / ranks.shape[1]
    joint = (share * table).sum((1, 2))
    product = share.sum(2, keepdim=True) * share.sum(1, keepdim=True)
    top = table.detach().amax((1, 2), keepdim=True)
    return joint - torch.log((product * torch.exp(table - top)).sum((1, 2))) - top[:, 0, 0]


class OnnxModel:
    """A model run by the runtime, one pair at a time: its estimates are infonet's own."""

    def __init__(self, path: Path | None) -> None:
        self._estimator = Estimator(path, device="cpu", threads=1)
        model = self._estimator.model
        first, last = model.table_positions[[0, -1]]
        self._cells = first > 0  # cells of [0, 1], or nodes of [-1, 1]
        if not self._cells and (first, last) != (-1, 1):
            raise ValueError(
                f"{model.path} has a table from {first:g} to {last:g}; only cells of [0, 1] and "
                "nodes of [-1, 1], as the paper's network has them, can be differentiated"
            )
        self.n_min = model.n_min

    def ranks(self, samples: Tensor) -> Tensor:
        """Samples [B, n, 2] -> the ranks that the file reads, with a gradient."""
        model = self._estimator.model
        return differentiable_ranks(samples, model.eps, model.normalize)

    def read(self, samples: Tensor, ranks: Tensor) -> Reading:
        """Samples float32 or float64 [B, n, 2] -> infonet's own estimates and tables."""
        size = self._estimator.model.table_grid
        mi, table = torch.zeros(len(samples)), torch.zeros(len(samples), size, size)
        for index, pair in enumerate(samples.numpy()):
            names = (f"x[{index}]", f"y[{index}]")
            estimate = self._estimator.estimate(pair[:, 0], pair[:, 1], names=names)
            assert estimate.table is not None  # only entries of matrices have none
            mi[index], table[index] = estimate.mi, torch.from_numpy(estimate.table)
        return Reading(mi, table)

    def bound(self, table: Tensor, ranks: Tensor) -> Tensor:
        """The Donsker-Varadhan bounds [B] (nats) of the file's tables at ranks [B, n, 2]."""
        if self._cells:
            return donsker_varadhan(table, ranks)
        return mutual_information(table.transpose(1, 2), ranks)  # it has y along the rows


def open_model(path: str | Path | None = None) -> FrozenModel:
    """The model of an ONNX file or of a checkpoint; None: the ONNX file in the package.

    Raises ValueError for a file that is neither; infonet.ModelError for an ONNX file that is
    missing or damaged.
    """
    if path is None or Path(path).suffix == ".onnx":
        return OnnxModel(None if path is None else Path(path))
    # not at the top: an ONNX file needs none of the networks
    from infonet_export.differentiable.networks import open_network

    return open_network(Path(path))
