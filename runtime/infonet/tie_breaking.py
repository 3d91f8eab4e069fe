"""Break ties at random: what discrete variables need for honest p-values and comparable scores.

Let x' be x with equal values put in random order. x is a function of x', and given x the order
says nothing about y, so I(x'; y) = I(x; y): breaking ties changes no mutual information. But x' has
no ties, so the null distribution of continuous data, which depends on n alone, holds for it; and
the estimate for independent data is as small as for continuous data, where with average ranks it
grows with the ties. This is the distributional transform of Rueschendorf (2009).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def break_ties(values: NDArray[Any], shuffle: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks 0 to n - 1 of `values`, equal values in the order of `shuffle`.

    Args:
        values: [n], real numbers without NaN.
        shuffle: a random permutation of 0 to n - 1, independent of all data.
    """
    ranks = np.empty(values.size, np.int64)
    ranks[shuffle[np.argsort(values[shuffle], kind="stable")]] = np.arange(values.size)
    return ranks


def tie_orders(n: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two random permutations of 0 to n - 1: for ties of the first variable and of the second."""
    first, second = (np.random.default_rng([seed, place]).permutation(n) for place in (0, 1))
    return first, second


def order_classes(
    codes: NDArray[np.int64], other: NDArray[Any], shuffle: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ranks of a variable whose values are classes without an order of their own.

    Mutual information is the same for every order of the classes. By the mean of the other
    variable within each class, the joint distribution is as smooth as it can be, and the estimate
    best. That order is read off the data, so p-values must not use it.

    Args:
        codes: class of each sample, 0 to k - 1, int64 [n].
        other: the other variable, or its ranks, [n].
        shuffle: a random permutation of 0 to n - 1, independent of all data.
    """
    sums = np.bincount(codes, weights=other)
    means = sums / np.maximum(np.bincount(codes), 1)
    position = np.empty(means.size, np.int64)
    position[np.argsort(means, kind="stable")] = np.arange(means.size)
    kind = np.uint16 if means.size <= 65536 else np.int64  # NumPy sorts 16 bits in linear time
    return break_ties(position.astype(kind)[codes], shuffle)
