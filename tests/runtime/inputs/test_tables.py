"""Columns of every kind, from every library, one at a time."""

from __future__ import annotations

import datetime
import decimal
import logging
from concurrent.futures import ThreadPoolExecutor

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from infonet.inputs.open import open_columns

NAN = np.nan
START = datetime.datetime(2020, 2, 28, 23, 59, 59, 999999)
DAY = datetime.timedelta(1)
# A column of Python values, and what is expected of it up to a monotone transform.
KINDS = {
    "integers": ([3, None, 1, 2], [3, NAN, 1, 2]),
    "stamps": ([2**60 + 1, None, 2**60, 2**60 + 2], [1, NAN, 0, 2]),
    "floats": ([0.5, None, -1.5, 2.5], [0.5, NAN, -1.5, 2.5]),
    "truth": ([True, None, False, True], [1, NAN, 0, 1]),
    "moments": ([START + DAY, None, START, START + 2 * DAY], [1, NAN, 0, 2]),
    "dates": ([datetime.date(2020, 3, 1), None, datetime.date(1900, 1, 1)] * 2, [1, NAN, 0] * 2),
    "durations": ([2 * DAY, None, -DAY, DAY / 1000], [2, NAN, 0, 1]),
    "clocks": ([datetime.time(12, 0, 0, 1), None, datetime.time(12)] * 2, [1, NAN, 0] * 2),
    "decimals": ([decimal.Decimal("1.25"), None, decimal.Decimal("-3.5")] * 2, [1, NAN, 0] * 2),
    "texts": (["v", None, "u", "v", "u", "v"], [0, NAN, 1, 0, 1, 0]),
    "numbers as text": (["10", None, "9.5", "10", "9.5", "10"], [1, NAN, 0, 1, 0, 1]),
    "nothing": ([None] * 4, [NAN] * 4),
}
LIBRARIES = {
    "pandas": lambda values: pd.DataFrame({"c": values}),
    "pandas objects": lambda values: pd.DataFrame({"c": pd.Series(values, dtype=object)}),
    "pandas nullable": lambda values: pd.DataFrame({"c": values}).convert_dtypes(),
    "pandas arrow": lambda values: pd.DataFrame({"c": pd.Series(values, dtype=arrow_type(values))}),
    "polars": lambda values: pl.DataFrame({"c": values}),
    "polars lazy": lambda values: pl.LazyFrame({"c": values}),
    "pyarrow": lambda values: pa.table({"c": values}),
    "pyarrow chunks": lambda values: pa.concat_tables(
        [pa.table({"c": pa.array(part, pa.array(values).type)}) for part in halves(values)]
    ),
    "pyarrow batch": lambda values: pa.record_batch({"c": pa.array(values)}),
    "mapping": lambda values: {"c": values},
    "objects": lambda values: np.array([[value] for value in values], object),
}


def arrow_type(values):
    return pd.ArrowDtype(pa.array(values).type)


def halves(values):
    return values[:1], values[1:1], values[1:]


def ranked(values):
    """Ranks of the distinct values, NaN where missing."""
    values = np.asarray(values)
    gaps = np.isnan(values)
    ranks = np.full(values.shape, np.nan)
    ranks[~gaps] = np.unique(values[~gaps], return_inverse=True)[1]
    return ranks


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind, library):
    values, expected = KINDS[kind]
    if kind == "stamps" and library in ("pandas", "pandas nullable"):
        pytest.skip("pandas itself rounds these to float64")
    source = open_columns(LIBRARIES[library](values))
    assert (len(source.names), source.rows, source.left_out) == (1, len(values), ())
    column = source.load(0)
    assert column.dtype.kind in "biuf"
    np.testing.assert_array_equal(ranked(column), ranked(expected))
    whole = [value for value in values if value is not None]
    if whole:
        whole = open_columns(LIBRARIES[library](whole))
        np.testing.assert_array_equal(ranked(whole.load(0)), ranked(expected)[~np.isnan(expected)])
    said = {"moments", "dates", "durations", "clocks", "texts", "numbers as text"}
    assert len(source.notes) == (kind in said)


def test_nanoseconds_are_told_apart():
    ticks = np.array([3, 1, 2]) + 1_600_000_000_000_000_000
    for values in (
        ticks.view("M8[ns]"),
        ticks.view("m8[ns]"),
        ticks.view("M8[ns]").astype(">M8[ns]"),
    ):
        for data in ({"t": values}, {"t": pd.Series(values)}, {"t": pl.Series(values)}):
            if values.dtype.byteorder == ">" and not isinstance(data["t"], np.ndarray):
                continue
            np.testing.assert_array_equal(open_columns(data).load(0), ticks)
    with_gap = np.append(ticks.view("M8[ns]"), np.datetime64("NaT"))
    for values in (with_gap, pd.Series(with_gap), pl.Series(with_gap), pa.array(with_gap)):
        np.testing.assert_array_equal(ranked(open_columns({"t": values}).load(0)), [2, 0, 1, NAN])


