"""Dependence that is too sharp for the network's grid: truths from 4 to 8 nats."""

import numpy as np
import pytest

N = 5000


def gaussian(rng, mi):
    x, noise = rng.standard_normal((2, N))
    return x, x + noise / np.sqrt(np.expm1(2 * mi))


def band(rng, mi):
    """X and noise uniform: I = e - log(2 e) for Y = X + noise from -e to e, e at most 1/2."""
    low, high = 1e-9, 0.5
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if middle - np.log(2 * middle) > mi else (low, middle)
    x = rng.random(N)
    return x, x + rng.uniform(-low, low, N)


@pytest.mark.parametrize("draw", [gaussian, band])
@pytest.mark.parametrize("mi", [4.0, 5.0, 6.0])
def test_sharp_dependence_is_told(estimator, draw, mi):
    found = [estimator.estimate(*draw(np.random.default_rng(seed), mi)) for seed in range(3)]
    assert np.mean([f.mi for f in found]) == pytest.approx(mi, rel=0.06)
    assert all(f.interval[0] < mi < f.interval[1] for f in found)


def test_a_variable_with_itself_may_hold_anything(estimator):
    x = np.random.default_rng(0).random(N)
    found = estimator.estimate(x, x)
    assert 7 < found.mi <= np.log(N)
    assert found.interval[1] == pytest.approx(np.log(N), rel=1e-6)


def test_estimates_rise_with_the_truth_without_a_jump(estimator):
    """The same draws with ever less noise."""
    x, noise = np.random.default_rng(0).standard_normal((2, N))
    truths = np.arange(3.0, 5.01, 0.05)
    sets = [np.stack([x, x + noise / np.sqrt(np.expm1(2 * mi))], axis=1) for mi in truths]
    steps = np.diff(estimator.mi(np.stack(sets)))
    assert (steps > -0.06).all()
    assert (steps < 0.16).all()
    assert steps.sum() == pytest.approx(2.0, abs=0.15)


def test_all_routes_and_both_orders_give_the_same_number(estimator):
    x, y = gaussian(np.random.default_rng(1), 5.0)
    found = estimator.estimate(x, y)
    swapped = estimator.estimate(y, x)
    assert (swapped.mi, swapped.interval) == (found.mi, found.interval)
    pair = np.stack([x, y], axis=1)
    assert estimator.mi(pair[None])[0] == np.float32(found.mi)
    assert estimator.pairwise(pair).mi[0, 1] == np.float32(found.mi)
    turned = estimator.estimate(-np.exp(x), y)
    assert turned.mi == pytest.approx(found.mi, abs=1e-5)


@pytest.mark.parametrize("of", [np.exp, np.negative, lambda x: x])
def test_monotone_functions_are_said_to_have_no_finite_information(estimator, of):
    x = np.random.default_rng(0).normal(size=500)
    [note] = [note for note in estimator.estimate(x, of(x)).notes if "infinite" in note]
    assert "monotone function" in note


def test_what_is_not_quite_a_function_is_not_said_to_be_one(estimator):
    x, noise = np.random.default_rng(0).normal(size=(2, 500))
    rounded = np.round(x, 1)
    for y, other in ((x, x + 0.01 * noise), (rounded, rounded), (x, rounded)):
        assert not any("infinite" in note for note in estimator.estimate(y, other).notes)
