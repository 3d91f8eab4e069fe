"""The modules that are traced: the whole estimator, and its core from the histogram on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import infonet_export.custom_ops  # noqa: F401  registers torch.ops.infonet
from infonet_export.models.copula import CopulaNet

EPS = 0.0
NORMALIZE = "midrank"


class Core(nn.Module):
    """histogram float32 [B, G, G] -> mi [B], quantiles [B, 3], table [B, T, T], all in nats.

    MI is never negative, so the quantiles are clipped at 0 here; ``mi`` is the median.
    interval_factor stretches the interval about the median (training/calibration.py).
    """

    def __init__(self, net: CopulaNet, interval_factor: float = 1.0) -> None:
        super().__init__()
        self.net = net
        self.grid = net.config.histogram_grid
        self.register_buffer("stretch", torch.tensor([interval_factor, 1.0, interval_factor]))

    def forward(self, histogram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        out = self.net(histogram)
        middle = out.quantiles[:, 1:2]
        quantiles = (middle + (out.quantiles - middle) * self.stretch).clamp(min=0.0)
        return quantiles[:, 1], quantiles, out.table


class FromSamples(nn.Module):
    """samples float32 [B, n, 2] -> the outputs of Core."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ranks = torch.ops.infonet.soft_rank(samples, EPS, NORMALIZE)
        result: tuple[Tensor, Tensor, Tensor] = self.core(
            torch.ops.infonet.joint_histogram(ranks, self.core.grid)
        )
        return result
