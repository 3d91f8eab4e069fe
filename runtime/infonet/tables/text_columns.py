"""Columns of text files that are not plain numbers as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.csv_file import is_missing
from infonet.errors import InputError
from infonet.tables.categories import MOST_LEVELS, crowded, crowded_out, encode_names
from infonet.tables.exact import with_gaps
from infonet.tables.meanings import Meanings, is_mark, missing_remark
from infonet.tables.values import Values


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
