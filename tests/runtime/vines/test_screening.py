"""Counts in grids as a first look at dependence: their level, what they see, when they decide."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.vines import screening
from infonet.vines.copula import PairCopulas, rank
from infonet.vines.screening import FEWEST, cells_p_value
from scipy.stats import chi2


def independent(n, seed):
    rng = np.random.default_rng(seed)
    return rank(rng.normal(size=(2, n)))


@pytest.mark.parametrize("n", [FEWEST, 500, 2000])
def test_independent_columns_are_rejected_as_often_as_the_level_says(n):
    p = np.array([cells_p_value(*independent(n, seed)) for seed in range(600)])
    for level in (0.05, 0.3, 0.5):
        error = np.sqrt(level * (1 - level) / p.size)
        assert np.mean(p <= level) == pytest.approx(level, abs=0.03 + 3 * error)


@pytest.mark.parametrize("freedom", [9, 49, 93, 225])
def test_the_tail_is_that_of_chi_squared(freedom):
    for p in (0.9, 0.3, 0.05, 0.001):
        value = chi2.isf(p, freedom)
        assert np.exp(screening._log_tail(value, freedom)) == pytest.approx(p, rel=0.05, abs=1e-4)


CURVES = {
    "line": lambda t, e: (t, t + 3 * e),
    "ring": lambda t, e: (np.cos(2 * t) + 0.2 * e, np.sin(2 * t) + 0.2 * np.roll(e, 1)),
    "fast wave": lambda t, e: (t, np.sin(12 * t) + 0.5 * e),
    "spread": lambda t, e: (t, np.exp(t / 2) * e),
}


@pytest.mark.parametrize("curve", CURVES)
def test_dependence_of_many_kinds_is_seen(curve):
    t, e = np.random.default_rng(0).normal(size=(2, 1000))
    x, y = CURVES[curve](t, e)
    assert cells_p_value(*rank([x, y])) < 0.001
    assert cells_p_value(*rank([y, x])) < 0.001


def test_the_network_decides_where_counts_do_not(estimator, monkeypatch):
    copulas = PairCopulas(estimator.engine)
    u, v = independent(1000, 3)
    dependent = rank([np.asarray(u), np.asarray(u) ** 2 + np.asarray(v)])
    asked = []
    run = estimator.engine.run

    def counted(*arguments, **options):
        asked.append(True)
        return run(*arguments, **options)

    monkeypatch.setattr(estimator.engine, "run", counted)
    assert cells_p_value(u, v) > 0.3
    assert copulas.p_value(u, v) == cells_p_value(u, v)
    assert not asked
    assert copulas.p_value(*dependent) < 1e-6
    assert len(asked) == 1
    few = independent(FEWEST - 1, 0)
    assert 0 < copulas.p_value(*few) <= 1
    assert len(asked) == 2
