"""Text that says a time is read alike in files, frames, arrays and lists."""

from __future__ import annotations

import datetime

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from infonet.inputs.open import open_columns
from infonet.inputs.variables import as_column

DAY = 86_400 * 10**6  # microseconds
FIRST = 18_262 * DAY  # 2020-01-01
HOUR = 3600 * 10**6
SEVEN = 7 * HOUR

# Texts, and what they are in microseconds.
TIMES = {
    "dates": (["2020-01-01", "2020-01-03", "1969-12-31"], [FIRST, FIRST + 2 * DAY, -DAY]),
    "slashes": (["2020/01/01", "2020/01/03", "1600/01/01"], [FIRST, FIRST + 2 * DAY, None]),
    "dots": (["1.1.2020", "03.01.2020 7:00", "31.12.1969"], [FIRST, FIRST + 2 * DAY + SEVEN, -DAY]),
    "pandas in UTC": (
        ["2020-01-01 07:00:00+00:00", "2020-01-02 07:00:00+00:00", "2020-01-01 00:00:00+00:00"],
        [FIRST + SEVEN, FIRST + DAY + SEVEN, FIRST],
    ),
    "PostgreSQL": (
        ["2020-01-01 07:00:00+02", "2020-01-01 07:00:00.5-03:30", "2020-01-01 05:00:00+00"],
        [
            FIRST + SEVEN - 7200 * 10**6,
            FIRST + SEVEN + 12_600_500_000,
            FIRST + SEVEN - 7200 * 10**6,
        ],
    ),
    "hours": (
        ["2020-01-01T07", "2020-01-01T24", "2020-01-01"],
        [FIRST + SEVEN, FIRST + DAY, FIRST],
    ),
    "basic": (["20200101T0700", "20200101T070000Z", "20200102T07"], [FIRST + SEVEN] * 2 + [None]),
    "zones": (
        ["2020-01-01 07:00 UTC", "2020-01-01T08:00+01:00[Europe/Paris]", "2020-01-01 07:00Z"],
        [FIRST + SEVEN] * 3,
    ),
    "months": (["2020-01", "2020-02", "2019-12"], [FIRST, FIRST + 31 * DAY, FIRST - 31 * DAY]),
    "quarters": (["2020Q1", "2020-Q2", "2019Q4"], [FIRST, FIRST + 91 * DAY, FIRST - 92 * DAY]),
    "weeks": (["2020-W01", "2020-W02", "2020-W02-7"], [FIRST - 2 * DAY, FIRST + 5 * DAY, None]),
    "leap second": (
        ["2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z", "2017-01-01T00:00:00Z"],
        [FIRST - 1095 * DAY, FIRST - 1095 * DAY - 10**6, FIRST - 1095 * DAY],
    ),
    "clocks": (["07:00", "23:59:59.25", "00:00"], [SEVEN, DAY - 750_000, 0]),
    "half days": (["7:00 am", "12:00 AM", "07:00 p.m."], [SEVEN, 0, SEVEN + DAY // 2]),
    "more than a day": (
        ["31:00:00", "-07:00:00", "100:00"],
        [SEVEN + DAY, -SEVEN, 360_000 * 10**6],
    ),
    "ISO durations": (["PT7H", "P1DT7H", "-PT0.5S"], [SEVEN, DAY + SEVEN, -500_000]),
    "years and months": (["P1Y", "P12M", "P365D"], [31_556_952 * 10**6] * 2 + [365 * DAY]),
    "pandas' durations": (
        ["1 days 07:00:00", "0 days", "-1 days +17:00:00.000001"],
        [DAY + SEVEN, 0, -SEVEN + 1],
    ),
    "Python's durations": (
        ["1 day, 7:00:00", "7:00:00", "-1 day, 17:00:00"],
        [DAY + SEVEN, SEVEN, -SEVEN],
    ),
}
LIBRARIES = {
    "pandas": pd.Series,
    "pandas objects": lambda texts: pd.Series(texts, dtype=object),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "list": list,
    "array": lambda texts: np.array([text or "" for text in texts]),
    "bytes": lambda texts: [text and text.encode() for text in texts],
}


@pytest.fixture
def read_csv(tmp_path):
    def read(texts):
        rows = "".join(f"{text or ''};{i}\n" for i, text in enumerate(texts))
        (tmp_path / "t.csv").write_text(f"t;i\n{rows}")
        return open_columns(tmp_path / "t.csv")

    return read


@pytest.mark.parametrize("kind", TIMES)
def test_every_way_in(kind, read_csv, tmp_path):
    texts, micros = TIMES[kind]
    texts = [*texts, None, texts[0]]
    expected = np.array([np.nan if tick is None else tick for tick in [*micros, None, micros[0]]])
    known = ~np.isnan(expected)
    sources = {name: open_columns({"t": make(texts)}) for name, make in LIBRARIES.items()}
    pd.DataFrame({"t": texts}).to_parquet(tmp_path / "t.parquet")
    sources["csv"] = read_csv(texts)
    sources["parquet"] = open_columns(tmp_path / "t.parquet")
    for name, source in sources.items():
        column = source.load(0)
        assert np.isnan(column).tolist() == [False, False, False, True, False], name
        np.testing.assert_array_equal(column[known], expected[known], err_msg=name)
        assert source.notes[0].startswith("dates and times are taken as numbers: t"), name
        assert source.nominal[0] is False, name


def test_offsets_give_what_pandas_gives():
    rng = np.random.default_rng(0)
    moments = pd.Timestamp("1970-06-01") + pd.to_timedelta(rng.integers(0, 3 * 10**9, 300), "s")
    zones = rng.choice(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "UTC"], 300)
    pairs = zip(moments, zones, strict=True)
    texts = [moment.tz_localize("UTC").tz_convert(zone).isoformat() for moment, zone in pairs]
    column = as_column(texts, "t").values
    np.testing.assert_array_equal(column, pd.to_datetime(texts, utc=True).as_unit("us").asi8)


def test_durations_give_what_pandas_gives():
    rng = np.random.default_rng(1)
    spans = pd.Series(pd.to_timedelta(rng.integers(-(10**15), 10**15, 300), "us"))
    for texts in (spans.astype(str), spans.map(lambda span: span.isoformat())):
        np.testing.assert_array_equal(
            as_column(texts, "t").values, spans.dt.as_unit("us").astype("i8")
        )


def test_moments_with_and_without_offsets_are_noted(read_csv):
    texts = ["2020-01-01T07:00", "2020-01-01T08:00+01:00", "2020-01-02"]
    for source in (read_csv(texts), open_columns({"t": texts})):
        assert source.load(0).tolist() == [FIRST + SEVEN, FIRST + SEVEN, FIRST + DAY]
        assert source.notes == (
            "dates and times are taken as numbers: t (times without an offset are taken as UTC)",
        )


@pytest.mark.parametrize("other", ["2300-01-01 00:00:00.1234567", "1500-01-01 00:00:00.1234567"])
def test_dates_beyond_the_range_of_nanoseconds(read_csv, other):
    """NumPy itself wraps around: 2300 becomes 1715."""
    texts = ["2020-01-01 00:00:00.0000001", other, "2020-01-01", "2020-01-01 00:00:00.0000002"]
    expected = [1, 3, 0, 2] if other > "2020" else [2, 0, 1, 3]
    for column in (read_csv(texts).load(0), as_column(texts, "t").values):
        np.testing.assert_array_equal(np.argsort(np.argsort(column)), expected)


def test_many_rows_with_and_without_nanoseconds(read_csv):
    """Some thousand rows are read at a time: those with nanoseconds come after others."""
    texts = ["9999-12-31", "0001-01-01", "2020-01-01 00:00:00.000000001", "2020-01-01"]
    column = read_csv([text for text in texts for _ in range(20_000)]).load(0)
    np.testing.assert_array_equal(column, np.repeat(column[::20_000], 20_000))
    assert np.argsort(column[::20_000]).tolist() == [1, 3, 2, 0]
    assert np.unique(column).size == 4


@pytest.mark.parametrize(
    "values",
    [
        [np.datetime64("2020-01-01", "ns"), datetime.datetime(3000, 1, 1), np.datetime64(0, "D")],
        [
            np.datetime64("2020-01-01", "ns"),
            np.datetime64("3000", "Y"),
            np.datetime64("1999-01", "M"),
        ],
        [np.timedelta64(1, "ns"), datetime.timedelta(10**8), np.timedelta64(-3, "W")],
        [
            pd.Timestamp(1, unit="ns"),
            pd.Timestamp("3000-01-01").as_unit("s"),
            pd.Timestamp("1900-01-01"),
        ],
    ],
)
def test_times_in_units_that_numpy_cannot_join(values):
    for given in (values, np.array(values, object), tuple(values)):
        column = as_column(given, "t").values
        assert np.argsort(column).tolist() == [2, 0, 1]


def test_periods_beyond_the_range_of_nanoseconds():
    series = pd.Series(pd.PeriodIndex(["3000-01", None, "1600-05", "2020-01"], freq="M"))
    column = as_column(series, "t").values
    assert np.isnan(column).tolist() == [False, True, False, False]
    assert column[2] < column[3] < column[0]


@pytest.mark.parametrize(
    "text",
    ["2020-13", "2020-02-30", "2020-01-01T25:00", "16:75", "P", "PT", "2020-W54", "T07", "1:2:3:4"],
)
def test_what_is_no_time(text):
    source = open_columns({"t": ["2020-01-01", text] * 3})
    assert source.nominal == (True,)


def test_estimates_do_not_depend_on_how_times_are_written(estimator, tmp_path):
    rng = np.random.default_rng(0)
    times = pd.date_range("2020-01-01", periods=200, freq="7h")
    y = np.arange(200) / 40 + rng.standard_normal(200)
    expected = estimator.estimate(times, y).mi
    formats = ["%Y-%m-%d %H:%M:%S+00:00", "%Y-%m-%d %H:%M:%S+02", "%Y-%m-%dT%H", "%Y%m%dT%H%M"]
    for form in formats:
        frame = pd.DataFrame({"t": times.strftime(form), "y": y})
        frame.to_csv(tmp_path / "t.csv", index=False)
        for data in (frame, pl.from_pandas(frame), tmp_path / "t.csv"):
            assert infonet.pairwise(data).mi[0, 1] == expected
