"""Nearest neighbours in the maximum norm; see `kernels/cpu/nearest.hpp`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import as_count, as_rows, as_threads
from infonet_kernels._choice import call


def neighbour_distances(points: ArrayLike, k: int, threads: int = 1) -> NDArray[np.float64]:
    """Distance of each point from its k-th nearest other point, in the maximum norm.

    Args:
        points: [n, dimensions], converted to float64, finite.
        k: 1 to n - 1.
        threads: upper bound of the threads used; results do not depend on it.

    Returns:
        float64 [n].

    Raises:
        ValueError: values that are not finite, no dimension, or another k.
    """
    rows = as_rows("points", points, np.float64)
    distance = np.empty(len(rows))
    call(
        *("infonet_neighbour_distances", rows, *rows.shape, as_count("k", k, 1)),
        *(as_threads(threads), distance),
    )
    return distance


def neighbour_counts(
    points: ArrayLike, distance: NDArray[np.float64], threads: int = 1
) -> NDArray[np.int64]:
    """How many other points lie nearer than distance[i] to point i, in the maximum norm.

    Args:
        points: [n, dimensions], converted to float64, finite.
        distance: float64 [n], C-contiguous.
        threads: upper bound of the threads used; results do not depend on it.

    Returns:
        int64 [n].

    Raises:
        ValueError: values that are not finite, no dimension, or another number of distances.
    """
    rows = as_rows("points", points, np.float64)
    if distance.shape != (len(rows),):
        raise ValueError(f"distance: got shape {distance.shape}; [{len(rows)}] is needed")
    counts = np.empty(len(rows), np.int64)
    reach = np.ascontiguousarray(distance, np.float64)
    call("infonet_neighbour_counts", rows, *rows.shape, reach, as_threads(threads), counts)
    return counts
