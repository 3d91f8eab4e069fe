"""Series of categories: shops, states, codes. They are no numbers at any lag, nor in any test."""

from __future__ import annotations

import infonet
import numpy as np
import pytest


def shops(seed, n=2000, categories=100):
    """Names of shops, and the effect of each row's shop."""
    rng = np.random.default_rng([seed, n, categories])
    shop = rng.integers(0, categories, n)
    names = np.array([f"shop {i}" for i in rng.permutation(categories)])[shop]
    return names, rng.normal(size=categories)[shop], rng


def test_a_common_effect_of_categories_is_no_dependence_at_any_lag():
    names, effect, rng = shops(0)
    x, y = effect + 0.5 * rng.normal(size=(2, effect.size))
    found = infonet.lagged(x, y, [0, 3], given=names)
    assert max(found.mi) < 0.01
    assert min(found[0].p_value, found[3].p_value) > 1e-3
    plain = infonet.estimate(x, y, given=names)
    assert (found[0].mi, found[0].p_value) == (plain.mi, plain.p_value)
    assert infonet.lagged(x, y, [0])[0].mi > 0.4  # and without the condition there is one
    tested = infonet.lagged(x, y, [0], given=names, permutations=39)[0]
    assert tested.mi == plain.mi
    assert tested.p_value > 0.05


def test_transfer_entropy_from_categories():
    names, effect, rng = shops(1)
    target = np.roll(effect, 1) + 0.5 * rng.normal(size=effect.size)
    truth = 0.5 * np.log1p(effect.var() / 0.25)
    found = infonet.transfer_entropy(names, target)
    assert found.mi == pytest.approx(truth, rel=0.1)
    assert found.interval[0] < truth < found.interval[1]
    tested = infonet.transfer_entropy(names, target, permutations=39)
    assert (tested.mi, tested.p_value) == (found.mi, 1 / 40)
    back = infonet.transfer_entropy(target, names)
    assert back.mi < 0.05
    assert infonet.transfer_entropy(target, names, permutations=39).p_value > 0.05


def test_two_series_of_categories_with_a_history():
    rng = np.random.default_rng(2)
    state = rng.integers(0, 3, 3000)
    other = np.where(rng.random(3000) < 0.7, np.roll(state, 1), rng.integers(0, 3, 3000))
    names = np.array(["low", "high", "off"])
    p = np.array([0.8, 0.1, 0.1])
    truth = np.log(3) + (p * np.log(p)).sum()
    found = infonet.transfer_entropy(names[state], names[other], 1, permutations=39)
    assert found.mi == pytest.approx(truth, abs=0.02)
    assert found.p_value == 1 / 40
    gaps = names[state].astype(object)
    gaps[rng.choice(3000, 50, replace=False)] = None
    holes = infonet.transfer_entropy(gaps, names[other], nan="omit")
    assert holes.mi == pytest.approx(truth, abs=0.02)
    assert 2890 < holes.n < 2960
