"""Turn a series of any library into an array of real numbers, NaN where missing."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, one_line
from infonet.inputs.checks import Column, Remark, require_real
from infonet.inputs.convert import Values, encode, from_array, split_times
from infonet.inputs.numbers import EXACT, exact_numbers, with_gaps

Factors = tuple[NDArray[np.int64], list[Any], bool]


def factorize(series: Any) -> Factors:
    """Return (codes, levels, whether the levels have an order) of a narwhals series.

    `codes` are positions in `levels`, int64 [n], -1 where a value is missing.
    """
    import narwhals.stable.v1 as nw

    native = series.to_native()
    if isinstance(series.dtype, nw.Binary) and not series.implementation.is_pyarrow():
        return _of_objects(series)
    if series.implementation.is_pandas_like():
        return _of_pandas(native)
    if series.implementation.is_polars():
        return _of_polars(native)
    if series.implementation.is_pyarrow():
        return _of_pyarrow(native)
    return _of_pyarrow(series.to_arrow())


def _of_objects(series: Any) -> Factors:
    missing = np.asarray(series.is_null().to_numpy(), np.bool_)
    seen: dict[Any, int] = {}
    codes = np.full(missing.size, -1, np.int64)
    codes[~missing] = [seen.setdefault(v, len(seen)) for v in series.drop_nulls().to_list()]
    return codes, list(seen), False


def _of_pandas(native: Any) -> Factors:
    if "dictionary" in str(native.dtype):  # pyarrow's categories inside pandas
        import pyarrow as pa

        return _of_pyarrow(pa.array(native))
    if hasattr(native, "cat"):
        codes = native.cat.codes.to_numpy().astype(np.int64)
        return codes, native.cat.categories.tolist(), bool(native.cat.ordered)
    codes, levels = native.factorize()
    return np.asarray(codes, np.int64), levels.tolist(), False


def _of_polars(native: Any) -> Factors:
    import polars as pl

    if isinstance(native.dtype, pl.Enum):
        codes = native.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
        return codes, native.dtype.categories.to_list(), True
    # Codes of polars are shared by all series of a process: make them 0, 1, 2, …
    physical = native.cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    _, first, codes = np.unique(physical, return_index=True, return_inverse=True)
    levels = native.gather(first).cast(pl.String).to_list()
    return np.where(physical < 0, -1, codes.reshape(-1)), levels, False


def _of_pyarrow(native: Any) -> Factors:
    import pyarrow as pa

    chunked = native if isinstance(native, pa.ChunkedArray) else pa.chunked_array([native])
    if not pa.types.is_dictionary(chunked.type):
        if pa.types.is_string_view(chunked.type):
            chunked = chunked.cast(pa.large_string())
        chunked = chunked.dictionary_encode()
    chunked = chunked.unify_dictionaries()
    if not chunked.num_chunks:
        return np.empty(0, np.int64), [], bool(chunked.type.ordered)
    parts = [
        chunk.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        for chunk in chunked.chunks
    ]
    levels = chunked.chunk(0).dictionary.to_pylist()
    return np.concatenate(parts), levels, bool(chunked.type.ordered)


_Split = tuple[Column, NDArray[np.bool_] | None, tuple[Remark, ...]]


def from_series(series: Any, label: str) -> Values:
    """Numbers and remarks for a narwhals series.

    Raises:
        InputError: not of a kind that becomes numbers, or its library cannot hand it over.
    """
    try:
        if is_category(series):
            return encode(*factorize(series), label, declared=not _is_text(series))
        if is_long(series):
            return _exact(series)
        array, missing, remarks = _split(series, label)
    except InputError:
        raise
    except Exception as error:  # each library has its own
        raise not_an_array(series.to_native(), label, error) from None
    return (array if missing is None else with_gaps(array, missing)), remarks


def from_parts(parts: Iterable[Any], rows: int, label: str) -> Values:
    """Numbers and remarks for a column of `rows` rows that comes in parts, not of categories.

    Args:
        parts: narwhals series of one type.
        rows: of all parts together.
        label: how to call the column in a message.

    Raises:
        InputError: as `from_series`, or another number of rows.
    """
    whole, missing = np.empty(0), np.zeros(0, np.bool_)
    remarks: tuple[Remark, ...] = ()
    at = 0
    for part in parts:
        try:
            array, gaps, remarks = _split(part, label)
        except InputError:
            raise
        except Exception as error:  # each library has its own
            raise not_an_array(part.to_native(), label, error) from None
        if at == 0:
            whole = np.zeros(rows, array.dtype)
        elif whole.dtype != array.dtype:
            whole = whole.astype(np.promote_types(whole.dtype, array.dtype))
        if at + array.size > rows:
            break
        whole[at : at + array.size] = array
        if gaps is not None:
            if not missing.size:
                missing = np.zeros(rows, np.bool_)
            missing[at : at + array.size] = gaps
        at += array.size
    if at != rows:
        raise InputError(f"{label} has not {rows} rows as the file says: write the file again")
    return (with_gaps(whole, missing) if missing.any() else whole), remarks


def chunked(data: Any) -> Any:
    """What narwhals does not read as the like of it that it does.

    Unchunked arrays and tables of pyarrow become chunked ones; an array or an index of pandas
    becomes a series, which keeps the order of its categories.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(data, arrow.Array):
        return arrow.chunked_array([data])
    if arrow is not None and isinstance(data, arrow.RecordBatch):
        return arrow.Table.from_batches([data])
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "Series"):  # which may be half imported
        flat = (pandas.api.extensions.ExtensionArray, pandas.Index)
        if isinstance(data, flat) and not isinstance(data, pandas.MultiIndex):
            return pandas.Series(data)
    return data


