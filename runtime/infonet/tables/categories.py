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
from infonet.csv_file import parse_numbers
from infonet.errors import InputError
from infonet.tables.exact import with_gaps
from infonet.tables.meanings import is_mark, of_levels
from infonet.tables.objects import unbox
from infonet.tables.remarks import Remark

MOST_LEVELS = 65_536  # more categories than these are text, whatever the number of rows
_FEW_LEVELS = 20  # so many may be numbers and words mixed


def encode(
    codes: NDArray[np.integer[Any]],
    levels: Sequence[Any],
    ordered: bool,
    label: str,
    declared: bool = False,
) -> tuple[Column, tuple[Remark, ...]]:
    """Return (numbers [n], NaN where missing; remarks) for a column of text or categories.

    Args:
        codes: position of each row's category in `levels`, negative where it is missing, [n].
        levels: names of the categories; some may occur in no row, some twice, None is missing.
        ordered: whether the order of `levels` means something.
        label: how to call the column in a message.
        declared: whether the column is said to hold categories, and not just text.

    Raises:
        InputError: without an order and too many categories: an identifier, or free text; text
            among many numbers; or numbers that may be read in two ways.
    """
    levels = [_text(level) for level in levels]
    position, present, counts = _present(codes, levels)
    names = [levels[i] for i in present.tolist()]
    ranks = np.arange(present.size), (Remark("ordered", _count(names)),)
    found = ranks if ordered else _values(names, counts, label)
    if found is None:
        return encode_names(codes, levels, label, declared)
    values, remarks = found
    return _spread(position, present, values, len(levels)), remarks


def encode_names(
    codes: NDArray[np.integer[Any]], levels: Sequence[Any], label: str, declared: bool = False
) -> tuple[Column, tuple[Remark, ...]]:
    """As `encode`, of names that mean nothing else and have no order.

    Raises:
        InputError: too many categories, or text among many numbers.
    """
    position, present, counts = _present(codes, levels)
    names = [str(levels[i]) for i in present.tolist()]
    rows = int(counts.sum())
    mixed = _mixed(names)
    if mixed and len(names) > _FEW_LEVELS and not declared:
        raise InputError(
            f"{label} holds numbers mixed with text such as {mixed[:40]!r}, allowed are numbers or "
            "categories: make those cells empty, make it a categorical column, or leave it out"
        )
    if too_many := crowded_out(len(names), rows):
        words = [name for name in names if parse_numbers([name]) is None]
        raise crowded(too_many, (words or names)[0], label)
    values = np.empty(present.size, np.int64)
    values[sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))] = np.arange(len(names))
    remarks = [Remark("coded", _count(names))]
    if mixed:
        remarks.append(Remark("mixed", f"such as {mixed[:40]!r}"))
    if marks := [name for name in names if is_mark(name.strip())]:
        remarks.append(Remark("mark", repr(marks[0])))
    return _spread(position, present, values, len(levels)), tuple(remarks)


def crowded_out(levels: int, rows: int) -> str:
    """What a column with so many categories is called, or "" if it is acceptable."""
    if levels > max(2, min(rows / 2, MOST_LEVELS)):
        return f"text with {levels} different values in {rows} rows"
    return ""


def crowded(what: str, example: str, label: str) -> InputError:
    """The error for a column of too many categories, which is called `what`."""
    return InputError(
        f"{label} holds {what}, allowed are numbers, times and categories that repeat, not "
        f"text such as {example[:40]!r}: leave it out, write it as numbers, or as fewer categories"
    )


def _text(level: Any) -> Any:
    return level.decode(errors="backslashreplace") if isinstance(level, bytes) else level


def _count(names: Sequence[Any]) -> str:
    return f"{len(names)} categories"


def _present(
    codes: NDArray[np.integer[Any]], levels: Sequence[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (level of each row, -1 where missing; levels that occur; rows of each of these)."""
    first: dict[Any, int] = {}
    same = np.array(
        [-1 if level is None else first.setdefault(level, i) for i, level in enumerate(levels)],
        np.int64,
    )
    position = same[codes] if len(levels) else np.full(codes.shape, -1)
    position = np.where(codes < 0, -1, position)
    counts = np.bincount(position[position >= 0], minlength=len(levels))
    present = np.flatnonzero(counts)
    return position, present, counts[present]


def _spread(
    position: NDArray[np.int64], present: NDArray[np.int64], values: Column, levels: int
) -> Column:
    """The value of each row's level, NaN where there is none."""
    table = np.zeros(levels + 1, values.dtype)
    table[present] = values
    column: Column = table[position]
    missing = position < 0
    return with_gaps(column, missing) if missing.any() else column


def _values(
    names: list[Any], counts: NDArray[np.int64], label: str
) -> tuple[Column, tuple[Remark, ...]] | None:
    """What the names say or are beside names: numbers or times; None if nothing."""
    if all(isinstance(name, str) for name in names):
        return of_levels(names, counts.tolist(), label)
    objects = np.empty(len(names), object)
    objects[:] = names
    found, missing, remarks = unbox(objects)
    if found is None or missing.any() or found.dtype.kind == "O":
        return None
    if found.dtype.kind in "Mm":
        found = found.astype(found.dtype.newbyteorder("=")).view(np.int64)
    if not np.isfinite(found).all():
        return None
    if not any(remark.kind == "time" for remark in remarks):
        remarks = (Remark("numbered", _count(names)), *remarks)
    return found, remarks


def _mixed(names: Sequence[str]) -> str:
    """The first of some words among more numbers, or ""."""
    words = [name for name in names if parse_numbers([name]) is None and not is_mark(name.strip())]
    return words[0] if words and len(words) < len(names) / 2 else ""
