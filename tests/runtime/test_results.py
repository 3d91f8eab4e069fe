"""What results say of themselves: numbers, units, labels, notes and notebooks."""

from __future__ import annotations

import inspect
import json
import math
import pickle
from dataclasses import replace
from html.parser import HTMLParser

import infonet
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.matrix import PairwiseResult
from infonet.matrix.plan import Pairs

NAMES = ("Income ($_2020)", "<b>&amp; 'tail'")


@pytest.fixture(scope="module")
def pair(estimator, gaussian):
    return estimator.estimate(*gaussian(0.8, 2000), names=NAMES)


@pytest.fixture(scope="module")
def sliced(estimator, gaussian):
    x, y = gaussian(0.8, 300)
    return estimator.sliced(np.stack([x, y], 1), y, 8, names=NAMES, permutations=3)


@pytest.fixture(scope="module")
def matrix(estimator, gaussian):
    x, y = gaussian(0.8, 300)
    return estimator.pairwise({NAMES[0]: x, NAMES[1]: y, "c": x[::-1].copy()})


class Cells(HTMLParser):
    """The texts of a document, and that each element is closed."""

    def __init__(self, content):
        super().__init__()
        self.open, self.texts = [], []
        self.feed(content)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in ("div", "table", "thead", "tbody", "tr", "th", "td", "small")
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_formats_of_numbers(pair, sliced):
    assert f"{pair:.3f}" == f"{pair.mi:.3f}"
    assert f"{pair:10.1e}|" == f"{pair.mi:10.1e}|"
    assert f"{pair}" == str(pair) == pair.describe()
    assert round(pair, 2) == round(pair.mi, 2)
    assert round(pair) == round(pair.mi)
    assert f"{sliced:.3f}" == f"{sliced.mean:.3f}"
    assert f"{sliced}" == sliced.describe()
    assert round(sliced, 3) == round(sliced.mean, 3)
    with pytest.raises(ValueError, match="format"):
        f"{pair:nonsense}"


def test_correlation_is_that_of_gaussian_variables(pair, matrix):
    assert pair.correlation == pytest.approx(0.8, abs=0.02)
    assert pair.correlation == pytest.approx(math.sqrt(1 - math.exp(-2 * pair.mi)))
    assert pair.to_dict("bits")["correlation"] == pair.correlation
    np.testing.assert_allclose(matrix.correlation, np.sqrt(1 - np.exp(-2 * matrix.mi)))
    assert np.isnan(np.diag(matrix.correlation)).all()
    long = matrix.to_long(unit="bits")
    assert long["correlation"][0] == matrix.correlation[0, 1] == matrix[0, 1].correlation
    assert infonet.Estimate(0.0, None, None, 9).correlation == 0
    assert infonet.Estimate(-0.01, None, None, 9).correlation == 0
    assert infonet.Estimate(40.0, None, None, 9).correlation == 1
    missing = infonet.Estimate(math.nan, None, None, 9)
    assert math.isnan(missing.correlation)
    assert json.loads(json.dumps(missing.to_dict()))["correlation"] is None


def test_another_unit_is_refused_everywhere(pair, sliced, matrix, tmp_path):
    from infonet.cli.options import format_matrix, format_strongest
    from infonet.monitor.decisions import Alert

    calls = [
        pair.describe,
        pair.to_dict,
        sliced.describe,
        sliced.to_dict,
        matrix.to_dict,
        lambda unit: matrix.to_long(unit=unit),
        lambda unit: matrix.to_frame(unit=unit),
        lambda unit: matrix.to_csv(tmp_path / "m.csv", unit),
        lambda unit: format_matrix(matrix, unit),
        lambda unit: format_strongest(matrix, unit),
        Alert("drifts", ("a", "b"), 9, None, pair, None).describe,
        Alert("drifts", ("a", "b"), 9, None, pair, None).to_dict,
        lambda unit: infonet.pairwise(np.arange(60.0).reshape(30, 2), unit=unit),
    ]
    for call in calls:
        for unit in ("bit", "", None, ["nats"]):
            with pytest.raises(infonet.InputError, match="unit is .*allowed are 'nats' and 'bits'"):
                call(unit)
    assert not (tmp_path / "m.csv").exists()


