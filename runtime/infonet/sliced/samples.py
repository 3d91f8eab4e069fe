"""Samples of a variable of several dimensions, read in blocks as float64 that can be projected.

Neither a memory-mapped file nor a data frame is ever copied as a whole. What projections need is
found in one pass before, the range of each dimension (see `passes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column

_BLOCK = 2**19  # values at a time, 4 MB as float64
_WIDE, _TALL = 4096, 64  # dimensions at a time, where samples or where dimensions lie together
_NOTHING = -(2**20)  # an exponent below that of every number
# Sums of products of numbers up to 2**500 do not overflow, and need not be scaled.
_MODERATE = 500


@dataclass(frozen=True)
class Part:
    """Neighbouring dimensions of one dtype.

    Attributes:
        values: as they came, any real dtype and layout, [all rows, k].
        shift: what is taken off each dimension, [k] of the type that `differences` computes in.
    """

    values: NDArray[Any]
    shift: NDArray[Any]

    def differences(self, rows: Any, columns: slice) -> NDArray[Any]:
        """Values less the shift, a copy: float64, or long double where the values are."""
        block, shift = self.values[rows, columns], self.shift[columns]
        if shift.dtype == np.uint64:  # as 64-bit words differences are exact, end to end
            found: NDArray[Any] = (block.astype(np.uint64) - shift).astype(np.float64)
            return found
        found = block.astype(shift.dtype, order="C")
        if shift.any():
            found -= shift
        return found


@dataclass(frozen=True)
class Samples:
    """n samples of d dimensions.

    Attributes:
        parts: the dimensions.
        keep: positions of the rows to use, int64 [n]; None for all.
        exponent: the samples are divided by this power of two, so that projections of the largest
            doubles do not overflow; of each dimension, int32 [d], or of all, [1]; None: by none.
        low, span: then subtracted, and divided by, float64 [d]; None for neither.
    """

    parts: tuple[Part, ...]
    keep: NDArray[np.int64] | None
    exponent: NDArray[np.int32] | None = None
    low: NDArray[np.float64] | None = None
    span: NDArray[np.float64] | None = None

    @property
    def dimensions(self) -> int:
        """The number d of dimensions."""
        return sum(part.values.shape[1] for part in self.parts)

    @property
    def n(self) -> int:
        """The number of samples."""
        return len(self.parts[0].values) if self.keep is None else self.keep.size

    def row_blocks(self) -> Iterator[tuple[int, int]]:
        """Ranges of rows that with the dimensions of `column_blocks` make blocks of fair size."""
        rows = max(1, _BLOCK // min(self.dimensions, self._columns))
        return ((start, min(start + rows, self.n)) for start in range(0, self.n, rows))

    def column_blocks(self) -> Iterator[tuple[int, int]]:
        """Ranges of dimensions, in order."""
        d, columns = self.dimensions, self._columns
        return ((start, min(start + columns, d)) for start in range(0, d, columns))

    @property
    def _columns(self) -> int:
        down, across = (abs(stride) for stride in self.parts[0].values.strides)
        return _WIDE if len(self.parts) == 1 and across <= down else _TALL

    def read(self, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[np.float64]:
        """One block, ready to be projected: float64 [rows, columns], C order."""
        which: Any = slice(*rows) if self.keep is None else self.keep[slice(*rows)]
        first, last = columns
        block = np.empty((rows[1] - rows[0], last - first))
        start = 0
        for part in self.parts:
            end = start + part.values.shape[1]
            a, b = max(first, start), min(last, end)
            if a < b:
                values = part.differences(which, slice(a - start, b - start))
                if self.exponent is not None:
                    np.ldexp(values, -_of(self.exponent, a, b), out=values)
                if len(self.parts) == 1 and values.dtype == np.float64:
                    block = values
                else:
                    block[:, a - first : b - first] = values
            start = end
        if self.low is not None and self.span is not None:
            block -= self.low[first:last]
            block /= self.span[first:last]
        return block


def _of(values: NDArray[np.int32], first: int, last: int) -> NDArray[np.int32]:
    return values if values.size == 1 else values[first:last]


def prepare(
    arrays: Sequence[NDArray[Any]],
    bounds: Sequence[tuple[NDArray[Any], NDArray[Any]]],
    keep: NDArray[np.int64] | None,
    minmax: bool,
) -> Samples:
    """Samples of `arrays`, [n, k] each, whose columns lie within `bounds`.

    Args:
        arrays: neighbouring dimensions, finite in the rows used.
        bounds: from `ranges`, of each of the arrays.
        keep: positions of the rows to use; None for all.
        minmax: scale each dimension to 0..1.
    """
    parts, lows, spans, exponents = [], [], [], []
    for array, (low, high) in zip(arrays, bounds, strict=True):
        low, high, shift = _shift(low, high)
        parts.append(Part(array, shift))
        low, high = _real(low - shift), _real(high - shift)
        exponent = np.frexp(np.maximum(np.abs(low), np.abs(high)))[1]
        exponents.append(np.where((low == 0) & (high == 0), _NOTHING, exponent))
        lows.append(low)
        spans.append(high)
    every = np.concatenate(exponents).astype(np.int32)
    true = every[every > _NOTHING]
    moderate = true.size == 0 or (true.max() <= _MODERATE and true.min() >= -_MODERATE)
    if not minmax:
        moderate = true.size == 0 or abs(int(true.max())) <= _MODERATE
        return Samples(tuple(parts), keep, None if moderate else true.max(keepdims=True))
    every = np.where(every > _NOTHING, every, 0)
    scaled = [np.zeros_like(every) if moderate else -every]
    low, high = (np.concatenate(bound) for bound in (lows, spans))
    low, high = (np.ldexp(bound, scaled[0]).astype(np.float64) for bound in (low, high))
    span = np.where(high > low, high - low, 1.0)  # a constant dimension becomes 0
    return Samples(tuple(parts), keep, None if moderate else every, low, span)


def _real(values: Column) -> Column:
    return values.astype(np.float64) if values.dtype.kind == "u" else values


def _shift(low: Column, high: Column) -> tuple[Column, Column, Column]:
    """Return (low, high, shift) in the type to compute in; shift is subtracted from each dimension.

    A dimension is shifted only where that loses nothing: time stamps keep the digits that tell
    them apart. That is so for 64-bit integers, and within a factor of two of each other (Sterbenz).
    """
    whole = low.dtype.kind in "iu" and low.dtype.itemsize == 8
    if whole and any(abs(int(v)) > 2**53 for v in (*low, *high)):
        low, high = low.astype(np.uint64), high.astype(np.uint64)
        return low, high, low
    kind = np.longdouble if low.dtype.kind == "f" and low.dtype.itemsize > 8 else np.float64
    low, high = low.astype(kind), high.astype(kind)
    zero = np.zeros_like(low)
    shift = np.where((low > 0) & (high / 2 <= low), low, zero)
    return low, high, np.where((high < 0) & (low / 2 >= high), high, shift)
