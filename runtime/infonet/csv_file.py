"""Read numeric columns of a CSV file in bounded memory, with the standard library and NumPy."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn

_MISSING = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nat"))
_DELIMITERS = "\t;|,"
_LOOKED_AT = 20  # lines to find the delimiter by
_CHUNK = 16384  # rows held as text at a time

Row = list[str]


def read_csv(file: Path) -> tuple[dict[str, NDArray[np.float64]], tuple[str, ...]]:
    """Return (numeric columns by name, names of the other columns).

    The delimiter is the first of tab, semicolon, bar and comma that splits the first rows into
    equally many cells. The first row is a header unless its cells are numbers (some may be NA);
    without one, names are "0", "1", … and a warning says so. Empty cells, NA, NaN, null and none
    are NaN. A column with any other text is not numeric.

    Raises:
        InputError: no rows, rows of unequal length, a name twice, or not text.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            delimiter = _find_delimiter(list(islice(filter(str.strip, stream), _LOOKED_AT)))
            stream.seek(0)
            return _read(file, _numbered(_reader(stream, delimiter)))
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except csv.Error as error:
        raise InputError(f"{file} is not a readable CSV file ({error}): write it again") from None


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def _find_delimiter(lines: list[str]) -> str:
    """The delimiter of a file that begins with these lines.

    Comma is tried last, because it may be a decimal point or part of a name. If none fits (the
    file may be ragged), it is the most frequent one in the first line.
    """
    for delimiter in _DELIMITERS:
        counts = {len(row) for row in _reader(lines, delimiter)}
        if len(counts) == 1 and max(counts) > 1:
            return delimiter
    return max(reversed(_DELIMITERS), key=lines[0].count) if lines else _DELIMITERS[-1]


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
    has_header = any(_numbers([cell]) is None or not cell.strip() for cell in head)
    has_header |= all(map(_is_missing, head))
    if not has_header:
        warn(
            f"{file} has numbers in its first row, which is taken for data and not for a header: "
            "columns are called 0, 1, …"
        )
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
    if "_" in "".join(cells):
        return None  # Python reads 2020_01 as 202001
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
