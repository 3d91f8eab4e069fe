"""A model that the runtime reads, and how models are opened."""

from __future__ import annotations

from pathlib import Path

import torch
from infonet import Estimator
from torch import Tensor

from infonet_export.differentiable.bound import donsker_varadhan
from infonet_export.differentiable.frozen import FrozenModel, Reading
from infonet_export.differentiable.straight_through import differentiable_ranks
from infonet_export.models.perceiver.read_out import mutual_information


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
        model = self._estimator.model
        return differentiable_ranks(samples, model.eps, model.normalize)

    def read(self, samples: Tensor, ranks: Tensor) -> Reading:
        size = self._estimator.model.table_grid
        mi, table = torch.zeros(len(samples)), torch.zeros(len(samples), size, size)
        for index, pair in enumerate(samples.numpy()):
            names = (f"x[{index}]", f"y[{index}]")
            estimate = self._estimator.estimate(pair[:, 0], pair[:, 1], names=names)
            assert estimate.table is not None  # only entries of matrices have none
            mi[index], table[index] = estimate.mi, torch.from_numpy(estimate.table)
        return Reading(mi, table)

    def bound(self, table: Tensor, ranks: Tensor) -> Tensor:
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
    from infonet_export.differentiable.networks import open_checkpoint

    return open_checkpoint(Path(path))
