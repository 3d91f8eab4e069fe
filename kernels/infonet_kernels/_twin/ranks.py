"""Average ranks in NumPy; see `kernels/cpu/average_rank.cpp`."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._library import Rows

MIDRANK, OVER_N, MINMAX = range(3)  # InfonetNormalize
NO_TIES, TIES, CONSTANT = range(3)  # InfonetTies
_LONGEST = 2**31 - 1
_MOST_COUNTED = 2**21  # ranks that float32 tells apart


def rank_columns(
    columns: Rows,
    _count: int,
    n: int,
    normalize: int,
    _threads: int,
    ranks: NDArray[np.float32],
    ties: NDArray[np.uint8],
    entropy: NDArray[np.float64],
) -> None:
    """See infonet_rank_columns."""
    check_length(n)
    for row, values in enumerate(columns.arrays):
        ties[row], entropy[row] = average_rank(values, normalize, f"row {row}", ranks[row])


def ranks_within(
    rows: Rows,
    _count: int,
    n: int,
    inside: NDArray[np.int64],
    m: int,
    ranks: NDArray[np.float32],
) -> None:
    """See infonet_ranks_within."""
    check_length(n)
    if n > _MOST_COUNTED:
        raise ValueError(f"rows: got rows of {n} ranks; at most {_MOST_COUNTED}: rank longer ones")
    for sample in inside[(inside < 0) | (inside >= n)][:1]:
        raise ValueError(f"inside: got sample {sample}; there are {n}, counted from 0")
    for row, values in enumerate(rows.arrays):
        place = values[inside].astype(np.float64) * (2.0 * n)
        nearest = np.floor(place + 0.5)
        right = (place >= 0.5) & (place < 2 * n - 0.5) & (np.abs(place - nearest) <= 0.25)
        for bad in np.flatnonzero(~right)[:1]:
            raise ValueError(
                f"rows: {values[inside[bad]]:f} at row {row}, index {inside[bad]} is no mid-rank "
                f"of {n} samples: rank the row first"
            )
        if m:
            average_rank(nearest, MIDRANK, f"row {row}", ranks[row])


def average_rank(
    values: NDArray[Any], normalize: int, where: str, ranks: NDArray[Any]
) -> tuple[int, float]:
    """Rank one row into `ranks`; what is tied in it, and the entropy of its values.

    Raises:
        ValueError: NaN.
    """
    n = values.size
    if n == 0:
        return NO_TIES, math.inf
    if values.dtype.kind == "f":
        refuse(np.isnan(values), where, "NaN", "NaN has no rank: remove or replace it first")
    order = np.argsort(values)
    ordered = values[order]
    begin = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    end = np.append(begin[1:], n)
    counts = end - begin
    shift, scale = _scale(normalize, n, counts)
    levels = ((begin + end).astype(np.float64) + shift) / scale
    ranks[order] = np.repeat(levels.astype(ranks.dtype), counts)
    if begin.size == 1:
        return CONSTANT, 0.0
    if begin.size == n:
        return NO_TIES, math.inf
    return TIES, math.log(n) - _logs(counts) / n + (begin.size - 1) / (2 * n)


def _scale(normalize: int, n: int, counts: NDArray[np.int64]) -> tuple[float, float]:
    """What is added to the sum of a run's borders, and what that is divided by."""
    if normalize == MINMAX and counts.size > 1:
        lowest, highest = float(counts[0]), float(counts[-1])
        return -lowest, 2.0 * n - lowest - highest
    return (1.0 if normalize == OVER_N else 0.0), 2.0 * n


def _logs(counts: NDArray[np.int64]) -> float:
    """The sum of count log(count), one after the other."""
    # by the logarithm of the C library, which the kernels use: that of NumPy rounds differently
    distinct, which = np.unique(counts, return_inverse=True)
    terms = np.array([count * math.log(count) for count in distinct.tolist()])
    return running_sum(terms[which])


def running_sum(values: NDArray[np.float64]) -> float:
    """The sum, one term after the other: `numpy.sum` adds in another order."""
    return float(np.add.accumulate(values)[-1]) if values.size else 0.0


def check_length(n: int) -> None:
    """Refuse rows that are too long."""
    if n > _LONGEST:
        raise ValueError(f"values: got rows of {n} values; allowed are 0 to {_LONGEST}")


def refuse(bad: NDArray[np.bool_], where: str, got: str, fix: str) -> None:
    """Name the first of the bad values, if there are any."""
    if bad.any():
        raise ValueError(f"values: {got} at {where}, index {int(np.argmax(bad))}; {fix}")
