"""The values of a tied column as codes, and how often they meet those of another column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
_LIGHT = 0.05  # share of the samples that a level has at most, to be compared with its neighbours
_EXACT = 1 << 22  # samples up to which float32 tells mid-ranks apart
_ENOUGH = 0.3  # share of the samples that are in such levels at least


@dataclass(frozen=True, eq=False)
class Levels:
    """The different values of one variable, numbered in their order.

    Attributes:
        codes: int64 [n], which of the K values each sample has, 0 to K - 1.
        counts: int64 [K], how many samples have each; none is 0.
        nominal: whether the values are categories whose order means nothing.
    """

    codes: Codes
    counts: Codes
    nominal: bool = False

    @staticmethod
    def of(values: NDArray[np.float32] | Codes, nominal: bool = False) -> Levels:
        """The levels of whole numbers, or of mid-ranks in (0, 1), [n]."""
        if values.dtype == np.float32 and values.size <= _EXACT:
            # twice a mid-rank is a whole number, which needs no sorting
            places = np.rint(values.astype(np.float64) * (2 * values.size)).astype(np.int64)
            found = np.bincount(places)
            used = np.flatnonzero(found)
            number = np.empty(found.size, np.int64)
            number[used] = np.arange(used.size)
            return Levels(number[places], found[used].astype(np.int64), nominal)
        _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        return Levels(codes.reshape(-1).astype(np.int64), counts.astype(np.int64), nominal)

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.codes.size

    @property
    def number(self) -> int:
        """Number of levels, K."""
        return self.counts.size

    @cached_property
    def midranks(self) -> NDArray[np.float64]:
        """Mean rank of each level, float64 [K], from 1 on."""
        ends = self.counts.cumsum()
        return np.asarray(ends - (self.counts - 1) / 2)

    @property
    def minor(self) -> int:
        """Samples that do not have the most frequent value."""
        return self.n - int(self.counts.max())

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Levels:
        """The levels of some of the samples."""
        return Levels.of(self.codes[rows], self.nominal)


@dataclass(frozen=True, eq=False)
class Cells:
    """The pairs of levels that occur.

    Attributes:
        x, y: the two variables.
        first, second: int64 [C], the levels of each cell that is not empty, in their order.
        counts: int64 [C], its samples.
        of_sample: int64 [n], the cell of each sample.
    """

    x: Levels
    y: Levels
    first: Codes
    second: Codes
    counts: Codes
    of_sample: Codes

    @staticmethod
    def of(x: Levels, y: Levels) -> Cells:
        """Count two variables of the same samples."""
        keys = x.codes * y.number + y.codes
        if x.number * y.number <= 4 * x.n + 1024:
            full = np.bincount(keys, minlength=x.number * y.number)
            used = np.flatnonzero(full)
            place = np.zeros(full.size, np.int64)
            place[used] = np.arange(used.size)
            counts, of_sample = full[used], place[keys]
        else:
            used, of_sample, counts = np.unique(keys, return_inverse=True, return_counts=True)
        first, second = np.divmod(used, y.number)
        return Cells(x, y, first, second, counts, of_sample.reshape(-1))

    @property
    def number(self) -> int:
        """Number of cells that are not empty."""
        return self.counts.size

    def turned(self) -> Cells:
        """The same with the variables exchanged."""
        order = np.lexsort((self.first, self.second))
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        first, second = self.second[order], self.first[order]
        return Cells(self.y, self.x, first, second, self.counts[order], place[self.of_sample])

    def is_jagged(self) -> bool:
        """Whether the order of x is of no account for y, as that of codes.

        Samples of one level of x agree in y more often than independent ones. Where the order of x
        means something, those of neighbouring levels do so nearly as often; of codes, they do not.
        Frequent levels are left out, as those of small counts, which differ from their neighbours
        whatever they mean; of a variable of few levels, none is.
        """
        light = [
            (levels.counts <= _LIGHT * levels.n) | (levels.number <= 1 / _LIGHT)
            for levels in (self.x, self.y)
        ]
        used = light[0][self.first] & light[1][self.second]
        counts, first, second = self.counts[used], self.first[used], self.second[used]
        n = int(counts.sum())
        if n < self.x.n * _ENOUGH:
            return False
        x = np.bincount(first, counts, minlength=self.x.number)
        y = np.bincount(second, counts, minlength=self.y.number)
        keys = first * self.y.number + second
        beside = np.searchsorted(keys, keys + self.y.number)
        there = beside < keys.size
        there[there] = keys[beside[there]] == keys[there] + self.y.number
        same = float(counts @ (counts - 1))
        near = float(counts[there] @ counts[beside[there]])
        pairs_same, pairs_near = float(x @ (x - 1)), float(x[:-1] @ x[1:])
        if not same or not pairs_near:
            return False
        base = float(y @ (y - 1)) / (float(n) * (n - 1))
        within, beyond = same / pairs_same, near / pairs_near
        # each unordered pair of samples of one level was counted twice
        error = math.sqrt(2 * within / pairs_same + max(beyond, base) / pairs_near)
        return within - beyond > max(3 * error, (within - base) / 2)

    def table(self) -> Codes:
        """All counts, int64 [K_x, K_y]."""
        full = np.zeros((self.x.number, self.y.number), np.int64)
        full[self.first, self.second] = self.counts
        return full
