"""Columns of rarer kinds: of many parts, of bytes, arrays of pandas, records, relations."""

from __future__ import annotations

import decimal

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from infonet.inputs.open import open_columns
from infonet.inputs.variables import as_column

NAN = np.nan

ODD = {
    "list": pa.array([[1.0]] * 6),
    "large list": pa.array([[1.0]] * 6, pa.large_list(pa.float64())),
    "list of two": pa.array([[1.0, 2.0]] * 6, pa.list_(pa.float64(), 2)),
    "struct": pa.array([{"a": 1}] * 6),
    "map": pa.array([[("k", 1.0)]] * 6, pa.map_(pa.string(), pa.float64())),
    "bytes": pa.array([b"%d\xff" % i for i in range(6)]),
}


@pytest.mark.parametrize("reader", ["pyarrow", "polars"])
@pytest.mark.parametrize("kind", ODD)
def test_columns_of_many_parts_are_left_out(monkeypatch, tmp_path, estimator, kind, reader):
    import sys

    table = pa.table({"x": range(6), "odd": ODD[kind], "y": [2, 1, 0, 5, 3, 4]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=4)
    frames = [table, pl.from_arrow(table), table.to_pandas()]
    if kind != "map":
        frames.append(table.to_pandas(types_mapper=pd.ArrowDtype))
    if reader == "polars":
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for data in (tmp_path / "t.parquet", *frames):
        source = open_columns(data, unusable="omit")
        assert source.names == ("x", "y")
        assert source.notes[0].startswith("left out: odd (")
        with pytest.raises(infonet.InputError, match="column 'odd' holds") as caught:
            open_columns(data, ["odd"])
        assert str(caught.value).isprintable()


def test_bytes_that_repeat_are_categories(monkeypatch, tmp_path):
    import sys

    values = [b"u", b"v", None, b"v", b"v", b"u"]
    table = pa.table({"k": values})
    pq.write_table(table, tmp_path / "t.parquet")
    sources = [
        open_columns(data)
        for data in (
            {"k": values},
            np.array([[value] for value in values], object),
            *(pa.table({"k": pa.array(values, kind)}) for kind in (pa.binary_view(), pa.binary(1))),
            table,
            table.to_pandas(),
            table.to_pandas(types_mapper=pd.ArrowDtype),
            pl.from_arrow(table),
            tmp_path / "t.parquet",
        )
    ]
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    sources.append(open_columns(tmp_path / "t.parquet"))
    for source in sources:
        np.testing.assert_array_equal(source.load(0), [1, 0, NAN, 0, 0, 1])
        assert source.nominal == (True,)


ORDERED = pd.Categorical(["low", "high", None, "mid"], ["low", "mid", "high"], ordered=True)


def test_arrays_and_indexes_of_pandas_keep_the_order_of_their_categories(estimator):
    for values in (ORDERED, pd.Series(ORDERED), pd.CategoricalIndex(ORDERED), pd.Index(ORDERED)):
        for column in (as_column(values, "k").values, open_columns({"k": values}).load(0)):
            np.testing.assert_array_equal(column, [0, 2, NAN, 1])
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300))
    y += x
    cut = pd.cut(x, [-9, -1, -0.2, 0.1, 0.8, 9])
    expected = estimator.estimate(np.digitize(x, [-1, -0.2, 0.1, 0.8], right=True), y).mi
    for values in (
        cut,
        pd.Series(cut),
        pd.CategoricalIndex(cut),
        pd.cut(pd.Series(x), cut.categories),
    ):
        assert estimator.estimate(values, y).mi == expected
        assert estimator.sliced(values, y, projections=1).mean == expected


def test_other_arrays_and_indexes_of_pandas():
    for values in (
        pd.array([3, None, 1], dtype="Int64"),
        pd.Index([3, np.nan, 1]),
        pd.array(["3", None, "1"], dtype="string"),
        pd.arrays.SparseArray([3.0, np.nan, 1.0]),
    ):
        np.testing.assert_array_equal(as_column(values, "k").values, [3, NAN, 1])
    moments = pd.DatetimeIndex(["2020-01-01", None, "1999-01-01"], tz="Europe/Rome", name="when")
    column = as_column(moments, "k")
    assert column.name == "when"
    assert column.notes == ("dates and times are taken as numbers: when",)
    assert column.values[0] > column.values[2]


def test_records():
    rows = [
        {"a": 1, "k": "u"},
        {"k": "v", "a": None},
        {"a": decimal.Decimal("0.5")},
        {"k": "v", "z": 1},
    ]
    source = open_columns(rows)
    assert source.names == ("a", "k", "z")
    np.testing.assert_array_equal(source.load(0), [1, NAN, 0.5, NAN])
    np.testing.assert_array_equal(source.load(1), [1, 0, NAN, 0])
    assert open_columns(tuple(rows), ["z"]).names == ("z",)
    nested = open_columns([{"a": 1, "b": {"c": 2}}, {"a": 2, "b": {"c": 3}}], unusable="omit")
    assert nested.names == ("a",)


def test_records_are_variables_of_several_dimensions(estimator):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 60, 2))
    rows = [dict(zip("ab", row, strict=True)) for row in x.tolist()]
    found = estimator.sliced(rows, y, projections=3)
    assert found.values.tobytes() == estimator.sliced(x, y, projections=3).values.tobytes()


def test_relations_of_duckdb(estimator):
    duckdb = pytest.importorskip("duckdb")
    rng = np.random.default_rng(0)
    x = rng.standard_normal(80)
    frame = pd.DataFrame({"x": x, "y": x + rng.standard_normal(80), "k": ["u", "v"] * 40})
    relation = duckdb.from_df(frame)
    expected = estimator.pairwise(frame)
    found = estimator.pairwise(relation)
    assert (found.names, found.mi.tobytes()) == (expected.names, expected.mi.tobytes())
    some = estimator.pairwise(relation, columns=["y", "x"])
    assert some.mi[0, 1] == expected.mi[0, 1]
    assert estimator.sliced(relation.select("x", "y"), x, projections=2).n == 80
    with pytest.raises(infonet.InputError, match="x is a table with columns"):
        estimator.estimate(relation, x)


def test_indexes_in_another_order_are_named(estimator):
    """Rows are paired by position, whatever an index says; pandas itself pairs by labels."""
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 300))
    left = pd.Series(x, [f"row {i}" for i in range(300)], name="left")
    right = (left + noise).rename("right")
    shuffled = right.sample(frac=1, random_state=0)
    said = "rows are paired by position, although the indexes hold the same labels in another order"
    found = estimator.estimate(left, shuffled)
    assert said in found.notes
    assert found.mi == estimator.estimate(x, shuffled.to_numpy()).mi
    assert said in estimator.estimate(left, right, given=shuffled.rename("z")).notes
    assert said in estimator.estimate(left.to_frame().assign(more=noise), shuffled).notes
    assert said in estimator.pairwise({"left": left, "right": shuffled}).notes
    assert said in estimator.lagged(left, shuffled, lags=[0, 1]).notes
    assert said in estimator.sliced(left, shuffled, projections=1).notes
    multi = shuffled.set_axis(pd.MultiIndex.from_arrays([shuffled.index, [0] * 300]))
    assert said in estimator.estimate(multi, multi.sort_index()).notes
    for other in (
        right,  # of the same order
        shuffled.loc[left.index],
        right.reset_index(drop=True),  # other labels
        right.set_axis(range(1, 301)),
        shuffled.to_numpy(),
        pl.Series(shuffled.to_numpy()),
    ):
        assert said not in estimator.estimate(left, other).notes
