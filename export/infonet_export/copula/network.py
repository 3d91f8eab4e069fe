"""The ``copula`` network: a histogram of ranks in, a table and quantiles of mutual information out.

The joint histogram of ranks is an empirical copula density. A small U-Net denoises it into a table
T(u, v) of log p(x, y) / (p(x) p(y)); the Donsker-Varadhan functional of that table is a lower bound
of the mutual information (Donsker & Varadhan 1983; Hu et al., ICML 2024). A coarse table cannot
hold sharp dependence, so a head reads the table's statistics and pooled features and regresses
quantiles of the MI itself. A second head tells dependent from independent samples; its score is the
test statistic behind p-values. Both also read the squared correlations of Legendre polynomials of
the ranks, the components of a smooth test (Neyman 1937): dependence too weak to be seen in a table.

Everything is convolution, ReLU and per-sample reductions: a sample's answer does not depend on the
batch it came in, and compilers (ONNX Runtime, TensorRT) have fast kernels for all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

QUANTILE_LEVELS = (0.05, 0.5, 0.95)
LANES = 16
DEGREES = 5  # of the Legendre polynomials of one variable
TINY = 1e-12  # far below the density of any cell, far above the smallest float32


@dataclass(frozen=True)
class CopulaConfig:
    """Sizes of the network. ``histogram_grid`` is a multiple of 4 x 2**(levels - 1).

    channels: width of each U-Net level; level k works on histogram_grid / 4 / 2**k cells a side.
    hidden: width of the quantile head. n_min, n_max: trained range of the number of samples.
    """

    histogram_grid: int = 128
    channels: tuple[int, ...] = (16, 32, 64)
    hidden: int = 64
    n_min: int = 20
    n_max: int = 100_000

    @property
    def table_grid(self) -> int:
        """Cells a side of the table T."""
        return self.histogram_grid // 2


class CopulaOutput(NamedTuple):
    """table [B, T, T]; quantiles [B, 3] at QUANTILE_LEVELS (nats); dv [B]: the input's DV value;
    score [B]: log odds of dependence in the training mix, larger for more evident dependence."""

    table: Tensor
    quantiles: Tensor
    dv: Tensor
    score: Tensor


class Features(NamedTuple):
    """table [B, 1, T, T]; fine [B, C0, T/2, T/2] and bottom [B, Ck, ...]: the U-Net's last and
    deepest layers."""

    table: Tensor
    fine: Tensor
    bottom: Tensor


class ResidualPair(nn.Module):
    """x [B, C, H, W] -> ReLU(x + two 3 x 3 convolutions of it)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(
            self.second.weight
        )  # a pair starts as the identity: stable without normalisation
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Features [B, C, H, W] -> features of the same shape."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class CopulaNet(nn.Module):
    """histogram float32 [B, G, G] (counts, sum n) -> CopulaOutput."""

    position: Tensor
    polynomials: Tensor

    def __init__(self, config: CopulaConfig = CopulaConfig()) -> None:
        super().__init__()
        self.config = config
        widths = config.channels
        self.fine = nn.Conv2d(2, widths[0], 4, stride=4)
        self.coarse = nn.Conv2d(6, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(ResidualPair(c) for c in widths)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.decoder = nn.ModuleList(ResidualPair(c) for c in widths[:-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.table = nn.ConvTranspose2d(widths[0], 1, 2, stride=2)
        side = config.histogram_grid // 4
        basis = _legendre(side, min(DEGREES, side - 1))
        features = 6 + 2 * widths[0] + widths[-1] + len(basis) ** 2
        self.head = _perceptron(features, config.hidden, 3)
        self.test = _perceptron(features, config.hidden, 1)
        edge = torch.linspace(-1, 1, side).abs()
        # distance of a cell from the centre lines: how close to the tails of x and of y it is
        self.register_buffer(
            "position",
            torch.stack(torch.meshgrid(edge, edge, indexing="ij"))[None],
            persistent=False,
        )
        products = torch.einsum("ix,jy->ijxy", basis, basis).reshape(-1, 1, side, side)
        self.register_buffer("polynomials", products.float() / side**2, persistent=False)

    def forward(self, histogram: Tensor) -> CopulaOutput:
        """Histograms float32 [B, G, G] of counts -> the table, quantiles, bound and score."""
        return self.read_out(histogram, self.body(histogram))

    def body(self, histogram: Tensor) -> Features:
        """The U-Net: everything that may run in a lower precision."""
        relative, _, quarter, n = self._densities(histogram)
        # Past the trained range of n the counts are scaled back: a smoother histogram than trained
        # on rather than an unseen regime.
        counts = n.clamp(max=float(self.config.n_max)) / self.config.histogram_grid**2
        fine = torch.cat([torch.sqrt(relative * counts), torch.log1p(relative)], 1)
        coarse = [torch.log1p(quarter * (16 * counts)), torch.sqrt(quarter), torch.log1p(quarter)]
        coarse += [
            self._log_n(n).expand_as(quarter),
            self.position.expand(histogram.shape[0], -1, -1, -1),
        ]
        dtype = self.fine.weight.dtype
        x = F.relu(self.fine(fine.to(dtype)) + self.coarse(torch.cat(coarse, 1).to(dtype)))

        skips = []
        for level, block in enumerate(self.encoder):
            x = block(x)
            if level < len(self.down):
                skips.append(x)
                x = F.relu(self.down[level](x))
        bottom = x
        for level in reversed(range(len(self.decoder))):
            up = F.interpolate(self.up[level](x), scale_factor=2.0, mode="nearest")
            x = self.decoder[level](F.relu(up + skips[level]))
        return Features(self.table(x), x, bottom)

    def read_out(self, histogram: Tensor, features: Features) -> CopulaOutput:
        """Donsker-Varadhan value, statistics, quantiles and score, always in float32."""
        evidence, dv = self.evidence(histogram, features)
        raw = self.head(evidence)
        width = _per_sample(F.softplus, raw)
        middle = dv + raw[:, 1:2]
        quantiles = torch.cat([middle - width[:, 0:1], middle, middle + width[:, 2:3]], 1)
        table, score = features.table.float()[:, 0], self.test(evidence).flatten()
        return CopulaOutput(table, quantiles.flatten(1), dv.flatten(), score)

    def evidence(self, histogram: Tensor, features: Features) -> tuple[Tensor, Tensor]:
        """What the heads read, [B, F, 1, 1], and the Donsker-Varadhan value [B, 1, 1, 1].

        With densities relative to the uniform one, every expectation is a mean over cells.
        """
        table, x, bottom = (f.float() for f in features)
        _, joint, quarter, n = self._densities(histogram)
        product = _marginal_product(joint)
        mean = _mean(joint * table)
        top = table.amax((2, 3), keepdim=True)
        moments = [
            _mean(product * torch.exp(table - top)),
            _mean(joint * joint / product.clamp(min=TINY)),
        ]
        logs = _per_sample(torch.log, torch.cat(moments, 1).clamp(min=TINY))
        dv = mean - (logs[:, :1] + top)
        # clamps, not sums: exporters drop the addition of a tiny constant
        centred = table - mean
        spread = torch.sqrt(_mean(joint * centred * centred).clamp(min=TINY))
        # plug-in MI of the coarse histogram: optimistic by about cells / 2n, as the head learns
        ratio = quarter.clamp(min=TINY) / _marginal_product(quarter).clamp(min=TINY)
        plug_in = _mean(quarter * torch.log(ratio))
        statistics = [dv, mean, spread, plug_in, logs[:, 1:], self._log_n(n)]
        pooled = [_mean(quarter * x), _mean(x), _mean(bottom)]
        # squared correlations, times n: chi-squared variables if x and y are independent
        n = n.clamp(max=float(self.config.n_max))
        smooth = _per_sample(torch.log1p, n * F.conv2d(quarter, self.polynomials).square())
        return torch.cat([*statistics, *pooled, smooth], 1), dv

    def _densities(self, histogram: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Densities relative to the uniform one (mean 1) on G, G/2 and G/4 cells a side, and n."""
        counts = histogram[:, None]
        average = _mean(counts)
        relative = counts / average
        half = F.avg_pool2d(relative, 2)
        return relative, half, F.avg_pool2d(half, 2), average * self.config.histogram_grid**2

    def normalised(self, histogram: Tensor, out: CopulaOutput) -> Tensor:
        """The table [B, T, T] as log p(x, y) / (p(x) p(y)), which training leaves open by a
        constant: the mean of its exponential over independent cells, by the margins of the
        histogram, becomes 1, and its mean over the samples ``dv``."""
        joint = self._densities(histogram)[1]
        surplus = _mean(joint * out.table[:, None]).flatten() - out.dv
        return out.table - surplus[:, None, None]

    def statistic(self, histogram: Tensor, mi: Tensor, score: Tensor) -> Tensor:
        """A statistic [B] for tests of independence, from three that each see some dependence best:
        the estimate (mi [B], at least 0) curved ones, the rank correlation monotone ones, the score
        [B] those between.

        Each is put on the scale of -log of its p-value, about, and the inverse p-values are added
        (a harmonic mean; Wilson 2019). What that leaves to chance the simulated null settles.
        """
        _, _, quarter, n = self._densities(histogram)
        n = n.clamp(max=float(self.config.n_max))
        correlation = n * F.conv2d(quarter, self.polynomials[:1]).square()  # chi-squared
        # for simulated independence -log p is about 2 sqrt(n mi); rounded off where mi is near 0
        root = _per_sample(torch.sqrt, n * mi[:, None, None, None] + 0.25)
        parts = torch.cat([2 * root - 1, score[:, None, None, None] + 0.5, 0.5 * correlation], 1)
        top = parts.amax(1, keepdim=True)
        inverse = _per_sample(torch.exp, parts - top)
        total = inverse[:, 0:1] + inverse[:, 1:2] + inverse[:, 2:3]
        return (top + _per_sample(torch.log, total)).flatten()

    def log_n(self, histogram: Tensor) -> Tensor:
        """Natural logarithm of n, at most that of n_max: [B, G, G] -> [B, 1, 1, 1]."""
        return self._log_of(self._densities(histogram)[3])

    def _log_of(self, n: Tensor) -> Tensor:
        return _per_sample(torch.log, n.clamp(max=float(self.config.n_max)))

    def _log_n(self, n: Tensor) -> Tensor:
        return self._log_of(n) / 5 - 1.5  # about standard: -0.9 to 0.8


def _perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, hidden, 1),
        nn.ReLU(),
        nn.Conv2d(hidden, hidden, 1),
        nn.ReLU(),
        nn.Conv2d(hidden, outputs, 1),
    )


def _legendre(side: int, degrees: int) -> Tensor:
    """Polynomials of degree 1 to ``degrees``, [degrees, side], orthonormal on equal cells."""
    powers = torch.linspace(-1, 1, side, dtype=torch.float64)[:, None] ** torch.arange(degrees + 1)
    orthonormal = torch.linalg.qr(powers)[0].T[1:] * side**0.5
    return torch.mul(orthonormal, torch.sign(orthonormal[:, -1:]))


def _mean(x: Tensor) -> Tensor:
    """Mean over cells [B, C, S, S] as pooling layers: unlike reductions, they round alike in any
    batch. First over blocks: of thousands of cells in one sum, rounding would show in the MI."""
    block = gcd(x.shape[-1], 8)
    means = F.avg_pool2d(x, block)
    return F.avg_pool2d(means, means.shape[-1])


def _per_sample(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """function of [B, C, 1, 1] on channels padded to whole vector registers: full and partial
    registers round differently, and an answer must not depend on its place in the batch."""
    channels = x.shape[1]
    return function(F.pad(x, (0, 0, 0, 0, 0, -channels % LANES), value=1.0))[:, :channels]


def _marginal_product(density: Tensor) -> Tensor:
    side = density.shape[-1]
    return F.avg_pool2d(density, (1, side)) * F.avg_pool2d(density, (side, 1))
