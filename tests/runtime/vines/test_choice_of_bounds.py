"""Which bound is given: neighbours where they are evidently larger, Gaussian columns where all are,
and an honest test where there are few samples for the columns."""

from __future__ import annotations

import numpy as np
import pytest


def determinants(covariance, dx):
    parts = covariance[:dx, :dx], covariance[dx:, dx:]
    return (sum(np.linalg.slogdet(p)[1] for p in parts) - np.linalg.slogdet(covariance)[1]) / 2


def wishart(dx, dy, n, seed):
    """Gaussian columns of a random covariance, strongly correlated; and the truth."""
    rng = np.random.default_rng([seed, n])
    factors = rng.normal(size=(dx + dy, dx + dy + 1))
    covariance = factors @ factors.T
    sample = rng.multivariate_normal(np.zeros(dx + dy), covariance, n)
    return sample[:, :dx], sample[:, dx:], determinants(covariance, dx)


@pytest.mark.parametrize(("dx", "dy", "most"), [(4, 4, 0.13), (5, 1, 0.07), (2, 2, 0.08)])
def test_strongly_correlated_gaussian_columns(estimator, dx, dy, most):
    errors, held = [], []
    for seed in range(16):
        x, y, truth = wishart(dx, dy, 300, seed)
        found = estimator.estimate(x, y)
        errors.append(found.mi - truth)
        held.append(found.interval[0] <= truth <= found.interval[1])
    assert abs(np.mean(errors)) < 0.05
    assert np.sqrt(np.mean(np.square(errors))) < most
    assert sum(held) >= 11


def test_columns_that_are_not_jointly_normal_are_not_taken_for_gaussian(estimator):
    """Nearly collinear normal columns, of which y follows the size of the difference."""
    rng = np.random.default_rng(0)
    a, w, noise = rng.normal(size=(3, 3000))
    y = np.sign(rng.normal(size=3000)) * np.abs(w) + 0.1 * noise
    found = estimator.estimate(np.c_[a, a + 0.05 * w], y)
    assert found.method != "gaussian"
    assert found.mi > 0.5


@pytest.mark.parametrize(("rho", "n"), [(0.2, 2000), (0.8, 1000), (0.0, 300)])
def test_neighbours_are_not_taken_where_the_vine_is_right(estimator, rho, n):
    truth, errors, methods = -0.5 * np.log(1 - rho**2), [], []
    for seed in range(20):
        x, y = np.random.default_rng([seed, n]).normal(size=(2, n, 2))
        found = estimator.estimate(x, rho * x[:, 0] + np.sqrt(1 - rho**2) * y[:, 0])
        errors.append(found.mi - truth)
        methods.append(found.method)
    assert methods.count("neighbours") <= 1
    assert abs(np.mean(errors)) < 0.01


def test_neighbours_are_taken_where_the_vine_misses_much(estimator):
    """The sign of a product, which every other column hides."""
    rng = np.random.default_rng(0)
    x, z, noise = rng.normal(size=(3, 600))
    found = estimator.estimate(np.c_[x, z], np.sign(x * z) + 0.3 * noise)
    assert found.mi > 0.5
    assert found.p_value < 0.01


@pytest.mark.parametrize(("d", "n"), [(5, 30), (8, 40), (15, 30)])
def test_independent_columns_that_are_many_for_the_samples(estimator, d, n):
    draws = 20 if d < 15 else 8
    found = []
    for seed in range(draws):
        x, y = np.random.default_rng([seed, d]).normal(size=(2, n, d))
        found.append(estimator.estimate(x, y))
    assert sum(e.p_value <= 0.05 for e in found) <= 4
    if n < 8 * d:
        assert {e.interval[0] for e in found} == {0.0}
        assert all(any("fewer than four samples" in note for note in e.notes) for e in found)


def test_dependent_columns_that_are_many_for_the_samples(estimator):
    x, noise = np.random.default_rng(0).normal(size=(2, 40, 8))
    assert estimator.estimate(x, x + 0.5 * noise).p_value < 1e-4
    assert estimator.estimate(x, x[:, 0] ** 2 + 0.2 * noise[:, 0]).p_value < 0.05


def test_few_samples_for_many_columns_are_remarked_on(estimator):
    samples = np.random.default_rng(0).normal(size=(100, 12))
    found = estimator.estimate(samples[:, :6], samples[:, 6:])
    assert any("few samples" in note for note in found.notes)
    assert found.mi < 0.3
