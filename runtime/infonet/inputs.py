"""Turn what users pass into named NumPy columns of real numbers, or say what is wrong with it.

Arrays and lists are handled by NumPy; data frames and series of pandas, polars, pyarrow and
others through narwhals, which is imported only then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    name = default_name
    if not isinstance(values, (np.ndarray, list, tuple)):
        import narwhals.stable.v1 as nw

        series = nw.from_native(values, pass_through=True, allow_series=True)
        if isinstance(series, nw.Series):
            return str(series.name or default_name), _from_series(series, default_name)
        if isinstance(series, nw.DataFrame):
            raise InputError(
                f"{default_name} is a table with columns {list(series.columns)[:8]}: pass one "
                "column of it, or use pairwise for all columns"
            )
    array = _as_array(values, default_name)
    if array.ndim == 2 and 1 in array.shape:
        raise InputError(
            f"{default_name} has shape {list(array.shape)}, allowed is one dimension [n]: "
            f"pass {default_name}.ravel()"
        )
    if array.ndim != 1:
        raise InputError(
            f"{default_name} has shape {list(array.shape)}, allowed is one dimension [n]: "
            "pass one column, or use pairwise for all columns of a table"
        )
    return name, array


def as_columns(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[Column]]:
    """Return (names, 1-D arrays of equal length) for a table.

    Args:
        data: array [n, d], list of rows, mapping from names to columns, or data frame.
        columns: names (or positions) of the columns to take, in order; None for all.

    Raises:
        InputError: no such column, a column twice, unequal lengths, or not real numbers.
    """
    if isinstance(data, Mapping):
        names = [str(name) for name in data]
        picked = _pick(names, columns)
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
        widened: Any = values.astype(np.result_type(values.dtype, np.float16))
        values = widened.filled(np.nan)
    try:
        array = np.asarray(values)
    except ValueError:  # a ragged list
        raise InputError(
            f"{label} is a ragged list, allowed are rows of one length: pass an array"
        ) from None
    return require_real(array, label)


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
    if isinstance(dtype, nw.Boolean) or dtype.is_numeric():
        if series.null_count() or isinstance(dtype, nw.Decimal):
            series = series.cast(nw.Float64)
        return _as_array(series.to_numpy(), label)
    return _as_array(series.to_numpy(), label)


def _from_frame(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[int], Any]:
    import narwhals.stable.v1 as nw

    try:
        frame = nw.from_native(data, pass_through=True)
    except nw.exceptions.DuplicateError as error:
        raise InputError(f"column names occur twice ({_one_line(error)}): rename them") from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        return _from_array(data, columns)
    names = [str(name) for name in frame.columns]
    picked = _pick(names, columns)
    found = [_from_series(frame[:, i], f"column {names[i]!r}") for i in picked]
    return names, picked, found


def _from_array(data: Any, columns: Sequence[str | int] | None) -> tuple[list[str], list[int], Any]:
    array = np.asarray(data) if isinstance(data, np.ndarray) else None
    if array is not None and array.dtype.names and array.ndim == 1:
        names = list(array.dtype.names)
        picked = _pick(names, columns)
        return names, picked, [_as_array(array[names[i]], f"column {names[i]!r}") for i in picked]
    array = _as_array(data, "data")
    if array.ndim != 2:
        raise InputError(
            f"data have shape {list(array.shape)}, allowed is [n, columns]: pass a table with one "
            "row per sample"
        )
    names = [str(i) for i in range(array.shape[1])]
    picked = _pick(names, columns)
    return names, picked, [array[:, i] for i in picked]


def _pick(names: list[str], columns: Sequence[str | int] | None) -> list[int]:
    """Positions of `columns` in `names`."""
    twice = {name for name, count in Counter(names).items() if count > 1}
    if columns is None:
        if twice:
            raise InputError(f"column names occur twice: {sorted(twice)}: rename them")
        return list(range(len(names)))
    if isinstance(columns, str):
        raise InputError(f"columns is the string {columns!r}, pass a list of names: [{columns!r}]")
    picked = []
    for column in columns:
        if isinstance(column, (int, np.integer)) and -len(names) <= column < len(names):
            picked.append(int(column) % len(names))
        elif str(column) in names and str(column) not in twice:
            picked.append(names.index(str(column)))
        else:
            shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            problem = "occurs twice" if str(column) in twice else "does not exist"
            raise InputError(f"column {column!r} {problem}: choose from {shown}")
    if len(set(picked)) < len(picked):
        raise InputError(f"columns {list(columns)!r} name a column twice: name each once")
    return picked


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
