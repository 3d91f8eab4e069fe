"""Tests of independence: by permutation, and by the table after ties were broken."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet import Estimator, InputError
from infonet.independence import permutation_p_value, without_ties
from infonet.network import ONE_PAIR, Network
from scipy.stats import binom


@pytest.fixture(scope="module")
def estimator():
    return Estimator(threads=2)


@pytest.fixture(scope="module")
def network(estimator):
    return Network(estimator.model)


def test_permutation_p_value_is_that_of_a_slow_twin(network):
    rng = np.random.default_rng(0)
    x, y = rng.integers(4, size=(2, 60))
    ranked = network.prepare((x, y))
    observed = float(network.run(ranked, ONE_PAIR).statistic[0])
    shuffles = np.random.default_rng(7)
    larger = 0
    for _ in range(39):
        again = network.prepare((x, shuffles.permutation(ranked.rows[1])))
        larger += float(network.run(again, ONE_PAIR).statistic[0]) >= observed
    assert permutation_p_value(network, ranked, observed, 39, 7) == (1 + larger) / 40


def test_permutation_p_value_does_not_depend_on_threads():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 3000))
    values = {Estimator(threads=t).estimate(x, y, permutations=70).p_value for t in (1, 3)}
    assert len(values) == 1


def test_permutation_p_values_are_uniform_with_ties(estimator):
    rng = np.random.default_rng(2)
    found = [
        estimator.estimate(*rng.integers(3, size=(2, 40)), permutations=19, seed=i).p_value
        for i in range(200)
    ]
    share = int((np.array(found) <= 0.1).sum())
    assert binom.ppf(0.0005, 200, 0.1) <= share <= binom.ppf(0.9995, 200, 0.1)


@pytest.mark.parametrize("levels", [2, 10])
def test_table_holds_for_tied_data(estimator, levels):
    if estimator.model.null is None:
        pytest.skip("the default model has no null distribution")
    rng = np.random.default_rng(levels)
    found = []
    for i in range(400):
        estimate = estimator.estimate(*rng.integers(levels, size=(2, 150)), seed=i)
        found.append(estimate.p_value)
        assert infonet.result.TIES_NOTE in estimate.notes
    share = int((np.array(found) <= 0.05).sum())
    assert binom.ppf(0.0005, 400, 0.05) <= share <= binom.ppf(0.9995, 400, 0.05)


def test_breaking_ties_keeps_the_order(network):
    x = np.array([3.0, 1, 3, 2, 1, 3] * 5)
    y = np.arange(30.0)
    ranked = network.prepare((x, y))
    untied = without_ties(network, ranked)
    assert len(np.unique(untied.rows[0])) == 30
    assert (untied.rows[1] == ranked.rows[1]).all()
    order = np.argsort(untied.rows[0])
    assert (np.diff(x[order]) >= 0).all()


def test_equal_columns_get_different_orders(network):
    """Or two independent variables would look dependent through their ties."""
    x = np.repeat([0.0, 1.0], 100)
    a, b = without_ties(network, network.prepare((x, x))).rows
    within = np.corrcoef(a[:100], b[:100])[0, 1]
    assert abs(within) < 0.35


def test_pairwise_has_the_same_p_values(estimator):
    rng = np.random.default_rng(3)
    a = rng.normal(size=200)
    table = {"a": a, "b": np.round(a + rng.normal(size=200)), "c": rng.integers(3, size=200)}
    table["d"] = np.where(rng.random(200) < 0.2, np.nan, np.round(rng.normal(size=200)))
    result = estimator.pairwise(table, nan="omit")
    for i, x in enumerate(table):
        for y in list(table)[i + 1 :]:
            alone = estimator.estimate(table[x], table[y], nan="omit", names=(x, y))
            assert result[x, y].p_value == alone.p_value
            assert result[x, y].notes == alone.notes


def test_power_on_tied_data(estimator):
    rng = np.random.default_rng(4)
    x = rng.integers(5, size=400)
    y = (x + rng.integers(5, size=400)) // 2
    for permutations in (0, 99):
        p = estimator.estimate(x, y, permutations=permutations).p_value
        assert p is None or p <= 0.01


@pytest.mark.parametrize("bad", [{"permutations": -1}, {"permutations": 1.5}, {"seed": "a"}])
def test_bad_options(estimator, bad):
    with pytest.raises(InputError, match="allowed are whole numbers from 0"):
        estimator.estimate(np.arange(30), np.arange(30), **bad)
