"""Turn what users pass into named NumPy columns of real numbers, or say what is wrong with it.

Tables are opened by `infonet.tables`; here are single variables, and tables read as a whole.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, require_real
from infonet.devices.foreign import cpu_array
from infonet.errors import InputError
from infonet.tables import open_columns
from infonet.tables.arrays import as_array, column_like, in_memory, is_records
from infonet.tables.remarks import is_nominal, sentences
from infonet.tables.series import from_series
from infonet.tables.values import from_array

_log = logging.getLogger("infonet")


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
    notes = sentences((name, remark) for remark in remarks)
    return NamedColumn(name, column, notes, is_nominal(remarks))


def as_variable(values: Any, default_name: str) -> tuple[str, list[str], list[Column]]:
    """Return (name, labels of the columns for messages, columns) of a variable of d dimensions.

    What was converted is logged as a warning.

    Args:
        values: for one dimension what `as_column` takes, or [n, 1]; for several what `as_columns`
            takes.
        default_name: how to call a variable that is not a series with a name of its own.

    Raises:
        InputError: another shape, no dimension, columns of unequal lengths, or of a kind that does
            not become numbers.
    """
    name, is_table = default_name, isinstance(values, Mapping) or is_records(values)
    if isinstance(values, np.ndarray):
        is_table = values.dtype.names is not None
    elif not isinstance(values, (list, tuple, Mapping)):
        import narwhals.stable.v1 as nw

        from infonet.tables.frames import computed
        from infonet.tables.series import chunked

        found = nw.from_native(computed(chunked(values)), pass_through=True, allow_series=True)
        if isinstance(found, nw.Series):
            column = as_column(values, default_name)
            _report(column.notes)
            return column.name, [column.name], [column.values]
        is_table = isinstance(found, (nw.DataFrame, nw.LazyFrame))
    if is_table:
        names, columns = as_columns(values, None)
        labels = [f"column {label!r} of {name}" for label in names]
    else:
        array = as_array(values, name)
        if array.ndim == 1:
            column = as_column(array, name)
            _report(column.notes)
            return name, [name], [column.values]
        if array.ndim != 2:
            raise InputError(
                f"{name} has shape {list(array.shape)}, allowed are [n] and [n, dimensions]: pass "
                "one row per sample"
            )
        labels = [f"{name}[:, {i}]" for i in range(array.shape[1])]
        columns = [from_array(in_memory(array[:, i]), label)[0] for i, label in enumerate(labels)]
    if not columns:
        raise InputError(f"{name} has no dimension: pass one column at least")
    return name, labels, columns


def as_columns(
    data: Any, columns: Sequence[str | int] | None, only_numbers: bool = False
) -> tuple[list[str], list[Column]]:
    """Return (names, arrays [n] of real numbers) for a table, see `tables.open_columns`.

    What was converted is logged as a warning.
    """
    source = open_columns(data, columns, only_numbers=only_numbers)
    _report(source.notes)
    return list(source.names), [source.load(i) for i in range(len(source.names))]


def as_batch(samples: Any) -> NDArray[Any]:
    """Return samples [batch, n, 2] of real numbers, dtype and layout kept.

    Raises:
        InputError: another shape, or not real numbers.
    """
    array = as_array(cpu_array(samples, "samples"), "samples")
    require_real(array, "samples")
    if isinstance(array, np.ma.MaskedArray):
        array = from_array(array, "samples")[0]
    if array.ndim != 3 or array.shape[2] != 2:
        fix = "pass samples[None]" if array.ndim == 2 and array.shape[1] == 2 else "reshape them"
        raise InputError(f"samples have shape {list(array.shape)}, allowed is [batch, n, 2]: {fix}")
    return array


def _report(notes: tuple[str, ...]) -> None:
    for note in notes:
        _log.warning(note)
