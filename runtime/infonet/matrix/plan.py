"""Which pairs of columns are asked for, in which square tiles, and within how much memory.

Columns are numbered 0 .. d - 1. Some are rows of the matrix, some its columns, some both: all of
them both for a symmetric matrix, none for a rectangular one without common names. Of two columns
of which each is a row and a column of the matrix there is one pair, not two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.matrix.ranks import Coding

LARGEST_TILE = 1024  # columns a side
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


# The share of the available memory that is taken where no ceiling is given.
_SHARE = 0.5
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", re.IGNORECASE)
_TILES_A_THREAD = 4  # at least, so that no thread waits long for the last one
# Bytes a row that one thread takes: to rank a column (values, keys, two lists of sorted items and
# masks), and for a pair with missing values (two subsets and their ranking).
_RANKING, _GAPS = 56, 60
_SESSION = 16 * 2**20  # activations of the network and histograms, each thread
_LEAST = 16 * 2**20  # all the rest: pairs of tiles, parts of tables


@dataclass(frozen=True)
class Plan:
    """How to compute within a memory ceiling; nothing of it changes the answer.

    Attributes:
        tile: columns along a side of a tile.
        rankers: columns ranked at the same time.
        workers: tiles computed at the same time.
        spill_ranks, spill_result: whether these go to a temporary file.
    """

    tile: int
    rankers: int
    workers: int
    spill_ranks: bool
    spill_result: bool


@dataclass(frozen=True)
class Sizes:
    """What there is to compute, for a plan.

    Attributes:
        pairs: the pairs.
        n: rows of a column.
        coding: how ranks are kept.
        levels: quantiles of an estimate.
        gaps: whether values may be missing.
        tile: columns along a side of a tile where there is memory; see `Workload`.
    """

    pairs: Pairs
    n: int
    coding: Coding
    levels: int
    gaps: bool
    tile: int


def make_plan(sizes: Sizes, threads: int, memory: int, tile: int | None) -> Plan:
    """Choose what is done at a time, on `threads` threads at most, and what goes to a file.

    Args:
        sizes: what there is to compute.
        threads: threads of the estimator.
        memory: the ceiling in bytes.
        tile: columns along a side of a tile, or None to choose.

    Raises:
        InputError: the ceiling is too low for a single thread and the smallest tiles.
    """
    pairs, n = sizes.pairs, sizes.n
    column = n * sizes.coding.dtype.itemsize
    ranks = pairs.d * column
    result = pairs.count * (4 * (1 + sizes.levels) + 8 + 1 + 4 * sizes.gaps)
    ranking, worker = _RANKING * n, _SESSION + (_GAPS * n if sizes.gaps else 0)
    spill_result = result > memory // 4
    left = memory - (0 if spill_result else result)
    spill_ranks = ranks + max(ranking, threads * worker) > left
    left -= 0 if spill_ranks else ranks
    # What a worker holds of each column of its two blocks, beside the ranks in memory.
    held = (column if spill_ranks else 0) + (4 * n if sizes.coding.dtype.itemsize == 2 else 0)
    least = max(ranking, worker + 2 * held * (tile or 1)) + _LEAST
    if left < least:
        needed = (memory - left + least) / 1e6
        raise InputError(
            f"memory is {memory / 1e6:.4g} MB, columns of {n} rows need {needed:.4g} MB at least: "
            "allow more"
        )
    left -= _LEAST
    rankers = max(1, min(threads, left // max(1, ranking)))
    workers = max(1, min(threads, left // (worker + 2 * held * (tile or 1))))
    size = tile or sizes.tile
    while tile is None and size > 1:
        if workers * (worker + 2 * held * size) <= left and not _few(pairs, size, workers):
            break
        size //= 2
    return Plan(size, rankers, workers, spill_ranks, spill_result)


def _few(pairs: Pairs, size: int, threads: int) -> bool:
    """Whether there would be too few tiles to keep the threads busy."""
    if threads == 1:
        return False
    rows, columns = -(-pairs.rows.size // size), -(-pairs.columns.size // size)
    tiles = rows * (rows + 1) // 2 if pairs.square else rows * columns
    return tiles < _TILES_A_THREAD * threads


def parse_memory(memory: int | float | str | None) -> int:
    """Bytes: a number, or text such as "512MB", "1.5 GiB"; None for half of what is available.

    Raises:
        InputError: something else, or not positive.
    """
    if memory is None:
        return int(_SHARE * available_memory())
    match = _SIZE.fullmatch(memory) if isinstance(memory, str) else None
    if match:
        units = _BINARY if match[3] else _UNITS
        size = float(match[1]) * units[match[2].upper()]
    elif isinstance(memory, (int, float)) and not isinstance(memory, bool):
        size = float(memory)
    else:
        size = 0.0
    if not 1 <= size < 2**63:
        raise InputError(
            f'memory is {memory!r}, allowed are a number of bytes and text such as "512MB" or '
            '"2GiB", or None for half of the available memory'
        )
    return int(size)


def available_memory() -> int:
    """Bytes that can be had without swapping, the limit of a container included."""
    found = [2 * 2**30]
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found = [int(line.split()[1]) * 1024]
    for limit, usage in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        most, used = _lines(limit), _lines(usage)
        if most and used and most[0].isdigit() and used[0].isdigit():
            found.append(max(0, int(most[0]) - int(used[0])))
    return min(found)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
