"""An order of variables in which those that depend on each other stand together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def cluster_order(similarity: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Order the variables of a symmetric matrix of similarities by average linkage.

    Clusters of the largest mean similarity are merged first (UPGMA: Sokal & Michener 1958), and
    of the four ways to join two ordered clusters that is taken whose touching ends are most
    similar. O(d^3) in numpy: a second for 500 variables.

    Args:
        similarity: [d, d], symmetric; NaN counts as no similarity, the diagonal is not read.

    Returns:
        A permutation of 0..d-1.
    """
    given = np.nan_to_num(np.asarray(similarity, np.float64), nan=0.0)
    d = len(given)
    if d < 3:
        return np.arange(d)
    means = given.copy()
    np.fill_diagonal(means, -np.inf)
    members: list[list[int]] = [[i] for i in range(d)]
    sizes = np.ones(d)
    for _ in range(d - 1):
        a, b = sorted(int(k) for k in np.unravel_index(np.argmax(means), means.shape))
        members[a] = _joined(members[a], members[b], given)
        merged = (sizes[a] * means[a] + sizes[b] * means[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        means[a], means[:, a] = merged, merged
        means[a, a] = -np.inf
        means[b], means[:, b] = -np.inf, -np.inf
        members[b] = []
    return np.array(max(members, key=len), np.int64)


def _joined(left: list[int], right: list[int], given: NDArray[np.float64]) -> list[int]:
    ways = [(p, q) for p in (left, left[::-1]) for q in (right, right[::-1])]
    p, q = max(ways, key=lambda way: given[way[0][-1], way[1][0]])
    return p + q