def pairing_notes(*data: Any) -> tuple[str, ...]:
    """A note if series or frames of pandas have the same labels in different orders, else nothing.

    Their rows are paired by position, as those of all other data.
    """
    pandas = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "Series"):
        return ()
    held = [part.index for part in data if isinstance(part, (pandas.Series, pandas.DataFrame))]
    for other in held[1:]:
        same = other is held[0] or len(other) != len(held[0]) or other.equals(held[0])
        if not same and other.isin(held[0]).all() and held[0].isin(other).all():
            return (
                "rows are paired by position, although the indexes hold the same labels in "
                "another order",
            )
    return ()


def is_category(series: Any) -> bool:
    """Whether a narwhals series holds text, bytes or categories."""
    import narwhals.stable.v1 as nw

    return _is_text(series) or isinstance(series.dtype, (nw.Categorical, nw.Enum))


def type_decides(series: Any) -> bool:
    """Whether the type of a narwhals series alone says what is made of it."""
    import narwhals.stable.v1 as nw

    plain = (nw.Boolean, nw.Date, nw.Datetime, nw.Duration, nw.Time)
    numeric = series.dtype.is_numeric() and not is_long(series)
    return numeric or isinstance(series.dtype, plain)


def is_long(series: Any) -> bool:
    """Whether a narwhals series holds decimals or integers that float64 may not tell apart."""
    import narwhals.stable.v1 as nw

    return isinstance(series.dtype, (nw.Decimal, nw.Int128, nw.UInt128))


def _is_text(series: Any) -> bool:
    import narwhals.stable.v1 as nw

    return isinstance(series.dtype, (nw.String, nw.Binary))


def _exact(series: Any) -> Values:
    """Decimals, and integers of 128 bits."""
    import narwhals.stable.v1 as nw

    floats = np.empty(0)
    with contextlib.suppress(Exception):  # each library has its own, where values are too large
        floats = np.asarray(series.cast(nw.Float64).to_numpy(), np.float64)
    largest = float(np.nanmax(np.abs(floats))) if np.isfinite(floats).any() else np.inf
    if largest * 10 ** _scale(series) < EXACT / 2:
        return floats, ()
    missing = np.asarray(series.is_null().to_numpy(), np.bool_)
    numbers, remarks = exact_numbers(series.drop_nulls().to_list())
    whole = np.zeros(missing.size, numbers.dtype)
    whole[~missing] = numbers
    return (with_gaps(whole, missing) if missing.any() else whole), remarks


def _scale(series: Any) -> int:
    """Digits after the point of a decimal type, 0 of an integer."""
    native = series.to_native()
    kind = getattr(native, "dtype", None) or native.type
    return int(getattr(getattr(kind, "pyarrow_dtype", kind), "scale", None) or 0)


def not_an_array(values: Any, label: str, error: Exception) -> InputError:
    """The error for values that their library does not hand over as an array."""
    reason = " ".join(str(error).split()).split(". ")[0]
    return InputError(
        f"{label} is of type {type(values).__name__}, which NumPy cannot read "
        f"({reason}): pass a NumPy array of numbers"
    )


def _split(series: Any, label: str) -> _Split:
    """Return (numbers, anything where missing; which are missing, None for none; remarks)."""
    import narwhals.stable.v1 as nw

    dtype = series.dtype
    native = series.to_native()
    times = isinstance(dtype, (nw.Date, nw.Datetime, nw.Duration, nw.Time))
    if isinstance(dtype, (nw.List, nw.Array, nw.Struct)):
        raise InputError(
            f"{label} holds values of several parts ({one_line(str(dtype))[:60]}), only real "
            "numbers are allowed: take one part of each, or leave it out"
        )
    if str(getattr(native, "dtype", "")).startswith("period["):  # of pandas
        series, times = nw.from_native(native.dt.to_timestamp(), series_only=True), True
    elif isinstance(dtype, nw.Time):
        series = _clock(series)
    elif isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        series = series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    remarks = (Remark("time"),) if times else ()
    missing = None
    dtype = series.dtype
    if (isinstance(dtype, nw.Boolean) or dtype.is_integer()) and series.null_count():
        missing = series.is_null().to_numpy()
        series = series.fill_null(value=False if isinstance(dtype, nw.Boolean) else 0)
    array = np.asarray(series.to_numpy())
    if array.dtype.kind in "Mm":
        ticks, missing = split_times(array)
        return ticks, missing if missing.any() else None, (Remark("time"),)
    if array.dtype.kind == "O":
        numbers, found = from_array(array, label)
        return numbers, None, remarks or found  # objects without rows are of no kind
    return require_real(array, label), missing, remarks


def _clock(series: Any) -> Any:
    """Times of the day as their ticks since midnight."""
    import narwhals.stable.v1 as nw

    if series.implementation.is_polars():
        return series.cast(nw.Int64)
    native = series.to_arrow()
    width = "int32" if str(native.type).startswith("time32") else "int64"
    return nw.from_native(chunked(native.cast(width)), series_only=True).cast(nw.Int64)
