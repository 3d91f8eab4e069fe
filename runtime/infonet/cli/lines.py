"""Numbers from lines of text, read one at a time."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

from infonet.csv_file import is_missing
from infonet.errors import InputError
from infonet.tables.meanings import is_mark


@dataclass(frozen=True)
class Lines:
    """Numbered lines that follow the header, and how to read them.

    Attributes:
        names: of the variables.
        cells: cells of a line.
        chosen: positions of the variables.
        time: position of the time, or None.
        delimiter: "" for white space.
    """

    lines: Iterable[tuple[int, str]]
    names: tuple[str, ...]
    cells: int
    chosen: tuple[int, ...]
    time: int | None
    delimiter: str

    @staticmethod
    def open(
        stream: TextIO, columns: str | None, time_column: str | None, header: bool | None = None
    ) -> Lines:
        """Read the first line, and find out what it says about the others.

        `header` says whether it holds the names of the columns; None: if it holds no number.
        """
        lines = ((i, line) for i, line in enumerate(stream, 1) if line.strip())
        first = next(lines, None)
        if first is None:
            raise InputError("standard input is empty: give lines of numbers")
        delimiter = next((mark for mark in "\t;|," if mark in first[1]), "")
        head = _cells(first[1], delimiter)
        # A row that begins with a text of the time is no header.
        text = [_number(cell) is None for cell in head]
        absent = [is_missing(cell) or is_mark(cell) for cell in head]
        all_text = any(text) and all(t or a for t, a in zip(text, absent, strict=True))
        has_header = all_text if header is None else header
        names = [(c or f"column {i}") if has_header else str(i) for i, c in enumerate(head)]
        if len(set(names)) < len(names):
            raise InputError(f"the header names columns twice ({', '.join(names)}): rename them")
        time = None if time_column is None else _position(time_column, names)
        wanted = [n for n in names if n != time_column] if columns is None else split_names(columns)
        chosen = tuple(_position(name, names) for name in wanted)
        rest = lines if has_header else _chain(first, lines)
        return Lines(rest, tuple(wanted), len(head), chosen, time, delimiter)

    def parse(self, line: str) -> tuple[list[float], str | None]:
        """Numbers and the time of a line; ValueError, without its number, if it is bad."""
        cells = _cells(line, self.delimiter)
        if len(cells) != self.cells:
            raise ValueError(f"has {len(cells)} cells where the first line has {self.cells}")
        values = []
        for i in self.chosen:
            number = _number(cells[i])
            if number is None:
                raise ValueError(f"has {cells[i][:40]!r} where a number is needed")
            values.append(number)
        return values, None if self.time is None else cells[self.time]


def _chain(first: tuple[int, str], rest: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _cells(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return line.split()
    if '"' in line:
        return [c.strip() for c in next(csv.reader([line], delimiter=delimiter, strict=False))]
    return [cell.strip() for cell in line.split(delimiter)]


def _number(cell: str) -> float | None:
    """A number, NaN for a missing one, None for other text."""
    if is_missing(cell) or is_mark(cell):
        return math.nan
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def split_names(names: str) -> list[str]:
    """Names separated by commas, those with commas in double quotes."""
    return [name.strip() for name in next(csv.reader([names], skipinitialspace=True), [])]


def _position(name: str, names: list[str]) -> int:
    if name in names:
        return names.index(name)
    raise InputError(f"column {name!r} does not exist: choose from {', '.join(names)}")
