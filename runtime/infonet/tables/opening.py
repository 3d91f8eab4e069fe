"""One door for every kind of table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from infonet.tables.arrays import array_table, is_records, mapping_table, record_columns
from infonet.tables.source import ColumnSource, RawTable, Request, Unusable, make_source


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
        from infonet.tables.files import file_table

        return file_table(data, request)
    if isinstance(data, Mapping):
        return mapping_table(data)
    if is_records(data):
        return mapping_table(record_columns(data))
    if isinstance(data, (np.ndarray, list, tuple)):
        return array_table(data)
    from infonet.tables.frames import frame_table

    return frame_table(data, request)
