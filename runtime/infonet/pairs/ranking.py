"""Columns of samples, ranked or scaled for the network.

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
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.model.load import Model

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


# Nats of entropy lost to ties up to which a column counts as continuous: one value in fifty may
# equal another. float32 data of some thousand samples have a tie or two by chance, and those do not
# change the null distribution.
_FEW_TIES = 0.02


@dataclass(frozen=True)
class RankedColumns:
    """Columns ready for the network.

    Attributes:
        rows: float32 [columns, n]: ranks, or scaled values where the kernel is not a plain rank.
        tied: bool [columns]: more than a few values of the column are equal (see `_FEW_TIES`).
        constant: bool [columns]: all values of the column are equal.
        entropy: float64 [columns]: entropy in nats of the values of a tied column, infinite for
            one without ties. Mutual information cannot be larger.
        nominal: bool [columns]: the values are codes of categories whose order means nothing.
    """

    rows: NDArray[np.float32]
    tied: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    entropy: NDArray[np.float64]
    nominal: NDArray[np.bool_]

    def with_nominal(self, nominal: NDArray[np.bool_]) -> RankedColumns:
        """The same, with what is known of the order of each column's values."""
        return replace(self, nominal=nominal)

    def repeated(self, times: Sequence[int], rows: NDArray[np.float32]) -> RankedColumns:
        """Other orders of the same columns: `times[i]` of column i, in `rows`."""
        which = np.repeat(np.arange(len(times)), times)
        return RankedColumns(
            rows,
            self.tied[which],
            self.constant[which],
            self.entropy[which],
            self.nominal[which],
        )


@dataclass(frozen=True)
class SeparateColumns:
    """Columns ready for the network that do not lie together in memory.

    Attributes:
        rows: a float32 array [n] for each column.
        tied, constant, entropy, nominal: see `RankedColumns`.
    """

    rows: list[NDArray[np.float32]]
    tied: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    entropy: NDArray[np.float64]
    nominal: NDArray[np.bool_]


def rank_columns(
    columns: Sequence[NDArray[Any]], normalize: str = "midrank", threads: int = 1
) -> RankedColumns:
    """Rank each column of finite real numbers exactly, average rank for ties.

    Args:
        columns: 1-D arrays of one length n >= 1, any real dtype.
        normalize: see `infonet_kernels.soft_rank`.
        threads: threads for the kernel; the result does not depend on it.
    """
    ranks, ties, entropy = kernels().rank_columns(columns, normalize, threads)
    tied = is_tied(entropy, ranks.shape[1])
    return RankedColumns(ranks, tied, ties == 2, entropy, np.zeros(len(ranks), np.bool_))


def prepare_columns(
    columns: Sequence[NDArray[Any]], model: Model, normalize: str, reranked: bool, threads: int = 1
) -> RankedColumns:
    """Rank (or, for soft ranks, scale) each column once, as a network reads it.

    Args:
        columns: see `rank_columns`.
        model: says what is read.
        normalize: of exact ranks.
        reranked: the graph ranks by itself, so that soft ranks are left to it.
        threads: threads for the kernel; the result does not depend on it.
    """
    if model.eps == 0:
        return rank_columns(columns, normalize, threads)
    ranked = rank_columns(columns, "midrank", threads)
    rows = scale_columns(columns)
    if not reranked:
        rows = kernels().soft_rank(rows, model.eps, model.normalize, threads)
    return replace(ranked, rows=rows)


def join_columns(*parts: RankedColumns) -> SeparateColumns:
    """Columns of several arrays, one after the other, without copying them."""
    facts = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("tied", "constant", "entropy", "nominal")
    )
    return SeparateColumns([row for part in parts for row in part.rows], *facts)


def is_tied(entropy: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
    """Which columns of n values have more than a few ties, by their entropy."""
    without_ties = math.log(n) + (n - 1) / (2 * n)  # the same estimate of the entropy
    return entropy < without_ties - _FEW_TIES


def scale_columns(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """float32 [columns, n] for models whose soft rank depends on the values (eps > 0).

    The kernel scales values to [0, 1] by their minimum and maximum. Doing that here in double
    precision first changes nothing but that float32 loses nothing to an offset or to overflow.
    """
    rows = np.empty((len(columns), columns[0].size), np.float32)
    for row, column in zip(rows, columns, strict=True):
        values = column.astype(np.float64) / 2  # the difference of two finite doubles can overflow
        low = values.min()
        row[...] = (values - low) / ((values.max() - low) or 1.0)
    return rows
