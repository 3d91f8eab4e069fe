"""Tables of pandas, polars, pyarrow and other libraries, through narwhals, and Parquet files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from infonet.errors import InputError, MissingExtraError
from infonet.inputs.checks import Remark
from infonet.inputs.convert import Values
from infonet.inputs.files import damaged
from infonet.inputs.series import (
    chunked,
    from_parts,
    from_series,
    is_category,
    is_long,
    type_decides,
)
from infonet.inputs.table import RawTable, Request, array_table, label_of


def frame_table(data: Any, request: Request) -> RawTable:
    """A table of a data frame, or of whatever else NumPy reads.

    A lazy frame is computed once, as a whole, but only the columns wanted: two runs of a query may
    return rows in two orders.

    Raises:
        InputError: names that occur twice, or no table.
    """
    import narwhals.stable.v1 as nw

    arrow = sys.modules.get("pyarrow.dataset")
    if arrow is not None and isinstance(data, arrow.Dataset):
        return _dataset_table(data)
    try:
        frame = nw.from_native(computed(chunked(data)), pass_through=True, allow_series=True)
    except nw.exceptions.DuplicateError as error:
        message = " ".join(str(error).split())
        raise InputError(f"column names occur twice ({message}): rename them") from None
    if isinstance(frame, nw.LazyFrame):
        frame = _collect(frame, request)
    if not isinstance(frame, nw.DataFrame):
        return array_table(frame.to_native() if isinstance(frame, nw.Series) else data)
    return series_table(frame.columns, len(frame), column_reader(frame))


def column_reader(frame: Any) -> Callable[[int], Any]:
    """The columns of a narwhals frame by position; `frame[:, i]` looks at all columns each time."""
    import narwhals.stable.v1 as nw

    native = frame.to_native()
    if frame.implementation.is_pyarrow():
        return lambda i: nw.from_native(native.column(i), series_only=True)
    if frame.implementation.is_polars():
        return lambda i: nw.from_native(native.to_series(i), series_only=True)
    if frame.implementation.is_pandas_like():
        return lambda i: nw.from_native(native.iloc[:, i], series_only=True)
    return lambda i: frame[:, i]


def series_table(
    labels: list[Any], rows: int, series: Any, empty: Any = None, parts: Any = None
) -> RawTable:
    """A table of narwhals series.

    Args:
        labels: labels of the columns.
        rows: number of rows.
        series: `series(i)` is column i.
        empty: `empty(i)` is a series of the type of column i, perhaps without rows; None: `series`.
        parts: `parts(i)` is an iterator over column i in parts, so that it is never in memory as a
            whole beside its numbers; None: `series`.
    """
    head = empty or series
    known: dict[Any, tuple[Remark, ...]] = {}  # by type, where that decides

    def convert(i: int) -> Values:
        if parts is not None and not (is_category(head(i)) or is_long(head(i))):
            return from_parts(parts(i), rows, label_of(labels[i]))
        return from_series(series(i), label_of(labels[i]))

    def describe(i: int) -> tuple[Remark, ...]:
        found = head(i)
        if not type_decides(found):
            return convert(i)[1]
        if found.dtype not in known:
            known[found.dtype] = from_series(found[:0], label_of(labels[i]))[1]
        return known[found.dtype]

    return RawTable(labels, rows, describe, convert)


def computed(data: Any) -> Any:
    """A relation of DuckDB, or of another library without frames in memory, as one of pyarrow."""
    import narwhals.stable.v1 as nw
    import narwhals.stable.v2 as nw2

    # Version 1 lets one look at such relations only; a frame in memory has a length.
    found = nw.from_native(data, pass_through=True, allow_series=True)
    if not isinstance(found, nw.DataFrame) or getattr(found, "_level", "full") == "full":
        return data
    lazy = nw2.from_native(data, pass_through=True)
    if not isinstance(lazy, nw2.LazyFrame):
        return data
    try:
        return lazy.collect("pyarrow").to_native()
    except ImportError as error:
        raise MissingExtraError(f"reading {type(data).__name__}", "pyarrow") from error


def _collect(frame: Any, request: Request) -> Any:
    labels = frame.collect_schema().names()
    if request.columns is not None:
        names, picked = request.pick(labels)
        if not all(isinstance(column, str) for column in request.columns):
            return frame.collect()  # positions count all columns
        frame = frame.select([names[i] for i in picked])
    return frame.collect()


def _dataset_table(data: Any) -> RawTable:
    import narwhals.stable.v1 as nw

    def series(i: int) -> Any:
        column = data.to_table(columns=[data.schema.names[i]]).column(0)
        return nw.from_native(column, allow_series=True)

    empty = data.schema.empty_table()
    return series_table(
        data.schema.names,
        data.count_rows(),
        series,
        lambda i: nw.from_native(empty.column(i), allow_series=True),
    )


_ROWS, _BUFFER = 2**18, 2**20  # rows of a column, and bytes, read at a time
_VALUES = 2**19  # of several columns, read at a time


def parquet_table(file: Path) -> RawTable:
    """The table in a Parquet file.

    Raises:
        InputError: not a Parquet file, or names that occur twice.
        MissingExtraError: neither pyarrow nor polars is installed.
        OSError: the file cannot be read.
    """
    for library, reader in (("pyarrow.parquet", _with_pyarrow), ("polars", _with_polars)):
        try:
            import_module(library)
        except ImportError:
            continue
        try:
            return reader(file)
        except OSError:
            raise
        except BaseException as error:
            raise _known(file, error) from None
    raise MissingExtraError("reading Parquet files", "infonet[parquet]")


def _with_pyarrow(file: Path) -> RawTable:
    import narwhals.stable.v1 as nw
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        metadata, schema = opened.metadata, opened.schema_arrow
    empty = schema.empty_table()

    # Opening costs time for every column of the file, so columns of few rows are read together.
    together = max(1, _VALUES // max(1, metadata.num_rows))

    @lru_cache(maxsize=2)
    def block(number: int) -> Any:
        names = schema.names[number * together : (number + 1) * together]
        # A reader of its own each time: they are not safe to share between threads.
        with pq.ParquetFile(file, metadata=metadata) as opened:
            return opened.read(columns=names, use_threads=False)

    def read(i: int) -> Any:
        found = block(i // together) if together > 1 else block.__wrapped__(i)
        return nw.from_native(found.column(schema.names[i]), series_only=True)

    def parts(i: int) -> Iterator[Any]:
        if together > 1:
            yield read(i)
            return
        name = schema.names[i]
        with pq.ParquetFile(file, metadata=metadata, buffer_size=_BUFFER) as opened:
            for group in range(metadata.num_row_groups):  # all groups at once are held in memory
                for batch in opened.iter_batches(_ROWS, [group], [name], use_threads=False):
                    column = batch.column(batch.schema.names.index(name))
                    yield nw.from_native(pa.chunked_array([column]), series_only=True)

    return series_table(
        schema.names,
        metadata.num_rows,
        lambda i: _guarded(file, lambda: read(i)),
        lambda i: nw.from_native(empty.column(i), allow_series=True),
        lambda i: _guarded_parts(file, parts(i)),
    )


def _with_polars(file: Path) -> RawTable:
    import narwhals.stable.v1 as nw
    import polars as pl

    with file.open("rb"):  # errors of the operating system as Python words them
        scan = pl.scan_parquet(file, glob=False)
    schema = scan.collect_schema()

    rows = int(scan.select(pl.len()).collect().item())
    empty = pl.DataFrame(schema=schema)
    together = max(1, _VALUES // max(1, rows))

    @lru_cache(maxsize=2)
    def block(number: int) -> Any:
        places = range(number * together, min((number + 1) * together, len(schema)))
        return scan.select(pl.nth(list(places))).collect()

    def read(i: int) -> Any:
        found = block(i // together) if together > 1 else block.__wrapped__(i)
        return nw.from_native(found.to_series(i % together), series_only=True)

    return series_table(
        schema.names(),
        rows,
        lambda i: _guarded(file, lambda: read(i)),
        lambda i: nw.from_native(empty.to_series(i), allow_series=True),
    )


def _guarded(file: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except BaseException as error:
        raise _known(file, error) from None


def _known(file: Path, error: BaseException) -> BaseException:
    """The error to raise: each library has its own, and a panic of polars is no Exception."""
    if isinstance(error, Exception) or type(error).__name__ == "PanicException":
        return damaged(file, "Parquet", error)
    return error


def _guarded_parts(file: Path, parts: Iterator[Any]) -> Iterator[Any]:
    while (part := _guarded(file, lambda: next(parts, None))) is not None:
        yield part
