"""What must not change an answer, for any data."""

from __future__ import annotations

import itertools
import warnings

import infonet
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def tables(draw, columns=4):
    """Tables [n, columns] of dependent columns: continuous, rounded, with gaps or infinities."""
    n = draw(st.integers(20, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    data = rng.standard_normal((n, 1)) + rng.standard_normal((n, columns)) * rng.random(columns)
    for j in range(columns):
        kind = draw(st.sampled_from(["plain", "rounded", "gaps", "constant", "heavy"]))
        if kind == "rounded":
            data[:, j] = np.round(data[:, j] * draw(st.integers(1, 4)))
        elif kind == "gaps":
            data[rng.random(n) < draw(st.floats(0, 0.7)), j] = draw(
                st.sampled_from([np.nan, np.inf, -np.inf])
            )
        elif kind == "constant":
            data[:, j] = 1.5
        elif kind == "heavy":
            data[:, j] = np.sinh(5 * data[:, j])
    return data


def pairwise(estimator, data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", infonet.InfoNetWarning)
        return estimator.pairwise(data, nan="omit", **options)


@few
@given(data=tables(), seed=st.integers(0, 1000))
def test_order_of_rows(estimator, data, seed):
    """Of ties that were put in random order, it is another order: those are left out here."""
    order = np.random.default_rng(seed).permutation(len(data))
    found, expected = pairwise(estimator, data[order]), pairwise(estimator, data)
    np.testing.assert_array_equal(found.n, expected.n)
    np.testing.assert_array_equal(found.tied, expected.tied)
    kept = 0
    for i, j in itertools.combinations(range(data.shape[1]), 2):
        one, again = expected[i, j], found[i, j]
        if expected.tied[i, j] and one.method not in ("counts", "constant"):
            continue
        kept += 1
        assert again.method == one.method
        assert again.mi == pytest.approx(one.mi, abs=1e-6, nan_ok=True)
        assert again.interval == pytest.approx(one.interval, abs=1e-6, nan_ok=True)
    event(f"{kept} pairs without random order")


@few
@given(
    data=tables(),
    steps=arrays(np.float64, 400, elements=st.floats(0.01, 10)),
    start=st.floats(-100, 100),
)
def test_increasing_transforms(estimator, data, steps, start):
    """Any strictly increasing function of the values: new heights for the sorted levels."""
    changed = data.copy()
    for j in range(data.shape[1]):
        present = np.isfinite(data[:, j])
        levels, place = np.unique(data[present, j], return_inverse=True)
        heights = start + np.cumsum(np.resize(steps, levels.size))
        changed[present, j] = heights[place]
    found, expected = pairwise(estimator, changed), pairwise(estimator, data)
    np.testing.assert_allclose(found.quantiles, expected.quantiles, atol=1e-6)
    np.testing.assert_array_equal(found.tied, expected.tied)


@few
@given(data=tables(7), tile=st.integers(1, 9), threads=st.integers(1, 4), targets=st.booleans())
def test_tiles_and_threads(estimator, data, tile, threads, targets):
    options = {"targets": [0, 2, 6]} if targets else {}
    expected = pairwise(estimator, data, **options)
    other = infonet.Estimator(threads=threads)
    for side in (tile, 1):
        found = pairwise(other, data, tile=side, **options)
        assert found.values.tobytes() == expected.values.tobytes()
        assert found.p_values.tobytes() == expected.p_values.tobytes()
        assert found.about.tobytes() == expected.about.tobytes()
        np.testing.assert_array_equal(found.n, expected.n)


@few
@given(data=tables())
def test_order_of_columns(estimator, data):
    found, expected = pairwise(estimator, data[:, ::-1]), pairwise(estimator, data)
    turned = found.quantiles[::-1, ::-1]
    np.testing.assert_allclose(turned, expected.quantiles, atol=1e-6)
