"""How is a table of any kind opened?

Readers of files and of data frames are imported when one is given.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.files import damaged, require_regular_file
from infonet.inputs.table import (
    ColumnSource,
    RawTable,
    Request,
    Unusable,
    array_table,
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
