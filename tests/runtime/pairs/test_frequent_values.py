"""Numbers many of whose values are one: zeros and means in place of what is missing, beside labels
and categories. The truth is that of a Gaussian copula, by the chain rule."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

GRID = (np.arange(20_000) + 0.5) / 20_000


def _pair(r, n, rho):
    x, noise = r.normal(size=(2, n))
    return x, rho * x + np.sqrt(1 - rho**2) * noise


def _truth(edges, rho, zeros):
    """Nats of levels of x, between quantiles, and of y, that is 0 up to a quantile."""
    places = (norm.ppf(edges)[:, None] - rho * norm.ppf(GRID)) / np.sqrt(1 - rho**2)
    level = np.diff(norm.cdf(places), axis=0)
    share = level.mean(axis=1, keepdims=True)
    low = zeros > GRID
    told = np.where(level > 0, level * np.log(np.maximum(level, 1e-300) / share), 0).sum(axis=0)
    found = told[~low].sum() / GRID.size
    if low.any():
        both = level[:, low].mean(axis=1)
        found += zeros * (both @ np.log(both / share[:, 0]))
    return float(found)


def _measured(estimator, draw, truth, draws=15):
    """Bias, and in how many draws the interval holds the truth."""
    errors, held = [], 0
    for seed in range(draws):
        found = estimator.estimate(*draw(np.random.default_rng([seed, 11])))
        errors.append(found.mi - truth)
        held += found.interval[0] <= truth <= found.interval[1]
    return np.mean(errors), held / draws


@pytest.mark.parametrize("kind", ["name", "code"])
@pytest.mark.parametrize(
    ("n", "categories", "share"),
    [(1000, 300, 0.2), (1000, 300, 0.5), (3000, 1000, 0.5), (3000, 300, 0.7), (300, 30, 0.5)],
)
def test_categories_and_a_number_that_is_imputed_by_its_mean(estimator, n, categories, share, kind):
    """Whole-number codes of few rows are told from numbers by five of them and more."""
    if kind == "code" and n < 5 * categories:
        pytest.skip("codes of so few rows cannot be told from numbers")
    truth = (1 - share) * _truth(np.linspace(0, 1, categories + 1), 0.9, 0.0)

    def draw(r):
        x, y = _pair(r, n, 0.9)
        code = r.permutation(categories)[(norm.cdf(x) * categories).astype(int)]
        column = np.char.add("c", code.astype(str)) if kind == "name" else code
        return column, np.where(r.random(n) < share, y.mean(), y)

    bias, held = _measured(estimator, draw, truth)
    assert abs(bias) < 0.12 * truth
    assert held >= 0.8


@pytest.mark.parametrize("categories", [30, 300])
@pytest.mark.parametrize("rho", [0.6, 0.9])
def test_categories_and_amounts_that_are_often_zero(estimator, categories, rho):
    truth = _truth(np.linspace(0, 1, categories + 1), rho, 0.55)

    def draw(r):
        x, y = _pair(r, 1000, rho)
        code = (norm.cdf(x) * categories).astype(int)
        return np.char.add("c", code.astype(str)), np.where(y > norm.ppf(0.55), np.exp(y), 0)

    bias, held = _measured(estimator, draw, truth)
    assert abs(bias) < 0.1 * truth
    assert held >= 0.85


@pytest.mark.parametrize("n", [1000, 3000])
@pytest.mark.parametrize("share", [0.2, 0.5])
def test_categories_tell_nothing_of_independent_numbers_with_zeros(estimator, n, share):
    rejected = held = 0
    for seed in range(20):
        r = np.random.default_rng([seed, n])
        amount = np.where(r.random(n) < share, 0, r.normal(size=n))
        found = estimator.estimate(np.char.add("c", r.integers(0, 300, n).astype(str)), amount)
        held += found.interval[0] < 0.005
        assert found.mi < 0.07
        rejected += found.p_value < 0.05
    assert held >= 17
    assert rejected <= 4


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize(
    ("zeros", "rho"), [(0.5, 0.3), (0.7, 0.3), (0.85, 0.6), (0.93, 0.9), (0.97, 0.9)]
)
@pytest.mark.parametrize(
    "edges", [(0, 0.1, 0.25, 0.5, 0.8, 1), (0, 0.5, 1)], ids=["rating", "binary"]
)
def test_labels_and_amounts_that_are_mostly_zero(estimator, n, zeros, rho, edges):
    truth = _truth(np.array(edges), rho, zeros)

    def draw(r):
        x, y = _pair(r, n, rho)
        rating = np.searchsorted(norm.ppf(edges[1:-1]), x)
        return rating, np.where(y > norm.ppf(zeros), np.exp(y), 0)

    bias, held = _measured(estimator, draw, truth, draws=25)
    assert abs(bias) < 0.012
    assert held >= 0.8


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("zeros", [0.5, 0.85, 0.97])
def test_labels_tell_nothing_of_independent_amounts(estimator, n, zeros):
    rejected = 0
    for seed in range(20):
        r = np.random.default_rng([seed, n, 2])
        amount = np.where(r.random(n) < zeros, 0, r.normal(size=n))
        found = estimator.estimate(r.integers(1, 6, n), amount)
        assert found.interval[0] < 0.01
        assert found.mi < 0.06
        rejected += found.p_value < 0.05
    assert rejected <= 4
