"""Open what users pass: tables of any kind, columns, variables and batches.

Readers of files and of data frames are imported when one is given.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.arrays import as_array
from infonet.inputs.checks import Column, is_nominal, sentences
from infonet.inputs.convert import from_array
from infonet.inputs.files import damaged, require_regular_file
from infonet.inputs.series import from_series
from infonet.inputs.table import (
    ColumnSource,
    RawTable,
    Request,
    Unusable,
    array_table,
    column_like,
    in_memory,
    is_records,
    make_source,
    mapping_table,
    record_columns,
)

_LONGEST = 2**24  # rows or columns of an array without any value


def numpy_table(file: Path) -> RawTable:
    """The columns of the array or arrays in a file.

    Raises:
        InputError: not a file of arrays [n] and [n, columns] of one length, pickled objects.
        OSError: the file cannot be read.
    """
    arrays = _arrays(file)
    columns: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if len(arrays) == 1 and (array.ndim == 2 or (array.ndim == 1 and array.dtype.names)):
            return array_table(array)
        found = _split(name, array, alone=len(arrays) == 1)
        twice = sorted(columns.keys() & found.keys())
        if twice:
            raise InputError(f"{file} names columns twice ({twice[0]}): rename its arrays")
        columns |= found
        if not found:
            raise InputError(
                f"{file} holds an array of shape {list(array.shape)}"
                f"{f' in {name!r}' if name else ''}, allowed are [n] and [n, columns]: reshape it"
            )
    sizes = {label: column.size for label, column in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{label}: {size}" for label, size in list(sizes.items())[:8])
        raise InputError(f"columns of {file} differ in length ({shown}): save equal lengths")
    return mapping_table(columns)


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    try:
        try:
            loaded = np.load(file, mmap_mode="r", allow_pickle=False)
        except ValueError:  # an empty array cannot be mapped
            loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {"": loaded}
        else:
            with loaded:
                arrays = dict(loaded)
    except OSError:
        raise
    except Exception as error:  # of NumPy, zipfile, zlib
        raise damaged(file, "NumPy", error) from None
    foreign = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise InputError(f"{file} holds {foreign[0]!r}, which is no array: save arrays only")
    for array in arrays.values():
        _check(file, array)
    return arrays


def _check(file: Path, array: NDArray[Any]) -> None:
    """Refuse what only a damaged header says: values of no size, shapes beyond any file."""
    if array.dtype.itemsize == 0 or array.dtype.hasobject:
        raise InputError(
            f"{file} holds values of type {array.dtype}, which have no size: write it again"
        )
    if not array.size and max(array.shape, default=0) > _LONGEST:
        raise InputError(
            f"{file} says that it holds an array of shape {list(array.shape)}, which is of no use: "
            "write it again"
        )


def _split(name: str, array: NDArray[Any], alone: bool) -> dict[str, NDArray[Any]]:
    """Columns of one array; nothing if it is neither [n] nor [n, columns]."""
    if array.dtype.names and array.ndim == 1:
        return {field: array[field] for field in array.dtype.names}
    if array.ndim == 1:
        return {name or "0": array}
    if array.ndim == 2:
        prefix = "" if alone else f"{name}."
        return {f"{prefix}{i}": array[:, i] for i in range(array.shape[1])}
    return {}


_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_PARQUET, _NUMPY = (".parquet", ".pq"), (".npy", ".npz")
_TEXT = (".csv", ".tsv", ".txt", ".dat", ".data")
_KINDS = "CSV (.csv, .tsv, .txt, also .gz), Parquet (.parquet), NumPy (.npy, .npz)"


def file_table(path: str | os.PathLike[str], request: Request) -> RawTable:
    """The table in the file at `path`, or in CSV on standard input if that is "-".

    Of CSV, only the columns of `request` are read.

    Raises:
        InputError: missing, unreadable, empty or malformed file, or an unknown ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    from infonet.inputs.csv import csv_table, standard_input_table
    from infonet.inputs.frames import parquet_table

    try:
        if os.fspath(path) in _STANDARD_INPUT:
            return standard_input_table(request)
        file = Path(path)
        status = require_regular_file(file, "file")
        endings = [ending.lower() for ending in file.suffixes[-2:]]
        ending = "".join(endings) if endings[-1:] == [".gz"] else "".join(endings[-1:])
        text = ending.removesuffix(".gz") in _TEXT
        if status.st_size == 0:
            raise InputError(f"{file} is empty: give a file with a header and rows of numbers")
        if text:
            return csv_table(file, request)
        if request.header is not None and ending in (*_PARQUET, *_NUMPY):
            raise InputError(f"{file} is no text file, only those have a header to choose")
        if ending in _PARQUET:
            return parquet_table(file)
        if ending in _NUMPY:
            return numpy_table(file)
    except FileNotFoundError:
        raise InputError(f"no file at {path!s}: check the path") from None
    except OSError as error:
        raise InputError(f"cannot read {path!s}: {error.strerror or error}") from None
    except MemoryError as error:
        raise InputError(
            f"{path!s} needs more memory than there is: read fewer columns, or use Parquet"
        ) from error
    raise InputError(f"{file} ends in {ending or 'nothing'}, allowed are {_KINDS}: convert it")


