"""Mutual information of two discrete variables with few levels: counted, not looked up.

The network reads ranks on a grid, which says less of a small table of counts than the counts do.
Where both variables have so few levels that a cell holds samples enough, the plug-in estimate with
the Miller-Madow correction is near the statistical limit, does not depend on an order of the
levels, and has an interval in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PER_CELL = 4  # samples for each cell of the table of levels, on average, from which it is counted
_Z = 1.6448536269514722  # 95 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Counted:
    """Estimate and 90 % interval of one pair, nats."""

    mi: float
    low: float
    high: float


def plug_in(counts: NDArray[np.integer], uncorrected: float = 0.0, apart: float = 0.0) -> Counted:
    """Miller-Madow estimate of a table of counts [k, m].

    The correction is that of Miller (1955): each entropy is too small by (cells used - 1) / 2n. The
    interval is normal: the variance of the mean log ratio, plus that of half a chi-squared variable
    over n, which is all there is for independent variables, plus the squares of the part
    ``uncorrected`` of the largest correction and of ``apart``, nats.
    """
    n = int(counts.sum())
    used = counts > 0
    p = counts[used] / n
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    log_ratio = (np.log(p) - np.log(np.outer(row, column)[used] / n**2)).astype(np.float64)
    mean = float(p @ log_ratio)
    rows, columns = int((row > 0).sum()), int((column > 0).sum())
    mi = mean - (int(used.sum()) - rows - columns + 1) / (2 * n)
    freedom = (rows - 1) * (columns - 1)
    variance = float(p @ (log_ratio - mean) ** 2) / n + freedom / (2 * n**2)
    variance += (uncorrected * freedom / (2 * n)) ** 2 + apart**2
    return interval(mi, variance)


def interval(mi: float, variance: float) -> Counted:
    """A normal 90 % interval about an estimate, both cut at 0."""
    reach = _Z * math.sqrt(variance)
    return Counted(max(0.0, mi), max(0.0, mi - reach), max(0.0, mi + reach))
