"""Nearest neighbours in NumPy, each point compared with all; see `kernels/cpu/nearest.cpp`."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.ranks import check_length

Points = NDArray[np.float64]
_MOST_DISTANCES = 1 << 20  # at a time


def neighbour_distances(
    points: Points, n: int, dimensions: int, k: int, _threads: int, distance: Points
) -> None:
    """See infonet_neighbour_distances."""
    _check(points, n, dimensions)
    if not 1 <= k < n:
        raise ValueError(f"k: got {k}; allowed are 1 to {n - 1}")
    for begin, found in _distances(points):
        own = np.arange(len(found))
        found[own, begin + own] = np.inf  # a point is no neighbour of itself
        distance[begin : begin + len(found)] = np.partition(found, k - 1, axis=1)[:, k - 1]


def neighbour_counts(
    points: Points,
    n: int,
    dimensions: int,
    distance: Points,
    _threads: int,
    counts: NDArray[np.int64],
) -> None:
    """See infonet_neighbour_counts."""
    _check(points, n, dimensions)
    for begin, found in _distances(points):
        reach = distance[begin : begin + len(found)]
        nearer = np.count_nonzero(found < reach[:, None], axis=1)
        counts[begin : begin + len(found)] = nearer - (reach > 0)  # the point itself is nearer


def _distances(points: Points) -> Iterator[tuple[int, Points]]:
    """The distances of some points from all, and the first of those points."""
    step = max(1, _MOST_DISTANCES // max(1, len(points)))
    columns = np.ascontiguousarray(points.T)
    for begin in range(0, len(points), step):
        found = np.zeros((min(step, len(points) - begin), len(points)))
        # the difference of two values that are finite may not be
        with np.errstate(over="ignore"):
            for column in columns:
                gap = np.abs(column[begin : begin + step, None] - column)
                np.maximum(found, gap, out=found)
        yield begin, found


def _check(points: Points, n: int, dimensions: int) -> None:
    if dimensions < 1:
        raise ValueError(f"dimensions: got {dimensions}; at least 1")
    check_length(n)
    finite = np.isfinite(points)
    if not finite.all():
        row, column = divmod(int(np.argmin(finite)), dimensions)
        raise ValueError(f"points: got a value that is not finite at row {row}, column {column}")
