"""Sliced mutual information: against projections made by hand and against closed forms."""

from __future__ import annotations

import json

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import PairEngine
from infonet.sliced.samples import prepare
from infonet.sliced.variables import project, ranges

N = 300


def prepared(array, minmax=False):
    """`array` [n, d] as blocks of samples."""
    return prepare([array], [ranges(array, None, 1, False)], None, minmax)


def gaussian_block(n=N, dx=3, dy=2, seed=0):
    """x ~ N(0, I), y = x A + noise: (x, y, A)."""
    rng = np.random.default_rng(seed)
    x, noise = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    mix = rng.standard_normal((dx, dy))
    return x, x @ mix + 0.5 * noise, mix


def directions(projections, dx, dy, seed=0):
    drawn = np.random.default_rng(seed).standard_normal((projections, dx + dy))
    return drawn[:, :dx], drawn[:, dx:]


@pytest.mark.parametrize(("dx", "dy"), [(3, 2), (1, 4), (5, 1), (17, 33)])
@pytest.mark.parametrize("n", [20, 301])
def test_projections_made_by_hand(estimator, n, dx, dy):
    x, y, _ = gaussian_block(n, dx, dy)
    theta, phi = directions(40, dx, dy, seed=7)
    px = x @ theta.T if dx > 1 else np.repeat(x, 40, axis=1)
    py = y @ phi.T if dy > 1 else np.repeat(y, 40, axis=1)
    expected = estimator.mi(np.stack([px.T, py.T], axis=2))
    found = estimator.sliced(x, y, projections=40, seed=7)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.mean == found.values.mean()
    assert found.max == found.values.max()
    assert found.standard_error == found.values.std(ddof=1) / np.sqrt(40)
    assert (found.projections, found.n, found.seed) == (40, n, 7)


def test_gaussian_truth(estimator):
    """Projections of jointly Gaussian vectors are Gaussian, so each has a closed form."""
    x, y, mix = gaussian_block(5000)
    theta, phi = directions(128, 3, 2)
    covariance = np.einsum("pi,ij,pj->p", theta, mix, phi)
    variance = np.einsum("pi,ij,pj->p", phi, mix.T @ mix + 0.25 * np.eye(2), phi)
    truth = -0.5 * np.log1p(-(covariance**2) / ((theta**2).sum(axis=1) * variance))
    found = estimator.sliced(x, y, projections=128)
    assert truth.mean() > 0.1
    assert found.mean == pytest.approx(truth.mean(), abs=0.01)
    assert np.sqrt(np.mean((found.values - truth) ** 2)) < 0.02


def test_standard_error_is_that_of_other_seeds(estimator):
    x, y, _ = gaussian_block(100)
    found = [estimator.sliced(x, y, projections=16, seed=seed) for seed in range(60)]
    stated = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    spread = np.std([each.mean for each in found], ddof=1)
    assert 0.7 < spread / stated < 1.4


def test_independent_vectors_have_nearly_none(estimator):
    x, y = np.random.default_rng(0).standard_normal((2, 1000, 6))
    assert abs(estimator.sliced(x, y, projections=64).mean) < 0.005
    assert estimator.sliced(x, x + 0.1 * y, projections=64).mean > 0.05


@pytest.mark.parametrize("tile", [1, 3, 32])
@pytest.mark.parametrize("threads", [1, 4])
def test_a_function_of_the_seed_alone(estimator, tile, threads):
    x, y, _ = gaussian_block(257, 7, 5)
    expected = estimator.sliced(x, y, projections=70, seed=3)
    other = infonet.Estimator(threads=threads)
    other.engine = PairEngine(CpuBackend(other.model, threads, pairs_per_task=tile))
    assert other.sliced(x, y, projections=70, seed=3).values.tobytes() == expected.values.tobytes()
    some = other.sliced(x, y, projections=33, seed=3)
    assert some.values.tobytes() == expected.values[:33].tobytes()
    assert other.sliced(x, y, projections=33, seed=4).mean != some.mean


def test_one_dimension_is_the_estimate(estimator):
    x, y, _ = gaussian_block(N, 1, 1)
    expected = estimator.estimate(x[:, 0], y[:, 0]).mi
    for arguments in ((x, y), (x[:, 0], y), (x[:, 0].tolist(), y.tolist()), (-3 * x, y + 5)):
        found = estimator.sliced(*arguments, projections=1000, seed=1)
        if arguments[0] is not x:
            expected = estimator.estimate(*(np.ravel(a) for a in arguments)).mi
        assert found.mean == found.max == expected
        assert found.standard_error == 0
        assert found.values.shape == (1000,)
    assert np.isnan(estimator.sliced(x, y, projections=1).standard_error)