@pytest.mark.parametrize(
    "labels",
    [
        [2020, 2021, 2022],
        [2, 1, 0],
        [("A", "x"), ("B", "y"), ("A", "z")],
        [1.5, None, "c"],
        [pd.Timestamp("2020-01-01"), pd.Timestamp("2021-01-01"), "later"],
        [True, False, "maybe"],
    ],
)
def test_labels_are_those_of_columns(labels):
    """`result[a, b]` is the pair that `columns=[a, b]` gives."""
    rng = np.random.default_rng(0)
    a = rng.standard_normal(100)
    frame = pd.DataFrame(np.stack([a, a + rng.standard_normal(100), 0.5 * a - rng.random(100)], 1))
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    result = infonet.pairwise(frame)
    for first in labels:
        for second in labels:
            if first != second:
                alone = infonet.pairwise(frame, columns=[first, second])
                assert result[first, second].mi == alone[first, second].mi == alone.mi[0, 1]
                assert result[first, second].names == (str(first), str(second))


def test_whole_numbers_are_positions_where_no_label_reads_so(matrix):
    assert matrix[0, 2].names == (NAMES[0], "c")
    assert matrix[-1, np.int64(1)].names == ("c", NAMES[1])
    some = infonet.pairwise(np.random.default_rng(0).random((50, 9)), columns=[5, 7, 1])
    assert some[7, 1].names == ("7", "1")
    for pair in ((0, 3), (-4, 0), (True, 0), ((), 0)):
        with pytest.raises(infonet.InputError, match="does not exist: choose from Income"):
            matrix[pair]
    for pair in ("c", 0, ("c",), ("c", 0, 1)):
        with pytest.raises(infonet.InputError, match=r"pass two columns: result\['a', 'b'\]"):
            matrix[pair]


def test_labels_of_rows_and_columns_the_other_way_round():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.random((50, 3)), columns=[2020, 2021, 2022])
    result = infonet.pairwise(frame, columns=[2020, 2021], targets=[2022])
    assert result[2020, 2022].mi == result[2022, 2020].mi == result.mi[0, 0]
    with pytest.raises(infonet.InputError, match="column 2021 does not exist"):
        result[2020, 2021]


def test_the_matrix_as_an_array(matrix):
    assert np.asarray(matrix).tobytes() == matrix.mi.tobytes()
    assert np.shares_memory(np.asarray(matrix), matrix.mi)
    assert not np.shares_memory(np.array(matrix), matrix.mi)
    single = np.asarray(matrix, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, matrix.mi.astype(np.float32))
    assert np.nanmax(matrix) == np.nanmax(matrix.mi)
    assert matrix.__array__(copy=False) is not None
    with pytest.raises(ValueError, match="without a copy"):
        matrix.__array__(np.float32, copy=False)


def result_of(counts, null, about=(0, 0, 0), mi=(0.1, 0.2, 0.3)):
    """All pairs of three columns of so many rows each; too many have no p-values."""
    values = np.repeat(np.array(mi, np.float32)[:, None], 4, axis=1)
    few = np.array(counts) <= 1_000_000
    p = np.where((null is not None) & few & (np.array(about) == 0), 0.5, np.nan)
    arrays = np.array(about, np.uint8), p
    names = ("a", "b", "c")
    return PairwiseResult(names, names, Pairs.of(3), values, counts, *arrays, null, ("a: codes",))


def test_why_there_are_no_p_values(estimator):
    null = estimator.model.null
    assert result_of(1000, null).notes == ("a: codes",)
    many = result_of(1_000_001, null)
    (first, note) = many.notes
    assert first == "a: codes"
    assert note.startswith("no p-values: the null distribution is known for 20 to 1,000,000 rows")
    assert np.isnan(many.p_value).all()
    assert many.to_dict()["notes"] == list(many.notes)
    some = result_of(np.array([50, 2_000_000, 50], np.uint32), null)
    assert some.notes[1].startswith("no p-value of 1 pair(s): the null")
    assert pickle.loads(pickle.dumps(some)).notes == some.notes
    assert replace(some, null=null).notes == some.notes
    none = result_of(50, None)
    assert none.notes[1].startswith("no p-values: the model has no null distribution")
    # constant columns, and pairs of too few rows, say so themselves
    counts = np.array([50, 3, 50], np.uint32)
    assert result_of(counts, null, (2, 0, 2), (0, np.nan, 0)).notes == ("a: codes",)
    assert result_of(2_000_000, null, (2, 2, 2)).notes == ("a: codes",)


