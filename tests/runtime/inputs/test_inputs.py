"""Kinds of input, and bad input: each error is one line that names the problem and the fix."""

from __future__ import annotations

import warnings

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from infonet.inputs.open import open_columns

N = 60
X = np.random.default_rng(0).standard_normal(N)
Y = X + np.random.default_rng(1).standard_normal(N)


def with_value(value):
    x = X.copy()
    x[[7, 9]] = value
    return x


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("detach it. For more, see the manual.")


BAD_PAIRS = {
    "nan": (with_value(np.nan), Y, r"x has 2 NaN values \(first at index 7\).*nan=\"omit\""),
    "inf": (X, with_value(np.inf), r"y has 2 infinite values \(first at index 7\).*nan=\"omit\""),
    "texts": ([f"a{i}" for i in range(N)], Y, r"x holds text with 60 different values in 60 rows"),
    "gaps": ([None, 1.0] * 30, Y, r"x has 30 NaN values \(first at index 0\)"),
    "objects": ([object(), 1.0] * 30, Y, r"x holds Python objects.*real numbers.*convert"),
    "mixture": (["a", None, 1j] * 20, Y, r"x holds Python objects.*convert"),
    "complex": (X + 1j, Y, r"x holds complex numbers.*modulus"),
    "no time": (np.array(["2020", "NaT"] * 30, "M8[D]"), Y, r"x has 30 NaN values \(first at inde"),
    "series of texts": (pl.Series(map(str, X)).str.head(9) + "a", Y, r"x holds text with 60 diff"),
    "tensor": (Unreadable(), Y, r"x is of type Unreadable.*\(detach it\): pass a NumPy array"),
    "nested": (pl.Series([{"a": 1}] * N), Y, r"x holds values of several parts \(Struct.*take one"),
    "sparse": (scipy.sparse.eye_array(N).tocsr(), Y, r"x is a sparse matrix.*pass \.toarray\(\)"),
    "3 samples": (X[:3], Y[:3], r"x has 3 samples, the model needs at least \d+: pass more"),
    "1 sample": (X[:1], Y[:1], r"x has 1 sample, the model needs"),
    "2 samples": (X[:2], Y[:2], r"x has 2 samples"),
    "0 samples": ([], [], r"x has 0 samples"),
    "lengths": (X, Y[:-1], r"x and y differ in length \(60 and 59\)"),
    "scalar": (1.0, 2.0, r"x has shape \[\], allowed are \[n\] and \[n, columns\]"),
    "three axes": (np.zeros((60, 2, 2)), Y, r"x has shape \[60, 2, 2\]"),
    "columns of another length": (np.stack([X, Y], 1), Y[:-1], r"differ in length \(60 and 59\)"),
    "ragged": ([[1, 2], [3]], Y, r"x is a ragged list"),
}


