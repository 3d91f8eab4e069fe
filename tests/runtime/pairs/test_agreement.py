"""The p-value of a label that changes too fast along a number for ranks and the network's grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from infonet.pairs.agreement import log_p_of_agreement
from infonet.pairs.significance import combined
from scipy import stats


@pytest.mark.parametrize(
    ("n", "stripes", "kinds"), [(5000, 100, 2), (1000, 40, 2), (5000, 300, 3), (600, 60, 3)]
)
@pytest.mark.parametrize("names", [False, True])
def test_stripes_are_evident(estimator, n, stripes, kinds, names):
    """Estimates saw them, and p-values did not: selectors drop what is not significant."""
    for seed in range(3):
        x = np.random.default_rng([seed, n]).uniform(size=n)
        label = (x * stripes).astype(int) % kinds
        label = np.char.add("kind ", label.astype(str)) if names else label
        found = estimator.estimate(x, label)
        assert found.interval[0] > 0.1
        assert found.p_value < 1e-8


def test_stripes_with_noise(estimator):
    """A third of the labels is drawn anew: 0.13 nats of log 2."""
    p = []
    for seed in range(6):
        r = np.random.default_rng(seed)
        x = r.uniform(size=2000)
        label = np.where(r.uniform(size=2000) < 1 / 3, r.integers(0, 2, 2000), (x * 80) % 2 >= 1)
        p.append(estimator.estimate(x, label.astype(int)).p_value)
    assert max(p) < 1e-4


def test_categories_in_narrow_bands(estimator):
    """Thirty categories, each in five places of the number."""
    x = np.random.default_rng(4).uniform(size=3000)
    found = estimator.estimate(x, np.char.add("c", ((x * 150).astype(int) % 30).astype(str)))
    assert found.mi == pytest.approx(np.log(30), abs=0.2)
    assert found.p_value < 1e-8


@pytest.fixture(scope="module")
def agreement(estimator):
    """log p of the test alone, of a number and codes."""

    def of(number, codes):
        engine = estimator.engine
        ranked = engine.prepare([number, codes])
        return log_p_of_agreement(engine.variable(ranked, 0), engine.variable(ranked, 1))

    return of


@pytest.mark.parametrize(
    ("n", "shares"), [(200, [0.5, 0.5]), (400, [0.85, 0.15]), (300, [0.6, 0.2, 0.1, 0.1])]
)
def test_p_values_are_those_of_permutations(agreement, n, shares):
    """Of a statistic that is counted here pair by pair."""
    r = np.random.default_rng(n)
    codes = np.repeat(np.arange(len(shares)), np.round(np.array(shares) * n).astype(int))
    number = np.arange(n) + 0.5

    def together(order):
        return sum(int((order == np.roll(order, step)).sum()) for step in (1, 2, 3))

    drawn = np.array([together(r.permutation(codes)) for _ in range(3000)])
    for _ in range(8):
        order = r.permutation(codes)
        found, own = math.exp(agreement(number, order)), together(order)
        assert np.mean(drawn > own) - 0.04 < found < np.mean(drawn >= own) + 0.04


def test_few_samples_of_a_rare_label_are_no_test(agreement):
    number = np.random.default_rng(0).normal(size=500)
    assert agreement(number, np.arange(500) < 40) is None
    assert agreement(number, np.arange(500) < 60) is not None
    assert agreement(number, np.round(number, 4)) is None  # hardly any ties


@pytest.mark.parametrize("levels", [2, 5, 40])
def test_rejections_of_labels_that_know_nothing_of_the_number(agreement, levels):
    p = []
    for seed in range(300):
        r = np.random.default_rng([seed, levels])
        p.append(math.exp(agreement(r.normal(size=400), r.integers(0, levels, 400))))
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_a_test_that_is_seldom_needed_costs_little():
    assert combined([math.log(1e-4), math.log(0.3)], math.log(0.5)) < 2.3e-4
    assert combined([math.log(0.3), math.log(0.5)], -100.0) == pytest.approx(10 * math.exp(-100))
    uniform = np.log(np.random.default_rng(1).uniform(size=(20_000, 3)))
    share = np.mean([combined(logs[:2], logs[2]) <= 0.05 for logs in uniform.tolist()])
    assert share == pytest.approx(0.05, abs=0.006)
