"""Read numeric columns of a CSV file in bounded memory, with the standard library and NumPy."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError

_MISSING = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nat"))
_DELIMITERS = ",;\t|"
_CHUNK = 16384  # rows held as text at a time

Row = list[str]


def read_csv(file: Path) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Return (numeric columns by name, names of the other columns).

    The delimiter is the most frequent of comma, semicolon, tab and bar in the first line. The
    first row is a header unless all its cells are numbers; without one, names are "0", "1", …
    Empty cells, NA, NaN, null and none are NaN. A column with any other text is not numeric.

    Raises:
        InputError: no rows, rows of unequal length, a name twice, or not text.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            first_line = stream.readline()
            stream.seek(0)
            delimiter = max(_DELIMITERS, key=first_line.count)
            rows = _numbered(csv.reader(stream, delimiter=delimiter, skipinitialspace=True))
            return _read(file, rows)
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{file} is not a readable CSV file ({error}): write it again") from None


def _numbered(reader: Iterator[Row]) -> Iterator[tuple[int, Row]]:
    """Rows that are not blank, with their numbers in the file."""
    return ((number, row) for number, row in enumerate(reader, 1) if any(map(str.strip, row)))


def _read(
    file: Path, rows: Iterator[tuple[int, Row]]
) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{file} is empty: give a file with a header and rows of numbers")
    head = first[1]
    has_header = any(_numbers([cell]) is None or _is_missing(cell) for cell in head)
    names = [cell.strip() for cell in head] if has_header else [str(i) for i in range(len(head))]
    names = [name or f"column {i}" for i, name in enumerate(names)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{file} names columns twice ({', '.join(twice)}): rename them")
    parts: list[list[NDArray[np.float64]] | None] = [[] for _ in names]
    pending = [] if has_header else [first]
    while chunk := [*pending, *islice(rows, _CHUNK)]:
        pending = []
        for number, row in chunk:
            if len(row) != len(names):
                raise InputError(
                    f"{file} has {len(row)} cells in row {number} and {len(names)} in the first "
                    "row: give every row as many"
                )
        for index, cells in enumerate(zip(*(row for _, row in chunk), strict=True)):
            found, numbers = parts[index], None
            if found is not None and (numbers := _numbers(cells)) is not None:
                found.append(numbers)
            else:
                parts[index] = None
    columns = {n: np.concatenate(p) for n, p in zip(names, parts, strict=True) if p}
    if not columns and not any(part is None for part in parts):
        raise InputError(f"{file} has a header and no rows: give a file with rows of numbers")
    return columns, tuple(n for n, p in zip(names, parts, strict=True) if p is None)


def _numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Cells as numbers, or None if one of them is other text."""
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        pass
    try:
        filled = ("nan" if _is_missing(cell) else cell for cell in cells)
        return np.fromiter(map(float, filled), np.float64, len(cells))
    except ValueError:
        return None


def _is_missing(cell: str) -> bool:
    return cell.strip().lower() in _MISSING
