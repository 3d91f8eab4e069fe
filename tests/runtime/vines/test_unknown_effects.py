"""Effects of a condition that are no known function: their trace, codes, and dependence that
changes with a condition where samples are few."""

from __future__ import annotations

import math

import infonet
import numpy as np
import pytest
from infonet.vines.copula import rank
from infonet.vines.singles import SinglesGiven
from infonet.vines.trace import Neighbours

TOLD = -0.5 * math.log1p(-(0.6**2))


def noises(rng, n, correlation):
    a, b = rng.normal(size=(2, n))
    return a, correlation * a + math.sqrt(1 - correlation**2) * b


def largest(rng, n, correlation):
    z = rng.normal(size=(n, 3))
    v, w = noises(rng, n, correlation)
    return z.max(axis=1) + 0.3 * v, z.max(axis=1) + 0.3 * w, z


def steps(rng, n, correlation):
    z = rng.normal(size=(n, 2))
    v, w = noises(rng, n, correlation)
    both = (z > 0).all(axis=1)
    return both + 0.2 * v, both + 0.2 * w, z


def fast_wave(rng, n, correlation):
    z = rng.normal(size=n)
    v, w = noises(rng, n, correlation)
    return np.sin(6 * z) + 0.2 * v, np.sin(6 * z) + 0.2 * w, z


@pytest.mark.parametrize("cause", [largest, steps, fast_wave])
def test_a_cause_of_no_known_function_explains_what_it_causes(cause):
    """All draws of these were rejected, with 0.005 to 0.02 nats."""
    found = [
        infonet.estimate(x, y, given=z)
        for x, y, z in (cause(np.random.default_rng([seed, 7]), 1000, 0.0) for seed in range(8))
    ]
    assert sum(one.p_value <= 0.01 for one in found) <= 3
    assert np.mean([one.mi for one in found]) < 0.004
    assert sum(one.interval[0] == 0 for one in found) >= 5


@pytest.mark.parametrize("cause", [largest, steps, fast_wave])
def test_what_is_left_beyond_such_a_cause_is_found(cause):
    for seed in range(3):
        x, y, z = cause(np.random.default_rng([seed, 7]), 1000, 0.6)
        found = infonet.estimate(x, y, given=z)
        assert found.p_value < 1e-9
        assert abs(found.mi - TOLD) < 0.08


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("sign", [1, -1])
def test_neighbours_show_a_trace_and_nothing_else(dimensions, sign):
    rng = np.random.default_rng(dimensions)
    z = rng.normal(size=(dimensions, 3000))
    near = Neighbours.of(rank(z))
    smooth = np.sin(z.sum(axis=0))
    v, w = noises(rng, 3000, 0.5)
    assert near.untraced(*rank([v, w])) is None
    assert near.untraced(*rank([v + smooth, w])) is None
    u, t = rank([rng.normal(size=3000) + smooth, rng.normal(size=3000) + sign * smooth])
    before = np.corrcoef(u, t)[0, 1]
    found = near.untraced(u, t)
    for left in (found.likely, found.most):
        assert abs(np.corrcoef(u, left)[0, 1]) < 0.6 * abs(before)
    assert before * sign > 0.2


def test_no_neighbours_where_there_are_too_few_or_too_many_dimensions():
    rng = np.random.default_rng(0)
    assert Neighbours.of(rank(rng.normal(size=(7, 1000)))) is None
    assert Neighbours.of(rank(rng.normal(size=(2, 30)))) is None
    assert Neighbours.of([]) is None


def shops(rng, n, count, effect, correlation):
    shop = rng.integers(0, count, n)
    effects = effect * rng.normal(size=count)
    v, w = noises(rng, n, correlation)
    return effects[shop] + v, effects[shop] + w, shop


@pytest.mark.parametrize(("n", "count"), [(1000, 100), (2000, 100), (300, 30), (3000, 300)])
def test_numbers_that_are_codes_explain_what_they_cause(n, count):
    """Of 5 to 20 rows each: 0.1 to 0.25 nats with p = 1e-80 before."""
    found = []
    for seed in range(6):
        x, y, shop = shops(np.random.default_rng(seed), n, count, 1.5, 0.0)
        found.append(infonet.estimate(x, y, given=shop))
        assert found[-1].interval[0] <= 0 <= found[-1].interval[1]
    assert np.mean([one.mi for one in found]) < 0.006
    assert sum(one.p_value < 0.01 for one in found) <= 1


def test_within_codes_a_part_is_seen_and_the_interval_says_so():
    held = 0
    for seed in range(6):
        x, y, shop = shops(np.random.default_rng(seed), 1000, 100, 1.5, 0.6)
        found = infonet.estimate(x, y, given=shop)
        assert found.p_value < 1e-9
        assert any("numbers that act as such" in note for note in found.notes)
        held += found.interval[0] <= TOLD <= found.interval[1]
    assert held >= 5


def test_codes_beside_a_number_and_rounded_numbers():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x, y, shop = shops(rng, 1000, 100, 1.0, 0.0)
        z = rng.normal(size=1000)
        assert infonet.estimate(x + z, y - z, given=np.c_[shop, z]).mi < 0.01
        rounded = np.round(z, 1)
        v, w = noises(rng, 1000, 0.6)
        found = infonet.estimate(rounded + v, rounded + w, given=rounded)
        assert abs(found.mi - TOLD) < 0.05
        assert not any("act as such" in note for note in found.notes)


def test_many_pairs_of_one_condition_have_the_same_answers(estimator):
    for draw in (largest, steps, lambda *a: shops(*a[:2], 100, 1.5, a[2])):
        x, y, z = draw(np.random.default_rng(3), 1000, 0.0)
        z = z.reshape(len(x), -1)
        pairs = SinglesGiven(estimator.engine, list(z.T))
        one = pairs.pair(pairs.clear(x), pairs.clear(y))
        found = infonet.estimate(x, y, given=z)
        assert (one.mi, one.p_value) == (found.mi, found.p_value)
        other = infonet.estimate(y, x, given=z)
        assert (other.mi, other.interval, other.p_value) == (
            found.mi,
            found.interval,
            found.p_value,
        )


CHANGING = {
    "sign of a product": (lambda x, z, e: np.sign(x * z) * np.abs(e), math.log(2)),
    "product": (lambda x, z, e: x * z + 0.5 * e, 0.581),
    "sign of the condition": (lambda x, z, e: np.sign(z) * x + e, math.log(2) / 2),
    "another sign above a threshold": (lambda x, z, e: np.where(z > 0.5, x, -x) + e, 0.3466),
}


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("n", [200, 479])
def test_dependence_that_changes_with_a_condition_of_few_samples(name, n):
    """Below 480 samples it was never looked for: a fifth of it was found, or nothing."""
    effect, truth = CHANGING[name]
    found = []
    for seed in range(5):
        x, z, e = np.random.default_rng([seed, 5]).normal(size=(3, n))
        found.append(infonet.estimate(x, effect(x, z, e), given=z))
    assert np.mean([one.mi for one in found]) > 0.6 * truth
    assert np.mean([one.mi for one in found]) < 1.1 * truth
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 3
    assert all(one.p_value < 1e-3 for one in found)
