"""Categories as codes, and text that is none."""

from __future__ import annotations

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from infonet.inputs.open import open_columns
from infonet.inputs.table import ColumnSource
from infonet.inputs.variables import as_column

LEVELS = ["c", "unused", "a", "b"]
TEXTS = ["a", "b", "b", None, "c", "b", "c", "a", "c", "c", None, "c"]  # c 5, b 3, a 2
BY_FREQUENCY = [2, 1, 1, np.nan, 0, 1, 0, 2, 0, 0, np.nan, 0]
BY_LEVEL = [1, 2, 2, np.nan, 0, 2, 0, 1, 0, 0, np.nan, 0]


def dictionary(values, ordered):
    codes = [None if value is None else LEVELS.index(value) for value in values]
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int8()), LEVELS, ordered=ordered)


UNORDERED = {
    "pandas": pd.Series(TEXTS),
    "pandas categorical": pd.Series(pd.Categorical(TEXTS, LEVELS)),
    "pandas dictionary": pd.Series(
        dictionary(TEXTS, False), dtype=pd.ArrowDtype(dictionary([], False).type)
    ),
    "polars": pl.Series(TEXTS),
    "polars categorical": pl.Series(TEXTS, dtype=pl.Categorical),
    "pyarrow": pa.array(TEXTS),
    "pyarrow large": pa.array(TEXTS, pa.large_string()),
    "pyarrow view": pa.array(TEXTS, pa.string_view()),
    "pyarrow dictionary": dictionary(TEXTS, False),
    "pyarrow dictionaries": pa.chunked_array(
        [pa.array(TEXTS[:5]).dictionary_encode(), pa.array(TEXTS[5:]).dictionary_encode()]
    ),
    "objects": np.array(TEXTS, object),
    "list": TEXTS,
}
ORDERED = {
    "pandas": pd.Series(pd.Categorical(TEXTS, LEVELS, ordered=True)),
    "polars": pl.Series(TEXTS, dtype=pl.Enum(LEVELS)),
    "pyarrow": dictionary(TEXTS, True),
    "pyarrow chunks": pa.chunked_array([dictionary(TEXTS[:5], True), dictionary(TEXTS[5:], True)]),
}


@pytest.mark.parametrize("library", UNORDERED)
def test_codes_by_frequency(library):
    source = open_columns({"k": UNORDERED[library]})
    np.testing.assert_array_equal(source.load(0), BY_FREQUENCY)
    assert source.notes == (
        "categories without an order are taken as codes, the most frequent as 0: k (3 categories)",
    )
    assert source.nominal == (True,)
    column = as_column(UNORDERED[library], "x")
    assert column.nominal
    np.testing.assert_array_equal(column.values, BY_FREQUENCY)


@pytest.mark.parametrize("library", ORDERED)
def test_ordered_categories_are_positions(library):
    source = open_columns({"k": ORDERED[library]})
    np.testing.assert_array_equal(source.load(0), BY_LEVEL)
    assert source.notes == (
        "ordered categories are taken as their positions in that order: k (3 categories)",
    )
    assert source.nominal == (False,)
    assert not as_column(ORDERED[library], "x").nominal


def test_ordered_categories_may_be_many():
    levels = [f"{i:04}x" for i in range(1000)]
    frame = pd.DataFrame({"k": pd.Categorical(levels, levels, ordered=True)})
    assert open_columns(frame).load(0).tolist() == list(range(1000))


def test_categories_that_are_numbers():
    for values in (
        pd.Series(pd.Categorical([10, 2, 2, 33])),
        pd.Series(["10", "2", "2", "33.0"]),
        pa.array([10, 2, 2, 33]).dictionary_encode(),
    ):
        source = open_columns({"k": values})
        assert source.load(0).tolist() == [10, 2, 2, 33]
        assert source.notes[0].startswith("categories whose names are numbers")
    for values in (["1", "1.0", "1"], ["1_0", "2", "2"], ["inf", "1", "1"]):
        assert "without an order" in open_columns({"k": pd.Series(values * 20)}).notes[0]


