"""Passes over samples before they are projected: finite rows, ranges of dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.tiles import Progress, run_tiles

_BLOCK = 2**19  # values at a time
_LONG = 2**27  # values whose reading deserves a progress bar


def finite_rows(
    arrays: Sequence[NDArray[Any]], threads: int, progress: bool | None
) -> NDArray[np.int64] | None:
    """Positions of the rows that are finite in all `arrays` [n, k]; None if all are."""
    mask = np.ones(len(arrays[0]), np.bool_)

    def check(rows: tuple[int, int]) -> None:
        for array in arrays:
            if array.dtype.kind == "f":
                mask[slice(*rows)] &= np.isfinite(array[slice(*rows)]).all(axis=1)

    _over_rows(check, mask.size, max(a.shape[1] for a in arrays), threads, progress)
    return None if mask.all() else np.flatnonzero(mask)


def ranges(
    values: NDArray[Any], keep: NDArray[np.int64] | None, threads: int, progress: bool | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Smallest and largest value of each column of `values` [n, k]; NaN where one is NaN."""
    n = len(values) if keep is None else keep.size
    found: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def look(rows: tuple[int, int]) -> None:
        block = values[slice(*rows)] if keep is None else values[keep[slice(*rows)]]
        if block.dtype == np.float16:
            block = block.astype(np.float32)  # five times as fast
        found.append((block.min(axis=0), block.max(axis=0)))

    _over_rows(look, n, values.shape[1], threads, progress)
    lows, highs = zip(*found, strict=True)
    return np.minimum.reduce(lows), np.maximum.reduce(highs)


def _over_rows(
    work: Callable[[tuple[int, int]], None],
    n: int,
    columns: int,
    threads: int,
    progress: bool | None,
) -> None:
    """Call `work` with ranges of rows."""
    size = max(1, _BLOCK // columns)

    def task(start: int) -> Callable[[], int]:
        def run() -> int:
            end = min(start + size, n)
            work((start, end))
            return end - start

        return run

    with Progress(n, "row", progress if n * columns >= _LONG else False) as bar:
        run_tiles((task(start) for start in range(0, n, size)), threads, bar)
