"""Columns of samples, ranked or scaled for the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.session import kernels


@dataclass(frozen=True)
class RankedColumns:
    """Columns ready for the network.

    Attributes:
        rows: float32 [columns, n]: ranks, or scaled values where the kernel is not a plain rank.
        tied: bool [columns]: the column has equal values.
        constant: bool [columns]: all values of the column are equal.
        entropy: float64 [columns]: entropy in nats of the values of a tied column, infinite for
            one without ties. Mutual information cannot be larger.
    """

    rows: NDArray[np.float32]
    tied: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    entropy: NDArray[np.float64]


def rank_columns(
    columns: Sequence[NDArray[Any]], normalize: str = "midrank", threads: int = 1
) -> RankedColumns:
    """Rank each column of finite real numbers exactly, average rank for ties.

    Args:
        columns: 1-D arrays of one length n >= 1, any real dtype.
        normalize: see `infonet_kernels.soft_rank`.
        threads: threads for the kernel; the result does not depend on it.
    """
    ranks, ties = kernels().rank_columns(columns, normalize, threads)
    tied = ties > (0 if ranks.shape[1] > 1 else 2)  # a single value is constant, but not tied
    plain = ranks if normalize == "midrank" or not tied.any() else _midranks(columns, threads)
    entropy = [tie_entropy(row) if flag else np.inf for row, flag in zip(plain, tied, strict=True)]
    return RankedColumns(ranks, tied, ties == 2, np.array(entropy))


def _midranks(columns: Sequence[NDArray[Any]], threads: int) -> NDArray[np.float32]:
    ranks: NDArray[np.float32] = kernels().rank_columns(columns, "midrank", threads)[0]
    return ranks


def tie_entropy(midranks: NDArray[np.float32]) -> float:
    """Entropy in nats of a discrete sample, from its mid-ranks [n] in (0, 1).

    The plug-in estimate with the correction of Miller & Madow (1955), (levels - 1) / 2n, without
    which it would be too small a bound.
    """
    n = midranks.size
    # average ranks are whole or half: 2 n (rank - 1/2) / n is an integer, the same for equal values
    counts = np.bincount(np.rint(midranks.astype(np.float64) * (2 * n)).astype(np.int64))
    share = counts[counts > 0] / n
    return float(-(share * np.log(share)).sum() + (share.size - 1) / (2 * n))


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
