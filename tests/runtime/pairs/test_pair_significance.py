"""Tests of independence that see ties, against SciPy's and against all permutations."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.significance import (
    _chi_squared,
    _of_groups,
    combined,
    log_p_values,
    trace_variance,
    uses_network,
)
from scipy import stats


@pytest.fixture(scope="module")
def variables(estimator):
    """Make ranked variables of columns; categories are given as text."""

    def make(*columns, seed=0):
        nominal = np.array([column.dtype.kind == "U" for column in columns])
        codes = [
            np.unique(column, return_inverse=True)[1] if names else column
            for column, names in zip(columns, nominal, strict=True)
        ]
        engine = estimator.engine.with_seed(seed)
        ranked = engine.prepare(codes).with_nominal(nominal)
        return [engine.variable(ranked, i) for i in range(len(columns))]

    return make


def _names(codes):
    return np.char.add("group ", np.asarray(codes).astype(str))


@pytest.mark.parametrize("table", [[[30, 5], [8, 40]], [[90, 3], [4, 3]], [[500, 20], [10, 9]]])
def test_two_by_two_is_fisher_s_exact_test(variables, table):
    """With the probability of the table itself counted by a random share."""
    table = np.array(table)
    x, y = np.repeat([(0, 0), (0, 1), (1, 0), (1, 1)], table.ravel(), axis=0).T
    upper = stats.fisher_exact(table)[1]
    law = stats.hypergeom(table.sum(), table[1].sum(), table[:, 1].sum())
    lower = upper - law.pmf(table[1, 1])
    found = [math.exp(log_p_values(*variables(x, y, seed=s))[0]) for s in range(60)]
    assert lower * (1 - 1e-6) <= min(found) < max(found) <= upper * (1 + 1e-6)
    assert np.mean(found) == pytest.approx((lower + upper) / 2, rel=0.2)


def test_fisher_s_test_far_out(variables):
    x = np.repeat([0, 1], 3000)
    y = (np.arange(6000) % 1000 < 500) ^ (np.arange(6000) % 7 == 0)
    y = np.where(np.arange(6000) < 3000, y, ~y)
    y = np.where(np.arange(6000) % 3 == 0, x, y).astype(int)
    table = np.histogram2d(x, y, 2)[0].astype(int)
    expected = math.log(stats.fisher_exact(table)[1])
    (found,) = log_p_values(*variables(x, y))
    assert expected < -300
    assert expected - 5 < found <= expected + 1e-6 * abs(expected)


@pytest.mark.parametrize("strength", [0.0, 0.15, 0.3])
def test_chi_squared_of_ratings(variables, strength):
    rng = np.random.default_rng(3)
    x = rng.integers(5, size=2000)
    y = np.where(rng.random(2000) < strength, x, rng.integers(5, size=2000))
    expected = stats.chi2_contingency(np.histogram2d(x, y, 5)[0])
    for kinds in ((x, y), (_names(x), y), (_names(x), _names(y))):
        tests = log_p_values(*variables(*kinds))
        wanted = math.log(expected.pvalue)
        assert any(found == pytest.approx(wanted, rel=0.03, abs=0.1) for found in tests)
        assert len(tests) == (1 if kinds[1] is not y else 2 if kinds[0] is x else 3)


def test_chi_squared_is_simulated_where_cells_are_thin():
    """Against all of 20,000 permutations, for tables with a rare level."""
    rng = np.random.default_rng(4)
    for seed in range(4):
        x = Levels.of(np.r_[rng.integers(3, size=57), [3, 3, 3]])
        y = Levels.of(np.r_[rng.integers(2, size=57), rng.integers(1, 3, size=3)])
        cells = Cells.of(x, y)

        def pearson(codes, x=x, y=y):
            table = np.zeros((x.number, y.number))
            np.add.at(table, (x.codes, codes), 1)
            return (table**2 / np.outer(x.counts, y.counts)).sum()

        drawn = np.array([pearson(rng.permutation(y.codes)) for _ in range(4000)])
        observed = pearson(y.codes)
        upper = (drawn > observed - 1e-9).mean()
        lower = (drawn > observed + 1e-9).mean()
        found = [
            math.exp(_chi_squared(cells, np.random.default_rng(s + 50 * seed))) for s in range(30)
        ]
        error = 3 * math.sqrt(upper * (1 - lower) / 4000) + 0.02
        assert lower - error < np.mean(found) < upper + error


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("levels", [3, 12])
@pytest.mark.parametrize("digits", [9, 2])
def test_kruskal_and_wallis(variables, shift, levels, digits):
    rng = np.random.default_rng(5)
    g = rng.integers(levels, size=1500)
    y = np.round(rng.normal(size=1500) + shift * rng.normal(size=levels)[g], digits)
    expected = stats.kruskal(*(y[g == k] for k in range(levels))).pvalue
    found = log_p_values(*variables(_names(g), y))[0]
    assert found == pytest.approx(math.log(expected), rel=0.03, abs=0.03)


def test_kruskal_and_wallis_of_a_number_of_few_levels(variables):
    rng = np.random.default_rng(5)
    g = rng.integers(3, size=1500)
    y = np.round(rng.normal(size=1500) + 0.5 * rng.normal(size=3)[g], 1)
    expected = stats.kruskal(*(y[g == k] for k in range(3))).pvalue
    assert combined(log_p_values(*variables(_names(g), y))) < 100 * expected


def test_groups_that_differ_in_spread_only(variables):
    rng = np.random.default_rng(6)
    g = rng.integers(4, size=600)
    y = rng.normal(size=600) * (1 + g)
    mean, spread = log_p_values(*variables(_names(g), y))
    assert spread < math.log(1e-9) < math.log(0.001) < mean
    middle = np.abs(stats.rankdata(y) - 300.5) ** 2
    expected = stats.kruskal(*(middle[g == k] for k in range(4))).pvalue
    assert spread == pytest.approx(math.log(expected), rel=0.15)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.5, -0.5])
def test_spearman_with_ties(variables, rho):
    rng = np.random.default_rng(7)
    x = np.round(rng.normal(size=1000), 1)
    y = rng.poisson(np.exp(rho * x + 1.5))
    expected = stats.spearmanr(x, y)
    found = log_p_values(*variables(x, y))[0]
    # of all permutations, which are nearly normal; SciPy takes Student's distribution
    normal = math.log(2) + stats.norm.logsf(abs(expected.statistic) * math.sqrt(999))
    assert found == pytest.approx(normal, rel=0.02, abs=0.02)
    if abs(rho) < 0.1:
        assert found == pytest.approx(math.log(expected.pvalue), rel=0.02, abs=0.02)


@pytest.mark.parametrize("shift", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("share", [0.4, 0.05])
def test_mann_and_whitney(variables, shift, share):
    rng = np.random.default_rng(8)
    label = (np.arange(2000) < 2000 * share).astype(int)
    for digits in (9, 0):
        y = np.round(3 * (rng.normal(size=2000) + shift * label), digits)
        expected = stats.mannwhitneyu(
            y[label == 1], y[label == 0], method="asymptotic", use_continuity=False
        ).pvalue
        found = log_p_values(*variables(label, y))[0]
        assert found == pytest.approx(math.log(expected), rel=0.1, abs=0.03)


def test_few_samples_of_a_label_are_simulated(variables):
    """Exact by scipy: five samples of a rare label, at quantiles of all kinds."""
    y = np.random.default_rng(9).permutation(200).astype(float)
    label = np.zeros(200, int)
    for chosen in ((3, 50, 90, 130, 180), (90, 130, 150, 170, 199), (160, 170, 181, 190, 191)):
        label[:] = 0
        label[np.isin(y, chosen)] = 1
        expected = stats.mannwhitneyu(y[label == 1], y[label == 0], method="exact").pvalue
        found = [math.exp(log_p_values(*variables(label, y, seed=s))[0]) for s in range(8)]
        assert np.median(found) == pytest.approx(expected, rel=0.3, abs=0.002)


def test_swapped_variables_have_the_same_p_values(variables):
    rng = np.random.default_rng(10)
    n = 300
    kinds = [
        (rng.random(n) < 0.02).astype(int),
        rng.integers(5, size=n),
        np.where(rng.random(n) < 0.9, 0, rng.gamma(2, size=n)),
        _names(rng.integers(30, size=n)),
        rng.normal(size=n),
    ]
    for a, b in itertools.combinations(kinds, 2):
        found = combined(log_p_values(*variables(a, b)))
        # but for what is simulated, by permutations of the one or the other
        assert found == pytest.approx(combined(log_p_values(*variables(b, a))), rel=0.1)


def test_what_the_network_does_not_test(variables):
    rng = np.random.default_rng(11)
    number, rating = rng.normal(size=200), rng.integers(3, size=200)
    assert uses_network(*variables(number, rating))
    assert not uses_network(*variables(rating, rating[::-1]))
    assert not uses_network(*variables(number, _names(rating)))


def _projection(groups):
    onto = groups[:, None] == groups
    return onto / onto.sum(1, keepdims=True) - 1 / groups.size


def test_variance_over_all_permutations():
    """Brute force: 720 permutations of six samples."""
    rng = np.random.default_rng(12)
    groups, other = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 1, 2])
    score = rng.normal(size=6)
    score -= score.mean()
    outer = np.outer(score, score) / (score @ score)
    of_score = (1.0, 1.0, float((np.diag(outer) ** 2).sum()))
    a = _projection(groups)
    cases = ((_projection(other), _of_groups(np.bincount(other))), (outer, of_score))
    for b, moments in cases:
        traces = [
            np.trace(a @ b[np.ix_(order, order)])
            for order in map(list, itertools.permutations(range(6)))
        ]
        found = trace_variance(6, _of_groups(np.bincount(groups)), moments)
        assert found == pytest.approx(np.var(traces), rel=1e-9)
        assert np.mean(traces) == pytest.approx(np.trace(a) * np.trace(b) / 5, rel=1e-9)


def test_cauchy_combination():
    for p in ([0.2, 0.03], [0.5, 0.5, 0.5], [1e-5, 0.9, 0.4]):
        expected = stats.cauchy.sf(np.mean(stats.cauchy.isf(p)))
        assert combined(np.log(p)) == pytest.approx(expected, rel=1e-9)
    assert combined([math.log(0.3)]) == pytest.approx(0.3)
    # continuous where the formula changes, and far out
    assert combined(np.log([1.01e-6, 0.2])) == pytest.approx(2.02e-6, rel=0.01)
    assert combined(np.log([0.99e-6, 0.2])) == pytest.approx(1.98e-6, rel=0.01)
    assert combined([-500.0, math.log(0.5)]) == pytest.approx(2 * math.exp(-500), rel=1e-9)
    assert combined([-5000.0]) > 0  # not below what a float64 can be
    # a p-value of 1 does not outvote the others
    assert combined([0.0, math.log(1e-4)]) < 1e-3


@pytest.mark.parametrize("rho", [0.0, 0.7, -0.9])
def test_combination_holds_its_level(rho):
    draws = np.random.default_rng(13).multivariate_normal([0, 0], [[1, rho], [rho, 1]], 20_000)
    logs = np.log(2 * stats.norm.sf(np.abs(draws)))
    share = np.mean([combined(pair) <= 0.05 for pair in logs])
    assert 0.035 < share < 0.06
