"""Columns of text that mean numbers after all: truth values, decimal commas, times, categories."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column
from infonet.csv_file import is_missing, parse_numbers
from infonet.errors import InputError
from infonet.tables.categories import MOST_LEVELS, crowded_out, encode
from infonet.tables.remarks import Remark
from infonet.tables.values import Values, from_array

_TRUTH = {"true": 1.0, "false": 0.0}
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?|[+-]?\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")
_TIME = re.compile(r"\d{4}([-/])\d\d\1\d\d([ T]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?)?Z?")
_FEW_LEVELS = 20  # so many may be numbers and words mixed

Parser = Callable[[Sequence[str]], Column | None]


class TextColumn:
    """A column of a text file, read in chunks; not plain numbers as a whole.

    Args:
        label: how to call the column in a message.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._parts: dict[str, list[Column]] = {"truth": [], "comma": [], "time": []}
        self._levels: dict[str, int] = {}
        self._codes: list[NDArray[np.int32]] = []
        self._rows = 0
        self._has_integers = self._has_decimals = False

    def add(self, cells: Sequence[str]) -> None:
        """Add cells, in whatever form the column can still have."""
        cells = [cell.strip() for cell in cells]
        present = [cell for cell in cells if not is_missing(cell)]
        self._rows += len(present)
        everything = len(present) == len(cells)
        where = ... if everything else np.array([not is_missing(cell) for cell in cells], np.bool_)
        if "comma" in self._parts:
            self._has_integers |= any("," not in cell for cell in present)
            self._has_decimals |= any(
                "," in cell and not _THOUSANDS.fullmatch(cell) for cell in present
            )
        for kind, parts in list(self._parts.items()):
            found = _PARSERS[kind](present)
            if found is None:
                del self._parts[kind]
                continue
            part = np.full(len(cells), _GAPS[kind], found.dtype)
            part[where] = found
            parts.append(part)
        if len(self._levels) <= MOST_LEVELS:
            codes = np.full(len(cells), -1, np.int32)
            seen = self._levels
            codes[where] = [seen.setdefault(cell, len(seen)) for cell in present]
            self._codes.append(codes)
        else:
            self._codes.clear()

    def finish(self) -> Values:
        """Numbers and remarks.

        Raises:
            InputError: free text, numbers mixed with text, or commas that may mean either thing.
        """
        for kind, parts in self._parts.items():
            column = np.concatenate(parts)
            if kind == "time":
                return from_array(column, self._label)
            if kind == "comma":
                self._refuse_thousands()
            return column, (Remark(kind),)
        self._refuse_mixtures()
        if too_many := crowded_out(len(self._levels), self._rows):
            more = "more than " if len(self._levels) > MOST_LEVELS else ""
            raise InputError(
                f"{self._label} holds {too_many.replace('with ', f'with {more}')}, allowed are "
                "numbers, times and categories that repeat: leave it out"
            )
        return encode(np.concatenate(self._codes), list(self._levels), False, self._label)

    def _refuse_thousands(self) -> None:
        """1,234 beside 12 may be more or less; among its like the order is the same."""
        if self._has_integers and not self._has_decimals:
            raise InputError(
                f"{self._label} holds numbers with commas that may be decimal commas or separators "
                "of thousands, allowed are decimal points: write it without separators"
            )

    def _refuse_mixtures(self) -> None:
        words = [level for level in self._levels if parse_numbers([level]) is None]
        if len(self._levels) > _FEW_LEVELS and len(words) < len(self._levels) / 2:
            raise InputError(
                f"{self._label} holds numbers mixed with text such as {words[0][:40]!r}, allowed "
                "are numbers or categories: make those cells empty, or leave the column out"
            )


def _truth(cells: Sequence[str]) -> Column | None:
    found = [_TRUTH.get(cell.lower()) for cell in cells]
    return None if None in found else np.array(found, np.float64)


def _comma(cells: Sequence[str]) -> Column | None:
    if not all(map(_COMMA.fullmatch, cells)):
        return None
    return np.array([float(cell.replace(",", ".")) for cell in cells], np.float64)


def _time(cells: Sequence[str]) -> Column | None:
    if not all(map(_TIME.fullmatch, cells)):
        return None
    plain = [cell.rstrip("Z").replace("/", "-").replace(",", ".") for cell in cells]
    unit = "ns" if any(len(cell) > len("2020-01-01 00:00:00.123456") for cell in plain) else "us"
    try:
        return np.array(plain, f"datetime64[{unit}]")
    except ValueError:  # the 30th of February
        return None


_PARSERS: dict[str, Parser] = {"truth": _truth, "comma": _comma, "time": _time}
_GAPS = {"truth": np.nan, "comma": np.nan, "time": np.datetime64("NaT")}
