"""How the cells of a text file are laid out: lines of comment, the delimiter, the header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

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
