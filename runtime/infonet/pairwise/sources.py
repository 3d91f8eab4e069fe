"""The columns of a table that take part, as rows and as columns of the matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from infonet.checks import Column
from infonet.errors import InputError
from infonet.pairwise.pairs import Pairs
from infonet.tables import ColumnSource, open_columns
from infonet.tables.source import pick

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
    """

    names: tuple[str, ...]
    n: int
    load: Callable[[int], Column]
    nominal: tuple[bool, ...]
    pairs: Pairs
    notes: tuple[str, ...]


def open_table(data: Any, columns: Labels, targets: Labels) -> Table:
    """Find the columns; none is read yet.

    Args:
        data: what `infonet.tables.open_columns` takes, or what it returns.
        columns: names or positions; None for all.
        targets: names or positions of the columns of the matrix; None for those of its rows.

    Raises:
        InputError: no such column, or no pair of columns.
    """
    source, rows = _open(data, columns)
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
