"""Columns of a table that are read one at a time, and tables of NumPy arrays."""

from __future__ import annotations

import contextlib
import mmap
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from infonet.errors import InputError
from infonet.inputs.arrays import as_array
from infonet.inputs.checks import Column, Remark, is_nominal, require_real, sentences
from infonet.inputs.convert import Values, from_array
from infonet.inputs.sentinels import is_measured, sentinel_remark
from infonet.inputs.series import from_series, pairing_notes

Unusable = Literal["raise", "omit"]


@dataclass(frozen=True)
class ColumnSource:
    """Named columns of one length, read when they are needed.

    Attributes:
        names: names of the columns.
        rows: the length n of every column.
        load: `load(i)` is column i as an array [n] of real numbers of any real dtype, NaN where a
            value is missing; perhaps a view of the caller's data, so not to be written to. It may
            be called from several threads, and more than once. It raises InputError.
        notes: what was converted or left out, each one sentence.
        left_out: names of the columns that cannot be used, and why.
        nominal: whether each column holds codes of categories without an order, whose numbers mean
            nothing; () is taken for False of every column.
    """

    names: tuple[str, ...]
    rows: int
    load: Callable[[int], Column]
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    nominal: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if not self.nominal:
            object.__setattr__(self, "nominal", (False,) * len(self.names))


@dataclass(frozen=True)
class Request:
    """What is wanted of a table.

    Attributes:
        columns: names or positions, in order; None for all.
        argument: how messages call `columns`.
        header: whether the first row of a text file holds the names of the columns; None to tell by
            what it holds.
    """

    columns: Sequence[str | int] | None = None
    argument: str = "columns"
    header: bool | None = None

    def pick(self, labels: Iterable[Hashable]) -> tuple[list[str], list[int]]:
        """Return (names of all columns, positions of the wanted ones), see `pick`."""
        return pick(labels, self.columns, self.argument)


@dataclass(frozen=True)
class RawTable:
    """Columns as a library or a file holds them.

    Attributes:
        labels: labels of all columns.
        rows: number of rows.
        describe: `describe(i)`: remarks about column i, without reading more of it than that
            takes; InputError if it cannot be used.
        convert: `convert(i)`: numbers and remarks for column i; InputError.
        notes: about the table as a whole, each one sentence.
    """

    labels: Sequence[Hashable]
    rows: int
    describe: Callable[[int], tuple[Remark, ...]]
    convert: Callable[[int], Values]
    notes: tuple[str, ...] = ()


def make_source(
    table: RawTable, request: Request, unusable: Unusable, only_numbers: bool
) -> ColumnSource:
    """The wanted columns; those that cannot be used are refused, or left out with a note."""
    names, picked = request.pick(table.labels)
    kept: list[int] = []
    remarks: list[tuple[str, Remark]] = []
    left_out: list[tuple[str, str]] = []
    nominal: list[bool] = []
    for i in picked:
        try:
            found = table.describe(i)
            if found and only_numbers:
                raise InputError(
                    f"{label_of(names[i])} holds no numbers, only numbers are allowed here: "
                    "convert it to numbers"
                )
        except InputError as error:
            if unusable == "raise":
                raise
            left_out.append((names[i], _reason(str(error), names[i])))
            remarks.append((names[i], Remark("left out", left_out[-1][1])))
            continue
        # Of tables that come in parts, none has all of the values.
        if not only_numbers and is_measured(found):
            found += sentinel_remark(table.convert(i)[0], found)
        kept.append(i)
        nominal.append(is_nominal(found))
        remarks.extend((names[i], remark) for remark in found)

    def load(i: int) -> Column:
        column = table.convert(kept[i])[0]
        if column.shape != (table.rows,):
            raise InputError(
                f"column {names[kept[i]]!r} has shape {list(column.shape)}, allowed is "
                f"[{table.rows}]: pass one number for each row"
            )
        return column

    return ColumnSource(
        names=tuple(names[i] for i in kept),
        rows=table.rows,
        load=load,
        notes=table.notes + sentences(remarks),
        left_out=tuple(left_out),
        nominal=tuple(nominal),
    )


def pick(
    labels: Iterable[Hashable], columns: Sequence[str | int] | None, argument: str = "columns"
) -> tuple[list[str], list[int]]:
    """Return (names of all columns, positions of `columns` among them).

    A number is the label of a column if there is one such, else a position. Messages call `columns`
    by the name of the `argument` that they come from.
    """
    labels = list(labels)
    names = [str(label) for label in labels]
    twice = {name for name, count in Counter(names).items() if count > 1}
    if columns is None:
        if twice:
            raise InputError(f"column names occur twice: {sorted(twice)}: rename them")
        return names, list(range(len(names)))
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        kind = "the string " if isinstance(columns, str) else ""
        raise InputError(f"{argument} is {kind}{columns!r}, pass a list of names: [{columns!r}]")
    positions = {name: i for i, name in enumerate(names)}
    numbered = {label for label in labels if isinstance(label, (int, np.integer))}
    picked = []
    for column in columns:
        number = isinstance(column, (int, np.integer)) and not isinstance(column, bool)
        if number and column not in numbered and -len(names) <= int(column) < len(names):
            picked.append(int(column) % len(names))
        elif str(column) in positions and str(column) not in twice:
            picked.append(positions[str(column)])
        else:
            shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            problem = "occurs twice" if str(column) in twice else "does not exist"
            of = "" if argument == "columns" else f"{argument}: "
            raise InputError(f"{of}column {column!r} {problem}: choose from {shown}")
    if len(set(picked)) < len(picked):
        raise InputError(f"{argument} {list(columns)!r} name a column twice: name each once")
    return names, picked


