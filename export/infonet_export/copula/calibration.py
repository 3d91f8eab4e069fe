"""Conformal calibration of the intervals (Romano, Patterson & Candes, NeurIPS 2019), by n.

Quantile regression holds its level on the families it was trained on; on others it is too sure of
itself, and by how much depends on n. So each end of the interval is stretched about the median by
a quantile of how far the truth lies beyond it, over families that training never drew
(samplers/held_out.py, CALIBRATION), for each n of SIZES, and interpolated in log n. Data to come
are of yet another family, so the quantile is the one that holds its level for a family left out
(Dunn, Wasserman & Ramdas 2023 have the theory). The families that judge, TEST, are others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from infonet_export.copula.network import CopulaNet
from infonet_export.copula.pool import histogram
from infonet_export.samplers.distribution import Distribution
from infonet_export.samplers.held_out import CALIBRATION

TAIL = 0.05
LEVELS = np.linspace(1 - TAIL, 0.999, 50)
SIZES = (30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)
LIMITS = (0.5, 4.0)  # factors outside would say that the network, not its intervals, needs work


@dataclass(frozen=True)
class IntervalFactors:
    """Factors of the widths below and above the median at increasing n."""

    n: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @staticmethod
    def identity() -> IntervalFactors:
        """The factors that leave every interval as it is."""
        return IntervalFactors((1,), (1.0,), (1.0,))

    @staticmethod
    def from_dict(values: dict[str, Any]) -> IntervalFactors:
        """The factors that `to_dict` wrote into a checkpoint."""
        return IntervalFactors(*(tuple(values[key]) for key in ("n", "low", "high")))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and tuples of numbers, for a checkpoint."""
        return asdict(self)


def calibrate(
    net: CopulaNet, sizes: Sequence[int] = SIZES, count: int = 150, seed: int = 7
) -> IntervalFactors:
    """Fit the factors on ``count`` distributions of each calibration family, at every n of
    ``sizes``."""
    low, high = [], []
    for n in sizes:
        rng = np.random.default_rng([seed, n])
        families = [
            _excesses(net, [family(rng) for _ in range(count)], rng, n)
            for family in CALIBRATION.values()
        ]
        low.append(_clip(factor_for_new_family([below for below, _ in families])))
        high.append(_clip(factor_for_new_family([above for _, above in families])))
    return IntervalFactors(tuple(sizes), tuple(low), tuple(high))


def factor_for_new_family(excesses: Sequence[NDArray[np.float64]]) -> float:
    """The quantile of all excesses, an array for each family, at the smallest level from 1 - TAIL
    on at which the same quantile of the other families covers 1 - TAIL of each, on average."""
    everything = np.concatenate(excesses)
    if len(excesses) == 1:
        return float(np.quantile(everything, 1 - TAIL))
    others = [
        np.concatenate([other for other in excesses if other is not left_out])
        for left_out in excesses
    ]
    for level in LEVELS:
        bounds = [np.quantile(other, level) for other in others]
        covered = np.mean([np.mean(own <= b) for own, b in zip(excesses, bounds, strict=True)])
        if covered >= 1 - TAIL:
            break
    return float(np.quantile(everything, level))


def _excesses(
    net: CopulaNet, drawn: list[Distribution], rng: np.random.Generator, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the truths lie below and above the medians, in widths of the raw intervals (negative:
    on the other side)."""
    quantiles = []
    for distribution in drawn:
        counts = histogram(distribution.sample(rng, n), net.config.histogram_grid)
        with torch.no_grad():
            quantiles.append(net(torch.from_numpy(counts[None])).quantiles[0].double().numpy())
    bottom, middle, top = np.array(quantiles).T
    error = np.array([d.mi for d in drawn]) - middle
    # a truth of 0 is never below an interval that is clipped at 0
    below = np.where(error + middle > 0, -error, -np.inf) / np.maximum(middle - bottom, 1e-9)
    return below, error / np.maximum(top - middle, 1e-9)


def _clip(factor: float) -> float:
    return round(float(np.clip(factor, *LIMITS)), 4)
