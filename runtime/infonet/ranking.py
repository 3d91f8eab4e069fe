"""Rank columns of any real dtype with the float32 kernel, and lose nothing on the way.

The kernel ranks float32. Casting a wider column can merge values that differ (1e9 + small noise)
or overflow to infinity, which would make ties that are not in the data. So after ranking the cast
values, each group of equal ranks is checked against the original values, in linear time, and
groups that the cast made are sorted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.session import kernels

# Types whose every value is a float32.
_EXACT = frozenset(
    np.dtype(kind) for kind in ("bool", "int8", "uint8", "int16", "uint16", "float16", "float32")
)
# Up to here floor(rank * n) is exact in float32 arithmetic.
_EXACT_POSITIONS = 1 << 22
_SMALLEST_NORMAL = 0x0080_0000
_BLOCK = 32  # columns held as float32 values besides their ranks


@dataclass(frozen=True)
class RankedColumns:
    """Columns ready for the network.

    Attributes:
        rows: float32 [columns, n]: ranks, or scaled values where the kernel is not a plain rank.
        tied: bool [columns]: the column has equal values.
        constant: bool [columns]: all values of the column are equal.
    """

    rows: NDArray[np.float32]
    tied: NDArray[np.bool_]
    constant: NDArray[np.bool_]


def rank_columns(
    columns: Sequence[NDArray[Any]], normalize: str = "midrank", threads: int = 1
) -> RankedColumns:
    """Rank each column of finite real numbers, average rank for ties.

    Args:
        columns: 1-D arrays of one length n >= 1, any real dtype.
        normalize: see `infonet_kernels.soft_rank`.
        threads: threads for the kernel; the result does not depend on it.
    """
    rank = kernels().soft_rank
    count, n = len(columns), columns[0].size
    ranks = np.empty((count, n), np.float32)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        ranks[block] = rank(_cast(columns[block]), 0.0, "midrank", threads)
    tied, constant = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for index, column in enumerate(columns):
        positions = _positions(ranks[index])
        taken = np.zeros(n, np.bool_)
        taken[positions] = True
        tied[index] = not taken.all()
        if tied[index] and column.dtype not in _EXACT:
            tied[index] = _untie(column, ranks[index], positions, taken)
        constant[index] = ranks[index, 0] == 0.5 and ranks[index].min() == ranks[index].max()
    if normalize != "midrank":
        ranks = rank(ranks, 0.0, normalize, threads)  # ranks rank as their values do
    return RankedColumns(ranks, tied, constant)


def _cast(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """float32 [columns, n]; columns with values beyond float32 become codes."""
    rows = np.empty((len(columns), columns[0].size), np.float32)
    with np.errstate(over="ignore"):
        for row, column in zip(rows, columns, strict=True):
            row[...] = column
    for row, column in zip(rows, columns, strict=True):
        if column.dtype not in _EXACT and not np.isfinite(row).all():
            row[...] = order_codes(column)
    return rows


def order_codes(column: NDArray[Any]) -> NDArray[np.float32]:
    """float32 values in the order of `column`, equal where it is equal; any n below 2^31.

    The codes 0, 1, 2 … of the distinct values become bit patterns of normal positive floats,
    which are ordered like integers.
    """
    codes = np.unique(column, return_inverse=True)[1].reshape(-1)
    return (codes.astype(np.int32) + np.int32(_SMALLEST_NORMAL)).view(np.float32)


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


def _positions(ranks: NDArray[np.float32]) -> NDArray[np.intp]:
    """One index in 0..n-1 for each value; equal for equal ranks, within the run of its ties."""
    n = ranks.size
    if n < _EXACT_POSITIONS:
        return (ranks * np.float32(n)).astype(np.intp)
    return (ranks.astype(np.float64) * n).astype(np.intp)


def _untie(
    column: NDArray[Any],
    ranks: NDArray[np.float32],
    positions: NDArray[np.intp],
    taken: NDArray[np.bool_],
) -> bool:
    """Correct `ranks` in place where the cast made ties; return whether true ties remain.

    Ties made by a cast are few, so only the members of tie groups are sorted again.
    """
    n = column.size
    # A group of c ties takes one of its c places, so next to that one is a free place.
    near_free = np.zeros(n + 2, np.bool_)
    free = np.flatnonzero(~taken)
    near_free[free] = near_free[free + 2] = True
    members = np.flatnonzero(near_free[1:-1][positions])
    values, groups = column[members], positions[members]
    representative = np.empty_like(column)
    representative[groups] = values
    if (representative[groups] == values).all():
        return True
    if n >= _EXACT_POSITIONS:
        ranks[...] = kernels().soft_rank(order_codes(column)[None])[0]
        return True
    order = np.lexsort((values, groups))
    values, groups, members = values[order], groups[order], members[order]
    new_group = np.ones(members.size + 1, np.bool_)  # the last one ends the last run
    new_group[1:-1] = groups[1:] != groups[:-1]
    new_value = new_group.copy()
    new_value[1:-1] |= values[1:] != values[:-1]
    group_start, group_size = _runs(new_group)
    value_start, value_size = _runs(new_value)
    # A group of c values from the 0-based place s on has 2 n rank = 2 s + c, and so has each value
    # in it, from its own place on: the formula of the kernel.
    place = (np.rint(2.0 * n * ranks[members].astype(np.float64)) - group_size) / 2
    place += value_start - group_start
    ranks[members] = (2 * place + value_size) / (2.0 * n)
    return bool((value_size > 1).any())


def _runs(boundary: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each element, start and length of the run that it is in."""
    edges = np.flatnonzero(boundary)
    sizes = edges[1:] - edges[:-1]
    return np.repeat(edges[:-1], sizes), np.repeat(sizes, sizes)
