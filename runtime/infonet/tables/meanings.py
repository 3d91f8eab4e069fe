"""What text means where it is more than names: numbers, truth values, amounts and times.

One reading for all text: of CSV files, of frames, of arrays and lists, and of categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column
from infonet.csv_file import is_missing, parse_numbers
from infonet.tables.amounts import Amounts, join_numbers
from infonet.tables.exact import long_numbers, with_gaps
from infonet.tables.remarks import Remark
from infonet.tables.times import Times

# Among numbers and times these are no values; among other text they may be.
_TEXTS = (
    "? - -- --- \u2013 \u2014 . .. ... \u2026 * n.a. n.a (null) #na #null! #value! #div/0! #ref! "
    "#name? #num! 1.#qnan -1.#qnan 1.#ind -1.#ind"
)
_MARKS = frozenset(_TEXTS.split())
_TRUTH = {"true": 1.0, "false": 0.0}
_SHOWN = 3  # marks in a remark


class Meanings:
    """Texts that all mean something of one kind, added in parts.

    Those that say that a value is missing are left out before.
    """

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.float64]] | None = []
        self._truth: list[NDArray[np.float64]] | None = []
        self._amounts: Amounts | None = Amounts()
        self._times: Times | None = Times()
        self._any = False

    def add(self, cells: Sequence[str]) -> None:
        """Add texts without blanks around them."""
        if not cells:
            return
        self._any = True
        if self._numbers is not None:
            numbers = parse_numbers(cells)
            if numbers is None:
                self._numbers = None
            else:
                self._numbers.append(long_numbers(cells, numbers))
        if self._truth is not None:
            truth = [_TRUTH.get(cell.lower()) for cell in cells]
            self._truth = None if None in truth else [*self._truth, np.array(truth, np.float64)]
        if self._amounts is not None and not self._amounts.add(cells):
            self._amounts = None
        if self._times is not None and not self._times.add(cells):
            self._times = None

    @property
    def decimal(self) -> str:
        """The decimal mark that these texts prove: "." or ",", or "" if they prove none."""
        return "" if self._amounts is None else self._amounts.decimal

    def finish(
        self, label: str, decimal: str = ""
    ) -> tuple[Column, tuple[Remark, ...], bool] | None:
        """Numbers [n], remarks, and whether all texts are plain numbers; None if they are names.

        Args:
            label: how to call the column in a message.
            decimal: the decimal mark of the file, or "" where nothing tells.

        Raises:
            InputError: numbers with marks that may separate decimals or thousands.
        """
        if not self._any:
            return None
        if self._numbers is not None and not (self._amounts is not None and decimal == ","):
            return *join_numbers(self._numbers), True
        if self._truth is not None:
            return np.concatenate(self._truth), (Remark("truth"),), False
        if self._amounts is not None:
            return *self._amounts.finish(label, decimal), False
        if self._times is not None:
            return *self._times.finish(), False
        return None


def is_mark(cell: str) -> bool:
    """Whether a text, with no blanks around it, says among numbers that there is no value."""
    return cell.lower() in _MARKS


def missing_remark(marks: Counter[str]) -> tuple[Remark, ...]:
    """What is said of texts that are taken as missing: texts, and in how many rows each is."""
    shown = [f"{mark!r} in {count} rows" for mark, count in marks.most_common(_SHOWN)]
    more = ", …" if len(marks) > _SHOWN else ""
    return (Remark("missing", ", ".join(shown) + more),) if marks else ()


def of_levels(
    levels: Sequence[str], counts: Sequence[int], label: str
) -> tuple[Column, tuple[Remark, ...]] | None:
    """A number for each of `levels`, NaN for those that say missing, and remarks.

    None if the levels are names. So are finite numbers of which two are equal ("1" and "1.0").

    Args:
        levels: different texts.
        counts: rows of each.
        label: how to call the column in a message.

    Raises:
        InputError: as `Meanings.finish`.
    """
    texts = [level.strip() for level in levels]
    gaps = np.array([is_missing(text) or is_mark(text) for text in texts], np.bool_)
    meanings = Meanings()
    meanings.add([text for text, gap in zip(texts, gaps, strict=True) if not gap])
    found = meanings.finish(label)
    if found is None:
        return None
    numbers, remarks, plain = found
    if plain:
        if np.unique(numbers).size < numbers.size or not np.isfinite(numbers).all():
            return None
        remarks = (Remark("numbered", f"{numbers.size} categories"), *remarks)
    marks = {text: n for text, n, gap in zip(levels, counts, gaps, strict=True) if gap}
    if not marks:
        return numbers, remarks
    whole = np.zeros(len(levels), numbers.dtype)
    whole[~gaps] = numbers
    return with_gaps(whole, gaps), (*remarks, *missing_remark(Counter(marks)))