@pytest.mark.parametrize("kind", BAD_PAIRS)
def test_bad_pairs(estimator, kind):
    x, y, message = BAD_PAIRS[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        estimator.estimate(x, y)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_several_columns_are_no_error(estimator):
    for x in (np.stack([X, Y], 1), pd.DataFrame({"a": X, "b": Y})):
        assert estimator.estimate(x, Y).mi > 1
    assert estimator.estimate(X[:, None], Y).mi == estimator.estimate(X, Y).mi


BAD_TABLES = {
    "nan": ({"a": X, "b": with_value(np.nan)}, None, r"column 'b' has 2 NaN.*omit"),
    "texts": (pd.DataFrame({"a": X, "b": [f"u{x}" for x in X]}), None, r"column 'b' holds text wi"),
    "categories": (
        pd.DataFrame({"a": X, "b": pd.Categorical([f"u{x}" for x in X])}),
        None,
        "holds 60 categories in 60 rows, allowed are categories that repeat: leave it out",
    ),
    "objects": (pd.DataFrame({"a": X, "b": [object()] * N}), None, r"column 'b' holds Python obj"),
    "missing": ({"a": X, "b": Y}, ["a", "c"], r"column 'c' does not exist: choose from a, b"),
    "position": (np.stack([X, Y], 1), [0, 2], r"column 2 does not exist"),
    "twice": ({"a": X, "b": Y}, ["a", "a"], r"name a column twice"),
    "truth": ({"a": X, "b": Y}, [True, "a"], r"column True does not exist"),
    "number": ({"a": X, "b": Y}, 1, r"columns is 1, pass a list of names: \[1\]"),
    "string": ({"a": X, "b": Y}, "a", r"columns is the string 'a', pass a list"),
    "one column": ({"a": X}, None, r"at least two are needed"),
    "lengths": ({"a": X, "b": Y[:-1]}, None, r"differ in length \('a': 60, 'b': 59\)"),
    "short": ({"a": X[:3], "b": Y[:3]}, None, r"column 'a' has 3 samples"),
    "sparse": (scipy.sparse.eye_array(N).tocsc(), None, r"data is a sparse matrix.*\.toarray\(\)"),
    "one dimension": (X, None, r"data have shape \[60\]"),
    "same names": (pd.DataFrame(np.stack([X, Y], 1), columns=["a", "a"]), None, r"occur twice"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_bad_tables(estimator, kind):
    data, columns, message = BAD_TABLES[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        estimator.pairwise(data, columns)
    assert "\n" not in str(caught.value)


BAD_TARGETS = {
    "string": ("b", "targets is the string 'b', pass a list"),
    "twice": (["b", "b"], r"targets \['b', 'b'\] name a column twice"),
    "missing": (["d"], "targets: column 'd' does not exist: choose from a, b"),
}


@pytest.mark.parametrize("kind", BAD_TARGETS)
def test_bad_targets_are_not_blamed_on_the_columns(estimator, tmp_path, kind):
    targets, message = BAD_TARGETS[kind]
    frame = pd.DataFrame({"a": X, "b": Y})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for data in (frame, pl.LazyFrame({"a": X, "b": Y}), tmp_path / "t.csv", open_columns(frame)):
        for columns in (None, ["a"]):
            with pytest.raises(infonet.InputError, match=message):
                estimator.pairwise(data, columns, targets=targets)


def test_bad_batches(estimator):
    samples = np.random.default_rng(0).random((5, 40, 2))
    samples[3, 17, 1] = np.nan
    with pytest.raises(
        infonet.InputError, match=r"samples\[3, :, 1\] has 1 NaN value .*index 17.*: remove them$"
    ):
        estimator.mi(samples)
    with pytest.raises(infonet.InputError, match=r"allowed is \[batch, n, 2\]: pass samples\[None"):
        estimator.mi(samples[0])
    with pytest.raises(infonet.InputError, match=r"shape \[5, 2, 40\]"):
        estimator.mi(samples.transpose(0, 2, 1))
    with pytest.raises(infonet.InputError, match="each sample set has 3 samples"):
        estimator.mi(samples[:, :3])


def test_bad_options(estimator):
    with pytest.raises(infonet.InputError, match=r"nan is 'drop', allowed are 'raise' and 'omit'"):
        estimator.estimate(X, Y, nan="drop")
    with pytest.raises(infonet.InputError, match="threads is 0"):
        infonet.Estimator(threads=0)
    with pytest.raises(infonet.InputError, match="device is 'gpu', allowed are 'auto'"):
        infonet.Estimator(device="gpu")


FRAMES = {
    "pandas": lambda d: pd.DataFrame(d),
    "pandas arrow": lambda d: pd.DataFrame(d).convert_dtypes(dtype_backend="pyarrow"),
    "pandas nullable": lambda d: pd.DataFrame(d).convert_dtypes(),
    "polars": lambda d: pl.DataFrame(d),
    "polars lazy": lambda d: pl.LazyFrame(d),
    "pyarrow": lambda d: pa.table(d),
    "pyarrow batch": lambda d: pa.record_batch(d),
    "mapping": lambda d: d,
    "records": lambda d: np.rec.fromarrays(list(d.values()), names=list(d)),
    "array": lambda d: np.stack(list(d.values()), axis=1),
    "rows": lambda d: list(zip(*d.values(), strict=True)),
    "mappings": lambda d: pd.DataFrame(d).to_dict("records"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames(estimator, kind):
    data = {"a": X, "b": Y, "c": np.arange(N)}
    expected = estimator.pairwise(data)
    found = estimator.pairwise(FRAMES[kind](data))
    assert found.mi.tobytes() == expected.mi.tobytes()
    assert found.names == (("0", "1", "2") if kind in ("array", "rows") else ("a", "b", "c"))
    some = estimator.pairwise(FRAMES[kind](data), columns=[2, 0])
    assert some.mi[1, 0] == estimator.estimate(data["c"], X).mi


def test_series_keep_their_names(estimator):
    found = estimator.estimate(pd.Series(X, name="warm"), pl.Series("wet", Y))
    assert found.names == ("warm", "wet")
    assert estimator.estimate(pd.Series(X), pa.chunked_array([Y])).names == ("x", "y")


def test_missing_values_of_frames_are_nan(estimator):
    holes = [None if i in (3, 4) else int(i) for i in range(N)]
    for data in (
        pl.DataFrame({"a": holes, "b": Y}),
        pa.table({"a": holes, "b": Y}),
        pd.DataFrame({"a": pd.array(holes, dtype="Int64"), "b": Y}),
    ):
        with pytest.raises(infonet.InputError, match="column 'a' has 2 NaN"):
            estimator.pairwise(data)
        assert estimator.pairwise(data, nan="omit").n[0, 1] == N - 2


def test_missing_values_cost_integers_no_precision(estimator):
    stamps = 2**60 + np.arange(N)  # float64 takes them all for equal
    holes = [None, *map(int, stamps[1:])]
    expected = estimator.estimate(stamps[1:], Y[1:])
    for values in (
        pd.Series(holes, dtype="Int64"),
        pd.Series(holes, dtype="int64[pyarrow]"),
        pl.Series(holes),
        pa.array(holes),
        np.ma.masked_equal(stamps, 2**60),
    ):
        found = estimator.estimate(values, Y, nan="omit")
        assert (found.mi, found.n, found.p_value) == (expected.mi, N - 1, expected.p_value)
        assert estimator.pairwise({"a": values, "b": Y}, nan="omit").mi[0, 1] == expected.mi


def test_labels_come_before_positions(estimator):
    data = np.stack([X, Y, X * Y], 1)
    expected = estimator.estimate(X, Y).mi
    for frame in (pd.DataFrame(data, columns=[1, 2, 3]), dict(zip((1, 2, 3), data.T, strict=True))):
        found = estimator.pairwise(frame, columns=[1, 2])
        assert found.names == ("1", "2")
        assert found.mi[0, 1] == expected
        assert estimator.pairwise(frame, columns=[0, -2]).names == ("1", "2")


def test_too_few_complete_rows(estimator):
    x = np.where(np.arange(N) < N - 19, np.nan, X)
    with pytest.raises(infonet.InputError, match="x with y, missing values left out, has 19 sam"):
        estimator.estimate(x, Y, nan="omit")


def test_masked_values_are_nan(estimator):
    masked = np.ma.masked_greater(np.arange(N), 57)
    with pytest.raises(infonet.InputError, match="2 NaN"):
        estimator.estimate(masked, Y)
    assert estimator.estimate(masked, Y, nan="omit").n == 58


def test_omit_leaves_out_rows_of_both(estimator):
    x, y = X.copy(), Y.copy()
    x[[1, 5]], y[[5, 8]] = np.nan, np.inf
    keep = np.isfinite(x) & np.isfinite(y)
    found = estimator.estimate(x, y, nan="omit")
    assert found.n == N - 3
    assert found.mi == estimator.estimate(X[keep], Y[keep]).mi


def test_omit_in_a_matrix_is_pairwise(estimator):
    data = np.random.default_rng(3).random((80, 5))
    data[:10, 1], data[5:30, 2], data[:79, 4] = np.nan, np.nan, np.nan
    with pytest.warns(infonet.InfoNetWarning, match=r"4 pair\(s\) have fewer than"):
        found = estimator.pairwise(data, nan="omit")
    assert found.n[0, 3] == 80
    assert found.n[0, 1] == 70
    assert found.n[1, 2] == 50
    assert np.isnan(found.mi[4]).all()
    for i, j in ((0, 3), (0, 1), (1, 2)):
        assert found.mi[i, j] == estimator.estimate(data[:, i], data[:, j], nan="omit").mi
    assert len(found.strongest(100)) == 6


def test_constant_columns_have_no_information(estimator):
    flat = np.full(N, 5)
    with pytest.warns(infonet.InfoNetWarning, match="flat constant"):
        found = estimator.estimate(pd.Series(flat, name="flat"), Y)
    assert (found.mi, found.interval, found.p_value) == (0.0, (0.0, 0.0), None)
    assert not found.table.any()
    with pytest.warns(infonet.InfoNetWarning, match=r"2 pair\(s\).*constant everywhere: b"):
        matrix = estimator.pairwise({"a": X, "b": flat, "c": Y})
    assert matrix["a", "b"].mi == matrix["b", "c"].mi == 0
    assert matrix["a", "c"].mi == estimator.estimate(X, Y).mi
    batch = np.stack([np.stack([X, flat], 1), np.stack([X, Y], 1)])
    with pytest.warns(infonet.InfoNetWarning, match=r"1 set\(s\).*first: samples\[0\]"):
        assert estimator.mi(batch).tolist() == [0.0, estimator.estimate(X, Y).mi]


def test_warnings_point_at_the_caller(estimator):
    calls = (
        lambda: infonet.mutual_information(np.ones(N), Y),
        lambda: estimator.estimate(np.ones(N), Y),
        lambda: infonet.pairwise({"a": np.ones(N), "b": Y}),
        lambda: estimator.mi(np.ones((1, N, 2))),
    )
    for call in calls:
        with pytest.warns(infonet.InfoNetWarning) as caught:
            call()
        assert [entry.filename for entry in caught] == [__file__]


def test_ties_are_no_reason_for_a_warning(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimator.estimate(np.round(X, 1), Y)
    assert found.notes
    assert any("equal values" in note or "ties" in note for note in found.notes)