@pytest.mark.parametrize(
    ("shape", "p"), [((1001, 2), 7), ((5003, 9), 31), ((301, 16), 1), ((50, 40), 32)]
)
def test_equal_samples_stay_equal(shape, p):
    """Or ties of discrete data would be broken by rounding, which a matrix product does."""
    n, d = shape
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 2, (20, d)) * rng.random(d)
    which = rng.integers(20, size=n)
    theta = rng.standard_normal((p, d))
    for row, direction in zip(project(prepared(levels[which]), theta, 1), theta, strict=True):
        np.testing.assert_allclose(row, levels[which] @ direction, atol=1e-12)
        assert np.unique(row).size == np.unique(levels[which], axis=0).shape[0]


DTYPES = {
    "float32": lambda a: a.astype(np.float32),
    "float16": lambda a: a.astype(np.float16),
    "int64": lambda a: a.astype(np.int64),
    "uint8": lambda a: a.astype(np.uint8),
    "big-endian": lambda a: a.astype(">f8"),
    "big-endian integers": lambda a: a.astype(">i4"),
    "longdouble": lambda a: a.astype(np.longdouble),
    "Fortran": lambda a: np.asfortranarray(a),
    "strided": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "rows": lambda a: a.tolist(),
    "masked": lambda a: np.ma.masked_array(a),
    "pandas": lambda a: pd.DataFrame(a, columns=list("abc")),
    "pandas arrow": lambda a: pd.DataFrame(a, columns=list("abc")).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "polars": lambda a: pl.DataFrame(a, schema=list("abc")),
    "polars lazy": lambda a: pl.LazyFrame(a, schema=list("abc")),
    "pyarrow": lambda a: pa.table(dict(zip("abc", a.T, strict=True))),
    "mapping": lambda a: dict(zip("abc", a.T, strict=True)),
    "records": lambda a: np.rec.fromarrays(list(a.T), names=list("abc")),
}


@pytest.mark.parametrize("kind", DTYPES)
def test_type_and_layout_do_not_matter(estimator, kind):
    rng = np.random.default_rng(2)
    x = rng.integers(0, 200, (N, 3)).astype(float)
    y = x + rng.integers(0, 50, (N, 3))
    expected = estimator.sliced(x, y, projections=9)
    converted = DTYPES[kind](x)
    found = estimator.sliced(converted, y, projections=9)
    assert found.values.tobytes() == expected.values.tobytes()
    if isinstance(converted, np.ndarray):
        converted = converted.copy()
        converted.flags.writeable = False
        before = converted.tobytes()
        for scale in (None, "minmax"):
            estimator.sliced(converted, y, projections=2, scale=scale)
        assert converted.tobytes() == before


def test_series_and_names(estimator):
    x, y, _ = gaussian_block(N, 1, 2)
    found = estimator.sliced(pd.Series(x[:, 0], name="warm"), y, 5, names=("a", "b"))
    assert found.names == ("warm", "b")
    assert found.values.tobytes() == estimator.sliced(x, y, 5).values.tobytes()


@pytest.mark.parametrize("factor", [2.0**1000, 2.0**-1000, -(2.0**10)])
def test_scale_of_a_variable_does_not_matter(estimator, factor):
    """Nor does it overflow: projections of 1e300 are as good as those of 1."""
    x, y, _ = gaussian_block(N)
    expected = estimator.sliced(x, y, projections=20).values
    assert (
        estimator.sliced(abs(factor) * x, y, projections=20).values.tobytes() == expected.tobytes()
    )
    np.testing.assert_allclose(
        estimator.sliced(factor * x, y, projections=20).values, expected, atol=0.02
    )


def test_largest_numbers(estimator):
    rng = np.random.default_rng(0)
    small = rng.integers(-1000, 1001, (N, 3)).astype(float)
    small[0], small[1] = -1000, 1000
    y = small + rng.integers(0, 500, (N, 3))
    expected = estimator.sliced(small, y, projections=20).values
    for huge in (small / 1000 * 1.79e308, (small * 2**53).astype(np.int64)):
        found = estimator.sliced(huge, y, projections=20).values
        np.testing.assert_allclose(found, expected, atol=1e-4)
    with np.errstate(over="raise"):
        estimator.sliced(np.where(small > 0, 1.79e308, -1.79e308), y, projections=3)
        estimator.sliced(np.where(small > 0, 2**63 - 1, -(2**63)), y, projections=3, scale="minmax")


@pytest.mark.parametrize("offset", [1e9, -1e12, 2.0**45])
def test_offsets_cost_no_digits(estimator, offset):
    x = np.random.default_rng(0).integers(0, 4000, (N, 3)) / 8
    x[0] = 0
    y = x[:, :2] + np.random.default_rng(1).integers(0, 900, (N, 2)) / 8
    expected = estimator.sliced(x, y, projections=10).values
    found = estimator.sliced(x + offset, y, projections=10).values
    if offset > 0:
        assert found.tobytes() == expected.tobytes()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    stamps = 2**60 + (8 * x).astype(np.int64)  # float64 takes nearly all for equal
    np.testing.assert_array_equal(estimator.sliced(stamps, y, projections=10).values, expected)


