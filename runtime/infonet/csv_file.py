"""Rows of text of a CSV file, with the standard library, and cells as numbers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from infonet.csv_layout import BLANKS, Layout, Row, find_layout, has_row_names
from infonet.errors import InputError, warn

_MISSING = frozenset(("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "nat"))
_CHUNK = 16384  # rows held as text at a time
_GZIP = b"\x1f\x8b"  # no text in UTF-8 begins like this
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # nor like these, which Excel writes


@dataclass(frozen=True)
class CsvRows:
    """Names of the columns, and the rows as they come.

    Attributes:
        names: names of the columns.
        chunks: lists of some thousand rows, each with as many cells as there are names.
        notes: how the file is read, where that is not plain, each one sentence.
    """

    names: list[str]
    chunks: Iterator[list[Row]]
    notes: tuple[str, ...]


@contextmanager
def open_csv(
    file: Path, name: str, header: bool | None = None, quiet: bool = False
) -> Iterator[CsvRows]:
    """Open a CSV file, plain or compressed with gzip, that messages call `name`.

    The delimiter is tab, semicolon, bar, comma or blanks, see `csv_layout`. Lines of comment (#, %,
    //) before the first row are left out.

    Args:
        file: its path.
        name: how messages call it.
        header: whether the first row holds the names of the columns; None: it does unless its
            cells are numbers (some may be NA). Without a header, names are "0", "1", …, and unless
            that was asked for, a warning says so.
        quiet: no warning.

    Raises:
        InputError: no rows, rows of unequal length, a name twice, or not text.
    """
    try:
        code = _encoding(file)
        with _open_bytes(file) as raw, io.TextIOWrapper(raw, code, newline="") as stream:
            layout = find_layout(stream)
            stream.seek(0)
            yield _with_header(name, layout, layout.rows(stream), header, quiet)
    except UnicodeError:
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


def _encoding(file: Path) -> str:
    with _open_bytes(file) as start:
        return "utf-16" if start.read(2) in _UTF_16 else "utf-8-sig"


def _with_header(
    name: str, layout: Layout, rows: Iterator[tuple[int, Row]], header: bool | None, quiet: bool
) -> CsvRows:
    first = next(rows, None)
    if first is None:
        raise InputError(f"{name} is empty: give a file with a header and rows of numbers")
    head = first[1]
    notes = []
    if layout.comments:
        notes.append(f"lines of comment are left out: {layout.comments} of {name}")
    if layout.delimiter == BLANKS:
        notes.append(f"columns are taken as separated by blanks: {name}")
    if header is not False and layout.header is None:
        rows, head = _with_row_names(rows, head)
        if len(head) > len(first[1]):
            notes.append(
                f"rows are taken to begin with a name, for which the header has none: {name}"
            )
    cells = len(head)
    if layout.header is not None and header is not False:
        head, header = layout.header, True
        rows = chain([first], rows)
    elif header is None:
        header = any(parse_numbers([cell]) is None or not cell.strip() for cell in head)
        header |= all(map(is_missing, head))
        if not (header or quiet):
            warn(
                f"{name} has numbers in its first row, which is taken for data and not for a "
                "header: columns are called 0, 1, …; pass --header on the command line "
                "(header=True) if it is one"
            )
    if not header:
        rows = chain([first], rows)
    names = [cell.strip() for cell in head] if header else [str(i) for i in range(cells)]
    names = [label or f"column {i}" for i, label in enumerate(names)]
    twice = sorted({label for label in names if names.count(label) > 1})
    if twice:
        raise InputError(f"{name} names columns twice ({', '.join(twice[:8])}): rename them")
    return CsvRows(names, _chunks(name, layout.mark, rows, cells), tuple(notes))


def _with_row_names(
    rows: Iterator[tuple[int, Row]], head: Row
) -> tuple[Iterator[tuple[int, Row]], Row]:
    """Rows, and the header with a cell more if the rows have names, as R writes them."""
    second = next(rows, None)
    if second is None:
        return rows, head
    if has_row_names([head, second[1]]):
        head = ["", *head]
    return chain([second], rows), head


def _chunks(
    name: str, mark: str, rows: Iterator[tuple[int, Row]], cells: int
) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        kept = []
        for number, row in chunk:
            if len(row) == cells:
                kept.append(row)
            elif not (mark and row[0].lstrip().startswith(mark)):  # else more comment
                raise InputError(
                    f"{name} has {len(row)} cells in row {number} and {cells} in the first "
                    f"row: give every row as many; this one begins with {row[0][:40]!r}"
                )
        if kept:
            yield kept
