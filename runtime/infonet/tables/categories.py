"""Categories as codes: positions of ordered ones, numbers by frequency for the others.

Mutual information does not depend on the order of categories, the network's estimate a little. An
order by frequency is measured to be as good as any that does not look at the other variable, and it
does not depend on what the categories are called: a column and its translation get equal codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column
from infonet.errors import InputError
from infonet.tables.remarks import Remark

MOST_LEVELS = 65_536  # more categories than these are text, whatever the number of rows


def encode(
    codes: NDArray[np.integer[Any]], levels: Sequence[Any], ordered: bool, label: str
) -> tuple[Column, tuple[Remark, ...]]:
    """Return (numbers [n], NaN where missing; remarks) for a column of categories.

    Args:
        codes: position of each row's category in `levels`, negative where it is missing, [n].
        levels: names of the categories; some may occur in no row, some twice, None is missing.
        ordered: whether the order of `levels` means something.
        label: how to call the column in a message.

    Raises:
        InputError: without an order, and too many categories: an identifier, or free text.
    """
    position = _positions(levels)[codes] if len(levels) else np.full(codes.shape, -1)
    position = np.where(codes < 0, -1, position)
    missing = position < 0
    counts = np.bincount(position[~missing], minlength=len(levels))
    present = np.flatnonzero(counts)
    rows = int(counts.sum())
    names = [levels[i] for i in present.tolist()]
    numbers = None if ordered else _as_numbers(names)
    if ordered:
        kind, values = "ordered", np.arange(present.size)
    elif numbers is not None:
        kind, values = "numbered", numbers
    elif too_many := crowded_out(present.size, rows):
        raise InputError(
            f"{label} holds {too_many}, allowed are numbers, times and categories that repeat: "
            "leave it out, or turn it into fewer categories"
        )
    else:
        kind, values = "coded", np.empty(present.size, np.int64)
        by_frequency = sorted(range(len(names)), key=lambda i: (-counts[present[i]], str(names[i])))
        values[by_frequency] = np.arange(present.size)
    table = np.zeros(len(levels) + 1, values.dtype)
    table[present] = values
    column = table[position]
    if missing.any():
        column = np.where(missing, np.nan, column)
    return column, (Remark(kind, f"{present.size} categories"),)


def crowded_out(levels: int, rows: int) -> str:
    """What a column with so many categories is called, or "" if it is acceptable."""
    if levels > max(2, min(rows / 2, MOST_LEVELS)):
        return f"text with {levels} different values in {rows} rows"
    return ""


def _positions(levels: Sequence[Any]) -> NDArray[np.int64]:
    """First position of each level among its equals; -1 for None."""
    first: dict[Any, int] = {}
    return np.array(
        [-1 if level is None else first.setdefault(level, i) for i, level in enumerate(levels)],
        np.int64,
    )


def _as_numbers(names: list[Any]) -> NDArray[Any] | None:
    """The numbers that the names are or spell, or None if one of them is no finite number."""
    try:
        if any(isinstance(name, str) and "_" in name for name in names):
            return None  # Python reads 2020_01 as 202001
        numbers = np.array([float(name) for name in names], np.float64)
    except (TypeError, ValueError):
        return None
    distinct = np.unique(numbers).size == len(names)  # "1" and "1.0" are two names
    return numbers if distinct and np.isfinite(numbers).all() else None
