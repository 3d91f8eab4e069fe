"""Turn what users pass into named NumPy columns of real numbers, or say what is wrong with it.

Arrays and lists are handled by NumPy; data frames and series of pandas, polars, pyarrow and
others through narwhals, which is imported only then.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, require_real
from infonet.errors import InputError


def as_column(values: Any, default_name: str) -> tuple[str, Column]:
    """Return (name, 1-D array of real numbers) for a list, an array or a series.

    The array keeps its own dtype and is not copied where that can be avoided.

    Raises:
        InputError: not one-dimensional, or not real numbers.
    """
    if not isinstance(values, (np.ndarray, list, tuple)):
        import narwhals.stable.v1 as nw

        series = nw.from_native(_chunked(values), pass_through=True, allow_series=True)
        if isinstance(series, nw.Series):
            return str(series.name or default_name), _flat(
                _from_series(series, default_name), default_name
            )
        if isinstance(series, nw.DataFrame):
            raise InputError(
                f"{default_name} is a table with columns {list(series.columns)[:8]}: pass one "
                "column of it, or use pairwise for all columns"
            )
    return default_name, _flat(_as_array(values, default_name), default_name)


def _flat(array: Column, label: str) -> Column:
    """`array` if it has one dimension."""
    if array.ndim == 1:
        return array
    fix = "pass one column, or use pairwise for all columns of a table"
    if array.ndim == 2 and 1 in array.shape:
        fix = f"pass {label}.ravel()"
    raise InputError(f"{label} has shape {list(array.shape)}, allowed is one dimension [n]: {fix}")


def as_variable(values: Any, default_name: str) -> tuple[str, list[str], list[Column]]:
    """Return (name, labels of the columns for messages, columns) of a variable of d dimensions.

    Args:
        values: for one dimension what `as_column` takes, or [n, 1]; for several what `as_columns`
            takes.
        default_name: how to call a variable that is not a series with a name of its own.

    Raises:
        InputError: another shape, no dimension, columns of unequal lengths, or not real numbers.
    """
    name, is_table = default_name, isinstance(values, Mapping)
    if isinstance(values, np.ndarray):
        is_table = values.dtype.names is not None
    elif not isinstance(values, (list, tuple, Mapping)):
        import narwhals.stable.v1 as nw

        found = nw.from_native(_chunked(values), pass_through=True, allow_series=True)
        if isinstance(found, nw.Series):
            name, column = as_column(values, default_name)
            return name, [name], [column]
        is_table = isinstance(found, (nw.DataFrame, nw.LazyFrame))
    if is_table:
        names, columns = as_columns(values, None)
        labels = [f"column {label!r} of {name}" for label in names]
    else:
        array = _as_array(values, name)
        if array.ndim == 1:
            return name, [name], [array]
        if array.ndim != 2:
            raise InputError(
                f"{name} has shape {list(array.shape)}, allowed are [n] and [n, dimensions]: pass "
                "one row per sample"
            )
        columns = list(array.T)
        labels = [f"{name}[:, {i}]" for i in range(len(columns))]
    if not columns:
        raise InputError(f"{name} has no dimension: pass one column at least")
    return name, labels, columns


def as_columns(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[Column]]:
    """Return (names, 1-D arrays of equal length) for a table.

    Args:
        data: array [n, d], list of rows, mapping from names to columns, or data frame.
        columns: names (or positions, where no column has that name) of the columns to take, in
            order; None for all.

    Raises:
        InputError: no such column, a column twice, unequal lengths, or not real numbers.
    """
    if isinstance(data, Mapping):
        names, picked = _pick(data, columns)
        values = list(data.values())
        found = [as_column(values[i], f"column {names[i]!r}")[1] for i in picked]
    elif isinstance(data, (np.ndarray, list, tuple)):
        names, picked, found = _from_array(data, columns)
    else:
        names, picked, found = _from_frame(data, columns)
    names = [names[i] for i in picked]
    lengths = {column.size for column in found}
    if len(lengths) > 1:
        sizes = ", ".join(f"{n!r}: {c.size}" for n, c in zip(names, found, strict=True))
        raise InputError(f"columns differ in length ({sizes[:200]}): pass columns of one length")
    return names, found


def as_batch(samples: Any) -> NDArray[Any]:
    """Return samples [batch, n, 2] of real numbers, dtype and layout kept.

    Raises:
        InputError: another shape, or not real numbers.
    """
    array = _as_array(samples, "samples")
    if array.ndim != 3 or array.shape[2] != 2:
        fix = "pass samples[None]" if array.ndim == 2 and array.shape[1] == 2 else "reshape them"
        raise InputError(f"samples have shape {list(array.shape)}, allowed is [batch, n, 2]: {fix}")
    return array


def _as_array(values: Any, label: str) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        whole = require_real(np.asarray(values.data), label)
        return _with_gaps(whole, np.ma.getmaskarray(values)) if np.ma.is_masked(values) else whole
    try:
        array = np.asarray(values)
    except Exception as error:  # each library has its own
        if isinstance(values, (list, tuple)) and isinstance(error, ValueError):
            raise InputError(
                f"{label} is a ragged list, allowed are rows of one length: pass an array"
            ) from None
        raise _not_an_array(values, label, error) from None
    return require_real(array, label)


def _with_gaps(array: Column, missing: NDArray[np.bool_]) -> Column:
    """`array` as floats that hold every value exactly, and NaN where it is `missing`."""
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and not missing.all():
        present = array[~missing]
        if max(-int(present.min()), int(present.max())) > 2**53:  # time stamps, identifiers
            array = array.astype(np.longdouble)
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return np.where(missing, array.dtype.type(np.nan), array)


def _not_an_array(values: Any, label: str, error: Exception) -> InputError:
    return InputError(
        f"{label} is of type {type(values).__name__}, which NumPy cannot read "
        f"({_one_line(error).split('. ')[0]}): pass a NumPy array of numbers"
    )


def _from_series(series: Any, label: str) -> Column:
    """Values of a narwhals series; missing ones become NaN."""
    import narwhals.stable.v1 as nw

    dtype = series.dtype
    if isinstance(dtype, (nw.Date, nw.Datetime, nw.Time)):
        return require_real(np.empty(0, "datetime64[s]"), label)
    if isinstance(dtype, nw.Duration):
        return require_real(np.empty(0, "timedelta64[s]"), label)
    if isinstance(dtype, (nw.String, nw.Categorical, nw.Enum)):
        return require_real(np.empty(0, "U1"), label)
    try:
        if isinstance(dtype, nw.Decimal):
            series = series.cast(nw.Float64)
        if dtype.is_integer() and series.null_count():
            missing = series.is_null().to_numpy()
            whole = series.fill_null(value=0).to_numpy()
            return _with_gaps(require_real(whole, label), missing)
        if (isinstance(dtype, nw.Boolean) or dtype.is_numeric()) and series.null_count():
            series = series.cast(nw.Float64)
        array = series.to_numpy()
    except InputError:
        raise
    except Exception as error:  # each library has its own
        raise _not_an_array(series.to_native(), label, error) from None
    return _as_array(array, label)


def _from_frame(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[int], Any]:
    import narwhals.stable.v1 as nw

    try:
        frame = nw.from_native(_chunked(data), pass_through=True)
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"column names occur twice ({_one_line(error)}): rename them") from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        return _from_array(data, columns)
    names, picked = _pick(frame.columns, columns)
    found = [_from_series(frame[:, i], f"column {names[i]!r}") for i in picked]
    return names, picked, found


def _from_array(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[int], Any]:
    array = np.asarray(data) if isinstance(data, np.ndarray) else None
    if array is not None and array.dtype.names and array.ndim == 1:
        names, picked = _pick(array.dtype.names, columns)
        return names, picked, [_as_array(array[names[i]], f"column {names[i]!r}") for i in picked]
    array = _as_array(data, "data")
    if array.ndim != 2:
        raise InputError(
            f"data have shape {list(array.shape)}, allowed is [n, columns]: pass a table with one "
            "row per sample"
        )
    names, picked = _pick(range(array.shape[1]), columns)
    return names, picked, [array[:, i] for i in picked]


def _pick(
    labels: Iterable[Hashable], columns: Sequence[str | int] | None
) -> tuple[list[str], list[int]]:
    """Return (names of all columns, positions of `columns` among them).

    A number is the label of a column if there is one such, else a position.
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
        raise InputError(f"columns is {kind}{columns!r}, pass a list of names: [{columns!r}]")
    picked = []
    for column in columns:
        number = isinstance(column, (int, np.integer)) and not isinstance(column, bool)
        if number and column not in labels and -len(names) <= int(column) < len(names):
            picked.append(int(column) % len(names))
        elif str(column) in names and str(column) not in twice:
            picked.append(names.index(str(column)))
        else:
            shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            problem = "occurs twice" if str(column) in twice else "does not exist"
            raise InputError(f"column {column!r} {problem}: choose from {shown}")
    if len(set(picked)) < len(picked):
        raise InputError(f"columns {list(columns)!r} name a column twice: name each once")
    return names, picked


def _chunked(data: Any) -> Any:
    """pyarrow's unchunked arrays and tables as chunked ones, which are what narwhals reads."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(data, arrow.Array):
        return arrow.chunked_array([data])
    if arrow is not None and isinstance(data, arrow.RecordBatch):
        return arrow.Table.from_batches([data])
    return data


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
