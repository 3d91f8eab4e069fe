"""Scores of estimates against the truth, in nats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scores:
    """rmse, bias (mean estimate - truth) and mean |estimate - truth| in nats; count of cases."""

    count: int
    rmse: float
    bias: float
    absolute: float


def score(estimates: Array, truth: Array) -> Scores:
    """Scores; NaN if there is no case or an estimate is missing."""
    error = np.asarray(estimates) - truth
    if not len(error):
        return Scores(0, *(float("nan"),) * 3)
    return Scores(
        len(error),
        float(np.sqrt((error**2).mean())),
        float(error.mean()),
        float(np.abs(error).mean()),
    )


def order_accuracy(estimates: Array, truth: Array, rivals: NDArray[np.int64]) -> float:
    """Share of (case, rival) pairs that the estimates put in the order of the truths; NaN if an
    estimate is missing."""
    if not len(estimates) or not np.isfinite(estimates).all():
        return float("nan")
    right = (estimates > estimates[rivals]) == (truth > truth[rivals])
    return float(right.mean())


def coverage(low: Array, high: Array, truth: Array) -> float:
    """Share of intervals that hold the truth; a bound that touches it within 1e-9 holds it. NaN
    where there are no intervals."""
    if not len(low) or not (np.isfinite(low) & np.isfinite(high)).all():
        return float("nan")
    return float(((low <= truth + 1e-9) & (truth <= high + 1e-9)).mean())
