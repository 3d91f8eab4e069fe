"""Whatever a table holds, every library and file says the same of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from infonet.inputs.open import open_columns

# Of each kind few values, so that ties and missing values are common; text that is no number.
VALUES = {
    "whole": st.integers(-(2**62), 2**62) | st.integers(-3, 3),
    "real": st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.booleans(),
    "text": st.sampled_from(["red", "green", "blue", "Grün", "a,b", 'say "x"', "x;y"]),
    "time": st.datetimes(
        pd.Timestamp("1700-01-01").to_pydatetime(), pd.Timestamp("2200-01-01").to_pydatetime()
    ),
}


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 12))
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=4))
    columns = {}
    for i, kind in enumerate(kinds):
        cells = draw(st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows))
        columns[f"{kind} {i}"] = cells * 2  # so that text repeats
    return columns


def arrow_table(columns):
    types = {"whole": pa.int64(), "real": pa.float64(), "truth": pa.bool_(), "text": pa.string()}
    return pa.table(
        {
            name: pa.array(cells, types.get(name.split()[0], pa.timestamp("us")))
            for name, cells in columns.items()
        }
    )


def read(data):
    """Ranks of every column, -1 where missing, and the notes; None where a column is refused."""
    source = open_columns(data, unusable="omit")
    ranks = {}
    for i, name in enumerate(source.names):
        column = source.load(i)
        gaps = np.isnan(column)
        found = np.full(column.shape, -1)
        found[~gaps] = np.unique(column[~gaps], return_inverse=True)[1]
        ranks[name] = found.tolist()
    return ranks, source.notes


@settings(max_examples=40, deadline=None)
@given(tables())
def test_every_way_in_agrees(columns):
    table = arrow_table(columns)
    expected = read(table)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.parquet")
        pq.write_table(table, path, row_group_size=5)
        given_as = [
            pl.from_arrow(table),
            pl.from_arrow(table).lazy(),
            table.to_pandas(types_mapper=pd.ArrowDtype),
            pl.from_arrow(table).to_dict(as_series=True),
            path,
        ]
        for data in given_as:
            assert read(data) == expected


@settings(max_examples=40, deadline=None)
@given(tables(), st.sampled_from([",", ";", "\t"]))
def test_csv_agrees(columns, delimiter):
    rows = len(next(iter(columns.values())))
    # A column without any value is numbers to CSV, whatever it was; float64 holds no 2**62 + 1.
    columns = {
        name: [c if c is None or not name.startswith("whole") else c % 1000 for c in cells]
        for name, cells in columns.items()
        if any(cell is not None for cell in cells)
    }
    columns["whole last"] = list(range(rows))  # so that no row is blank
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        frame = arrow_table(columns).to_pandas(types_mapper=pd.ArrowDtype)
        frame.to_csv(path, sep=delimiter, index=False)
        assert read(path)[0] == read(columns)[0]
