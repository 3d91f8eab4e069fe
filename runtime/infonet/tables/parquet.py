"""Parquet files, read one column at a time with pyarrow, or with polars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from infonet.errors import InputError, MissingExtraError
from infonet.tables.frames import series_table
from infonet.tables.source import RawTable

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


def damaged(file: Path, kind: str, error: BaseException) -> InputError:
    """The error for a file that is not what its name says."""
    reason = (str(error).strip() or repr(error)).splitlines()[0].split(". ")[0].rstrip(".")
    return InputError(f"{file} is not a readable {kind} file ({reason[:200]}): write it again")


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
