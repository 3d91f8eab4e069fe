"""What a trained network says of a histogram, averaged over the histogram's eight images.

Mutual information is the same for all eight, the network's errors are not: their mean has 1 to 5 %
less error, at eight times the cost. Estimates use one image (copula/orientation.py). So a network
that is trained further reads that image alone and learns the mean beside the truth, whose noise is
many times as large (Hinton, Vinyals & Dean 2015 call it distillation).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from infonet_export.copula.checkpoint import load_model
from infonet_export.copula.losses import apply_symmetry
from infonet_export.copula.network import CopulaNet
from infonet_export.copula.orientation import SYMMETRIES, orientation_of
from infonet_export.onnx.trace import trace

Floats = NDArray[np.float32]
_BATCH = 16  # histograms whose images are read at once


class _Quantiles(nn.Module):
    """histogram float32 [B, G, G] -> the network's raw quantiles [B, 3], nothing oriented."""

    def __init__(self, net: CopulaNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, histogram: Tensor) -> Tensor:
        quantiles: Tensor = self.net(histogram).quantiles
        return quantiles


class Teacher:
    """The network of a checkpoint, run by ONNX Runtime on one thread."""

    def __init__(self, net: CopulaNet) -> None:
        grid = net.config.histogram_grid
        graph = trace(
            _Quantiles(net), torch.rand(3, grid, grid), {0: "batch"}, "histogram", ("quantiles",)
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._orientation = orientation_of(net.config)

    def oriented(self, reading: Floats, scoring: Floats) -> tuple[Floats, Floats]:
        """Histograms [P, G, G] turned to the image that estimates use, [P, T, T] turned with it."""
        counts = torch.from_numpy(reading)
        symmetry = self._orientation.choose(counts)
        turned = [
            apply_symmetry(torch.from_numpy(scoring[i : i + 1]), int(s))
            for i, s in enumerate(symmetry)
        ]
        return self._orientation.turn(counts, symmetry).numpy(), torch.cat(turned).numpy()

    def quantiles(self, histograms: Floats) -> Floats:
        """Histograms [P, G, G] -> quantiles [P, 3] in nats, the means over the eight images."""
        answers = []
        for batch in torch.from_numpy(histograms).split(_BATCH):  # type: ignore[no-untyped-call]
            images = torch.cat([apply_symmetry(batch, s) for s in range(SYMMETRIES)])
            (said,) = self._session.run(None, {"histogram": images.contiguous().numpy()})
            answers.append(said.reshape(SYMMETRIES, len(batch), -1).mean(0))
        return np.concatenate(answers)


@lru_cache(maxsize=1)
def open_teacher(path: str) -> Teacher:
    """The teacher in the checkpoint at ``path``. Raises ValueError for a file that is not one."""
    return Teacher(load_model(Path(path)).net)