def _reason(message: str, name: str) -> str:
    """What a message says about the column, without what is allowed and how to fix it."""
    reason = message.removeprefix(f"{label_of(name)} ").removeprefix("holds ")
    return reason.split(", only ")[0].split(", allowed ")[0]


def label_of(name: Any) -> str:
    """How messages call a column."""
    return f"column {str(name)!r}"


_MAPPED_AT_ONCE = 2**24  # bytes of a mapped file that are held while a column of it is copied


def array_table(data: Any) -> RawTable:
    """A table of an array [n, columns], a structured array [n], or a list of rows.

    Raises:
        InputError: another shape, or not an array.
    """
    array = as_array(data, "data")
    if array.dtype.names and array.ndim == 1:
        fields = array.dtype.names
        return _table(list(fields), array.shape[0], lambda i: array[fields[i]])
    if array.dtype.kind in "cV":
        require_real(array, "data")
    if array.ndim != 2:
        raise InputError(
            f"data have shape {list(array.shape)}, allowed is [n, columns]: pass a table with one "
            "row per sample"
        )
    return _table(list(range(array.shape[1])), array.shape[0], lambda i: array[:, i])


def _table(labels: list[Any], rows: int, view: Any) -> RawTable:
    def convert(i: int) -> Values:
        return from_array(in_memory(view(i)), label_of(labels[i]))

    def describe(i: int) -> tuple[Remark, ...]:
        found = view(i)
        scanned = found.dtype.kind in "USTO"
        return from_array(in_memory(found) if scanned else found[:0], label_of(labels[i]))[1]

    return RawTable(labels, rows, describe, convert)


def mapping_table(data: Mapping[Any, Any]) -> RawTable:
    """A table of a mapping from names to lists, arrays or series.

    Raises:
        InputError: columns that are not one-dimensional, or differ in length.
    """
    labels = list(data)
    found = [column_like(data[label], label_of(label)) for label in labels]
    sizes = {str(label): len(column) for label, column in zip(labels, found, strict=True)}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{name!r}: {size}" for name, size in sizes.items())
        raise InputError(f"columns differ in length ({shown[:200]}): pass columns of one length")

    def convert(i: int) -> Values:
        column, label = found[i], label_of(labels[i])
        if isinstance(column, np.ndarray):
            return from_array(in_memory(column), label)
        return from_series(column, label)

    rows = next(iter(sizes.values()), 0)
    notes = pairing_notes(*data.values())
    return RawTable(labels, rows, lambda i: convert(i)[1], convert, notes)


def column_like(values: Any, label: str) -> Any:
    """An array [n] or a narwhals series for a list, an array or a series.

    Raises:
        InputError: not one-dimensional, or nothing that NumPy reads.
    """
    if not isinstance(values, (np.ndarray, list, tuple)):
        import narwhals.stable.v1 as nw

        from infonet.inputs.frames import computed
        from infonet.inputs.series import chunked

        found = nw.from_native(computed(chunked(values)), pass_through=True, allow_series=True)
        if isinstance(found, nw.Series):
            return found
        if isinstance(found, (nw.DataFrame, nw.LazyFrame)):
            names = found.collect_schema().names()
            raise InputError(
                f"{label} is a table with columns {names[:8]}: pass one column of it, or use "
                "pairwise for all columns"
            )
    array = as_array(values, label)
    if array.ndim == 1:
        return array
    fix = "pass one column, or use pairwise for all columns of a table"
    if array.ndim == 2 and 1 in array.shape:
        fix = f"pass {label}.ravel()"
    raise InputError(f"{label} has shape {list(array.shape)}, allowed is one dimension [n]: {fix}")


def is_records(data: Any) -> bool:
    """Whether `data` is a list of mappings from names to values, one for each row."""
    listed = isinstance(data, (list, tuple)) and len(data) > 0
    return listed and all(isinstance(row, Mapping) for row in data)


def record_columns(rows: Sequence[Mapping[Any, Any]]) -> dict[Any, list[Any]]:
    """Columns of records, in the order in which names first occur; None where a row lacks one."""
    labels = dict.fromkeys(label for row in rows for label in row)
    return {label: [row.get(label) for row in rows] for label in labels}


def in_memory(column: Column) -> Column:
    """`column`, copied if it is mapped from a file, with little of the file in memory at a time."""
    mapped = getattr(column, "_mmap", None)
    if not isinstance(column, np.memmap) or not isinstance(mapped, mmap.mmap):
        return column
    copy = np.empty(column.shape, column.dtype)
    step = max(1, _MAPPED_AT_ONCE // max(abs(column.strides[0]), 1))
    for start in range(0, column.size, step):
        copy[start : start + step] = column[start : start + step]
        if column.mode in ("r", "r+"):  # pages of "c" hold what the caller wrote
            with contextlib.suppress(AttributeError, OSError, ValueError):
                mapped.madvise(mmap.MADV_DONTNEED)
    return copy
