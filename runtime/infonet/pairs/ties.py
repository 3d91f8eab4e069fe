"""Break ties at random: what tied variables need for estimates and p-values as of continuous ones.

Let x' be x with equal values put in random order. x is a function of x', and given x the order
says nothing about y, so I(x'; y) = I(x; y): breaking ties changes no mutual information. But x' has
no ties, so the null distribution of continuous data, which depends on n alone, holds for it; and
the estimate for independent data is as small as for continuous data, where with average ranks it
grows with the ties. This is the distributional transform of Rueschendorf (2009).

The order is a function of the seed and of the ranks of the column alone. So it is another one for
every column, which is what makes p-values of different pairs independent, and it is the same by
every route: alone, in a batch, in a matrix and in any of its tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Seed = Sequence[int]


def fingerprint(ranks: NDArray[np.float32]) -> int:
    """A whole number of 64 bits for the ranks of a column, float32 [n]."""
    data = np.ascontiguousarray(ranks, np.float32)
    return int.from_bytes(hashlib.blake2b(data.data, digest_size=8).digest(), "little")


def break_ties(values: NDArray[Any], shuffle: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks 0 to n - 1 of `values`, equal values in the order of `shuffle`.

    Args:
        values: [n], real numbers without NaN.
        shuffle: a random permutation of 0 to n - 1, independent of all data.
    """
    ranks = np.empty(values.size, np.int64)
    ranks[shuffle[np.argsort(values[shuffle], kind="stable")]] = np.arange(values.size)
    return ranks


def in_random_order(ranks: NDArray[np.float32], key: Seed) -> NDArray[np.float32]:
    """Mid-ranks of a tied column after its ties were broken at random, float32 [n].

    Args:
        ranks: mid-ranks in (0, 1), float32 [n].
        key: whole numbers from 0, the seed of the order.
    """
    n = ranks.size
    order = np.random.default_rng(list(key)).permutation(n)
    # Twice the rank is a whole number, and NumPy sorts 16 bits in linear time.
    twice = np.rint(ranks.astype(np.float64) * (2 * n)).astype(np.int64)
    small = twice.astype(np.uint16) if 2 * n <= np.iinfo(np.uint16).max else twice
    # The same bytes as the kernel's mid-ranks: divided in double precision, rounded once.
    return ((break_ties(small, order) + 0.5) / n).astype(np.float32)
