"""The labelled matrix."""

from __future__ import annotations

import io
import json

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.matrix import PairwiseResult
from infonet.matrix.plan import Pairs


@pytest.fixture(scope="module")
def result(estimator):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(300)
    b = a + rng.standard_normal(300)
    return estimator.pairwise({"a": a, "b": b, "c": rng.standard_normal(300)})


def test_shape(result):
    assert result.names == ("a", "b", "c")
    assert np.isnan(np.diag(result.mi)).all()
    np.testing.assert_array_equal(result.mi, result.mi.T)
    low, high = result.interval
    off = ~np.eye(3, dtype=bool)
    assert (low[off] <= result.mi[off]).all()
    assert (result.mi[off] <= high[off]).all()


def test_entries(result):
    entry = result["b", "a"]
    assert entry.names == ("b", "a")
    assert entry.mi == result.mi[0, 1] == result[0, 1].mi
    assert entry.table is None
    for pair in (("a", "z"), (0, 3)):
        with pytest.raises(infonet.InputError, match="does not exist: choose from a, b, c"):
            result[pair]
    assert result[np.int64(0), np.int64(1)].mi == entry.mi
    with pytest.raises(infonet.InputError, match="itself"):
        result["a", "a"]


def test_strongest(result):
    assert [e.names for e in result.strongest(1)] == [("a", "b")]
    found = [e.mi for e in result.strongest()]
    assert found == sorted(found, reverse=True)
    assert len(found) == 3
    assert result.strongest(-1) == []


def test_notes_of_entries_without_an_estimate(estimator):
    rng = np.random.default_rng(1)
    short = np.where(np.arange(60) < 50, np.nan, rng.random(60))
    data = {"a": rng.random(60), "b": short, "c": np.ones(60)}
    with pytest.warns(infonet.InfoNetWarning):
        found = estimator.pairwise(data, nan="omit")
    assert found["a", "b"].notes == ("no estimate: too few complete rows",)
    assert found["a", "c"].notes == ("a variable is constant: mutual information is 0",)
    assert found["a", "b"].p_value is found["a", "c"].p_value is None


def test_csv_round_trip(result, tmp_path):
    result.to_csv(tmp_path / "m.csv")
    read = pd.read_csv(tmp_path / "m.csv", index_col=0)
    np.testing.assert_allclose(read.to_numpy(), result.mi, rtol=1e-7)
    text = io.StringIO()
    result.to_csv(text, unit="bits")
    assert text.getvalue().splitlines()[0] == ",a,b,c"
    bits = float(text.getvalue().splitlines()[1].split(",")[2])
    assert bits == pytest.approx(result.mi[0, 1] / np.log(2))


def test_frames(result):
    frame = result.to_dataframe()
    assert frame.loc["a", "b"] == result.mi[0, 1]
    for backend in ("polars", "pyarrow"):
        other = result.to_dataframe(backend)
        assert other["b"][0] == pytest.approx(result.mi[0, 1]) or other["b"][0].as_py()
        assert list(map(str, other["column"])) == ["a", "b", "c"]
    zero = np.zeros((1, 1), np.float32)
    names, none = ("column", "b"), np.zeros(1, np.uint8)
    named = PairwiseResult(names, names, Pairs.of(2), zero, 9, none, zero[0])
    assert named.to_dataframe("polars").columns == ["column_", "column", "b"]
    with pytest.raises(infonet.InputError, match="backend is 'excel'"):
        result.to_dataframe("excel")


def test_plain_values(result):
    fields = json.loads(json.dumps(result.to_dict()))
    assert fields["mi"][0][0] is None
    assert fields["mi"][0][1] == result.mi[0, 1]
    entry = json.loads(json.dumps(result["a", "b"].to_dict("bits")))
    assert entry["mi"] == result["a", "b"].bits
    assert entry["unit"] == "bits"


def test_text_of_an_estimate(result):
    entry = result["a", "b"]
    assert str(entry).startswith(f"MI(a, b) = {entry.mi:.4f} nats, 90 % interval")
    assert "bits" in entry.describe("bits")
    assert float(entry) == entry.mi
    assert "table=" not in repr(entry)
