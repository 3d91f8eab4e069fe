"""How does what users pass become one variable, of one column or several?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from infonet.errors import InputError
from infonet.inputs.arrays import as_array
from infonet.inputs.checks import Column, is_nominal, sentences
from infonet.inputs.convert import from_array
from infonet.inputs.open import open_columns
from infonet.inputs.sentinels import sentinel_remark
from infonet.inputs.series import from_series, pairing_notes
from infonet.inputs.table import column_like, in_memory, is_records

_log = logging.getLogger("infonet")
_LISTED = 6  # columns that a title names


class NamedColumn(NamedTuple):
    """One variable.

    Attributes:
        name: name of the series, or the default.
        values: real numbers [n], NaN where missing; not copied where that can be avoided.
        notes: what was converted, each one sentence.
        nominal: whether the values are codes of categories without an order.
    """

    name: str
    values: Column
    notes: tuple[str, ...]
    nominal: bool = False


def as_column(values: Any, default_name: str) -> NamedColumn:
    """One variable from a list, an array or a series of any kind that becomes numbers.

    Raises:
        InputError: not one-dimensional, or of a kind that does not become numbers.
    """
    if isinstance(values, NamedColumn):  # of a table that was read, whose notes were said
        return values._replace(notes=())
    found = column_like(values, default_name)
    if isinstance(found, np.ndarray):
        name = default_name
        column, remarks = from_array(in_memory(found), name)
    else:
        name = str(found.name or default_name)
        column, remarks = from_series(found, name)
        if column.ndim != 1:  # a series of lists
            column_like(column, name)
    remarks += sentinel_remark(column, remarks)
    notes = sentences((name, remark) for remark in remarks)
    return NamedColumn(name, column, notes, is_nominal(remarks))


@dataclass(frozen=True)
class NamedColumns:
    """One variable of one column or several.

    Attributes:
        name: of the variable, or of its one column.
        columns: at least one.
        labels: of the columns, for messages.
        notes: what was converted, each one sentence.
        named: whether the columns have names of their own.
    """

    name: str
    columns: tuple[NamedColumn, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()
    named: bool = False

    @property
    def alone(self) -> NamedColumn | None:
        """The column with its notes, if there is only one."""
        return self.columns[0]._replace(notes=self.notes) if len(self.columns) == 1 else None

    @property
    def names(self) -> list[str]:
        """Of the columns."""
        return [column.name for column in self.columns]

    @property
    def title(self) -> str:
        """What to call the variable: the names of its columns, if it has a few names."""
        few = self.named and len(self.columns) <= _LISTED
        return ", ".join(self.names) if few else self.name


def as_variable(values: Any, default_name: str) -> NamedColumns:
    """One variable from a column, an array [n, d], a data frame, records or a mapping of columns.

    Args:
        values: for one column what `as_column` takes, for several what `open_columns` takes.
        default_name: how to call a variable that has no name of its own.

    Raises:
        InputError: another shape, no column, columns of unequal lengths, or of a kind that does not
            become numbers.
    """
    if isinstance(values, NamedColumns):
        return values
    if _is_table(values):
        found = _of_table(values, default_name)
    elif _is_matrix(values):
        found = _of_matrix(values, default_name)
    else:
        column = as_column(values, default_name)
        return NamedColumns(column.name, (column,), (column.name,), column.notes, True)
    if not found.columns:
        raise InputError(f"{default_name} has no dimension: pass one column at least")
    return found


def as_variables(
    x: Any, y: Any, given: Any, names: tuple[str, str]
) -> tuple[NamedColumns, NamedColumns, NamedColumns | None]:
    """Two variables and the condition, or None; notes about all of them are in those of the first.

    Args:
        x, y, given: what `as_variable` takes each; None: no condition.
        names: how to call x and y if they have no names of their own.

    Raises:
        InputError: as `as_variable`.
    """
    left, right = as_variable(x, names[0]), as_variable(y, names[1])
    condition = None if given is None else as_variable(given, "given")
    left = replace(left, notes=(*left.notes, *pairing_notes(x, y, given)))
    return left, right, condition


def _of_table(values: Any, default_name: str) -> NamedColumns:
    source = open_columns(values)
    names = source.names
    columns = tuple(
        NamedColumn(name, source.load(i), (), source.nominal[i]) for i, name in enumerate(names)
    )
    if len(columns) == 1:
        return NamedColumns(names[0], columns, (names[0],), source.notes, True)
    labels = tuple(f"column {name!r} of {default_name}" for name in names)
    return NamedColumns(default_name, columns, labels, source.notes, True)


def _of_matrix(values: Any, default_name: str) -> NamedColumns:
    array = as_array(values, default_name)
    if array.ndim != 2:
        raise InputError(
            f"{default_name} has shape {list(array.shape)}, allowed are [n] and [n, columns]: pass "
            "one row per sample"
        )
    d = array.shape[1]
    labels = (default_name,) if d == 1 else tuple(f"{default_name}[:, {i}]" for i in range(d))
    columns: list[NamedColumn] = []
    notes: list[str] = []
    for i, label in enumerate(labels):
        column, remarks = from_array(in_memory(array[:, i]), label)
        columns.append(NamedColumn(label, column, (), is_nominal(remarks)))
        remarks += sentinel_remark(column, remarks)
        notes += sentences((label, remark) for remark in remarks)
    return NamedColumns(default_name, tuple(columns), labels, tuple(notes))


def _is_table(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.dtype.names is not None
    if isinstance(values, Mapping) or is_records(values):
        return True
    # Of the type: a lazy frame is not to be asked for its columns only to see that it has some.
    kind = type(values)
    return hasattr(kind, "columns") or hasattr(kind, "column_names")


def _is_matrix(values: Any) -> bool:
    if isinstance(values, NamedColumn):
        return False
    if isinstance(values, (list, tuple)):
        return len(values) > 0 and isinstance(values[0], (list, tuple, np.ndarray))
    return isinstance(values, Number) or getattr(values, "ndim", 1) != 1


def as_columns(
    data: Any, columns: Sequence[str | int] | None, only_numbers: bool = False
) -> tuple[list[str], list[Column]]:
    """Return (names, arrays [n] of real numbers) for a table, see `open_columns`.

    What was converted is logged as a warning.
    """
    source = open_columns(data, columns, only_numbers=only_numbers)
    log_notes(source.notes)
    return list(source.names), [source.load(i) for i in range(len(source.names))]


def log_notes(notes: Sequence[str]) -> None:
    """Log what was converted, where no answer has room for it."""
    for note in notes:
        _log.warning(note)
