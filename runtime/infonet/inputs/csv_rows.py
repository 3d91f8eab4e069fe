"""Rows of text of a CSV file, with the standard library, and cells as numbers.

The layout is found from the first lines: comments, the delimiter, the header.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn

Row = list[str]
BLANKS = " "  # runs of blanks and tabs
_DELIMITERS = "\t;|,"
_LOOKED_AT = 20  # lines to find the delimiter by
_MOST_LINES = 2000  # of comment, and blank ones, before these
_COMMENTS = ("#", "%", "//")
_SEP = re.compile(r"\"?sep=(?P<mark>[^\w\s\"]|\t)\"?", re.IGNORECASE)  # of Excel
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_NUMBERS = re.compile(r"[+-]?[\d.]+(?:[eE][+-]?\d+)?(?:\s+[+-]?[\d.]+(?:[eE][+-]?\d+)?)+")
_GROUPS = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d*)?")
_NUMBER = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Layout:
    """How to read a file.

    Attributes:
        delimiter: between cells; " " for runs of blanks.
        skip: lines to skip at the start.
        comments: how many of these are comment.
        mark: how lines of comment begin; "" if there are none.
        header: the names of the columns, if they stand in a line of comment.
    """

    delimiter: str
    skip: int = 0
    comments: int = 0
    mark: str = ""
    header: Row | None = None

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
        """Rows of all the lines of the file that are not blank, with their numbers, from 1."""
        cells = split(islice(lines, self.skip, None), self.delimiter)
        return (
            (number, row)
            for number, row in enumerate(cells, 1 + self.skip)
            if any(map(str.strip, row))
        )


def split(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    """Cells of lines."""
    if delimiter == BLANKS:
        return ([quoted or bare for quoted, bare in _TOKEN.findall(line)] for line in lines)
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True)


def find_layout(stream: Iterable[str]) -> Layout:
    """The layout of a file that begins with the lines of `stream`; some are read.

    The delimiter is what Excel's `sep=` says, or the first of tab, semicolon, bar, comma and blanks
    that splits the first rows into equally many cells.
    """
    lines: list[str] = []
    comments: list[str] = []
    mark = said = ""
    skip = 0
    for number, line in enumerate(islice(stream, _MOST_LINES)):
        text = line.strip()
        if not text:
            continue
        if not (lines or comments or said) and (found := _SEP.fullmatch(line.strip("\r\n "))):
            said = found["mark"]
        elif not lines and text.startswith(mark or _COMMENTS):
            mark = mark or next(start for start in _COMMENTS if text.startswith(start))
            comments.append(line)
        else:
            skip = skip if lines else number
            lines.append(line)
            if len(lines) == _LOOKED_AT:
                break
    if not lines:  # names that begin like a comment, and no rows
        return Layout(said or _find_delimiter(comments[:1]))
    delimiter = said or _find_delimiter(lines)
    if not comments:
        return Layout(delimiter, skip if said else 0)
    header = _header(comments[-1].strip(), mark, lines, delimiter)
    return Layout(delimiter, skip, len(comments) - (header is not None), mark, header)


def _header(line: str, mark: str, lines: list[str], delimiter: str) -> Row | None:
    """The names in the last line of comment, if it has as many cells as the rows of numbers."""
    body = line.removeprefix(mark)
    rows = list(split(lines, delimiter))
    names = next(split([body.strip()], delimiter), [])
    if len(names) != len(rows[0]) or (len(names) == 1 and " " in body.strip()):
        return None
    numbers = [any(_is_number(cell) for cell in row) for row in rows]
    if not numbers[0] and any(numbers[1:]):  # that row is the header
        return None
    return names if body[:1].isspace() else next(split([line], delimiter))


def has_row_names(rows: list[Row]) -> bool:
    """Whether all rows but the first, which is a header, have one more cell, that is not empty."""
    longer = {len(row) for row in rows[1:]} == {len(rows[0]) + 1}
    if not longer or any(map(_is_number, rows[0])):
        return False
    return any(row[-1].strip() for row in rows[1:])  # a delimiter at the end of rows is none


def _find_delimiter(lines: list[str]) -> str:
    """The delimiter of a file that begins with these lines.

    Comma is tried after the others, because it may be a decimal point or part of a name, and blanks
    last. If none fits (the file may be ragged), it is the most frequent one in the first line.
    """
    for delimiter in _DELIMITERS:
        rows = list(split(lines, delimiter))
        if not rows or max(map(len, rows)) < 2:
            continue
        if len({len(row) for row in rows}) == 1 or has_row_names(rows):
            if delimiter == "\t" and _has_runs_of_numbers(rows) and _fits_blanks(lines):
                return BLANKS
            return delimiter
    if _fits_blanks(lines):
        return BLANKS
    return max(reversed(_DELIMITERS), key=lines[0].count) if lines else _DELIMITERS[-1]


def _has_runs_of_numbers(rows: list[Row]) -> bool:
    return any(
        _NUMBERS.fullmatch(cell.strip()) and not _GROUPS.fullmatch(cell.strip())
        for row in rows
        for cell in row
    )


def _fits_blanks(lines: list[str]) -> bool:
    """Whether blanks split lines into equally many cells, with a number in each row of values."""
    rows = list(split(lines, BLANKS))
    if not rows or max(map(len, rows)) < 2:
        return False
    if len({len(row) for row in rows}) > 1 and not has_row_names(rows):
        return False
    if all(_GROUPS.fullmatch(line.strip()) for line in lines[1:]) and len(lines) > 1:
        return False  # one column of numbers with blanks between thousands
    return all(any(map(_is_number, row)) for row in rows[1:] or rows)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell.strip()) is not None


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
