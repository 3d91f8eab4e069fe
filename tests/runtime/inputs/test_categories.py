"""Categories as codes, and text that is none."""

from __future__ import annotations

import datetime

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
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


PATTERN = [1, 0, 0, None, 2, 1, 0]  # the most frequent as 0


def of(*levels):
    """A column whose levels are called `levels`, the most frequent first."""
    return [None if code is None else levels[code] for code in PATTERN]


def in_pandas(array):
    return pd.Series(array, dtype=pd.ArrowDtype(array.type))


DAYS = (datetime.date(2020, 1, 1), datetime.date(1999, 5, 5), datetime.date(1970, 1, 1))
DECLARED = {
    "whole numbers": pd.Categorical(of(2, 10, 33)),
    "digits": pd.Categorical(of("2", "10", "33")),
    "fractions": pd.Categorical(of(2.5, 0.5, 7.0)),
    "dates": pd.Categorical(of(*DAYS)),
    "texts of dates": pd.Categorical(of(*map(str, DAYS))),
    "truth and more": pd.Categorical(of(False, True, "unknown")),
    "index": pd.CategoricalIndex(of(2, 10, 33)),
    "pandas and pyarrow": in_pandas(pa.array(of(2, 10, 33)).dictionary_encode()),
    "polars": pl.Series(of("2", "10", "33"), dtype=pl.Categorical),
    "pyarrow": pa.array(of(2, 10, 33)).dictionary_encode(),
    "pyarrow text": pa.array(of("2", "10", "33")).dictionary_encode(),
    "pyarrow NaN": pa.array([v or np.nan for v in of(2.5, 0.5, 7.0)]).dictionary_encode(),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_declared_categories_are_codes_whatever_their_names_are(kind, tmp_path):
    values = DECLARED[kind]
    sources = [open_columns({"k": values})]
    if isinstance(values, pl.Series):
        sources.append(open_columns(pl.DataFrame({"k": values})))
    elif not isinstance(values, pa.Array):
        sources.append(open_columns(pd.DataFrame({"k": values})))
    else:
        pq.write_table(pa.table({"k": values}), tmp_path / "t.parquet")
        sources.append(open_columns(pa.table({"k": values})))
        if pa.types.is_string(values.dictionary.type):  # Parquet keeps no categories of numbers
            sources.append(open_columns(tmp_path / "t.parquet"))
    for source in sources:
        codes = [np.nan if code is None else code for code in PATTERN]
        np.testing.assert_array_equal(source.load(0), codes)
        assert source.nominal == (True,)
        assert source.notes == (
            "categories without an order are taken as codes, the most frequent as 0: "
            "k (3 categories)",
        )
    assert as_column(values, "k").nominal


def test_ordered_categories_of_numbers_keep_their_order():
    ordered = pd.Categorical(["10", "2", "2", "33"], ["2", "10", "33"], ordered=True)
    enum = pl.Series(["10", "2", "2", "33"], dtype=pl.Enum(["2", "10", "33"]))
    for values in (ordered, enum):
        source = open_columns({"k": values})
        assert source.load(0).tolist() == [1, 0, 0, 2]
        assert source.nominal == (False,)


def test_text_that_is_numbers_is_these_numbers():
    for values in (pd.Series(["10", "2", "2", "33.0"]), pl.Series(["10", "2", "2", "33.0"])):
        source = open_columns({"k": values})
        assert source.load(0).tolist() == [10, 2, 2, 33]
        assert source.nominal == (False,)
        assert source.notes == (
            "text that is numbers is taken as these numbers; if they are codes, make it a "
            "categorical column: k (3 different)",
        )
    for values in (["1", "1.0", "1"], ["1_0", "2", "2"]):
        assert "without an order" in open_columns({"k": pd.Series(values * 20)}).notes[0]


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series, pa.array, np.array])
@pytest.mark.parametrize("word", ["inf", "-Infinity", "1e400"])
def test_infinite_numbers_among_text_are_named(estimator, make, word):
    texts = [f"{value:.6f}" for value in np.random.default_rng(0).normal(size=400)]
    texts[7] = word
    x = np.arange(400.0)
    said = r"k has 1 infinite value \(first at index 7\), only finite numbers are allowed"
    with pytest.raises(infonet.InputError, match=said):
        estimator.estimate(make(texts), x, names=("k", "x"))
    found = estimator.estimate(make(texts), x, nan="omit")
    assert found.n == 399
    assert found.mi < 0.02