def test_time_zones_are_one_line_of_time():
    """Two moments an hour apart with the same reading of the clock, when summer time ends."""
    utc = pd.to_datetime(["2020-10-25 00:30", "2020-10-25 01:30"]).tz_localize("UTC")
    local = pd.Series(utc.tz_convert("Europe/Paris"))
    for values in (local, pl.from_pandas(local), pa.array(local), local.astype(object)):
        first, second = open_columns({"t": values}).load(0)
        assert first < second


def test_periods_and_sparse_columns():
    frame = pd.DataFrame(
        {
            "month": pd.period_range("2020-01", periods=3, freq="M")[::-1],
            "sparse": pd.arrays.SparseArray([0.0, 1.0, 0.0]),
            "bin": pd.cut(pd.Series([5, 1, 9]), [0, 3, 6, 10]),
        }
    )
    source = open_columns(frame)
    assert [ranked(source.load(i)).tolist() for i in range(3)] == [[2, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert "positions in that order: bin (3 categories)" in source.notes[1]


UNUSABLE = {
    "lists": [[1], [2], [3]],
    "structs": [{"a": 1}] * 3,
    "objects": [object()] * 3,
    "mixed": [1j, "a", None],
    "days and moments": [datetime.date(2020, 1, 1), START, None],
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_columns_are_refused_or_left_out(kind):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": pd.Series(UNUSABLE[kind], dtype=object)})
    with pytest.raises(infonet.InputError, match=r"column 'b' holds \w+.*convert"):
        open_columns(frame)
    source = open_columns(frame, unusable="omit")
    assert source.names == ("a",)
    assert source.left_out[0][0] == "b"
    assert source.notes == (f"left out: b ({source.left_out[0][1]})",)
    assert source.load(0).tolist() == [1, 2, 3]


def test_only_numbers():
    frame = {"a": [1.5, 2], "b": [True, False], "t": ["x", "x"], "d": np.array([1, 2], "m8[s]")}
    assert open_columns(frame, ["a", "b"], only_numbers=True).names == ("a", "b")
    for name in "td":
        with pytest.raises(infonet.InputError, match=f"column '{name}' holds no numbers"):
            open_columns(frame, [name], only_numbers=True)


LAYOUTS = {
    "C": lambda a: np.ascontiguousarray(a),
    "Fortran": lambda a: np.asfortranarray(a),
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda a: a.astype(">f8"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_arrays(layout, rows, tmp_path):
    data = np.random.default_rng(0).standard_normal((rows, 4))
    array = LAYOUTS[layout](data)
    array.flags.writeable = False
    np.save(tmp_path / "a.npy", array)
    for given in (array, tmp_path / "a.npy", str(tmp_path / "a.npy")):
        source = open_columns(given, [3, 0, -2])
        assert (source.names, source.rows) == (("3", "0", "2"), rows)
        for i, j in enumerate((3, 0, 2)):
            np.testing.assert_array_equal(source.load(i), data[:, j])


@pytest.mark.parametrize(("order", "shape"), [("C", (400_000, 7)), ("F", (2_200_000, 3))])
@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_mapped_arrays(tmp_path, order, shape, mode):
    """A column reaches over more of the file than is held in memory while it is copied."""
    data = np.random.default_rng(0).standard_normal(shape)
    np.save(tmp_path / "a.npy", np.asarray(data, order=order))
    mapped = np.load(tmp_path / "a.npy", mmap_mode=mode)
    if mode == "c":  # what is written stays in memory
        data[17, 2] = mapped[17, 2] = 42.0
    for view, expected in ((mapped, data), (mapped[::-2, 1:6], data[::-2, 1:6])):
        source = open_columns(view)
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(source.load, range(len(source.names))))
        np.testing.assert_array_equal(np.stack(found, 1), expected)
        assert not any(isinstance(column, np.memmap) for column in found)
    np.testing.assert_array_equal(mapped, data)


def test_other_arrays(estimator):
    data = np.random.default_rng(0).standard_normal((50, 3))
    expected = estimator.pairwise(data).mi
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(data)
    gaps = np.ma.masked_array(data, data > 9)
    for given in (matrix, gaps, data.tolist(), np.rec.fromarrays(data.T, names="a,b,c")):
        np.testing.assert_array_equal(estimator.pairwise(given).mi, expected)
    gaps[3, 1] = np.ma.masked
    found = open_columns(gaps)
    assert [int(np.isnan(found.load(i)).sum()) for i in range(3)] == [0, 1, 0]
    rows = [[1, "a", None], [2, "a", 0.5], [3, "b", 1.5], [4, "b", 2.5]]
    source = open_columns(rows)
    assert source.load(1).tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(source.load(2), [NAN, 0.5, 1.5, 2.5])


def test_structured_arrays(tmp_path):
    kind = [("a", "f4"), ("when", "M8[D]"), ("s", "U3"), ("wide", "f8", (2,))]
    array = np.array([(1, "2020-01-02", "x", (0, 0)), (2, "2020-01-01", "x", (0, 0))], kind)
    np.save(tmp_path / "s.npy", array)
    for given in (array, tmp_path / "s.npy"):
        source = open_columns(given, ["s", "when", "a"])
        assert [source.load(i).tolist() for i in range(3)] == [[0, 0], [18263, 18262], [1, 2]]
        with pytest.raises(infonet.InputError, match="column 'wide' has shape"):
            open_columns(given, ["wide"]).load(0)


def parquet_files(tmp_path, table):
    pq.write_table(table, tmp_path / "groups.parquet", row_group_size=3, use_dictionary=True)
    pl.from_arrow(table).write_parquet(tmp_path / "polars.parquet", row_group_size=4)
    return tmp_path / "groups.parquet", tmp_path / "polars.parquet"


@pytest.mark.parametrize("reader", ["pyarrow", "polars"])
def test_parquet(monkeypatch, tmp_path, reader):
    import sys

    rows = 11
    columns = {
        name: (values * rows)[:rows] for name, (values, _) in KINDS.items() if name != "nothing"
    }
    texts = pa.array(["b", "a", None, "b"] * 3)[:rows].dictionary_encode()
    table = pa.table({**columns, "dictionary": texts, "a.b": range(rows)})
    expected = open_columns(table)
    paths = parquet_files(tmp_path, table)
    if reader == "polars":
        monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for path in paths:
        source = open_columns(path)
        assert (source.names, source.rows) == (tuple(table.column_names), rows)
        with ThreadPoolExecutor(3) as pool:
            found = list(pool.map(source.load, range(len(source.names))))
        for i, column in enumerate(found):
            np.testing.assert_array_equal(ranked(column), ranked(expected.load(i)))
        assert open_columns(str(path), ["a.b"]).load(0).tolist() == list(range(rows))


def test_datasets(tmp_path):
    for part in range(3):
        pq.write_table(pa.table({"a": [part, part + 0.5]}), tmp_path / f"{part}.parquet")
    source = open_columns(pyarrow.dataset.dataset(tmp_path))
    assert source.load(0).tolist() == [0, 0.5, 1, 1.5, 2, 2.5]


def test_damaged_parquet(tmp_path):
    table = pa.table({"a": np.arange(5000) ** 2.0})
    pq.write_table(table, tmp_path / "t.parquet", compression="zstd", use_dictionary=False)
    content = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "short.parquet").write_bytes(content[:-100])
    with pytest.raises(infonet.InputError, match="not a readable Parquet file"):
        open_columns(tmp_path / "short.parquet")
    (tmp_path / "bad.parquet").write_bytes(content[:1000] + b"\xff" * 5000 + content[6000:])
    with pytest.raises(infonet.InputError, match="not a readable Parquet file") as caught:
        open_columns(tmp_path / "bad.parquet", unusable="omit")
    assert "\n" not in str(caught.value)


def test_a_panic_of_polars_is_a_damaged_file(tmp_path, monkeypatch):
    """It derives from BaseException, so that only programs that know it go on."""
    import sys

    class PanicException(BaseException):
        pass

    def panic(*_, **__):
        raise PanicException("assertion failed\n  left: 1")

    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    monkeypatch.setattr(pl, "scan_parquet", panic)
    with pytest.raises(infonet.InputError, match=r"Parquet file \(assertion failed\): write"):
        open_columns(tmp_path / "t.parquet")


def test_names(tmp_path):
    same = pa.table([[1.0], [2.0]], names=["a", "a"])
    with pytest.raises(infonet.InputError, match="occur twice"):
        open_columns(same)
    pq.write_table(same, tmp_path / "t.parquet")
    with pytest.raises(infonet.InputError, match="occur twice"):
        open_columns(tmp_path / "t.parquet")
    with pytest.raises(infonet.InputError, match="'c' does not exist: choose from a, b"):
        open_columns(pl.LazyFrame({"a": [1], "b": [2]}), ["c"])


def test_empty_and_short_tables(estimator):
    for data in (pd.DataFrame(), pl.DataFrame(), pa.table({}), {}, np.empty((5, 0))):
        assert open_columns(data).names == ()
        with pytest.raises(infonet.InputError, match="at least two"):
            estimator.pairwise(data)
    for rows in (0, 1):
        columns = {"a": np.zeros(rows), "b": np.zeros(rows, int), "t": np.zeros(rows, "M8[ms]")}
        for data in (columns, pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
            assert open_columns(data).rows == rows
            with pytest.raises(infonet.InputError, match=f"{rows} sample"):
                estimator.pairwise(data)


def test_estimates_agree_for_every_way_in(estimator, tmp_path):
    rng = np.random.default_rng(0)
    n = 300
    y = rng.standard_normal(n)
    codes = np.digitize(y + rng.standard_normal(n), [-1, 0.2])
    names = np.array(["low", "medium", "high"])[codes]
    by_frequency = np.argsort(np.argsort(-np.bincount(codes), kind="stable"))[codes]
    expected = estimator.estimate(by_frequency, y).mi
    frame = pd.DataFrame({"k": names, "y": y})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for data in (frame, pl.from_pandas(frame), tmp_path / "t.csv", tmp_path / "t.parquet"):
        assert estimator.pairwise(data).mi[0, 1] == expected
    for values in (names, names.tolist(), names.astype(object), pd.Series(names), pa.array(names)):
        found = estimator.estimate(values, y)
        assert found.mi == expected
        assert found.notes[0].endswith("the most frequent as 0: x (3 categories)")
    ordered = pd.Series(pd.Categorical(names, ["low", "medium", "high"], ordered=True))
    assert estimator.estimate(ordered, y).mi == estimator.estimate(codes, y).mi


def test_missing_categories_and_times_are_left_out_pairwise(estimator):
    rng = np.random.default_rng(0)
    y = rng.standard_normal(100)
    texts = [None if i < 10 else "ab"[i % 2] for i in range(100)]
    times = np.arange(100).astype("M8[h]")
    times[90:] = "NaT"
    data = {"k": texts, "t": times, "y": y}
    with pytest.raises(infonet.InputError, match=r"column 'k' has 10 NaN values"):
        estimator.pairwise(data)
    found = estimator.pairwise(data, nan="omit")
    assert [found.n[0, 1], found.n[0, 2], found.n[1, 2]] == [80, 90, 90]
    assert found.mi[1, 2] == estimator.estimate(np.arange(90), y[:90]).mi


def test_pairwise_and_sliced_say_what_was_done(estimator, caplog):
    rng = np.random.default_rng(0)
    data = {"k": ["u", "v"] * 50, "y": rng.standard_normal(100)}
    note = "taken as codes, the most frequent as 0: k (2 categories)"
    (said,) = estimator.pairwise(data).notes
    assert said.endswith(note)
    caplog.clear()
    with caplog.at_level(logging.WARNING, "infonet"):
        estimator.sliced(data, rng.standard_normal(100), projections=2)
    (logged,) = caplog.records
    assert logged.getMessage() == said


def test_objects_of_numbers_and_text_are_what_a_file_of_them_is(tmp_path):
    """Of long files pandas makes numbers of one part of a column and text of another."""
    mixed = np.array([*["a", 1, 2, None] * 30, *["a", "1", "2", None] * 10], object)
    rows = ["" if value is None else str(value) for value in mixed]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *(f"{v},{i}" for i, v in enumerate(rows))]))
    from_file = open_columns(tmp_path / "t.csv", columns=["x"])
    for data in ({"x": mixed}, pd.DataFrame({"x": mixed})):
        source = open_columns(data)
        assert np.array_equal(source.load(0), from_file.load(0), equal_nan=True)
        assert source.notes == from_file.notes
        assert source.nominal == (True,)
    crowded = np.array([*range(100), "x"], object)
    with pytest.raises(infonet.InputError, match="numbers mixed with text such as 'x'"):
        open_columns({"x": crowded})


def test_marks_of_numpy_are_shown_as_text():
    marks = np.array([1.5, np.str_("n/a"), 3.0] * 9, object)
    assert any("('n/a' in 9 rows)" in note for note in open_columns({"x": marks}).notes)
