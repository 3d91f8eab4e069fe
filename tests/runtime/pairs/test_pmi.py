"""Tables of pointwise mutual information: against closed forms, and their margins."""

from __future__ import annotations

import pickle
from dataclasses import replace

import infonet
import numpy as np
import pytest
from infonet.pairs.engine import ONE_PAIR
from infonet.pairs.pmi import Marginal, balanced, marginal
from scipy.stats import norm, rankdata

SIZE = 64


def gaussian_table(rho):
    """log p(x, y) / (p(x) p(y)) at the middle of each cell of ranks, in closed form."""
    z = norm.ppf((np.arange(SIZE) + 0.5) / SIZE)
    x, y = np.meshgrid(z, z, indexing="ij")
    rest = 1 - rho**2
    return -0.5 * np.log(rest) - (rho**2 * (x * x + y * y) - 2 * rho * x * y) / (2 * rest)


def at_samples(table, x, y):
    """Mean of the table at the cells that hold the samples."""
    cells = [((rankdata(v) - 0.5) / len(v) * SIZE).astype(int) for v in (x, y)]
    return float(table[tuple(cells)].mean())


def margins(table):
    ratio = np.exp(table.astype(np.float64))
    return np.concatenate([ratio.mean(0), ratio.mean(1)])


@pytest.mark.parametrize("n", [300, 5000])
def test_gaussian_variables_against_the_closed_form(estimator, gaussian, n):
    found = estimator.estimate(*gaussian(0.8, n))
    truth = gaussian_table(0.8)
    seen = truth > -1  # where there are samples
    error = found.table[seen] - truth[seen]
    assert abs(error.mean()) < 0.05
    assert np.sqrt((error**2).mean()) < 0.15
    assert at_samples(found.table, *gaussian(0.8, n)) == pytest.approx(found.mi, abs=0.02)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("n", [20, 300, 5000])
def test_margins_and_total(estimator, gaussian, rho, n):
    table = estimator.estimate(*gaussian(rho, n)).table
    assert table.dtype == np.float32
    assert np.exp(table.astype(np.float64)).mean() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(margins(table), 1, atol=1e-3 if rho <= 0.9 else 5e-3)


def test_independent_variables(estimator):
    x, y = np.random.default_rng(1).normal(size=(2, 300))
    table = estimator.estimate(x, y).table
    assert abs(table.mean()) < 0.05
    assert np.abs(table).mean() < 0.15


def kinds(n):
    rng = np.random.default_rng(n)
    noise, z = rng.normal(size=(2, n))
    group, rare, code = rng.integers(0, 3, n), rng.random(n) < 0.05, rng.integers(0, 4, n)
    count = rng.poisson(3, n)
    return {
        "groups and a number": (group, noise + 2 * group),
        "a rare label": (rare, noise + 2 * rare),
        "two codes": (code, (code + rng.integers(0, 2, n)) % 4),
        "two flags": (z > 0, (z > 0) ^ (rng.random(n) < 0.2)),
        "zero-inflated": (np.maximum(z, 0), z + noise),
        "rounded": (np.round(2 * z), z + noise),
        "counts": (count, rng.poisson(count + 1)),
    }


@pytest.mark.parametrize("n", [342, 5000])
@pytest.mark.parametrize("kind", kinds(20))
def test_ties(estimator, kind, n):
    """The table belongs to the answer, also where that was counted."""
    x, y = (values.astype(float) for values in kinds(n)[kind])
    found = estimator.estimate(x, y)
    assert at_samples(found.table, x, y) == pytest.approx(found.mi, abs=0.05, rel=0.1)
    assert np.exp(found.table.astype(np.float64)).mean() == pytest.approx(1, abs=0.01)
    assert np.abs(margins(found.table) - 1).max() < 0.15  # levels own whole cells there
    assert estimator.estimate(y, x).table.tobytes() == found.table.T.tobytes()


def test_a_level_fills_the_ranks_that_it_owns(estimator):
    """Two fair coins that agree in four of five: the table is known, log 1.6 and log 0.4."""
    rng = np.random.default_rng(0)
    x = np.repeat([0.0, 1.0], 2000)
    y = np.where(rng.permutation(4000) < 800, 1 - x, x)
    low, high = slice(0, 32), slice(32, 64)
    table = estimator.estimate(x, y).table
    for rows in (low, high):
        for columns in (low, high):
            block = table[rows, columns]
            expected = np.log(1.6 if rows == columns else 0.4)
            assert block.mean() == pytest.approx(expected, abs=0.12)
            assert block.std() < 0.1


