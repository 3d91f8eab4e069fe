"""Numbers that float64 does not tell apart stay apart."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from infonet.inputs.numbers import exact_numbers
from infonet.inputs.open import open_columns
from infonet.inputs.variables import as_column

ORDER = [2, 0, 3, 1]
BASES = {
    "2**53": 2**53,
    "int64": 2**63 - 10,
    "uint64": 2**64 - 10,
    "both signs": -(2**62),
    "10**20": 10**20,
    "10**37": 10**37,
}


@pytest.fixture
def read_csv(tmp_path):
    def read(cells):
        rows = "".join(f"{cell};{i}\n" for i, cell in enumerate(cells))
        (tmp_path / "t.csv").write_text(f"a;i\n{rows}")
        return open_columns(tmp_path / "t.csv")

    return read


@pytest.mark.parametrize("base", BASES)
def test_whole_numbers(base, read_csv, tmp_path):
    values = [BASES[base] + k for k in ORDER]
    if base == "both signs":
        values[1] = 2**63 + 1  # beyond int64, with negative ones
    decimals = list(map(Decimal, values))
    ranks = [sorted(values).index(value) for value in values]
    arrow = pa.array(decimals, pa.decimal128(38))
    pq.write_table(pa.table({"a": arrow}), tmp_path / "t.parquet", row_group_size=2)
    given = {
        "list": values,
        "objects": np.array(values, object),
        "series": pd.Series(values, dtype=object),
        "decimals": decimals,
        "arrow": arrow,
        "pandas arrow": pd.Series(decimals, dtype=pd.ArrowDtype(pa.decimal128(38))),
        "polars": pl.Series(decimals, dtype=pl.Decimal(38, 0)),
        "texts": list(map(str, values)),
        "text series": pl.Series(map(str, values)),
    }
    columns = {name: as_column(data, "a").values for name, data in given.items()}
    columns["csv"] = read_csv(values).load(0)
    columns["thousands"] = read_csv([f"{value:,}" for value in values]).load(0)
    columns["csv with a gap"] = read_csv([*values, ""]).load(0)[:-1]
    columns["csv with a mark"] = read_csv([*values, "?"]).load(0)[:-1]
    columns["parquet"] = open_columns(tmp_path / "t.parquet").load(0)
    for name, column in columns.items():
        assert column.dtype.kind in "iuf", name
        np.testing.assert_array_equal(np.argsort(np.argsort(column)), ranks, err_msg=name)
        assert np.unique(column).size == 4, name


def test_values_are_kept_where_a_type_holds_them():
    for low, kind in ((2**62, np.int64), (2**63, np.uint64), (-(2**63), np.int64)):
        values = [low + 1, low]
        column = as_column(values, "a").values
        assert column.dtype == kind
        assert column.tolist() == values
    column, remarks = exact_numbers([0.5, 2, Decimal("1e300")])
    assert (column.tolist(), remarks) == ([0.5, 2.0, 1e300], ())


def test_what_is_done_is_said(read_csv):
    note = "numbers of more digits than float64 holds are taken by their order: a (as {})"
    distances = [10**20 + k for k in ORDER]
    for source in (read_csv(distances), open_columns({"a": list(map(Decimal, distances))})):
        assert source.load(0).tolist() == ORDER
        assert source.notes == (note.format("distances from the smallest"),)
    positions = [*distances, -(10**40)]
    source = open_columns({"a": positions})
    assert source.load(0).tolist() == [3, 1, 4, 2, 0]
    assert source.notes == (note.format("positions in their order"),)
    assert open_columns({"a": [2**60 + 1, 2**60]}).notes == ()  # int64


def test_fractions_of_many_digits(read_csv):
    texts = [f"1.00000000000000000000{k}" for k in ORDER]
    for source in (read_csv(texts), open_columns({"a": list(map(Decimal, texts))})):
        np.testing.assert_array_equal(np.argsort(np.argsort(source.load(0))), ORDER)
    thirds = [Fraction(1, 3), Fraction(10**30 + 1, 3 * 10**30), Fraction(1, 4)]
    assert np.argsort(as_column(thirds, "a").values).tolist() == [2, 0, 1]


def test_floats_as_programs_write_them_are_floats(read_csv):
    values = np.random.default_rng(0).standard_normal(50) * 10.0 ** np.arange(-25, 25)
    for form in ("%.17g", "%.18e", "%r", "%.60f"):
        source = read_csv([form % value for value in values.tolist()])
        assert source.notes == ()
        if form != "%.60f":
            np.testing.assert_array_equal(source.load(0), values)


def test_extreme_texts(read_csv):
    cells = ["9" * 5000, "1e999999999", "-1e-999999999", "1e5"]
    np.testing.assert_array_equal(read_csv(cells).load(0), [np.inf, np.inf, 0, 1e5])
    decimals = [Decimal("1e999999"), Decimal("-1e-999999"), Decimal("sNaN"), Decimal("-Infinity")]
    np.testing.assert_array_equal(as_column(decimals, "a").values, [np.inf, 0, np.nan, -np.inf])


def test_integers_of_128_bits():
    values = [2**100 + k for k in ORDER]
    column = as_column(pl.Series(values, dtype=pl.Int128), "a").values
    assert column.tolist() == ORDER
    assert as_column(pl.Series([3, None, 1], dtype=pl.Int128), "a").values[[0, 2]].tolist() == [
        3,
        1,
    ]


@given(
    st.lists(
        st.integers(-(10**25), 10**25)
        | st.integers(10**20, 10**20 + 5)
        | st.floats(allow_nan=False)
        | st.decimals(allow_nan=False, min_value=-(10**22), max_value=10**22),
        min_size=1,
    )
)
def test_order_is_kept(values):
    column, _ = exact_numbers(values)
    exact = [value if value in (np.inf, -np.inf) else Fraction(value) for value in values]
    places = {value: i for i, value in enumerate(sorted(set(exact)))}
    expected = [places[value] for value in exact]
    assert np.unique(column, return_inverse=True)[1].tolist() == expected
