"""Tests of independence: by permutation, by the table of the model, and by tests that see ties."""

from __future__ import annotations

import numpy as np
import pytest
from infonet import Estimator, InputError
from infonet.pairs.engine import ONE_PAIR
from infonet.pairs.ranking import break_ties, in_random_order
from scipy.stats import binom, chi2_contingency


@pytest.fixture(scope="module")
def estimator():
    return Estimator(threads=2)


@pytest.mark.parametrize("tied", [False, True])
def test_permutation_p_value_is_that_of_a_slow_twin(estimator, tied):
    """Of numbers the statistic of the network is compared, of tied pairs the p-value of the tests
    that see ties."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(4, size=(2, 60)) if tied else rng.normal(size=(2, 60))
    engine = estimator.engine.with_seed(7)

    def extreme(y):
        found = engine.estimate(engine.prepare((x, y)), ONE_PAIR)
        return -found.p_value[0] if tied else found.statistic[0]

    ranks = engine.prepare((x, y)).rows[1]
    shuffles = np.random.default_rng(7)
    larger = sum(extreme(shuffles.permutation(ranks)) >= extreme(ranks) for _ in range(39))
    assert 0 < larger < 39
    found = estimator.estimate(x, y, permutations=39, seed=7)
    assert found.p_value == (1 + larger) / 40


def test_permutation_p_value_does_not_depend_on_threads():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 3000))
    values = {Estimator(threads=t).estimate(x, y, permutations=70).p_value for t in (1, 3)}
    assert len(values) == 1


def test_permutation_p_values_are_uniform_with_ties(estimator):
    rng = np.random.default_rng(2)
    found = [
        estimator.estimate(*rng.integers(3, size=(2, 40)), permutations=19, seed=i).p_value
        for i in range(100)
    ]
    share = int((np.array(found) <= 0.1).sum())
    assert binom.ppf(0.0005, 100, 0.1) <= share <= binom.ppf(0.9995, 100, 0.1)


@pytest.mark.parametrize("levels", [2, 10])
def test_table_holds_for_tied_data(estimator, levels):
    assert estimator.model.null is not None
    rng = np.random.default_rng(levels)
    found = []
    for i in range(400):
        estimate = estimator.estimate(*rng.integers(levels, size=(2, 150)), seed=i)
        found.append(estimate.p_value)
    share = int((np.array(found) <= 0.05).sum())
    assert binom.ppf(0.0005, 400, 0.05) <= share <= binom.ppf(0.9995, 400, 0.05)


def test_breaking_ties_keeps_the_order():
    x = np.array([3.0, 1, 3, 2, 1, 3] * 5)
    ranks = break_ties(x, np.random.default_rng(0).permutation(30))
    assert sorted(ranks) == list(range(30))
    assert (np.diff(x[np.argsort(ranks)]) >= 0).all()


@pytest.mark.parametrize("n", [30, 40_000])  # sorted as 16 bits, and as more
def test_random_order_of_ties(n):
    """A permutation of the ranks of untied data, which keeps the order of what differed."""
    levels = np.random.default_rng(1).integers(5, size=n)
    ends = np.bincount(levels).cumsum()
    mid = ((ends - np.bincount(levels) / 2) / n).astype(np.float32)[levels]
    one = in_random_order(mid, (0, 1))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(np.sort(one), ((np.arange(n) + 0.5) / n).astype(np.float32))
    assert (np.diff(levels[np.argsort(one)]) >= 0).all()
    np.testing.assert_array_equal(in_random_order(mid, (0, 1)), one)
    # within a level the order is random: that of another key says nothing about it
    for key in ((0, 2), (1, 1), (0, 1, 0, 1)):
        again = in_random_order(mid, key)
        within = [np.corrcoef(one[levels == k], again[levels == k])[0, 1] for k in range(5)]
        weight = np.bincount(levels) / n
        assert abs(weight @ within) < 4 / np.sqrt(n)


def test_equal_columns_get_different_orders(estimator):
    """Or two independent variables would look dependent through their ties."""
    engine = estimator.engine
    x = np.repeat([0.0, 1.0], 100)
    columns = engine.prepare((x, x, x[::-1]))
    first, again, other = (engine.variable(columns, i) for i in range(3))
    pairs = [(first.untied, again.untied_again), (first.untied, other.untied)]
    for a, b in pairs:
        for part in (slice(100), slice(100, 200)):
            assert abs(np.corrcoef(a[part], b[part])[0, 1]) < 0.35


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
        assert p <= 0.01
        if permutations:
            assert p == 0.01  # none of 99 was as extreme
        else:
            assert p == pytest.approx(chi2_contingency(np.histogram2d(x, y, 5)[0])[1], rel=100)


@pytest.mark.parametrize("bad", [{"permutations": -1}, {"permutations": 1.5}, {"seed": "a"}])
def test_bad_options(estimator, bad):
    with pytest.raises(InputError, match="allowed are whole numbers from 0"):
        estimator.estimate(np.arange(30), np.arange(30), **bad)
