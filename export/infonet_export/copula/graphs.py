"""The modules that are traced: the whole estimator, and its core from the histogram on."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import infonet_export.torch_ops.registered  # noqa: F401  registers torch.ops.infonet
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.network import CopulaNet
from infonet_export.copula.orientation import Orientation
from infonet_export.onnx.precision import BODY, SMALLEST

EPS = 0.0
NORMALIZE = "midrank"


class Core(nn.Module):
    """histogram float32 [B, G, G] -> mi [B], quantiles [B, 3], table [B, T, T] in nats, and score
    [B]: what tests of independence compare, the network's own or combined (`CopulaNet.statistic`).

    MI is never negative, so the quantiles are clipped at 0 here; ``mi`` is the median. The factors
    stretch the interval about it (copula/calibration.py). The table has the constant of pointwise
    mutual information (`CopulaNet.normalised`); the runtime balances its margins, too. Histograms
    are oriented first, so that swapping the variables or reversing one changes nothing but the
    table's axes.
    """

    def __init__(
        self, net: CopulaNet, factors: IntervalFactors | None = None, combined: bool = True
    ) -> None:
        super().__init__()
        self.net = net
        self.combined = combined
        self.grid = net.config.histogram_grid
        self.stretch = _Interpolation(factors or IntervalFactors.identity())
        # Not coarser: where all samples lie within a cell of the diagonal, uniform margins make the
        # coarse histogram symmetric, and rounding would choose between two images that are not.
        self.orientation = Orientation(self.grid, net.config.table_grid, self.grid // 2)

    def forward(self, histogram: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Histograms float32 [B, G, G] -> MI [B], quantiles [B, 3], table [B, T, T], score [B]."""
        symmetry = self.orientation.choose(histogram)
        histogram = self.orientation.turn(histogram, symmetry)
        out = self.net(histogram)
        middle = out.quantiles[:, 1:2]
        width = (out.quantiles - middle) * self.stretch(self.net.log_n(histogram))
        quantiles = (middle + width).clamp(min=0.0)
        table = self.orientation.undo(self.net.normalised(histogram, out), symmetry)
        score = out.score
        if self.combined:
            score = self.net.statistic(histogram, quantiles[:, 1], score)
        return quantiles[:, 1], quantiles, table, score


class _Interpolation(nn.Module):
    """log n [B, 1, 1, 1] -> factors [B, 3]: linear between knots, by two convolutions."""

    knots: Tensor
    bends: Tensor
    start: Tensor

    def __init__(self, factors: IntervalFactors) -> None:
        super().__init__()
        knots = torch.tensor(factors.n, dtype=torch.float64).log()
        values = torch.tensor([factors.low, (1.0,) * len(knots), factors.high], dtype=torch.float64)
        slopes = torch.diff(values) / torch.diff(knots)
        end = torch.zeros(3, 1, dtype=torch.float64)
        bends = torch.diff(slopes, prepend=end, append=end)  # constant before and after the knots
        self.register_buffer("knots", -knots.float())
        self.register_buffer("bends", bends.float()[:, :, None, None])
        self.register_buffer("start", values[:, 0].float())

    def forward(self, log_n: Tensor) -> Tensor:
        ones = torch.ones_like(self.knots)[:, None, None, None]
        hinges = F.relu(F.conv2d(log_n, ones, self.knots))
        return F.conv2d(hinges, self.bends, self.start).flatten(1)


class FromSamples(nn.Module):
    """samples float32 [B, n, 2] -> the outputs of Core."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Samples float32 [B, n, 2] -> MI [B], quantiles [B, 3], table [B, T, T], score [B]."""
        ranks = torch.ops.infonet.soft_rank(samples, EPS, NORMALIZE)
        result: tuple[Tensor, Tensor, Tensor, Tensor] = self.core(
            torch.ops.infonet.joint_histogram(ranks, self.core.grid)
        )
        return result


def round_weights(net: CopulaNet) -> CopulaNet:
    """A copy whose large weights are representable in float16, as the file stores them.

    Raises ValueError if one overflows.
    """
    rounded = deepcopy(net)
    with torch.no_grad():
        for name, weight in rounded.named_parameters():
            if weight.numel() >= SMALLEST:
                weight.copy_(weight.half().float())
                if not torch.isfinite(weight).all():
                    raise ValueError(
                        f"{name} exceeds 65504, the largest float16: train with weight decay"
                    )
    return rounded


def half_body(net: CopulaNet) -> CopulaNet:
    """A copy that convolves in float16; everything before and after stays in float32.

    Networks are strongly typed for TensorRT, so a precision is decided here, by casts in the graph.
    Densities, their logarithms, the Donsker-Varadhan functional, statistics and heads are float32.
    Raises ValueError if a weight or bias overflows.
    """
    copy = deepcopy(net)
    for part in BODY:
        copy.get_submodule(part).half()
    for name, weight in copy.named_parameters():
        if not torch.isfinite(weight).all():
            raise ValueError(
                f"{name} exceeds 65504, the largest float16: export with precision fp32"
            )
    return copy
