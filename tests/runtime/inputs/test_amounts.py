"""Numbers as people write them, in files and in frames, and what is missing among them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from infonet import InputError
from infonet.cli import main
from infonet.inputs.open import open_columns

NAN = np.nan
LEFT_OUT = "separators of thousands are left out: a"
COMMAS = "decimal commas are read as decimal points: a"
SIGNS = "units beside numbers are left out: a ({})"

AMOUNTS = {
    "thousands": (["1,234.5", "12", "-1,000,000"], [1234.5, 12, -1e6], (LEFT_OUT,)),
    "dots": (["1.234,5", "12", "-1.000.000"], [1234.5, 12, -1e6], (COMMAS, LEFT_OUT)),
    "blanks": (["1 234,5", "12", "1\u00a0000\u202f000"], None, ()),
    "one kind of blank": (["1\u202f234,5", "12,0", "1\u202f000"], [1234.5, 12, 1000], None),
    "apostrophes": (["1'234.5", "12", "1\u2019000"], [1234.5, 12, 1000], (LEFT_OUT,)),
    "Indian groups are no groups": (["12,34,567", "1", "2"], None, ()),
    "dollars": (["$1,234.50", "$12", "-$0.5"], [1234.5, 12, -0.5], (LEFT_OUT, SIGNS.format("$"))),
    "dollars, whole": (["$1,234", "$12", "$999"], [1234, 12, 999], (LEFT_OUT, SIGNS.format("$"))),
    "euros": (["1.234,50 \u20ac", "12 \u20ac", "0,5 \u20ac"], [1234.5, 12, 0.5], None),
    "codes": (["EUR 5", "EUR 7.25", "EUR -1"], [5, 7.25, -1], (SIGNS.format("EUR"),)),
    "brackets": (["($5.25)", "$7", "$ 0"], [-5.25, 7, 0], (SIGNS.format("$"),)),
    "minus sign": (["\u22125.25", "7", "0"], [-5.25, 7, 0], ()),
    "per cent": (["12.5%", "7 %", "-0.25%"], [12.5, 7, -0.25], (SIGNS.format("%"),)),
    "units": (["5 kg", "7.25 kg", "1,000 kg"], [5, 7.25, 1000], (LEFT_OUT, SIGNS.format("kg"))),
    "units without a blank": (["5\u00b0C", "-7,5\u00b0C", "0\u00b0C"], [5, -7.5, 0], None),
    "two units": (["5 kg", "7 g", "9 kg"], None, ()),
    "letters after a blank": (["5 m", "7 m", "-9 m"], [5, 7, -9], (SIGNS.format("m"),)),
    "letters without one are names": (["5m", "7m", "9m"], None, ()),
    "letters before numbers are names": (["id 5", "id 7", "id 9"], None, ()),
    "ordinals": (["1st", "2nd", "3rd"], None, ()),
    "exponents": (["1,5e3", "2,5E-1", "7"], [1500, 0.25, 7], (COMMAS,)),
    "leading zeros are decimals": (["0,125", "1,250", "12"], [0.125, 1.25, 12], (COMMAS,)),
    "two currencies": (["$5", "\u20ac7", "$9"], None, ()),
    "sign on both sides": (["$5$", "$7", "$9"], None, ()),
    "groups of two": (["1,234,56", "7", "8"], None, ()),
}


@pytest.fixture
def read_csv(tmp_path):
    def read(cells, other=None):
        other = range(len(cells)) if other is None else other
        rows = "".join(f"{cell}\t{value}\n" for cell, value in zip(cells, other, strict=True))
        (tmp_path / "t.csv").write_text(f"a\tb\n{rows}", encoding="utf-8")
        return open_columns(tmp_path / "t.csv", unusable="omit")

    return read


@pytest.mark.parametrize("kind", AMOUNTS)
def test_amounts(kind, read_csv):
    cells, expected, notes = AMOUNTS[kind]
    frames = (pd.DataFrame({"a": cells}), pl.DataFrame({"a": cells}), {"a": cells})
    for source in (read_csv(cells), *(open_columns(data, unusable="omit") for data in frames)):
        if expected is None:
            assert source.left_out[0][0] == "a"
            assert "text with 3 different values" in source.notes[0]
            continue
        assert source.load(0).tolist() == expected
        assert source.nominal[0] is False
        assert notes is None or source.notes == notes


AMBIGUOUS = {
    "commas": (["1,234", "12", "1,000"], "commas .*such as '1,234'"),
    "euros": (["\u20ac1.843", "\u20ac987"], "dots .*such as '1.843'"),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_may_mean_either_is_refused(kind, tmp_path, read_csv):
    cells, message = AMBIGUOUS[kind]
    assert read_csv(cells).names == ("b",)
    for data in (tmp_path / "t.csv", {"a": cells}, pd.DataFrame({"a": cells})):
        with pytest.raises(InputError, match=f"column 'a' holds numbers with {message}"):
            open_columns(data)


def test_another_column_tells_what_a_mark_means(read_csv):
    whole = ["1,234", "12", "1,000"]
    source = read_csv(whole, ["0.5", "7", "1.25"])
    assert source.load(0).tolist() == [1234, 12, 1000]
    assert source.notes == (LEFT_OUT,)
    source = read_csv(whole, ["0,5", "7", "1,25"])
    assert source.load(0).tolist() == [1.234, 12, 1]
    dotted = ["1.843", "987", "12.000"]
    source = read_csv(dotted, ["0,5", "7", "1,25"])
    assert source.load(0).tolist() == [1843, 987, 12_000]
    assert source.notes == ("decimal commas are read as decimal points: b", LEFT_OUT)
    for other in (["0.5", "7", "1.25"], ["1", "2", "3"]):
        assert read_csv(dotted, other).load(0).tolist() == [1.843, 987, 12]


def test_it_tells_even_if_it_is_not_asked_for(tmp_path, read_csv):
    read_csv(["1.843", "987", "12.000"], ["0,5", "7", "1,25"])
    assert open_columns(tmp_path / "t.csv", ["a"]).load(0).tolist() == [1843, 987, 12_000]


def test_dots_that_may_mean_either_are_noted(read_csv):
    note = "dots are read as decimal points, though they may separate thousands: a (such as 1.843)"
    assert read_csv(["12", "1.843", "987"]).notes == (note,)
    for plain in (["1.843", "1.5", "987"], ["0.843", "987"], ["1.843", "1987"], ["1.843", "2.000"]):
        assert read_csv(plain).notes == ()


def test_german_table_tells_what_its_numbers_do(estimator, tmp_path):
    rng = np.random.default_rng(0)
    sales = np.exp(rng.normal(7, 1.5, 500)).astype(int) + 1
    margin = (0.3 * np.log(sales) + rng.standard_normal(500)).round(4)
    cells = zip(sales, margin, strict=True)
    text = "".join(f"{s:,}".replace(",", ".") + f";{m}".replace(".", ",") + "\n" for s, m in cells)
    (tmp_path / "t.csv").write_text(f"sales;margin\n{text}")
    expected = estimator.estimate(sales, margin).mi
    assert estimator.pairwise(tmp_path / "t.csv").mi[0, 1] == expected


MARKS = ["?", "-", ".", "n.a.", "#DIV/0!", "--"]


@pytest.mark.parametrize("mark", MARKS)
def test_marks_among_numbers_and_times_are_missing(mark, read_csv):
    cells = ["3", mark, "1", mark, "2.5"]
    note = f"texts that are no numbers or times are taken as missing: a ({mark!r} in 2 rows)"
    for source in (
        read_csv(cells),
        open_columns({"a": cells}),
        open_columns(pl.DataFrame({"a": cells})),
    ):
        np.testing.assert_array_equal(source.load(0), [3, NAN, 1, NAN, 2.5])
        assert source.notes[-1] == note
    times = ["2020-01-01", mark, "2020-01-02"]
    for source in (read_csv(times), open_columns({"a": times})):
        assert np.isnan(source.load(0)).tolist() == [False, True, False]
    assert np.isnan(read_csv(["1,5", mark, "2,5"]).load(0)).tolist() == [False, True, False]


def test_marks_among_objects_are_missing():
    """As pandas reads a long file in parts: numbers in one, text in another."""
    for values in ([3, "?", 1.5, None], [True, " - ", 3, "NA"], [3, "?", "?", 1]):
        source = open_columns({"a": pd.Series(values, dtype=object), "b": values})
        gaps = [value is None or isinstance(value, str) for value in values]
        for i in range(2):
            assert np.isnan(source.load(i)).tolist() == gaps
        assert source.notes[0].startswith("texts that are no numbers or times are taken as missing")
    assert open_columns({"a": [3, "?", "4"]}).load(0)[[0, 2]].tolist() == [3, 4]
    assert open_columns({"a": [3, "u", "?"] * 2}).nominal == (True,)


def test_words_that_a_file_has_for_missing_are_missing_among_numbers_of_frames():
    for word in ("NA", "null", "None", "nan", "#N/A", ""):
        source = open_columns({"a": pl.Series(["10", word, "20", "10"])})
        np.testing.assert_array_equal(source.load(0), [10, NAN, 20, 10])
        assert source.notes[1].endswith(f"a ({word!r} in 1 rows)")
        names = open_columns({"a": ["low", word, "low", word]})
        assert np.isfinite(names.load(0)).all()  # there it may be a name


def test_marks_among_names_are_categories(read_csv):
    cells = ["private", "?", "state", "private", "?", "private"]
    for source in (read_csv(cells), open_columns({"a": cells})):
        assert source.load(0).tolist() == [0, 1, 2, 0, 1, 0]
        assert source.notes[1:] == (
            "a text that may say that a value is missing is taken as a category: a ('?')",
        )


def test_words_among_numbers_are_noted(read_csv):
    cells = [*"1231231", "refused"]
    for source in (read_csv(cells), open_columns({"a": cells})):
        assert source.nominal[0] is True
        assert source.notes[1] == "text among numbers makes them categories: a (such as 'refused')"
    many = [*map(str, range(60)), "refused"] * 2
    with pytest.raises(InputError, match="numbers mixed with text such as 'refused'"):
        open_columns({"a": pd.Series(many)})
    assert open_columns({"a": pd.Categorical(many)}).nominal == (True,)  # as declared


def test_marks_on_the_command_line(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.integers(1, 11, 200)
    y = x + rng.standard_normal(200)
    rows = [("?" if i % 9 == 0 else x[i], y[i]) for i in range(200)]
    found = []
    for empty in (False, True):
        text = "".join(f"{'' if empty and a == '?' else a},{b}\n" for a, b in rows)
        (tmp_path / "t.csv").write_text(f"x,y\n{text}")
        command = ["mi", str(tmp_path / "t.csv"), "--x", "x", "--y", "y", "--nan", "omit"]
        found.append(CliRunner().invoke(main, command))
    assert found[0].stdout == found[1].stdout
    assert found[0].stderr.startswith("texts that are no numbers or times are taken as missing: x")
    assert found[1].stderr == ""