def test_what_is_known_up_to_two_functions_is_found():
    """A table with random f(x) + g(y) added is the closed form again (within its cells' error)."""
    rng = np.random.default_rng(0)
    truth = gaussian_table(0.6)
    shifted = truth + rng.normal(size=(SIZE, 1)) + rng.normal(size=(1, SIZE)) - 40
    found = balanced(shifted)
    inner = slice(4, -4)  # the middle of the outermost cells does not stand for them
    np.testing.assert_allclose(found[inner, inner], truth[inner, inner], atol=0.02)


def test_weights_are_those_of_the_samples():
    """Two levels of 1/4 and 3/4: the mean by these weights is 1, which that over cells is not."""
    rng = np.random.default_rng(0)
    x = marginal(np.repeat([7.0, 39.0], [25, 75]), SIZE)
    assert x.weights[7] == 0.25
    assert x.weights[39] == 0.75
    np.testing.assert_array_equal(x.source, [7.0] * 16 + [39.0] * 48)
    table = rng.normal(size=(SIZE, SIZE))
    found = np.exp(balanced(table, x).astype(np.float64))
    np.testing.assert_allclose(x.weights @ found, 1, atol=1e-3)
    np.testing.assert_allclose(found.mean(axis=1), 1, atol=1e-3)
    assert (found[:16] == found[7]).all()
    assert (found[16:] == found[39]).all()


def test_levels_between_cells_and_rare_ones():
    """Nine in ten at 27.7, one in a thousand in the last cell, the others one a cell."""
    places = np.concatenate([np.repeat(27.7, 900), np.linspace(57.5, 61.5, 99), [63.0]])
    source = marginal(places, SIZE).source
    assert (source[:57] == 27.7).all()
    np.testing.assert_array_equal(source[58:], [58, 59, 60, 61, 62, 63])


def test_places_between_cells_are_shared():
    found = marginal(np.array([0.25, 2.0, -1.0, 9.0]), 4)
    np.testing.assert_allclose(found.weights, [0.4375, 0.0625, 0.25, 0.25])


@pytest.mark.parametrize("kind", ["plain", "wide", "flat"])
def test_swapped_variables_transpose_the_answer(kind):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(SIZE, SIZE)) * {"plain": 1, "wide": 500, "flat": 0}[kind]
    x, y = (marginal(rng.integers(0, SIZE, k) * 1.0, SIZE) for k in (5, 40))
    for first, second in ((None, None), (x, None), (x, y)):
        found = balanced(table, first, second)
        assert np.isfinite(found).all()
        assert balanced(np.ascontiguousarray(table.T), second, first).tobytes() == (
            np.ascontiguousarray(found.T).tobytes()
        )
        assert balanced(table, first, second).tobytes() == found.tobytes()


def test_a_marginal_without_ties_changes_nothing():
    table = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    cells = Marginal(np.full(SIZE, 1 / SIZE), np.arange(SIZE) * 1.0)
    assert balanced(table, cells, cells).tobytes() == balanced(table).tobytes()


def test_constant_variables_have_a_table_of_zeros(estimator):
    with pytest.warns(infonet.InfoNetWarning):
        found = estimator.estimate(np.ones(50), np.arange(50.0))
    assert (found.table == 0).all()


def test_a_table_is_balanced_when_it_is_looked_at(estimator, gaussian, monkeypatch):
    """Once, with the bytes of other routes, also after copies."""
    calls = []

    def counted(table):
        calls.append(table)
        return balanced(table)

    monkeypatch.setattr("infonet.pairs.single.balanced", counted)
    x, y = gaussian(0.7, 400)
    found = estimator.estimate(x, y)
    assert found.mi > 0
    assert "table" not in repr(found)
    assert not calls
    monkeypatch.undo()
    engine = estimator.engine
    expected = engine.estimate(engine.prepare((x, y)), ONE_PAIR, table=True).table[0]
    later = estimator.estimate(x, y)
    for copied in (found, found, pickle.loads(pickle.dumps(later)), replace(later, n=3)):
        assert copied.table.dtype == np.float32
        assert copied.table.tobytes() == expected.tobytes()
    assert len(calls) == 1
