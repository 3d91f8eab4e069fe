"""CSV files as tables, and lines of numbers that arrive one at a time.

Columns that begin as numbers and turn out to be text are read again.
"""

from __future__ import annotations

import csv
import math
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import Remark
from infonet.inputs.convert import MOST_LEVELS, Values, crowded, crowded_out, encode_names
from infonet.inputs.csv_rows import Row, is_missing, open_csv, parse_numbers
from infonet.inputs.meanings import Meanings, is_mark, missing_remark
from infonet.inputs.numbers import EXACT, join_numbers, long_numbers, with_gaps
from infonet.inputs.table import RawTable, Request, label_of


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
        stream: TextIO,
        columns: str | None,
        time_column: str | None,
        header: bool | None = None,
        given: Sequence[str] = (),
    ) -> Lines:
        """Read the first line, and find out what it says about the others.

        `header` says whether it holds the names of the columns; None: if it holds no number.
        The columns `given` are variables whether or not `columns` names them.
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
        if columns is None:
            wanted = [n for n in names if n != time_column or n in given]
        else:
            wanted = split_names(columns)
        wanted += [name for name in given if name not in wanted]
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
            if abs(number) >= EXACT and _is_rounded(cells[i], number):
                raise ValueError(f"has {cells[i][:40]!r}, which a float would round")
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


def _is_rounded(cell: str, number: float) -> bool:
    try:
        return int(cell) != number
    except ValueError:  # a fraction, or infinite
        return False


def split_names(names: str) -> list[str]:
    """Names separated by commas, those with commas in double quotes."""
    return [name.strip() for name in next(csv.reader([names], skipinitialspace=True), [])]


def _position(name: str, names: list[str]) -> int:
    if name in names:
        return names.index(name)
    raise InputError(f"column {name!r} does not exist: choose from {', '.join(names)}")


class TextColumn:
    """A column of a text file, read in chunks.

    Args:
        label: how to call the column in a message.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._meanings = Meanings()
        self._gaps: list[NDArray[np.bool_]] = []  # missing, if the others mean something
        self._marks: Counter[str] = Counter()
        self._levels: dict[str, int] = {}
        self._codes: list[NDArray[np.int32]] = []
        self._rows = 0

    def add(self, cells: Sequence[str]) -> None:
        """Add cells, in whatever form the column can still have.

        Raises:
            InputError: zero bytes, which no text has.
        """
        if "\0" in "".join(cells):
            raise InputError(
                f"{self._label} holds zero bytes, allowed is text in UTF-8: write the file again"
            )
        cells = [cell.strip() for cell in cells]
        absent = np.fromiter(map(is_missing, cells), np.bool_, len(cells))
        marked = np.fromiter(map(is_mark, cells), np.bool_, len(cells))
        self._marks.update(cells[i] for i in np.flatnonzero(marked).tolist())
        gaps = absent | marked
        self._gaps.append(gaps)
        self._meanings.add([cells[i] for i in np.flatnonzero(~gaps).tolist()])
        present = [cells[i] for i in np.flatnonzero(~absent).tolist()]
        self._rows += len(present)
        if len(self._levels) <= MOST_LEVELS:
            codes = np.full(len(cells), -1, np.int32)
            seen = self._levels
            codes[~absent] = [seen.setdefault(cell, len(seen)) for cell in present]
            self._codes.append(codes)
        else:
            self._codes.clear()

    @property
    def decimal(self) -> str:
        """The decimal mark that the column proves: "." or ",", or "" if it proves none."""
        return self._meanings.decimal

    def finish(self, decimal: str = "") -> Values:
        """Numbers and remarks.

        Args:
            decimal: the decimal mark of the file, or "" where nothing tells.

        Raises:
            InputError: free text, numbers mixed with text, or marks that may mean either thing.
        """
        found = self._meanings.finish(self._label, decimal)
        if found is not None:
            numbers, remarks, _ = found
            remarks = (*remarks, *missing_remark(self._marks))
            gaps = np.concatenate(self._gaps)
            if not gaps.any():
                return numbers, remarks
            whole = np.zeros(gaps.size, numbers.dtype)
            whole[~gaps] = numbers
            return with_gaps(whole, gaps), remarks
        if len(self._levels) > MOST_LEVELS:
            what = crowded_out(len(self._levels), self._rows)
            what = what.replace("with ", "with more than ", 1)
            raise crowded(what, next(iter(self._levels)), self._label)
        return encode_names(np.concatenate(self._codes), list(self._levels), self._label)


_DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)  # 1.234 may be 1234
_AMOUNT = re.compile(r"[+-]?[\d.,]*\d[\d.,]*", re.ASCII)
_PROOFS = {  # of the mark before decimals: no groups of three digits
    mark: re.compile(rf"[+-]?(?:(?:0|\d{{4,}})?{d}\d+|\d+{d}(?:\d{{1,2}}|\d{{4,}}))", re.ASCII)
    for mark, d in ((".", r"\."), (",", ","))
}
_LOOKED_AT = 200  # rows of all columns, for the decimal mark of the file


