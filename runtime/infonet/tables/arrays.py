"""Tables of NumPy arrays: in memory or mapped from a file, structured, or mappings of columns."""

from __future__ import annotations

import contextlib
import mmap
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, require_real
from infonet.errors import InputError
from infonet.tables.exact import EXACT
from infonet.tables.remarks import Remark
from infonet.tables.series import from_series, not_an_array
from infonet.tables.source import RawTable, label_of
from infonet.tables.values import Values, from_array

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
    return RawTable(labels, rows, lambda i: convert(i)[1], convert)


def column_like(values: Any, label: str) -> Any:
    """An array [n] or a narwhals series for a list, an array or a series.

    Raises:
        InputError: not one-dimensional, or nothing that NumPy reads.
    """
    if not isinstance(values, (np.ndarray, list, tuple)):
        import narwhals.stable.v1 as nw

        from infonet.tables.frames import computed
        from infonet.tables.series import chunked

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


def as_array(values: Any, label: str) -> NDArray[Any]:
    """`values` as an array of any dtype; masks are kept.

    Raises:
        InputError: a ragged list, or nothing that NumPy reads.
    """
    if _is_sparse(values):
        raise InputError(
            f"{label} is a sparse matrix of SciPy, allowed are dense ones: pass .toarray() of it"
        )
    if isinstance(values, np.ndarray):
        kept = isinstance(values, (np.memmap, np.ma.MaskedArray))
        return values if kept else np.asarray(values)  # of a matrix, columns are not [n]
    try:
        array = np.asarray(values)
        # NumPy turns [1, "a"] into strings, and [None, "a"] into objects: keep what they were.
        unlike = array.dtype.kind in "US"
        if isinstance(values, (list, tuple)):
            # Of times in two units, and of whole numbers among others, it may lose what they were.
            long = array.dtype == np.float64 and bool((np.abs(array) >= EXACT).any())
            unlike |= array.dtype.kind in "Mm" or long
        return np.asarray(values, object) if unlike else array
    except Exception as error:  # each library has its own
        if isinstance(values, (list, tuple)) and isinstance(error, ValueError):
            raise InputError(
                f"{label} is a ragged list, allowed are rows of one length: pass an array"
            ) from None
        raise not_an_array(values, label, error) from None


def _is_sparse(values: Any) -> bool:
    scipy = sys.modules.get("scipy.sparse")  # whoever has such a matrix has imported it
    return scipy is not None and bool(scipy.issparse(values))


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
