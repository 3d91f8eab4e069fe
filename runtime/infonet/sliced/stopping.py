"""How many projections are enough."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_BATCH = 64


def standard_error(values: NDArray[np.float64]) -> float:
    """Standard error of the mean of `values`; NaN of a single one."""
    if values.size == 1:
        return math.nan
    return float(values.std(ddof=1)) / math.sqrt(values.size)


def projections_wanted(values: NDArray[np.float64], tolerance: float | None, most: int) -> int:
    """How many projections to have at the next look at their standard error.

    As many as the error so far predicts, in whole batches, but at least an eighth more than there
    are and at most twice as many. So looks are few, and the mean at the first one that satisfies
    the tolerance has little bias: what stops early is a sample of small variance, whose mean tends
    to be small too where values are skewed.

    Args:
        values: float64 [k], the projections so far, k >= 2.
        tolerance: largest standard error of the mean that is accepted, nats; None for any.
        most: largest number of projections.

    Returns:
        k if the tolerance is met or k is `most`, else more.
    """
    count = values.size
    error = standard_error(values)
    if tolerance is None or count >= most or error <= tolerance:
        return count
    predicted = min(2 * count, math.ceil(count * min(error / tolerance, 2.0) ** 2))
    wanted = max(predicted, count + count // 8, count + _BATCH)
    return min(-(-wanted // _BATCH) * _BATCH, most)
