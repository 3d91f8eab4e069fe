"""Dependence along functions of several columns, which a vine of the columns does not see."""

from __future__ import annotations

import infonet
import numpy as np
import pytest

N = 4000
TRUTH = -np.log(1 - 0.8**2)  # two pairs of correlation 0.8


def turned(sample, angle):
    """The first two columns turned by an angle for each sample."""
    a, b = sample[:, 0], sample[:, 1]
    first, second = np.cos(angle) * a - np.sin(angle) * b, np.sin(angle) * a + np.cos(angle) * b
    return np.column_stack([first, second, sample[:, 2:]])


def swirl(d=3, n=N, seed=0, correlation=0.8):
    """x and y with two correlated pairs, each turned by an angle that grows with the distance."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, n, d))
    y[:, :2] = correlation * x[:, :2] + np.sqrt(1 - correlation**2) * y[:, :2]
    of_x, of_y = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    return turned(x, 1.2 * of_x), turned(y, -of_y)


def by_functions(found):
    return any("functions of several columns" in note for note in found.notes)


@pytest.mark.parametrize("d", [3, 5])
def test_a_swirl_is_unrolled(estimator, d):
    found = estimator.estimate(*swirl(d))
    assert found.mi == pytest.approx(TRUTH, abs=0.08)
    assert by_functions(found)
    assert sum(term.mi for term in found.terms) < 0.9 * TRUTH  # what the vine alone finds


def test_a_weight_that_another_column_sets(estimator):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, N, 4))
    y[:, :2] = 0.8 * x[:, :2] + 0.6 * y[:, :2]
    found = estimator.estimate(turned(x, 2 * x[:, 3]), y)
    assert by_functions(found)
    assert found.mi == pytest.approx(TRUTH, abs=0.1)


def test_nothing_is_found_where_nothing_is(estimator):
    answers = [estimator.estimate(*swirl(seed=seed, correlation=0.0)) for seed in range(5)]
    assert {answer.method for answer in answers} <= {"vine", "gaussian"}
    assert np.mean([answer.mi for answer in answers]) < 0.01


def test_columns_that_show_all_need_no_functions(estimator):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, N, 3))
    y[:, :2] = 0.8 * x[:, :2] + 0.6 * y[:, :2]
    assert estimator.estimate(x, y).method == "gaussian"


def test_order_exchange_and_monotone_transforms_change_nothing(estimator):
    x, y = swirl(n=1000)
    found = estimator.estimate(x, y)
    assert by_functions(found)
    for a, b in ((x[:, ::-1], y), (x, y[:, [1, 2, 0]]), (y, x), (np.exp(x), y**3)):
        same = estimator.estimate(a, b)
        assert (same.mi, same.interval, same.method) == (found.mi, found.interval, found.method)
    threads = infonet.Estimator(threads=2).estimate(x, y)
    assert (threads.mi, threads.interval) == (found.mi, found.interval)


def test_more_samples_than_coefficients_need(estimator):
    found = estimator.estimate(*swirl(2, n=22_000))
    assert found.n == 22_000
    assert found.mi == pytest.approx(TRUTH, abs=0.05)
