"""Rows of text of a CSV file, with the standard library, and cells as numbers."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn

_MISSING = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nat"))
_DELIMITERS = "\t;|,"
_LOOKED_AT = 20  # lines to find the delimiter by
_CHUNK = 16384  # rows held as text at a time
_GZIP = b"\x1f\x8b"  # no text in UTF-8 begins like this

Row = list[str]


@dataclass(frozen=True)
class CsvRows:
    """Names of the columns, and the rows as they come.

    Attributes:
        names: names of the columns.
        chunks: lists of some thousand rows, each with as many cells as there are names.
    """

    names: list[str]
    chunks: Iterator[list[Row]]


@contextmanager
def open_csv(file: Path, name: str, quiet: bool = False) -> Iterator[CsvRows]:
    """Open a CSV file, plain or compressed with gzip, that messages call `name`.

    The delimiter is the first of tab, semicolon, bar and comma that splits the first rows into
    equally many cells. The first row is a header unless its cells are numbers (some may be NA);
    without one, names are "0", "1", … and a warning says so unless `quiet`.

    Raises:
        InputError: no rows, rows of unequal length, a name twice, or not text.
    """
    try:
        with _open_bytes(file) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as stream:
            delimiter = _find_delimiter(list(islice(filter(str.strip, stream), _LOOKED_AT)))
            stream.seek(0)
            yield _with_header(name, _numbered(_reader(stream, delimiter)), quiet)
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text: save it as UTF-8") from None
    except (csv.Error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{name} is not a readable CSV file ({error}): write it again") from None


def parse_numbers(cells: Sequence[str]) -> NDArray[np.float64] | None:
    """Cells as numbers, NaN for missing ones, or None if one of them is other text."""
    if "_" in "".join(cells):
        return None  # Python reads 2020_01 as 202001
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        pass
    try:
        filled = ("nan" if is_missing(cell) else cell for cell in cells)
        return np.fromiter(map(float, filled), np.float64, len(cells))
    except ValueError:
        return None


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is no value."""
    return cell.strip().lower() in _MISSING


def _open_bytes(file: Path) -> IO[bytes]:
    with file.open("rb") as start:
        compressed = start.read(2) == _GZIP
    return cast(IO[bytes], gzip.open(file)) if compressed else file.open("rb")


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


def _with_header(name: str, rows: Iterator[tuple[int, Row]], quiet: bool) -> CsvRows:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{name} is empty: give a file with a header and rows of numbers")
    head = first[1]
    has_header = any(parse_numbers([cell]) is None or not cell.strip() for cell in head)
    has_header |= all(map(is_missing, head))
    if not (has_header or quiet):
        warn(
            f"{name} has numbers in its first row, which is taken for data and not for a header: "
            "columns are called 0, 1, …"
        )
    names = [cell.strip() for cell in head] if has_header else [str(i) for i in range(len(head))]
    names = [label or f"column {i}" for i, label in enumerate(names)]
    twice = sorted({label for label in names if names.count(label) > 1})
    if twice:
        raise InputError(f"{name} names columns twice ({', '.join(twice)}): rename them")
    return CsvRows(names, _chunks(name, [] if has_header else [first], rows, len(names)))


def _chunks(
    name: str, pending: list[tuple[int, Row]], rows: Iterator[tuple[int, Row]], cells: int
) -> Iterator[list[Row]]:
    while chunk := [*pending, *islice(rows, _CHUNK)]:
        pending = []
        for number, row in chunk:
            if len(row) != cells:
                raise InputError(
                    f"{name} has {len(row)} cells in row {number} and {cells} in the first "
                    "row: give every row as many"
                )
        yield [row for _, row in chunk]