def csv_table(file: Path, request: Request) -> RawTable:
    """The table in a CSV file; only the columns of `request` are read.

    Empty cells, NA, NaN, null and none are missing, and among numbers or times also ? and the like.
    A column is numbers; or true and false; or numbers as people write them, see `amounts`; or dates
    and times, see `times`; or categories.

    Raises:
        InputError: see `open_csv`.
    """
    return _read(file, str(file), request)


def standard_input_table(request: Request) -> RawTable:
    """The table in CSV on standard input, as `csv_table` reads it."""
    if sys.stdin is None or sys.stdin.closed:
        raise InputError("standard input is closed: give a file")
    with tempfile.TemporaryDirectory(prefix="infonet-") as folder:
        file = Path(folder, "standard_input.csv")
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        return _read(file, "standard input", request)


class _NumberColumn:
    """A column of plain numbers so far.

    Attributes:
        parts: its numbers.
        example: a number whose dot may separate thousands, unless another one shows it does not.
    """

    def __init__(self) -> None:
        self.parts: list[NDArray[Any]] = []
        self.example = ""
        self.undotted = False
        self._open = True

    def add(self, cells: Sequence[str]) -> bool:
        """Add cells; False if they are not all numbers."""
        numbers = parse_numbers(cells)
        if numbers is None:
            return False
        self.parts.append(long_numbers(cells, numbers))
        for cell in cells if self._open else ():
            text = cell.strip()
            if "." in text:
                self._open = _DOTTED.fullmatch(text) is not None
                self.example = text
            elif not is_missing(text):
                self._open = len(text.lstrip("+-")) < 4
                self.undotted = True
            if not self._open:
                self.example = ""
                break
        return True


def _read(file: Path, name: str, request: Request) -> RawTable:
    with open_csv(file, name, request.header) as rows:
        names, notes = rows.names, rows.notes
        chosen = sorted(request.pick(names)[1])
        numbers = {i: _NumberColumn() for i in chosen}
        texts: dict[int, TextColumn] = {}
        late: list[int] = []  # columns that began as numbers
        marks: set[str] = set()
        count = 0
        for chunk in rows.chunks:
            if not count:
                marks = _decimal_marks(chunk[:_LOOKED_AT])
            count += len(chunk)
            for i in chosen:
                cells = [row[i] for row in chunk]
                if i in texts:
                    texts[i].add(cells)
                elif i in numbers and not numbers[i].add(cells):
                    began = bool(numbers.pop(i).parts)
                    if began:
                        late.append(i)
                    else:
                        texts[i] = TextColumn(label_of(names[i]))
                        texts[i].add(cells)
    if not count:
        raise InputError(f"{name} has a header and no rows: give a file with rows of numbers")
    texts |= _read_text(file, name, request, late, names)
    marks |= {column.decimal for column in texts.values()} - {""}
    decimal = marks.pop() if len(marks) == 1 else ""
    if decimal == ",":  # dots of this file stand between thousands
        late = [i for i, column in numbers.items() if column.example]
        texts |= _read_text(file, name, request, late, names)
    values: dict[int, Values | InputError] = {i: _finish(texts.pop(i), decimal) for i in [*texts]}
    for i in [*numbers]:
        column = numbers.pop(i)
        if i not in values:
            array, remarks = join_numbers(column.parts)
            if column.example and column.undotted and not decimal:
                remarks += (Remark("dots", f"such as {column.example}"),)
            values[i] = array, remarks

    def convert(i: int) -> Values:
        found = values[i]
        if isinstance(found, InputError):
            raise InputError(str(found))
        return found

    def describe(i: int) -> tuple[Remark, ...]:
        return convert(i)[1]

    return RawTable(names, count, describe, convert, notes)


def _decimal_marks(rows: list[Row]) -> set[str]:
    """Marks that are proven by a column of numbers to stand before decimals: ".", ",", or both."""
    found: set[str] = set()
    for column in zip(*rows, strict=True):
        cells = [cell.strip() for cell in column]
        proofs = {
            mark
            for mark, proof in _PROOFS.items()
            if any(mark in cell and proof.fullmatch(cell) for cell in cells)
        }
        if proofs - found and all(_AMOUNT.fullmatch(c) or is_missing(c) for c in cells):
            found |= proofs
    return found


def _read_text(
    file: Path, name: str, request: Request, chosen: list[int], names: list[str]
) -> dict[int, TextColumn]:
    """The columns at positions `chosen` from the start of the file, as text."""
    columns = {i: TextColumn(label_of(names[i])) for i in chosen}
    if columns:
        with open_csv(file, name, request.header, quiet=True) as rows:
            for chunk in rows.chunks:
                for i, column in columns.items():
                    column.add([row[i] for row in chunk])
    return columns


def _finish(column: TextColumn, decimal: str) -> Values | InputError:
    try:
        return column.finish(decimal)
    except InputError as error:
        return error