def test_which_columns_are_nominal(tmp_path):
    """Of all that becomes numbers, only categories without an order have no order of their own."""
    frame = pd.DataFrame(
        {
            "number": [1.5, 2.5, 0.5, 1.0],
            "coded": ["u", "v", "u", "v"],
            "ordered": pd.Categorical(["u", "v", "u", "v"], ["v", "u"], ordered=True),
            "numbered": pd.Categorical([10, 2, 2, 33]),
            "truth": [True, False, True, True],
            "time": pd.date_range("2020-01-01", periods=4),
            "gone": ["a", "b", "c", "d"],
            "coded too": pd.Categorical(["u", None, "u", "v"]),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    arrow = pa.Table.from_pandas(frame)
    for data in (frame, arrow, tmp_path / "t.parquet", dict(frame.items())):
        source = open_columns(data, unusable="omit")
        nominal = dict(zip(source.names, source.nominal, strict=True))
        assert [name for name in nominal if nominal[name]] == ["coded", "coded too"]
    (tmp_path / "t.csv").write_text("a;b;c;d;e\n1,5;u;true;2020-01-01;1\n2;u;false;;2\n")
    assert open_columns(tmp_path / "t.csv").nominal == (False, True, False, False, False)
    assert open_columns(tmp_path / "t.csv", ["b", "a"]).nominal == (True, False)
    made = ColumnSource(("a", "b"), 3, lambda i: np.zeros(3))
    assert made.nominal == (False, False)


def test_the_names_of_categories_do_not_matter(estimator):
    """A name and its translation have equal codes, so their estimate is that of equal columns."""
    rng = np.random.default_rng(0)
    codes = rng.choice(6, 2000, p=[0.35, 0.25, 0.18, 0.12, 0.07, 0.03])
    states = np.array(["TX", "CA", "NY", "FL", "OH", "WA"])[codes]
    names = np.array(["Texas", "California", "New York", "Florida", "Ohio", "Washington"])[codes]
    p = np.bincount(codes) / codes.size
    found = estimator.estimate(states, names)
    assert found.mi == pytest.approx(-(p * np.log(p)).sum(), abs=0.05)


@pytest.mark.parametrize("k", [3, 6, 12])
def test_estimates_with_categories(estimator, k):
    """Against the truth: normal distributions of known means."""
    rng = np.random.default_rng(k)
    means = rng.standard_normal(k)
    codes = rng.integers(0, k, 5000)
    y = means[codes] + rng.standard_normal(5000)
    grid = np.linspace(-9, 9, 4001)
    density = np.exp(-0.5 * (grid - means[:, None]) ** 2) / np.sqrt(2 * np.pi)
    ratio = np.log(density / density.mean(axis=0))
    truth = (density * ratio).mean(axis=0).sum() * (grid[1] - grid[0])
    found = estimator.estimate([f"level {c}" for c in codes], y)
    assert found.mi == pytest.approx(truth, abs=0.05)


def test_identifiers_tell_nothing(estimator):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(1000)
    for k in (100, 250, 500):
        texts = [f"id {i}" for i in rng.permutation(np.arange(1000) % k)]
        found = estimator.estimate(texts, y)
        assert found.interval[0] < 0.02  # four samples a category tell little
        assert found.mi < 0.05
    with pytest.raises(infonet.InputError, match="x holds text with 501 different values in 1000"):
        estimator.estimate([f"id {i}" for i in np.arange(1000) % 501], y)


def test_few_rows():
    assert open_columns({"k": ["a", "b"]}).load(0).tolist() == [0, 1]
    assert np.isnan(open_columns({"k": np.array([None, None])}).load(0)).all()
    for values in (pd.Series([], dtype="str"), pl.Series([], dtype=pl.String), pa.array([], "str")):
        assert open_columns({"k": values}).load(0).shape == (0,)
    with pytest.raises(infonet.InputError, match="3 different values in 3 rows"):
        open_columns({"k": ["a", "b", "c"]})
