"""p-values of tied pairs: they hold their level, and see what classical tests see."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats


def _sparse(share):
    return lambda r, n: r.permutation(np.arange(n) < max(2, r.binomial(n, share))).astype(int)


def _rain(share):
    return lambda r, n: np.where(_sparse(share)(r, n), r.gamma(1.5, size=n), 0.0)


def _names(levels):
    return lambda r, n: np.array([f"class {k}" for k in r.integers(levels, size=n)])


def _poisson(mean):
    return lambda r, n: r.poisson(mean, n)


def _rating(r, n):
    return r.choice(5, n, p=[0.05, 0.1, 0.2, 0.3, 0.35])


def _number(r, n):
    return r.normal(size=n)


def _rounded(r, n):
    return np.round(2 * r.normal(size=n), 1)


INDEPENDENT = {
    "sparse and sparse": (_sparse(0.03), _sparse(0.03), 300),
    "rare label and number": (_sparse(0.012), _number, 400),
    "counts": (_poisson(0.15), _poisson(2.5), 250),
    "rain and rain": (_rain(0.12), _rain(0.3), 300),
    "rain and rounded": (_rain(0.15), _rounded, 300),
    "ratings and number": (_rating, _number, 200),
    "classes and number": (_names(7), _number, 200),
    "classes and rain": (_names(12), _rain(0.1), 420),
    "classes and ratings": (_names(20), _rating, 420),
    "classes and classes": (_names(25), _names(25), 450),
}


@pytest.mark.parametrize("kind", INDEPENDENT)
def test_rejections_under_independence(estimator, kind):
    """300 pairs at 0.05: a band of 1.5 to 9 %, and no p-value that 300 pairs cannot have."""
    first, second, n = INDEPENDENT[kind]
    r = np.random.default_rng(n + len(kind))
    rows = {f"x{k}": first(r, n) for k in range(20)}
    columns = {f"y{k}": second(r, n) for k in range(15)}
    p = estimator.pairwise(rows | columns, list(rows), targets=list(columns)).p_value
    assert p.shape == (20, 15)
    assert 0.015 <= np.mean(p < 0.05) <= 0.09
    assert p.min() > 1e-6
    # neither are those of the upper half all 1
    assert 0.35 <= np.mean(p < 0.5) <= 0.65


@pytest.mark.parametrize("n", [361, 898, 1200])
@pytest.mark.parametrize("share", [0.02, 0.1])
def test_draws_of_one_size_do_not_share_their_luck(estimator, n, share):
    """The order of ties is another one for every column: with one order for all data sets of a
    size nearly every pair, or none, would have a small p-value."""
    p = []
    for seed in range(60):
        r = np.random.default_rng([seed, n, 7])
        p.append(estimator.estimate(_rain(share)(r, n), _rain(share)(r, n)).p_value)
    assert np.mean(np.array(p) < 0.05) <= 0.15
    assert stats.kstest(p, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("n", [361, 900])
def test_a_table_of_independent_sparse_columns(estimator, n):
    r = np.random.default_rng(n)
    columns = [_sparse(0.025)(r, n) for _ in range(12)] + [_rain(0.08)(r, n) for _ in range(12)]
    result = estimator.pairwise(np.stack(columns, axis=1), progress=False)
    upper = np.triu_indices(24, 1)
    assert result.adjusted("fdr_bh")[upper].min() > 0.05
    assert 0.015 < np.mean(result.p_value[upper] < 0.05) < 0.1


def _median_distance(estimator, draw, classical):
    """Median over five draws of log10 p less that of a classical test."""
    away = []
    for seed in range(5):
        x, y = draw(np.random.default_rng(seed))
        away.append(np.log10(estimator.estimate(x, y).p_value) - np.log10(classical(x, y)))
    return np.median(away)


@pytest.mark.parametrize(
    ("n", "rare", "shift"), [(6000, 60, 1.1), (900, 12, 2.0), (12_000, 40, -2)]
)
def test_power_at_a_rare_label(estimator, n, rare, shift):
    def draw(r):
        label = (np.arange(n) < rare).astype(int)
        return r.normal(size=n) + shift * label, label

    def rank_sum(x, y):
        return stats.mannwhitneyu(x[y == 1], x[y == 0]).pvalue

    assert rank_sum(*draw(np.random.default_rng(0))) < 1e-5
    assert abs(_median_distance(estimator, draw, rank_sum)) < 2
    assert (
        abs(_median_distance(estimator, lambda r: draw(r)[::-1], lambda y, x: rank_sum(x, y))) < 2
    )


@pytest.mark.parametrize(("n", "share"), [(700, 0.05), (3000, 0.01)])
def test_power_of_two_by_two(estimator, n, share):
    def draw(r):
        x = (r.random(n) < share).astype(int)
        return x, np.where(r.random(n) < 0.5, x, r.random(n) < share).astype(int)

    def fisher(x, y):
        return stats.fisher_exact(np.histogram2d(x, y, 2)[0].astype(int))[1]

    assert fisher(*draw(np.random.default_rng(0))) < 1e-6
    assert abs(_median_distance(estimator, draw, fisher)) < 2


def test_power_of_ratings_whose_order_does_not_matter(estimator):
    def draw(r):
        x = r.integers(5, size=1500)
        y = np.where(r.random(1500) < 0.15, np.array([2, 4, 0, 1, 3])[x], r.integers(5, size=1500))
        return x, y

    def chi_squared(x, y):
        return stats.chi2_contingency(np.histogram2d(x, y, 5)[0]).pvalue

    assert chi_squared(*draw(np.random.default_rng(0))) < 1e-5
    assert abs(_median_distance(estimator, draw, chi_squared)) < 2

    def named(r):
        x, y = draw(r)
        return np.array(list("dabec"))[x], y

    def of_names(x, y):
        return chi_squared(np.unique(x, return_inverse=True)[1], y)

    assert abs(_median_distance(estimator, named, of_names)) < 2


@pytest.mark.parametrize("levels", [4, 30])
def test_power_of_classes_and_a_number(estimator, levels):
    def draw(r):
        g = r.integers(levels, size=900)
        mean = 0.4 * np.random.default_rng(levels).normal(size=levels)
        return np.array([f"g{k}" for k in r.permutation(levels)])[g], r.normal(size=900) + mean[g]

    def kruskal(names, y):
        return stats.kruskal(*(y[names == name] for name in np.unique(names))).pvalue

    assert kruskal(*draw(np.random.default_rng(0))) < 1e-5
    assert abs(_median_distance(estimator, draw, kruskal)) < 2


def test_permutations_of_what_is_certain(estimator):
    r = np.random.default_rng(1)
    label = (np.arange(2500) < 40).astype(int)
    number = r.normal(size=2500) + 1.5 * label
    rating = r.integers(4, size=300)
    near = np.where(r.random(300) < 0.4, rating, r.integers(4, size=300))
    names = np.array(list("dcab"))[rating]
    for x, y in (
        (label, number),
        (rating, near),
        (names, near),
        (names, near + r.normal(size=300)),
    ):
        assert estimator.estimate(x, y).p_value < 1e-4
        assert estimator.estimate(x, y, permutations=99).p_value == 0.01
        assert estimator.estimate(x, r.permutation(y), permutations=19).p_value > 0.05