def test_minmax(estimator):
    """Dimensions of other units; a constant one counts for nothing and is no NaN."""
    x, y, _ = gaussian_block(N, 4, 2)
    x *= [1, 1e6, 1e-200, 0]
    x[:, 3] = 7
    low, high = x.min(axis=0), x.max(axis=0)
    scaled = (x - low) / np.where(high > low, high - low, 1)
    theta, phi = directions(30, 4, 2)
    unit_y = (y - y.min(axis=0)) / np.ptp(y, axis=0)
    by_hand = np.stack([(scaled @ theta.T).T, (unit_y @ phi.T).T], axis=2)
    found = estimator.sliced(x, y, projections=30, scale="minmax")
    np.testing.assert_allclose(found.values, estimator.mi(by_hand), atol=1e-5)
    assert found.scale == "minmax"
    unscaled = estimator.sliced(x, y, projections=30)
    one = estimator.sliced(x * [0, 1, 0, 0], y, projections=30)
    np.testing.assert_allclose(unscaled.values, one.values, atol=1e-3)  # 1e6 drowns the others


def test_heavy_tails_keep_their_order(estimator):
    """Small samples beside enormous ones are still told apart."""
    x = np.exp(30 * np.random.default_rng(0).standard_normal((N, 2)))
    assert np.unique(prepared(x).read((0, N), (0, 1))).size == N
    assert estimator.sliced(x, x, projections=10).mean > 0.5


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("scale", [None, "minmax"])
@pytest.mark.parametrize("value", [0.0, 7.5, -1e300])
def test_constant_variables(estimator, which, scale, value):
    variables = [*gaussian_block(N)[:2]]
    variables[which] = np.full_like(variables[which], value)
    with pytest.warns(infonet.InfoNetWarning, match=r"40 projection\(s\) are constant") as caught:
        found = estimator.sliced(*variables, projections=40, scale=scale)
    assert [entry.filename for entry in caught] == [__file__]
    assert (found.mean, found.standard_error, found.max) == (0, 0, 0)
    assert "constant" in found.notes[0]


@pytest.mark.filterwarnings("error")
def test_a_constant_dimension_is_no_problem(estimator):
    x, y, _ = gaussian_block(N)
    x[:, 1] = 1e9
    found = estimator.sliced(x, y, projections=10)
    assert np.isfinite(found.values).all()
    assert found.notes == ()
    x[:, 1] = 0
    assert found.values.tobytes() == estimator.sliced(x, y, projections=10).values.tobytes()


def with_nan(a, *places):
    a = a.copy()
    for place in places:
        a[place] = np.nan
    return a


