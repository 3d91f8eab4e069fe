"""What is asked of a matrix: its options, its columns and its pairs, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from infonet.errors import InputError
from infonet.inputs.checks import (
    Column,
    Missing,
)
from infonet.inputs.open import open_columns
from infonet.inputs.table import ColumnSource, pick
from infonet.matrix.plan import LARGEST_TILE, Pairs


@dataclass(frozen=True)
class Options:
    """What `Estimator.pairwise` takes beside the data; see there."""

    nan: Missing = "raise"
    seed: int = 0
    memory: int | float | str | None = None
    tile: int | None = None
    output: str | Path | None = None
    resume: bool = True
    engine: str = "threads"
    adjust: str = "fdr_bh"
    layout: str | None = None
    unit: str = "nats"
    progress: bool | None = None


def check_executor(name: str, device: str) -> None:
    """Refuse Ray for an estimator on a GPU."""
    if name == "ray" and device != "cpu":
        raise InputError(
            f"engine='ray' computes on CPUs, and the device is {device!r}: use engine='threads', "
            "or Estimator(device='cpu')"
        )


def checked_tile(tile: int | None) -> int | None:
    """Refuse a size of tiles that is not a whole number from 1 to 1024, or None."""
    if tile is None:
        return None
    if (
        isinstance(tile, bool)
        or not isinstance(tile, (int, np.integer))
        or not 1 <= tile <= LARGEST_TILE
    ):
        raise InputError(
            f"tile is {tile!r}, allowed are whole numbers from 1 to 1024 (columns a side), or None"
        )
    return int(tile)


Labels = Sequence[str | int] | None


@dataclass(frozen=True)
class Table:
    """Columns that take part, each once.

    Attributes:
        names: their names.
        n: rows of each.
        load: reads one of them; see `ColumnSource.load`.
        nominal: which of them are codes of categories without an order.
        pairs: which pairs of them are asked for.
        notes: what was done to columns, one sentence each.
        given: the columns of the condition: name, what reads it, and whether it holds codes of
            categories.
    """

    names: tuple[str, ...]
    n: int
    load: Callable[[int], Column]
    nominal: tuple[bool, ...]
    pairs: Pairs
    notes: tuple[str, ...]
    given: tuple[tuple[str, Callable[[], Column], bool], ...] = ()


def open_table(data: Any, columns: Labels, targets: Labels, given: Labels = None) -> Table:
    """Find the columns; none is read yet.

    Args:
        data: what `infonet.inputs.open.open_columns` takes, or what it returns.
        columns: names or positions; None for all.
        targets: names or positions of the columns of the matrix; None for those of its rows.
        given: names or positions of the columns of the condition, which leave the matrix.

    Raises:
        InputError: no such column, or no pair of columns.
    """
    source, rows = _open(data, columns)
    if given is not None:
        return _given_table(data, (source, rows), columns, targets, given)
    if targets is None:
        if len(rows) < 2:
            raise InputError(
                f"data have {len(rows)} column(s), at least two are needed: add columns"
            )
        return _table([(source, i) for i in rows], Pairs.of(len(rows)))
    other, found = (
        (source, pick(source.names, targets, "targets")[1]) if columns is None else (None, [])
    )
    if other is None:
        other, found = _open(data, targets, "targets")
    return _rectangle(source, rows, other, found)


def _rectangle(
    source: ColumnSource, rows: list[int], other: ColumnSource, found: list[int]
) -> Table:
    """Columns `rows` of a source against columns `found` of another one, or of the same."""
    places = {source.names[i]: place for place, i in enumerate(rows)}
    used, where = [(source, i) for i in rows], []
    for i in found:
        place = places.setdefault(other.names[i], len(used))
        if place == len(used):
            used.append((other, i))
        where.append(place)
    pairs = Pairs(np.arange(len(rows)), np.array(where, np.int64))
    if not pairs.count:
        raise InputError(
            f"columns {[source.names[i] for i in rows][:8]} and targets "
            f"{[other.names[i] for i in found][:8]} make no pair: name different columns"
        )
    return _table(used, pairs)


def _given_table(
    data: Any,
    opened: tuple[ColumnSource, list[int]],
    columns: Labels,
    targets: Labels,
    given: Sequence[str | int],
) -> Table:
    """The table without the columns of the condition, and these."""
    source, rows = opened
    if columns is None:
        other, found = source, pick(source.names, given, "given")[1]
    else:
        other, found = _open(data, given, "given")
    if not found:
        raise InputError("given names no column: name one at least, or pass None")
    known = [other.names[i] for i in found]
    kept = [i for i in rows if source.names[i] not in known]
    if targets is None:
        if len(kept) < 2:
            raise InputError(
                f"data have {len(kept)} column(s) beside those given, at least two are needed: "
                "add columns"
            )
        table = _table([(source, i) for i in kept], Pairs.of(len(kept)))
    else:
        every, named = (
            (source, pick(source.names, targets, "targets")[1])
            if columns is None
            else _open(data, targets, "targets")
        )
        both = [every.names[i] for i in named if every.names[i] in known]
        if both:
            raise InputError(f"column {both[0]!r} is a target and given: name it once")
        table = _rectangle(source, kept, every, named)
    notes = (*table.notes, *other.notes)
    loads = tuple((other.names[i], partial(other.load, i), other.nominal[i]) for i in found)
    return replace(table, notes=tuple(dict.fromkeys(notes)), given=loads)


def _open(data: Any, columns: Labels, argument: str = "columns") -> tuple[ColumnSource, list[int]]:
    if isinstance(data, ColumnSource):
        return data, pick(data.names, columns, argument)[1]
    source = open_columns(data, columns, argument=argument)
    return source, list(range(len(source.names)))


def _table(used: list[tuple[ColumnSource, int]], pairs: Pairs) -> Table:
    sources = list({id(source): source for source, _ in used}.values())

    def load(column: int) -> Column:
        source, i = used[column]
        return source.load(i)

    return Table(
        names=tuple(source.names[i] for source, i in used),
        n=used[0][0].rows,
        load=load,
        nominal=tuple(source.nominal[i] for source, i in used),
        pairs=pairs,
        notes=tuple(dict.fromkeys(note for source in sources for note in source.notes)),
    )
