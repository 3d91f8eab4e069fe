"""p-values of independent columns with levels of single samples beside even ones."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from scipy.stats import binom


def _mostly_zero(rng, n):
    return np.where(rng.random(n) < 0.97, 0, rng.lognormal(size=n))


def _even(levels):
    return lambda rng, n: np.array([f"k{i}" for i in rng.permutation(n) % levels])


def _zipf(rng, n):
    return np.array([f"z{i}" for i in np.minimum(rng.zipf(1.5, size=n), 10**6)])


PAIRS = {
    "amounts, mostly zero, and two even labels": (_mostly_zero, _even(2), 2000),
    "amounts, mostly zero, and three even labels": (_mostly_zero, _even(3), 2000),
    "labels of rare levels and twenty even ones": (_zipf, _even(20), 1000),
    "labels of rare levels and eight even ones": (_zipf, _even(8), 600),
    "labels of rare levels, both": (_zipf, _zipf, 1000),
}


@pytest.mark.parametrize("kind", PAIRS)
def test_independent_columns_are_rejected_as_often_as_they_may_be(kind):
    """The variance of the statistic is next to nothing where one label is even: a third moment that
    was not made of it gave p = 1e-14."""
    first, second, n = PAIRS[kind]
    draws = 80
    found = []
    for seed in range(draws):
        rng = np.random.default_rng([seed, n])
        found.append(infonet.estimate(first(rng, n), second(rng, n)).p_value)
    assert (np.array(found) <= 0.05).sum() <= binom.ppf(0.999, draws, 0.05)
    assert min(found) > 1e-6


def test_dependence_of_rare_levels_is_still_seen():
    rng = np.random.default_rng(0)
    amounts = _mostly_zero(rng, 2000)
    claim = np.where(amounts > 0, "yes", np.array(["no", "yes"])[rng.permutation(2000) % 2])
    assert infonet.estimate(amounts, claim).p_value < 1e-8
