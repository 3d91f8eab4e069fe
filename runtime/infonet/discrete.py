"""Mutual information of two discrete variables with few levels: counted, not looked up.

The network reads ranks on a grid, which says less of a small table of counts than the counts do.
Where both variables have so few levels that a cell holds samples enough, the plug-in estimate with
the Miller-Madow correction is near the statistical limit, does not depend on an order of the
levels, and has an interval in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def count_pairs(
    rows: Sequence[NDArray[np.float32]] | NDArray[np.float32],
    entropy: NDArray[np.float64],
    pairs: NDArray[np.int64],
) -> dict[int, Counted]:
    """Estimates of those of `pairs` [p, 2] that have few levels, by position.

    Args:
        rows: ranks [n] of each column.
        entropy: of each column in nats, infinite without ties.
        pairs: first and second column of each pair.
    """
    # exp(entropy) is at most the number of levels: most pairs need no closer look
    both = entropy[pairs].sum(axis=1)
    if not np.isfinite(both).any():
        return {}
    n = len(rows[0])
    codes: dict[int, tuple[NDArray[np.intp], int]] = {}
    found = {}
    for k in np.flatnonzero(both <= math.log(n / PER_CELL)):
        for column in map(int, pairs[k]):
            if column not in codes:
                levels, code = np.unique(rows[column], return_inverse=True)
                codes[column] = code.reshape(-1), len(levels)
        (x, width), (y, height) = (codes[int(column)] for column in pairs[k])
        if width * height * PER_CELL <= n:
            counts = np.bincount(x * height + y, minlength=width * height)
            found[int(k)] = plug_in(counts.reshape(width, height))
    return found


def plug_in(counts: NDArray[np.integer]) -> Counted:
    """Miller-Madow estimate of a table of counts [k, m].

    The correction is that of Miller (1955): each entropy is too small by (cells used - 1) / 2n. The
    interval is normal: the variance of the mean log ratio, plus that of half a chi-squared variable
    over n, which is all there is for independent variables.
    """
    n = int(counts.sum())
    used = counts > 0
    p = counts[used] / n
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    log_ratio = (np.log(p) - np.log(np.outer(row, column)[used] / n**2)).astype(np.float64)
    mean = float(p @ log_ratio)
    rows, columns = int((row > 0).sum()), int((column > 0).sum())
    mi = mean - (int(used.sum()) - rows - columns + 1) / (2 * n)
    variance = float(p @ (log_ratio - mean) ** 2) / n + (rows - 1) * (columns - 1) / (2 * n**2)
    reach = _Z * math.sqrt(variance)
    bounds = (max(0.0, mi), max(0.0, mi - reach), max(0.0, mi + reach))
    return Counted(*bounds)