X, Y, _ = gaussian_block(60)
BAD = {
    "nan": ((with_nan(X, (7, 1), (9, 1)), Y), {}, r"x\[:, 1\] has 2 NaN values \(first at index 7"),
    "nan in a frame": ((X, {"a": Y[:, 0], "b": with_nan(Y[:, 1], 3)}), {}, "column 'b' of y has 1"),
    "inf": ((X, np.where(Y > 1, np.inf, Y)), {}, r"y\[:, 0\] has \d+ infinite value"),
    "strings": ((X.astype(str), Y), {}, "x holds strings"),
    "complex": ((X, Y + 1j), {}, "y holds complex numbers"),
    "lengths": ((X, Y[:-1]), {}, r"x and y differ in length \(60 and 59\): pass one row of y"),
    "short": ((X[:5], Y[:5]), {}, "x has 5 samples, the model needs at least"),
    "no samples": ((X[:0], Y[:0]), {}, "x has 0 samples"),
    "no dimension": ((X[:, :0], Y), {}, "x has no dimension: pass one column"),
    "empty mapping": (({}, Y), {}, "x has no dimension"),
    "scalar": ((1.0, 2.0), {}, r"x has shape \[\], allowed are \[n\] and \[n, columns\]"),
    "three axes": ((X, Y[None]), {}, r"y has shape \[1, 60, 2\]"),
    "ragged": (([[1, 2], [3]], Y), {}, "x is a ragged list"),
    "projections": ((X, Y), {"projections": 0}, "projections is 0, allowed are whole numbers from"),
    "half": ((X, Y), {"projections": 1.5}, "projections is 1.5"),
    "truth": ((X, Y), {"projections": True}, "projections is True"),
    "seed": ((X, Y), {"seed": -1}, "seed is -1, allowed are whole numbers from 0"),
    "no seed": ((X, Y), {"seed": None}, "seed is None"),
    "scale": ((X, Y), {"scale": "std"}, "scale is 'std', allowed are None and 'minmax'"),
    "policy": ((X, Y), {"nan": "drop"}, "nan is 'drop'"),
    "too few left": (
        (with_nan(X, slice(0, 45)), Y),
        {"nan": "omit"},
        "x with y, rows with missing values left out, has 15 samples",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input(estimator, kind):
    variables, options, message = BAD[kind]
    with pytest.raises(infonet.InputError, match=message) as caught:
        estimator.sliced(*variables, **{"projections": 3, **options})
    assert "\n" not in str(caught.value)


def test_omit_leaves_out_rows_of_both(estimator):
    x, y = with_nan(X, (1, 0), (5, 2)), with_nan(Y, (5, 0), (8, 1))
    keep = np.ones(60, bool)
    keep[[1, 5, 8]] = False
    found = estimator.sliced(x, y, projections=8, nan="omit")
    assert found.n == 57
    expected = estimator.sliced(X[keep], Y[keep], projections=8)
    assert found.values.tobytes() == expected.values.tobytes()


def test_progress(estimator, capsys):
    estimator.sliced(X, Y, projections=3)
    assert capsys.readouterr().err == ""
    estimator.sliced(X, Y, projections=3, progress=True)
    assert "projection" in capsys.readouterr().err


def test_text_and_plain_values(estimator):
    found = estimator.sliced(X, Y, projections=10, seed=np.int64(2))
    assert str(found) == (
        f"SMI(x; y) = {found.mean:.4f} ± {found.standard_error:.4f} nats over 10 projections, "
        f"largest {found.max:.4f}, n = 60"
    )
    assert f"{found.bits:.4f}" in found.describe("bits")
    assert float(found) == found.mean == infonet.sliced_mutual_information(X, Y, 10, seed=2)
    assert found.bits == pytest.approx(found.mean / np.log(2))
    fields = json.loads(json.dumps(found.to_dict("bits")))
    assert fields["mean"] == found.bits
    assert fields["max"] == pytest.approx(found.max / np.log(2))
    assert (fields["projections"], fields["n"], fields["seed"]) == (10, 60, 2)
    one = estimator.sliced(X, Y, projections=1)
    assert "±" not in str(one)
    assert one.to_dict()["standard_error"] is None
    assert "values=" not in repr(one)


def test_command(estimator, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(main, ["smi", str(tmp_path / "t.csv"), *map(str, arguments)])

    columns = {"a": X[:, 0], "b": X[:, 1], "c, d": Y[:, 0], "e": Y[:, 1]}
    pd.DataFrame(columns).to_csv(tmp_path / "t.csv", index=False)
    groups = ("--x", "a,b", "--y", '"c, d",e')
    expected = estimator.sliced(X[:, :2], Y, projections=20, seed=5, names=("a, b", "c, d, e"))
    options = ("--projections", 20, "--seed", 5)
    result = run(*groups, *options, "--threads", 1)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{expected}\n"
    fields = json.loads(run(*groups, *options, "--json", "--bits").stdout)
    assert fields["mean"] == pytest.approx(expected.bits, abs=1e-12)
    assert fields["model"] == "copula.onnx"
    scaled = json.loads(run(*groups, *options, "--json", "--scale", "minmax").stdout)
    again = estimator.sliced(X[:, :2], Y, projections=20, seed=5, scale="minmax")
    assert scaled["mean"] == pytest.approx(again.mean, abs=1e-12)
    for bad, message in (
        (("--x", "a,z", "--y", "e"), "column 'z' does not exist"),
        (("--x", "a,a", "--y", "e"), "--x a,a names a column twice"),
        (("--x", "", "--y", "e"), "--x names no column"),
    ):
        result = run(*bad)
        assert result.exit_code == 1
        assert message in result.stderr
        assert result.stderr.count("\n") == 1
    assert run("--x", "a", "--y", "b", "--projections", 0).exit_code == 2
    assert run("--x", "a").exit_code == 2


@pytest.mark.usefixtures("operators")
def test_model_of_the_paper(tmp_path):
    """Slightly negative bounds stay as they are, or the mean would be biased."""
    pytest.importorskip("onnx")
    import fake_perceiver as fake

    paper = infonet.Estimator(fake.write(tmp_path / "paper.onnx"), threads=2)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 200, 3))
    theta, phi = directions(12, 3, 3)
    expected = [fake.by_hand(x @ t, y @ p)[0] for t, p in zip(theta, phi, strict=True)]
    found = paper.sliced(x, y, projections=12)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.values.min() < 0
    assert found.mean == pytest.approx(np.mean(expected), abs=1e-5)
