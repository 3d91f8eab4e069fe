"""CSV files as tables. Columns that begin as numbers and turn out to be text are read again."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.csv_file import open_csv, parse_numbers
from infonet.errors import InputError
from infonet.tables.remarks import Remark
from infonet.tables.source import RawTable, label_of, pick
from infonet.tables.text_columns import TextColumn
from infonet.tables.values import Values

Parts = list[NDArray[np.float64]]


def csv_table(file: Path, columns: Sequence[str | int] | None = None) -> RawTable:
    """The table in a CSV file; only its `columns` are read.

    Empty cells, NA, NaN, null and none are missing. A column is numbers; or true and false; or
    numbers with decimal commas; or dates and times (ISO 8601, also with slashes); or categories.

    Raises:
        InputError: see `open_csv`.
    """
    return _read(file, str(file), columns)


def standard_input_table(columns: Sequence[str | int] | None = None) -> RawTable:
    """The table in CSV on standard input, as `csv_table` reads it."""
    with tempfile.TemporaryDirectory(prefix="infonet-") as folder:
        file = Path(folder, "standard_input.csv")
        with file.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        return _read(file, "standard input", columns)


def _read(file: Path, name: str, columns: Sequence[str | int] | None) -> RawTable:
    with open_csv(file, name) as rows:
        names = rows.names
        chosen = sorted(pick(names, columns)[1])
        numbers: dict[int, Parts] = {i: [] for i in chosen}
        texts: dict[int, TextColumn] = {}
        late: list[int] = []  # columns that began as numbers
        count = 0
        for chunk in rows.chunks:
            count += len(chunk)
            for i in chosen:
                cells = [row[i] for row in chunk]
                if i in texts:
                    texts[i].add(cells)
                elif i in numbers and (part := parse_numbers(cells)) is not None:
                    numbers[i].append(part)
                elif i in numbers and numbers.pop(i):
                    late.append(i)
                elif i not in late:
                    texts[i] = TextColumn(label_of(names[i]))
                    texts[i].add(cells)
    if not count:
        raise InputError(f"{name} has a header and no rows: give a file with rows of numbers")
    values: dict[int, Values | InputError] = {}
    for i in list(numbers):
        values[i] = np.concatenate(numbers.pop(i)), ()
    texts |= _read_text(file, name, late, names)
    for i in list(texts):
        values[i] = _finish(texts.pop(i))

    def convert(i: int) -> Values:
        found = values[i]
        if isinstance(found, InputError):
            raise InputError(str(found))
        return found

    def describe(i: int) -> tuple[Remark, ...]:
        return convert(i)[1]

    return RawTable(names, count, describe, convert)


def _read_text(file: Path, name: str, chosen: list[int], names: list[str]) -> dict[int, TextColumn]:
    """The columns at positions `chosen` from the start of the file, as text."""
    columns = {i: TextColumn(label_of(names[i])) for i in chosen}
    if columns:
        with open_csv(file, name, quiet=True) as rows:
            for chunk in rows.chunks:
                for i, column in columns.items():
                    column.add([row[i] for row in chunk])
    return columns


def _finish(column: TextColumn) -> Values | InputError:
    try:
        return column.finish()
    except InputError as error:
        return error