def test_notebooks_show_pairs(pair, sliced):
    for found, number in ((pair, pair.mi), (sliced, sliced.mean)):
        texts = " ".join(Cells(found._repr_html_()).texts)
        assert f"{NAMES[0]} and {NAMES[1]}" in texts
        assert f"{number:.4f}" in texts
        assert "p-value" in texts
        assert "<b>" not in found._repr_html_()
        assert "mathjax_ignore" in found._repr_html_()
    bare = infonet.Estimate(0.5, None, None, 9, notes=("no p-value: <none>",))
    texts = Cells(bare._repr_html_()).texts
    assert "no p-value: <none>" in texts
    assert "p-value" not in texts
    assert "90 % interval" not in texts


def test_notebooks_show_matrices(estimator, matrix):
    texts = Cells(matrix._repr_html_()).texts
    for name in NAMES:
        assert texts.count(name) == 2
    assert texts.count(f"{matrix.mi[0, 1]:.3f}") == 2
    wide = estimator.pairwise(np.random.default_rng(0).random((30, 21)))
    texts = Cells(wide._repr_html_()).texts
    assert len(texts) == 21  # a title, and ten pairs with their values
    assert " and ".join(wide.strongest(1)[0].names) in texts
    assert "no p-values" in Cells(result_of(9, None)._repr_html_()).texts[-1]


def test_functions_take_what_the_methods_take():
    for function, method in (
        (infonet.estimate, infonet.Estimator.estimate),
        (infonet.mutual_information, infonet.Estimator.estimate),
        (infonet.pairwise, infonet.Estimator.pairwise),
    ):
        names = list(inspect.signature(method).parameters)
        assert list(inspect.signature(function).parameters) == names[1:]
        assert "Raises:" in function.__doc__
    assert inspect.signature(infonet.mutual_information).return_annotation == "float"
    assert infonet.estimate.__name__ == "estimate"


def test_advice_of_notes_can_be_followed():
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 50))
    y[3] = np.nan
    options = {"nan": "omit", "names": ("a", "b"), "permutations": 19, "seed": 3}
    found = infonet.estimate(x, y, **options)
    assert found.names == ("a", "b")
    assert found.p_value == infonet.Estimator().estimate(x, y, **options).p_value
    assert found.p_value * 20 == pytest.approx(round(found.p_value * 20))
    assert infonet.mutual_information(x, y, **options) == found.mi
    with pytest.raises(TypeError, match="unknown"):
        infonet.estimate(x, y, unknown=1)


def test_a_missing_table_is_no_doubt_about_the_estimate(estimator, tmp_path):
    """Of a number and the bands that it is in, which alternate, the network has no table."""
    x = np.random.default_rng(0).uniform(size=3000)
    bands = [f"band {int(90 * v) % 9}" for v in x]
    found = estimator.estimate(bands, x)
    assert found.table is None
    assert not any("table" in note for note in found.notes)
    pd.DataFrame({"band": bands, "x": x}).to_csv(tmp_path / "t.csv", index=False)
    done = CliRunner().invoke(main, ["mi", str(tmp_path / "t.csv"), "--x", "band", "--y", "x"])
    assert done.exit_code == 0, done.output
    assert "9 categories" in done.output
    assert "table" not in done.output


def test_pairs_without_complete_rows(estimator):
    """They are no estimates, and nothing that is asked of them fails."""
    y = np.random.default_rng(0).normal(size=400)
    first = np.arange(400) < 200
    columns = {"none": np.full(400, np.nan), "early": np.where(first, y, np.nan)}
    columns |= {"late": np.where(first, np.nan, y), "y": y}
    with pytest.warns(infonet.InfoNetWarning, match="4 pair.s. have fewer than 20 complete rows"):
        result = estimator.pairwise(columns, nan="omit")
    for x, other in (("none", "y"), ("none", "early"), ("early", "late")):
        found = result[x, other]
        assert found.n == 0
        assert math.isnan(found.mi)
        assert found.interval is found.p_value is None
        assert found.notes == ("no estimate: too few complete rows",)
        assert str(found) == f"MI({x}, {other}) = nan nats, n = 0"
        assert "no estimate: too few complete rows" in found._repr_html_()
        stored = json.loads(json.dumps(found.to_dict()))
        assert stored["mi"] is stored["interval"] is stored["correlation"] is None
    assert result["early", "y"].n == 200
    assert len(result.strongest(10)) == 2
    with pytest.warns(infonet.InfoNetWarning):
        given = estimator.pairwise({**columns, "z": y**2}, nan="omit", given=["z"])
    assert given["none", "y"].notes == ("no estimate: too few complete rows",)