def open_columns(
    data: Any,
    columns: Sequence[str | int] | None = None,
    unusable: Unusable = "raise",
    only_numbers: bool = False,
    header: bool | None = None,
    argument: str = "columns",
) -> ColumnSource:
    """Open a table whose columns are read one at a time.

    Columns may hold numbers, truth values, dates, times, durations, decimals, categories, and text
    that repeats; `ColumnSource.notes` says what was done with them.

    Args:
        data: one of

            * an array [n, d] (of a mapped one, little is in memory at a time), a structured array
              [n], a list of rows or of records (mappings from names to values), or a mapping from
              names to columns;
            * a data frame of pandas, polars, pyarrow and others, or a pyarrow dataset. A lazy
              frame is computed once, as a whole;
            * the path of a file: Parquet (read one column at a time), .npy (mapped), .npz, or CSV
              (.csv, .tsv, .txt, also .gz; "-" is CSV on standard input). Of CSV, all `columns` are
              in memory.
        columns: names (or positions, where no column has that name) of the columns to take, in
            order; None for all.
        unusable: "raise" refuses columns that cannot be used; "omit" leaves them out and says so.
        only_numbers: columns of other kinds than numbers and truth values cannot be used. For
            tables that come in parts, in each of which codes and ticks may mean something else.
        header: whether the first row of a text file holds the names of the columns; None: unless it
            holds numbers.
        argument: how messages call `columns`.

    Raises:
        InputError: no such column, a column twice, unequal lengths, a file that cannot be read, or
            a column of another kind.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    request = Request(columns, argument, header)
    return make_source(_raw_table(data, request), request, unusable, only_numbers)


def _raw_table(data: Any, request: Request) -> RawTable:
    if isinstance(data, (str, os.PathLike)):
        return file_table(data, request)
    if isinstance(data, Mapping):
        return mapping_table(data)
    if is_records(data):
        return mapping_table(record_columns(data))
    if isinstance(data, (np.ndarray, list, tuple)):
        return array_table(data)
    from infonet.inputs.frames import frame_table

    return frame_table(data, request)


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
        source: the columns that can be used; `source.notes` says what was converted or left out.
    """

    source: ColumnSource

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """All columns that can be used, by name; missing values are NaN."""
        return {name: self.source.load(i) for i, name in enumerate(self.source.names)}

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the columns that cannot be used."""
        return tuple(name for name, _ in self.source.left_out)

    def column(self, name: str) -> Column:
        """One column; InputError if there is none of that name or it cannot be used."""
        if name in self.source.names:
            return self.source.load(self.source.names.index(name))
        names = self.source.names
        choose = f"choose from {', '.join(names)}" if names else "it has none"
        reason = dict(self.source.left_out).get(name)
        if reason is not None:
            raise InputError(f"column {name!r} does not hold numbers but {reason}: {choose}")
        raise InputError(f"column {name!r} does not exist: {choose}")


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, header: bool | None = None
) -> Table:
    """Open the table in the file at `path`; its ending decides on the format.

    Args:
        path: the file; "-" for CSV on standard input.
        columns: names of the columns to look at; None for all.
        header: whether the first row of a text file holds the names of the columns; None: unless it
            holds numbers.

    Raises:
        InputError: missing, unreadable, empty or malformed file, no such column, or an unknown
            ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    unusable: Unusable = "omit" if columns is None else "raise"
    return Table(open_columns(path, columns, unusable, header=header))


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

        from infonet.inputs.frames import computed
        from infonet.inputs.series import chunked

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
    """Return (names, arrays [n] of real numbers) for a table, see `open_columns`.

    What was converted is logged as a warning.
    """
    source = open_columns(data, columns, only_numbers=only_numbers)
    _report(source.notes)
    return list(source.names), [source.load(i) for i in range(len(source.names))]


def _report(notes: tuple[str, ...]) -> None:
    for note in notes:
        _log.warning(note)