def test_declared_codes_and_their_names_give_one_estimate(estimator):
    """Numbers of stores, in no order: the same as names of stores, and not as the numbers."""
    rng = np.random.default_rng(3)
    store = rng.integers(0, 30, 2000)
    y = rng.normal(size=30)[store] + rng.normal(size=2000)
    names = estimator.estimate([f"store {k:02}" for k in store], y)
    for values in (
        pd.Series(store, dtype="category"),
        pd.Series(pd.Categorical([f"{k:02}" for k in store])),
        pl.Series([f"{k:02}" for k in store], dtype=pl.Categorical),
        pa.array([f"{k:02}" for k in store]).dictionary_encode(),
    ):
        found = estimator.estimate(values, y)
        assert found.mi == names.mi
        assert found.interval == names.interval
        assert found.method == names.method
    table = infonet.pairwise(pd.DataFrame({"store": store, "y": y}).astype({"store": "category"}))
    assert table["store", "y"].mi == names.mi


@pytest.mark.parametrize(("n", "ages"), [(400, 101), (2000, 101), (5000, 101)])
def test_many_declared_levels(estimator, n, ages):
    """Ages from 0 to 100 as categories: what the numbers tell, within what codes can know."""
    rng = np.random.default_rng(n)
    age = rng.integers(0, ages, n)
    y = age / 20 + rng.normal(size=n)
    numbers = estimator.estimate(age, y)
    codes = estimator.estimate(pd.Series(age, dtype="category"), y)
    assert codes.interval[0] < numbers.mi < codes.interval[1] + 0.05
    assert codes.p_value < 1e-9
    none = estimator.estimate(pd.Series(age, dtype="category"), rng.normal(size=n))
    assert none.interval[0] < 0.02
    assert none.mi < 0.06


def test_declared_categories_that_hardly_repeat(estimator):
    frame = pd.DataFrame({"k": pd.Categorical(np.arange(60)), "x": np.arange(60.0)})
    said = "column 'k' holds 60 categories in 60 rows, allowed are categories that repeat"
    with pytest.raises(infonet.InputError, match=said):
        open_columns(frame)
    assert open_columns(frame, unusable="omit").left_out == (("k", "60 categories in 60 rows"),)


def test_what_may_say_that_a_value_is_missing_is_named():
    """In a file these words are missing values; a frame keeps them apart from empty cells."""
    texts = ["u", "NA", "v", None, "u", "None", "u", "", "v", "u", "v"]
    for values in (
        pl.Series(texts),
        pa.array(texts),
        pd.Series(texts),
        texts,
        pd.Categorical(texts),
    ):
        source = open_columns({"k": values})
        assert np.isnan(source.load(0)).tolist() == [text is None for text in texts]
        assert source.notes[1] == (
            "a text that may say that a value is missing is taken as a category: k "
            "('', 'NA', 'None')"
        )


def test_which_columns_are_nominal(tmp_path):
    """Of all that becomes numbers, only categories without an order have no order of their own."""
    frame = pd.DataFrame(
        {
            "number": [1.5, 2.5, 0.5, 1.0],
            "coded": ["u", "v", "u", "v"],
            "ordered": pd.Categorical(["u", "v", "u", "v"], ["v", "u"], ordered=True),
            "numbered": pd.Categorical(["10", "2", "2", "10"]),
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
        assert [name for name in nominal if nominal[name]] == ["coded", "numbered", "coded too"]
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
