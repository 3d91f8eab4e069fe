"""CSV files as tables. Columns that begin as numbers and turn out to be text are read again."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from infonet.csv_file import is_missing, open_csv, parse_numbers
from infonet.csv_layout import Row
from infonet.errors import InputError
from infonet.tables.amounts import join_numbers
from infonet.tables.exact import long_numbers
from infonet.tables.remarks import Remark
from infonet.tables.source import RawTable, Request, label_of
from infonet.tables.text_columns import TextColumn
from infonet.tables.values import Values

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
