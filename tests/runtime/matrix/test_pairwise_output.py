"""Files of all pairs: formats, links, places that cannot be written, adjusted p-values."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
import scipy.stats
from infonet.matrix.frames import METHODS, adjust


@pytest.fixture(scope="module")
def holed(table):
    gone = np.random.default_rng(1).random(200)
    return {
        **table,
        "z": np.where(gone < 0.95, np.nan, table["z"]),
        "w": np.where(gone > 0.9, np.nan, table["w"]),
    }


def check_long(frame, result):
    expected = result.to_long()
    assert list(frame.columns) == list(expected)
    assert list(expected)[:5] == ["x", "y", "mi", "low", "high"]
    assert list(expected)[5:] == ["n", "p_value", "p_adjusted", "correlation"]
    assert frame["x"].tolist() == expected["x"].tolist()
    assert frame["y"].tolist() == expected["y"].tolist()
    assert frame["n"].tolist() == expected["n"].tolist()
    for name in ("mi", "low", "high"):
        found = frame[name].to_numpy(np.float64).astype(np.float32)
        np.testing.assert_array_equal(found, expected[name].astype(np.float32))
    # computed in double precision: nine digits of a text may round to the next float32
    np.testing.assert_allclose(frame["correlation"], expected["correlation"], rtol=1e-7)
    for name in ("p_value", "p_adjusted"):
        np.testing.assert_array_equal(frame[name].to_numpy(np.float64), expected[name])


@pytest.mark.parametrize("options", [{}, {"targets": ["z", "v"]}, {"nan": "omit"}])
@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_formats(estimator, table, holed, tmp_path, options):
    data = holed if "nan" in options else table
    expected = estimator.pairwise(data, **options)
    for ending in (".parquet", ".csv", ".npy"):
        found = estimator.pairwise(data, output=tmp_path / f"o{ending}", tile=2, **options)
        assert found.values.tobytes() == expected.values.tobytes()
    check_long(pd.read_csv(tmp_path / "o.csv"), expected)
    check_long(pd.read_parquet(tmp_path / "o.parquet"), expected)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), expected.mi)
    estimator.pairwise(data, output=str(tmp_path / "m.csv"), layout="matrix", **options)
    read = pd.read_csv(tmp_path / "m.csv", index_col=0)
    np.testing.assert_allclose(read.to_numpy(), expected.mi, rtol=1e-7)
    assert tuple(read.index) == expected.row_names
    assert tuple(read.columns) == expected.column_names
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.csv", "o.csv", "o.npy", "o.parquet"]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".npy"])
def test_bytes_of_files_do_not_depend_on_how(estimator, table, tmp_path, ending):
    found = set()
    for k, options in enumerate(({}, {"tile": 1}, {"tile": 3}, {"tile": 64})):
        maker = infonet.Estimator(threads=1 + k % 3)
        maker.pairwise(table, output=tmp_path / f"{k}{ending}", **options)
        found.add((tmp_path / f"{k}{ending}").read_bytes())
    assert len(found) == 1


@pytest.mark.filterwarnings("ignore::infonet.InfoNetWarning")
def test_files_of_many_pairs(estimator, table, tmp_path):
    """Of 78,210 pairs, more than are written at a time; nearly all have a constant column."""
    wide = {str(i): np.full(200, float(i)) for i in range(390)} | table
    assert len(wide) == 395
    for ending in (".parquet", ".csv", ".npy"):
        expected = estimator.pairwise(wide, output=tmp_path / f"o{ending}")
    assert expected.pairs.count > 1 << 16
    check_long(pd.read_csv(tmp_path / "o.csv", dtype={"x": str, "y": str}), expected)
    check_long(pd.read_parquet(tmp_path / "o.parquet"), expected)
    np.testing.assert_array_equal(np.load(tmp_path / "o.npy"), expected.mi)
    assert expected.mi[390:, 390:].tobytes() == estimator.pairwise(table).mi.tobytes()


def test_frames_and_missing_values_in_them(estimator, holed):
    with pytest.warns(infonet.InfoNetWarning):
        result = estimator.pairwise(holed, nan="omit")
    frame = result.to_frame()
    check_long(frame, result)
    assert frame["mi"].isna().sum() > 0
    assert isinstance(result.to_frame("polars"), pl.DataFrame)
    np.testing.assert_array_equal(result.to_frame("polars")["mi"].to_numpy(), frame["mi"])
    assert result.to_frame("pyarrow").column_names == list(frame.columns)
    bits = result.to_frame(unit="bits")
    np.testing.assert_allclose(bits["high"], frame["high"] / np.log(2))
    np.testing.assert_array_equal(bits["p_value"], frame["p_value"])
    for bad in ({"unit": "bans"}, {"backend": "excel"}, {"adjust": "sidak"}):
        with pytest.raises(infonet.InputError, match="allowed are"):
            result.to_frame(**bad)


def test_parquet_says_null_where_there_is_nothing(estimator, holed, tmp_path):
    with pytest.warns(infonet.InfoNetWarning):
        result = estimator.pairwise(holed, nan="omit", output=tmp_path / "o.parquet")
    read = pq.read_table(tmp_path / "o.parquet")
    assert read["mi"].null_count == np.isnan(result.values[:, 0]).sum() > 0
    assert read["p_value"].null_count == np.isnan(result.p_values).sum()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1,), (2,), (40,), (7, 9), (0,), (1000,)])
def test_adjusted_p_values(method, shape):
    rng = np.random.default_rng(3)
    p = np.round(rng.random(shape) ** 3, 3)  # with ties and zeros
    p[rng.random(shape) < 0.2] = np.nan
    found = adjust(p, method)
    tested = ~np.isnan(p)
    assert np.isnan(found[~tested]).all()
    used, found = p[tested], found[tested]
    if not used.size:
        return
    if method.startswith("fdr"):
        expected = scipy.stats.false_discovery_control(used, method=method[-2:])
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    elif method == "bonferroni":
        np.testing.assert_allclose(found, np.minimum(1, used * used.size))
    else:  # Holm: reject while p_(k) <= alpha / (m + 1 - k)
        for alpha in (0.01, 0.05, 0.3):
            order = np.argsort(used)
            passed = used[order] <= alpha / (used.size - np.arange(used.size))
            rejected = np.zeros(used.size, bool)
            rejected[order] = np.logical_and.accumulate(passed)
            np.testing.assert_array_equal(found <= alpha, rejected)


@pytest.mark.parametrize("method", METHODS)
def test_adjusted_p_values_are_those_of_statsmodels(method):
    multitest = pytest.importorskip(
        "statsmodels.stats.multitest", reason="statsmodels is not installed"
    )
    p = np.random.default_rng(0).random(200) ** 4
    expected = multitest.multipletests(p, method=method)[1]
    np.testing.assert_allclose(adjust(p, method), expected, rtol=1e-12)


def test_adjusted_matrix(estimator, table):
    result = estimator.pairwise(table)
    p = result.p_values
    found = result.adjusted("holm")
    np.testing.assert_array_equal(found, found.T)
    assert found[0, 1] == adjust(p, "holm")[0]
    np.testing.assert_array_equal(result.to_long(adjust="holm")["p_adjusted"], adjust(p, "holm"))


@pytest.mark.parametrize("dangling", [False, True])
def test_an_output_that_is_a_link_is_written_through(estimator, table, tmp_path, dangling):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real", tmp_path / "o.csv"
    if not dangling:
        target.write_text("earlier")
    link.symlink_to(Path("elsewhere") / "real")
    estimator.pairwise(table, output=link)
    estimator.pairwise(table, output=tmp_path / "plain.csv")
    assert link.is_symlink()
    assert target.read_bytes() == (tmp_path / "plain.csv").read_bytes()
    assert sorted(p.name for p in tmp_path.rglob("*")) == [
        "elsewhere",
        "o.csv",
        "plain.csv",
        "real",
    ]


def test_outputs_that_are_no_files(estimator, table, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name, message in (
        ("pipe.csv", "cannot write .*pipe.csv: it is a pipe, give"),
        ("null.csv", "cannot write .*null.csv: it is a device, give"),
        ("loop.csv", "cannot write .*loop.csv: "),
    ):
        with pytest.raises(infonet.InputError, match=message) as caught:
            estimator.pairwise(table, output=tmp_path / name)
        assert "\n" not in str(caught.value)
    assert len(list(tmp_path.iterdir())) == 3


def test_output_in_a_folder_that_is_not_there(estimator, table, tmp_path):
    with pytest.raises(infonet.InputError, match="cannot write .*o.csv.partial .* cannot be made"):
        estimator.pairwise(table, output=tmp_path / "no" / "o.csv")
    (tmp_path / "o.csv").mkdir()
    with pytest.raises(infonet.InputError, match="cannot write .*o.csv"):
        estimator.pairwise(table, output=tmp_path / "o.csv")


def test_without_pyarrow(estimator, table, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(infonet.MissingExtraError, match="pip install 'pyarrow'"):
        estimator.pairwise(table, output=tmp_path / "o.parquet")
    assert not list(tmp_path.iterdir())
