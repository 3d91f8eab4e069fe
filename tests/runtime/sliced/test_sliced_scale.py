"""Sliced mutual information of large variables: read in blocks, whatever layout and blocks."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from itertools import pairwise

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.sliced import samples, variables
from infonet.sliced.variables import project

N = 151


def linear_gaussian(n, dx, dy, seed=0):
    """x ~ N(0, I), y = x A + noise: (x, y, A)."""
    rng = np.random.default_rng(seed)
    x, noise = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    mix = rng.standard_normal((dx, dy)) / np.sqrt(dx)
    return x, x @ mix + 0.3 * noise, mix


def drawn(count, dx, dy, seed=0):
    both = np.random.default_rng(seed).standard_normal((count, dx + dy))
    return both[:, :dx], both[:, dx:]


@pytest.mark.parametrize(("dx", "dy"), [(1, 12), (12, 1), (2, 3), (9, 17)])
def test_gaussian_truth(estimator, dx, dy):
    """The projected pair is Gaussian: mutual information -log(1 - rho^2) / 2, each and on average.

    The truth is that of the same directions, so what remains is the error of each estimate.
    """
    x, y, mix = linear_gaussian(3000, dx, dy)
    theta, phi = drawn(64, dx, dy, seed=5)
    theta, phi = (np.ones_like(d) if d.shape[1] == 1 else d for d in (theta, phi))
    covariance = np.einsum("pi,ij,pj->p", theta, mix, phi)
    variance = np.einsum("pi,ij,pj->p", phi, mix.T @ mix + 0.09 * np.eye(dy), phi)
    truth = -0.5 * np.log1p(-(covariance**2) / ((theta**2).sum(axis=1) * variance))
    found = estimator.sliced(x.astype(np.float32), y, projections=64, seed=5)
    assert truth.mean() > 0.02
    assert found.mean == pytest.approx(truth.mean(), abs=0.01)
    np.testing.assert_allclose(found.values, truth, atol=0.06)
    assert np.corrcoef(found.values, truth)[0, 1] > 0.95


def test_more_dimensions_than_samples(estimator):
    x, y = np.random.default_rng(1).standard_normal((2, 20, 4096))
    y[:, :2048] = x[:, :2048]
    theta, phi = drawn(5, 4096, 4096)
    by_hand = np.stack([theta @ x.T, phi @ y.T], axis=2)
    expected = estimator.mi(by_hand)
    found = estimator.sliced(x, np.asfortranarray(y), projections=5)
    np.testing.assert_allclose(found.values, expected, atol=1e-6)


@pytest.mark.parametrize("scale", [None, "minmax"])
@pytest.mark.parametrize("nan", ["raise", "omit"])
@pytest.mark.parametrize("shape", [(151, 4200), (9000, 70)])
def test_layouts_memory_and_threads_do_not_matter(estimator, shape, scale, nan):
    """Layouts are read in blocks of other shapes: some have to, of so many values."""
    n, d = shape
    x, y, _ = linear_gaussian(n, d, 9)
    if nan == "omit":
        x[3, 4] = y[77, 0] = np.nan
    options = {"projections": 12, "scale": scale, "nan": nan, "permutations": 2, "seed": 2}
    expected = estimator.sliced(x, y, **options)
    other = infonet.Estimator(threads=3)
    layouts = [(x, 1), (np.asfortranarray(x), "64MB"), (pd.DataFrame(x), "1MB")]
    if d < 100:
        layouts += [(x, "64MB"), (np.asfortranarray(x), 1), (dict(enumerate(x.T)), "64MB")]
    for layout, memory in layouts:
        found = other.sliced(layout, y, memory=memory, **options)
        assert found.values.tobytes() == expected.values.tobytes()
        assert found.p_value == expected.p_value
        assert found.directions[0].tobytes() == expected.directions[0].tobytes()


SCALED = {
    "as they are": lambda a: a,
    "time stamps": lambda a: (2**60 + 8 * a).astype(np.int64),
    "far from zero": lambda a: a - 1e9,
    "unsigned, end to end": lambda a: np.where(a > 1000, np.uint64(2**64 - 1), a.astype(np.uint64)),
    "float16": lambda a: (a // 2).astype(np.float16),
    "large": lambda a: a * 2.0**900,
    "long double": lambda a: a.astype(np.longdouble) * np.longdouble(2) ** 2000,
    "bool": lambda a: a > 300,
    "big-endian": lambda a: (a + 2**28).astype(">i8"),
    "mixed": lambda a: {"a": a[:, 0].astype(np.int64) + 2**60, "b": a[:, 1] / 8, "c": a[:, 2] > 9},
}


def exact(value):
    """A number without rounding."""
    if isinstance(value, np.floating):
        return Fraction(*value.as_integer_ratio())
    return Fraction(int(value))


@pytest.mark.parametrize("keep", [None, np.arange(1, 40)])
@pytest.mark.parametrize("minmax", [False, True])
@pytest.mark.parametrize("kind", SCALED)
def test_blocks_are_the_samples_but_for_scale_and_constants(kind, minmax, keep):
    whole = np.random.default_rng(0).integers(0, 600, (40, 3)).astype(float)
    whole[5, 1] = 1200
    values = SCALED[kind](whole)
    arrays = [a[:, None] for a in values.values()] if isinstance(values, dict) else [values]
    limits = [variables.ranges(array, keep, 1, False) for array in arrays]
    found = samples.prepare(arrays, limits, keep, minmax)
    block = found.read((0, found.n), (0, 3))
    columns = [
        [exact(v) for v in a[slice(None) if keep is None else keep, j]]
        for a in arrays
        for j in range(a.shape[1])
    ]
    if minmax:
        scaled = [[float((v - min(c)) / (max(c) - min(c))) for v in c] for c in columns]
        np.testing.assert_allclose(block.T, scaled, rtol=1e-12, atol=1e-15)
        return
    # Steps from row to row know no constants; one unit serves all dimensions.
    steps = [[b - a for a, b in pairwise(column)] for column in columns]
    unit = max(map(abs, steps[0])) / Fraction(np.abs(np.diff(block[:, 0])).max())
    in_units = np.array([[float(step / unit) for step in column] for column in steps])
    np.testing.assert_allclose(np.diff(block.T), in_units, rtol=1e-12)


def test_order_of_rows_does_not_matter(estimator):
    x, y, _ = linear_gaussian(N, 6, 3)
    expected = estimator.sliced(x, y, projections=16, scale="minmax")
    order = np.random.default_rng(1).permutation(N)
    found = estimator.sliced(x[order], y[order], projections=16, scale="minmax")
    np.testing.assert_allclose(found.values, expected.values, atol=1e-6)


def save(path, array):
    np.save(path, array)
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int64])
def test_mapped_files(estimator, tmp_path, order, dtype):
    x, y, _ = linear_gaussian(N, 5, 4)
    x, y = (np.asarray(100 * a, dtype, order=order) for a in (x, y))
    expected = estimator.sliced(x, y, projections=20)
    mapped = save(tmp_path / "x.npy", x), save(tmp_path / "y.npy", y)
    found = estimator.sliced(*mapped, projections=20)
    assert found.values.tobytes() == expected.values.tobytes()
    strided = estimator.sliced(mapped[0][::2], mapped[1][::2, ::-1], projections=3)
    again = estimator.sliced(x[::2].copy(), y[::2, ::-1].copy(), projections=3)
    assert strided.values.tobytes() == again.values.tobytes()


@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_is_bounded(estimator, tmp_path, order):
    """Neither a copy of the samples (128 MB as float64) nor all projections (128 MB)."""
    rng = np.random.default_rng(0)
    x, y = (np.asarray(rng.random((40_000, 200)), np.float32, order=order) for _ in range(2))
    x, y = save(tmp_path / "x.npy", x), save(tmp_path / "y.npy", y)
    x, y = x.view(), y.view()
    estimator.sliced(x[:1000], y[:1000], projections=1)
    tracemalloc.start()
    try:
        estimator.sliced(x, y, projections=60, memory="16MiB")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 45e6


def test_files_that_are_not_finite(estimator, tmp_path):
    x, y, _ = linear_gaussian(N, 5, 4)
    x[100, 3], x[120, 3] = np.nan, -np.inf
    mapped = save(tmp_path / "x.npy", x.astype(np.float16))
    with pytest.raises(infonet.InputError, match=r"x\[:, 3\] has 1 NaN and 1 infinite values"):
        estimator.sliced(mapped, y)
    found = estimator.sliced(mapped, y, projections=4, nan="omit")
    keep = np.isfinite(x).all(axis=1)
    expected = estimator.sliced(mapped[keep], y[keep], projections=4)
    assert (found.n, found.values.tobytes()) == (N - 2, expected.values.tobytes())


def test_duplicates_stay_ties(estimator):
    """Samples of 30 levels in 300 dimensions have as many values along any direction."""
    rng = np.random.default_rng(0)
    levels = rng.random((30, 300))
    x = levels[rng.integers(30, size=500)]
    found = samples.prepare([x], [variables.ranges(x, None, 1, False)], None, False)
    for row in project(found, rng.standard_normal((20, 300)), 1):
        assert np.unique(row).size == 30
    assert estimator.sliced(x, x[:, ::-1], projections=10).max < np.log(30) + 0.1
