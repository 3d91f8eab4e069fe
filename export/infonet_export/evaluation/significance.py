"""Tests of independence: how often they reject where they should, and where they should not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from infonet import Estimator
from numpy.typing import NDArray
from scipy.stats import binom

from infonet_export.evaluation.baselines import Samples, ksg
from infonet_export.evaluation.cases import independent_cases
from infonet_export.evaluation.measure import Progress
from infonet_export.samplers.alternatives import ALTERNATIVES, Alternative, independent

LEVELS = (0.05, 0.001)
Statistic = Callable[[Samples], float]


def distance_correlation(samples: Samples) -> float:
    """Szekely, Rizzo & Bakirov (Annals of Statistics 35, 2007), in O(n^2) memory; 0 to 1."""
    centred = [_centred_distances(column) for column in samples.T.astype(np.float64)]
    covariance = float((centred[0] * centred[1]).mean())
    variances = [float((part**2).mean()) for part in centred]
    product = np.sqrt(variances[0] * variances[1])
    return float(np.sqrt(max(covariance, 0.0) / product)) if product > 0 else 0.0


def _centred_distances(column: NDArray[np.float64]) -> NDArray[np.float64]:
    distance = np.abs(column[:, None] - column)
    rows = distance.mean(0)
    return np.asarray(distance - rows - rows[:, None] + rows.mean())


def p_values(
    estimator: Estimator, data_sets: Iterable[Samples], progress: Progress | None = None
) -> NDArray[np.float64]:
    """Estimate.p_value of each; ValueError if the model gives none."""
    found = []
    for samples in data_sets:
        estimate = estimator.estimate(samples[:, 0], samples[:, 1])
        if estimate.p_value is None:
            raise ValueError("; ".join(estimate.notes) or "the model gives no p-value")
        found.append(estimate.p_value)
        if progress is not None:
            progress.add(1)
    return np.array(found)


@dataclass(frozen=True)
class Rejections:
    """Share of ``count`` independent data sets of ``n`` samples with p <= level, and the interval
    that would hold it with a probability of 99 % if the p-values were exact."""

    n: int
    level: float
    count: int
    share: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the share lies in the interval, as it should."""
        return self.low <= self.share <= self.high


def rejections(
    estimator: Estimator, n: int, count: int, seed: int, progress: Progress | None = None
) -> list[Rejections]:
    """At every one of LEVELS, for independent continuous data."""
    drawn = (case.samples for case in independent_cases(count, n, seed))
    p = p_values(estimator, drawn, progress)
    found = []
    for level in LEVELS:
        low, high = binom.interval(0.99, count, level)
        share = float((p <= level).mean())
        found.append(Rejections(n, level, count, share, low / count, high / count))
    return found


@dataclass(frozen=True)
class Power:
    """Share of data sets of one alternative that each test finds at the level 0.05."""

    alternative: str
    ours: float
    others: dict[str, float]


OTHERS: dict[str, Statistic] = {"KSG": ksg, "distance correlation": distance_correlation}


def power(
    estimator: Estimator,
    n: int,
    count: int,
    seed: int,
    *,
    null_draws: int = 2000,
    others: dict[str, Statistic] = OTHERS,
    progress: Progress | None = None,
) -> list[Power]:
    """Every alternative of ALTERNATIVES, at the level 0.05.

    Ours uses its own p-value. The critical values of the others come from ``null_draws`` data sets
    whose two columns have the same laws and are independent, which is what permutations imitate.
    """
    return [
        _power_of(estimator, name, number, n, count, seed, null_draws, others, progress)
        for number, name in enumerate(ALTERNATIVES)
    ]


def _power_of(
    estimator: Estimator,
    name: str,
    number: int,
    n: int,
    count: int,
    seed: int,
    null_draws: int,
    others: dict[str, Statistic],
    progress: Progress | None,
) -> Power:
    alternative: Alternative = ALTERNATIVES[name]
    dependent = [alternative(np.random.default_rng([seed, number, 0, i]), n) for i in range(count)]
    null = [
        independent(alternative, np.random.default_rng([seed, number, 1, i]), n)
        for i in range(null_draws if others else 0)
    ]
    ours = float((p_values(estimator, dependent, progress) <= 0.05).mean())
    shares = {}
    for label, statistic in others.items():
        reference = np.sort([statistic(samples) for samples in null])
        found = np.array([statistic(samples) for samples in dependent])
        beyond = len(null) - np.searchsorted(reference, found, side="left")
        shares[label] = float(((1 + beyond) / (1 + len(null)) <= 0.05).mean())
    return Power(name, ours, shares)
