"""Numbers as people write them, and numbers of more digits than float64 holds.

Amounts have decimal commas, separators of thousands, currencies or per cent. Numbers of many digits
are kept apart, so that no column looks constant.

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

from infonet.errors import InputError
from infonet.inputs.checks import Column, Remark
from infonet.inputs.csv_rows import parse_numbers

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


_BLANKS = " \u00a0\u2009\u202f"  # the last three are kept together with what they separate
_SIGNS = r"US\$|A\$|C\$|R\$|HK\$|NZ\$|S\$|[$€£¥₹₩₽₺₴₫₪₱₦฿¢]|zł|Kč|kr\.?|Fr\.?|Rp|%|‰"
_CODES = "USD|EUR|GBP|JPY|CNY|CHF|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|INR|KRW|BRL|MXN|ZAR|RUB|TRY"
_UNIT = rf"(?:{_SIGNS}|{_CODES})"
_LETTERS = r"a-zA-Z\u00b0\u00b5\u03bc"
# kg, km/h, m2; one letter only after a blank: 12a may be a name.
_REST = rf"[{_LETTERS}\u00b2\u00b3/^]"
_WORD = rf"(?:(?<=[{_BLANKS}])[{_LETTERS}]|[{_LETTERS}]{_REST}){_REST}{{0,10}}\d?"
_AMOUNT = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+\u2212])?[{_BLANKS}]*(?P<before>{_UNIT})?[{_BLANKS}]*"
    r"(?P<sign2>[-+\u2212])?"
    rf"(?P<core>[\d.,][\d.,'\u2019{_BLANKS}]*(?:[eE][+-]?\d{{1,3}})?)"
    rf"(?P<after>{_UNIT}|{_WORD})?(?P<close>\))?",
    re.ASCII,
)
# By the decimal mark: a number without groups, or with groups of three digits.
_MARKS = {
    mark: re.compile(
        rf"\d+(?:{d}\d*)?(?:[eE][+-]?\d+)?|{d}\d+(?:[eE][+-]?\d+)?"
        rf"|[1-9]\d{{0,2}}(?:(?P<group>{g}|['\u2019]|[{_BLANKS}])\d{{3}})(?:(?P=group)\d{{3}})*"
        rf"(?:{d}\d*)?",
        re.ASCII,
    )
    for mark, d, g in ((".", r"\.", ","), (",", ",", r"\."))
}
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)  # 1.234 and 1,234
_GROUPS = str.maketrans("", "", "'\u2019" + _BLANKS)
_DOLLARS = ("$", "US$", "£", "USD", "GBP")  # of countries that put a point before decimals


class Amounts:
    """Texts that all are numbers of one unit, with one decimal mark; added in parts."""

    def __init__(self) -> None:
        self._parts: dict[str, list[NDArray[np.float64]]] = {".": [], ",": []}
        self._unit: str | None = None
        self._grouped = dict.fromkeys(self._parts, False)
        self._either = self._no_mark = self._proof = False
        self._example = ""

    def add(self, cells: Sequence[str]) -> bool:
        """Add texts without blanks around them; False if they or earlier ones are something else.

        After that, this object is of no use.
        """
        cores, negative = [], []
        for cell in cells:
            found = _AMOUNT.fullmatch(cell)
            if found is None or (found["before"] and found["after"]):
                return False
            if (found["open"] is None) != (found["close"] is None):
                return False
            signs = [s for s in (found["sign"], found["sign2"], found["open"]) if s]
            if len(signs) > 1:
                return False
            core = found["core"].rstrip(_BLANKS)
            unit = found["before"] or found["after"] or ""
            if unit != self._unit:
                if self._unit is not None:
                    return False
                self._unit = unit
            cores.append(core)
            negative.append(bool(signs) and signs[0] != "+")
        for mark in list(self._parts):
            part = self._read(mark, cores, negative)
            if part is None:
                del self._parts[mark]
            else:
                self._parts[mark].append(part)
        for core in cores:
            if "." not in core and "," not in core:
                self._no_mark = True
            elif _EITHER.fullmatch(core):
                self._either = True
                self._example = self._example or core
            else:
                self._proof = True
        return bool(self._parts)

    def _read(
        self, mark: str, cores: list[str], negative: list[bool]
    ) -> NDArray[np.float64] | None:
        texts = []
        for core, minus in zip(cores, negative, strict=True):
            found = _MARKS[mark].fullmatch(core)
            if found is None:
                return None
            if found["group"]:
                self._grouped[mark] = True
                core = core.translate(_GROUPS).replace("," if mark == "." else ".", "")
            texts.append(("-" if minus else "") + core.replace(mark, "."))
        numbers = parse_numbers(texts)
        return None if numbers is None else long_numbers(texts, numbers)

    @property
    def decimal(self) -> str:
        """The mark that is proven to stand before decimals: "." or ","; "" if neither is."""
        if self._proof and len(self._parts) == 1:
            return next(iter(self._parts))
        return ""

    def finish(self, label: str, decimal: str) -> tuple[Column, tuple[Remark, ...]]:
        """Numbers [n] and remarks.

        Args:
            label: how to call the column in a message.
            decimal: the decimal mark of the file, or "" where nothing tells.

        Raises:
            InputError: a mark that may separate decimals or thousands.
        """
        mark = self._mark(label, decimal)
        remarks = []
        if mark == "," and (self._either or self._proof) and not self._only_groups(mark):
            remarks.append(Remark("comma"))
        if self._grouped[mark]:
            remarks.append(Remark("thousands"))
        if self._unit:
            remarks.append(Remark("unit", self._unit))
        column, more = join_numbers(self._parts[mark])
        return column, (*more, *remarks)

    def _only_groups(self, mark: str) -> bool:
        """Whether no cell has decimals."""
        return self._grouped[mark] and not any(
            np.any(part != np.floor(part)) for part in self._parts[mark] if part.dtype != object
        )

    def _mark(self, label: str, decimal: str) -> str:
        if len(self._parts) == 1:
            return next(iter(self._parts))
        if not self._either:
            return "."  # whole numbers
        if decimal:
            return decimal
        if self._unit in _DOLLARS:
            return "."
        if self._no_mark or self._unit:
            name = "commas" if "," in self._example else "dots"
            raise InputError(
                f"{label} holds numbers with {name} that may be decimal {name} or separators of "
                f"thousands, such as {self._example!r}, allowed are decimal points: write it "
                "without separators"
            )
        return "," if "," in self._example else "."  # among its like the order is the same


def join_numbers(parts: Sequence[NDArray[np.float64]]) -> tuple[Column, tuple[Remark, ...]]:
    """Parts of a column, some perhaps from `long_numbers`, as one array, and remarks."""
    column = np.concatenate(parts) if parts else np.empty(0)
    if column.dtype != object:
        return column, ()
    listed = column.tolist()
    present = [value for value in listed if value == value]
    numbers, remarks = exact_numbers(present)
    if len(present) == len(listed):
        return numbers, remarks
    missing = np.fromiter((value != value for value in listed), np.bool_, len(listed))
    whole = np.zeros(len(listed), numbers.dtype)
    whole[~missing] = numbers
    return with_gaps(whole, missing), remarks
