"""Which pairs of columns are asked for, their order, and square tiles of them.

Columns are numbered 0 .. d - 1. Some are rows of the matrix, some its columns, some both: all of
them both for a symmetric matrix, none for a rectangular one without common names. Of two columns
of which each is a row and a column of the matrix there is one pair, not two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
_BOTH, _ROW, _COLUMN = 0, 1, 2


@dataclass(frozen=True)
class Tile:
    """The pairs between two blocks of neighbouring columns.

    Attributes:
        first, second: ranges of columns; the same one twice for a tile on the diagonal.
        pairs: int64 [p, 2], columns of each pair.
    """

    first: range
    second: range
    pairs: Indices


@dataclass(frozen=True, eq=False)
class Pairs:
    """All pairs {i, j}, i < j, of a row and a column of the matrix, ordered by i, then by j.

    The x of a pair is the row and its y the column; where it could be either way, x is i.

    Attributes:
        rows: int64 [R], which column each row of the matrix is, without repetition.
        columns: int64 [C], the same for its columns. Every column is in one of them at least.
    """

    rows: Indices
    columns: Indices

    @staticmethod
    def of(d: int) -> Pairs:
        """All pairs of d columns."""
        return Pairs(np.arange(d), np.arange(d))

    @cached_property
    def d(self) -> int:
        """Number of columns."""
        return 1 + int(max(self.rows.max(initial=-1), self.columns.max(initial=-1)))

    @property
    def square(self) -> bool:
        """Whether the rows of the matrix are its columns, so that it is symmetric."""
        return np.array_equal(self.rows, self.columns)

    @cached_property
    def _is_row(self) -> NDArray[np.bool_]:
        return _mask(self.rows, self.d)

    @cached_property
    def _is_column(self) -> NDArray[np.bool_]:
        return _mask(self.columns, self.d)

    @cached_property
    def _kind(self) -> NDArray[np.intp]:
        """What each column is; it decides on the columns that it makes pairs with."""
        return np.where(
            self._is_row & self._is_column, _BOTH, np.where(self._is_row, _ROW, _COLUMN)
        )

    @cached_property
    def _partners(self) -> list[Indices]:
        """By kind: the columns that one of this kind makes pairs with."""
        return [np.arange(self.d), np.unique(self.columns), np.unique(self.rows)]

    @cached_property
    def _before(self) -> Indices:
        """By kind: the number of its partners before each column, [3, d + 1]."""
        counts = np.zeros((3, self.d + 1), np.int64)
        for row, partners in zip(counts, self._partners, strict=True):
            row[1:] = np.cumsum(_mask(partners, self.d))
        return counts

    @cached_property
    def _start(self) -> Indices:
        """Number of pairs whose smaller column comes before each column, [d + 1]."""
        i = np.arange(self.d)
        pairs = self._before[self._kind, self.d] - self._before[self._kind, i + 1]
        return np.concatenate([[0], np.cumsum(pairs)]).astype(np.int64)

    @property
    def count(self) -> int:
        """Number of pairs."""
        return int(self._start[-1])

    def position(self, a: Indices, b: Indices) -> Indices:
        """Where pairs come in the order; a and b, in any order, must differ and make a pair."""
        i, j = np.minimum(a, b), np.maximum(a, b)
        kind = self._kind[i]
        found: Indices = self._start[i] + self._before[kind, j] - self._before[kind, i + 1]
        return found

    def between(self, start: int, stop: int) -> Indices:
        """The columns (x, y) of the pairs at positions start .. stop - 1, int64 [p, 2]."""
        position = np.arange(start, stop)
        i = np.searchsorted(self._start, position, side="right") - 1
        kind = self._kind[i]
        rank = position - self._start[i] + self._before[kind, i + 1]
        j = np.empty_like(i)
        for k, partners in enumerate(self._partners):
            j[kind == k] = partners[rank[kind == k]]
        return self._x_first(i, j)

    def tiles(self, size: int) -> Iterator[Tile]:
        """Tiles of size x size columns, those without any pair left out."""
        blocks = [range(s, min(s + size, self.d)) for s in range(0, self.d, size)]
        has_row, has_column = (
            [bool(mask[block.start : block.stop].any()) for block in blocks]
            for mask in (self._is_row, self._is_column)
        )
        for a, first in enumerate(blocks):
            for b, second in enumerate(blocks[a:], a):
                if not (has_row[a] and has_column[b]) and not (has_column[a] and has_row[b]):
                    continue
                pairs = self._in_tile(first, second)
                if len(pairs):
                    yield Tile(first, second, pairs)

    def _in_tile(self, first: range, second: range) -> Indices:
        i, j = np.arange(first.start, first.stop), np.arange(second.start, second.stop)
        row, column = self._is_row, self._is_column
        asked = (row[i][:, None] & column[j]) | (column[i][:, None] & row[j])
        asked &= i[:, None] < j
        left, right = np.nonzero(asked)
        return self._x_first(i[left], j[right])

    def _x_first(self, i: Indices, j: Indices) -> Indices:
        forward = self._is_row[i] & self._is_column[j]
        return np.stack([np.where(forward, i, j), np.where(forward, j, i)], axis=1)


def _mask(indices: Indices, d: int) -> NDArray[np.bool_]:
    mask = np.zeros(d, np.bool_)
    mask[indices] = True
    return mask
