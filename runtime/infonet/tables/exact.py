"""Numbers of more digits than float64 holds: kept apart, so that no column looks constant.

Mutual information depends on the order of values alone, so it is enough that values that differ
stay different and in order.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column
from infonet.tables.remarks import Remark

EXACT = 2**53  # whole numbers up to here are float64
_DIGITS = 15  # decimal digits that float64 always tells apart
_DIGITS_OUT = 17  # digits that a float is ever written with, unless zeros are added
_LARGEST = 4000  # exponents of ten beyond which a Decimal is infinite, or next to nothing
_WHOLE = re.compile(r"[+-]?\d{16,400}")
_REAL = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})")  # no exponent: 1e999999999


def exact_numbers(values: Sequence[Any]) -> tuple[Column, tuple[Remark, ...]]:
    """Numbers of Python as an array [n] that keeps different values different, and remarks.

    Args:
        values: int, float, Fraction or Decimal, NumPy's too; infinite ones stay infinite.

    Returns:
        int64, uint64 or float64 [n] of the same values; where none of these can hold them,
        float64 [n] of the distances to the smallest one, or of the positions in their order.
    """
    exact = [_exact(value) for value in values]
    if not exact:
        return np.empty(0), ()
    if all(isinstance(value, int) for value in exact):
        low, high = min(exact), max(exact)
        for kind in (np.int64, np.uint64):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return np.array(exact, kind), ()
    distinct = sorted(set(exact))
    floats = _floats(distinct)
    remarks: tuple[Remark, ...] = ()
    if not _increases(floats):
        finite = [value for value in distinct if not _infinite(value)]
        shifted = [value if _infinite(value) else value - Fraction(finite[0]) for value in distinct]
        floats, how = _floats(shifted), "as distances from the smallest"
        if not _increases(floats):
            order = [value if _infinite(value) else i for i, value in enumerate(distinct)]
            floats, how = _floats(order), "as positions in their order"
        remarks = (Remark("long", how),)
    found = dict(zip(distinct, floats, strict=True))
    return np.array([found[value] for value in exact], np.float64), remarks


def long_numbers(cells: Sequence[str], floats: NDArray[np.float64]) -> NDArray[Any]:
    """`floats`, which the texts `cells` spell, or an array of objects if float64 loses digits.

    Numbers written with fewer than 16 digits, and whatever programs write of a float64, lose none.
    """
    if not cells or max(map(len, cells)) <= _DIGITS:
        return floats
    wide = np.flatnonzero(np.abs(floats) >= EXACT)
    inexact = any(
        _WHOLE.fullmatch(cells[i].strip()) and int(cells[i]) != value
        for i, value in zip(wide.tolist(), floats[wide].tolist(), strict=True)
    )
    if not inexact:
        longest = [i for i, cell in enumerate(cells) if len(cell) > _DIGITS_OUT]
        texts = {cells[i].strip() for i in longest}
        if len(texts) <= len({floats[i] for i in longest}):
            return floats
        real = {Fraction(text) for text in texts if _REAL.fullmatch(text)}
        if len(real) <= len({float(value) for value in real if not _too_large(value)}):
            return floats
    found = np.empty(len(cells), object)
    for i, cell in enumerate(cells):
        text = cell.strip()
        if math.isfinite(floats[i]) and _REAL.fullmatch(text):
            found[i] = _exact(Fraction(text))
        else:
            found[i] = float(floats[i])
    return found


def with_gaps(array: Column, missing: NDArray[np.bool_]) -> Column:
    """A copy of `array` as floats that hold every value exactly, and NaN where it is `missing`."""
    kind: type[np.floating[Any]] | np.dtype[Any] = array.dtype
    if array.dtype.kind != "f":
        kind = np.float64
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        low, high = (int(f(array, where=~missing, initial=0)) for f in (np.min, np.max))
        if max(-low, high) > EXACT:  # time stamps, identifiers
            kind = np.longdouble
    floats = array.astype(kind)
    floats[missing] = np.nan
    return floats


def _exact(value: Any) -> Any:
    """An int if `value` is whole, else a Fraction; infinite floats as they are."""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return int(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return float(value)
        if value.adjusted() > _LARGEST:
            return math.copysign(math.inf, value)
        if value and value.adjusted() < -_LARGEST:
            return Fraction(-1 if value < 0 else 1, 10**_LARGEST)
        fraction = Fraction(value)
    elif isinstance(value, np.longdouble) and np.isfinite(value):
        fraction = Fraction(*value.as_integer_ratio())
    elif isinstance(value, Fraction):
        fraction = value
    elif math.isfinite(value):
        fraction = Fraction(float(value))
    else:
        return float(value)
    return fraction.numerator if fraction.denominator == 1 else fraction


def _infinite(value: Any) -> bool:
    return isinstance(value, float)


def _too_large(value: Fraction) -> bool:
    return abs(value) >= 2**1024 - 2**970


def _floats(values: Sequence[Any]) -> list[float]:
    found = []
    for value in values:
        try:
            found.append(float(value))
        except OverflowError:
            found.append(math.inf if value > 0 else -math.inf)
    return found


def _increases(values: list[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))
