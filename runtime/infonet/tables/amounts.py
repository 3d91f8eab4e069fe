"""Numbers as people write them: decimal commas, separators of thousands, currencies, per cent."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column
from infonet.csv_file import parse_numbers
from infonet.errors import InputError
from infonet.tables.exact import exact_numbers, long_numbers, with_gaps
from infonet.tables.remarks import Remark

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
