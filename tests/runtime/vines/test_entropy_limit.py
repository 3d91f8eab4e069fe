"""No estimate is above the entropy of a side of levels, however many edges are summed up."""

from __future__ import annotations

import math

import infonet
import numpy as np
import pytest
from infonet.vines.singles import SinglesGiven


def _shifted(levels, d, shift, n, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, levels, n)
    return (2 * y - levels + 1)[:, None] * shift + rng.normal(size=(n, d)), y


def _entropy(y):
    p = np.unique(y, return_counts=True)[1] / len(y)
    return float(-p @ np.log(p))


@pytest.mark.parametrize(
    ("levels", "d", "shift", "n"),
    [(2, 20, 1, 1000), (2, 10, 1, 1000), (2, 5, 2, 2000), (3, 10, 1, 1000)],
)
def test_numbers_tell_no_more_of_a_label_than_there_is(levels, d, shift, n):
    x, y = _shifted(levels, d, shift, n)
    found = infonet.estimate(x, np.array(list("abc"))[y])
    assert found.mi == pytest.approx(np.log(levels), abs=0.01)
    assert found.interval[0] < found.mi <= found.interval[1] <= np.log(levels) + 0.01
    assert sum(term.mi for term in found.terms) <= found.mi + 1e-9


def test_the_limit_holds_given_a_condition():
    x, y = _shifted(2, 10, 1, 1000)
    rng = np.random.default_rng(1)
    given_number = infonet.estimate(x, y, given=rng.normal(size=1000))
    assert given_number.mi <= _entropy(y) + 0.001
    z = np.where(rng.random(1000) < 0.9, y, 1 - y)  # which tells all but 0.325 nats
    left = _entropy(2 * z + y) - _entropy(z)
    given_level = infonet.estimate(x, y, given=z)
    assert given_level.mi == pytest.approx(left, abs=0.005)
    assert sum(term.mi for term in given_level.terms) <= given_level.mi + 1e-9


def test_the_joint_entropy_of_several_labels_is_the_limit():
    x, y = _shifted(2, 12, 1.5, 1000)
    other = np.where(np.random.default_rng(2).random(1000) < 0.95, y, 1 - y)
    found = infonet.estimate(x, np.column_stack([y, other]))
    assert found.mi <= _entropy(2 * y + other) + 0.005


def test_the_total_correlation_of_a_label_and_a_number_is_at_most_its_entropy():
    x, y = _shifted(2, 1, 20, 500)
    found = infonet.total_correlation(np.column_stack([x, y]))
    assert found.mi == pytest.approx(np.log(2), abs=0.01)
    assert found.interval[1] <= np.log(2) + 0.01


def test_the_total_correlation_of_levels_is_at_most_all_entropies_but_the_largest():
    rng = np.random.default_rng(3)
    a = rng.integers(0, 2, 1000)
    b, c = (np.where(rng.random(1000) < 0.99, a, 1 - a) for _ in range(2))
    found = infonet.total_correlation(np.column_stack([a, b, c]))
    assert found.mi <= _entropy(a) + _entropy(b) + 0.002


def test_many_pairs_of_one_condition_have_the_same_limit():
    """As causal discovery and feature selection ask; see `vines.singles`."""
    rng = np.random.default_rng(7)
    z = rng.integers(0, 12, (2000, 2)).astype(float)
    x = (z.sum(1) > 11) ^ (rng.random(2000) < 0.01)
    x, y = x.astype(float), x + 0.01 * rng.normal(size=2000)
    found = infonet.estimate(x, y, given=z)
    estimator = infonet.Estimator()
    one = SinglesGiven(estimator.engine, list(z.T))
    assert one.pair(one.clear(x), one.clear(y)).mi == found.mi
    assert found.mi == pytest.approx(-0.01 * math.log(0.01) - 0.99 * math.log(0.99), abs=0.03)
