"""Density that piles up below the network's grid: intervals hold truths in closed form."""

import infonet
import numpy as np
import pytest
from infonet.pairs import crowded
from infonet.pairs.engine import ONE_PAIR
from infonet.pairs.estimates import CROWDED_NOTE
from scipy.special import betaln, digamma, gammaln


def logarithms(rng, shape, n):
    """Of gamma variables, finite however small the shape is."""
    return np.log(rng.standard_gamma(shape + 1, n)) + np.log(rng.random(n)) / shape


def shares(rng, n, a, b, c):
    """Two of three Dirichlet shares; odds, which have more digits near 1 than shares have."""
    x, y, rest = (logarithms(rng, shape, n) for shape in (a, b, c))
    return x - np.logaddexp(y, rest), y - np.logaddexp(x, rest)


def of_shares(a, b, c):
    """Their mutual information in nats."""

    def beta(p, q):
        moments = (p - 1) * digamma(p) + (q - 1) * digamma(q) - (p + q - 2) * digamma(p + q)
        return betaln(p, q) - moments

    whole = a + b + c
    both = gammaln([a, b, c]).sum() - gammaln(whole) + (whole - 3) * digamma(whole)
    both -= sum((shape - 1) * digamma(shape) for shape in (a, b, c))
    return beta(a, b + c) + beta(b, a + c) - both


def levy(rng, n):
    """X and X + A / 2, both of Lévy's distribution: heavy tails come together in a corner."""
    x, a = 1 / rng.standard_normal((2, n)) ** 2
    return x, x + a / 2


def ridge(rng, n):
    """Y is X and noise modulo 1 that has a density like its -0.7th power."""
    x = rng.random(n)
    return x, (x + rng.random(n) ** (1 / 0.3)) % 1


def held(estimator, draw, truth, n, count=12):
    """Share of intervals that hold the truth."""
    sets = np.stack([np.stack(draw(np.random.default_rng(k), n), axis=1) for k in range(count)])
    low, _, high = estimator.quantiles(sets).T
    return np.mean((low <= truth) & (truth <= high))


@pytest.mark.parametrize(
    ("parameters", "sizes"),
    [
        ((0.3, 0.3, 0.3), (5000, 20_000)),
        ((5, 5, 0.5), (1000, 5000, 20_000)),
        ((2, 2, 0.2), (1000, 5000, 20_000)),
    ],
)
def test_intervals_hold_shares_that_crowd_along_an_edge(estimator, parameters, sizes):
    for n in sizes:
        share = held(estimator, lambda r, n: shares(r, n, *parameters), of_shares(*parameters), n)
        assert share >= 0.8, n


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (levy, 2 * np.log1p(np.sqrt(2))),
        (ridge, -betaln(0.3, 1) - 0.7 * (digamma(0.3) - digamma(1.3))),
    ],
)
@pytest.mark.parametrize("n", [2000, 5000])
def test_intervals_hold_corners_and_ridges(estimator, draw, truth, n):
    assert held(estimator, draw, truth, n) >= 0.8


def test_the_estimate_comes_nearer_to_the_truth(estimator, monkeypatch):
    truth = of_shares(0.3, 0.3, 0.3)
    pair = np.stack(shares(np.random.default_rng(0), 5000, 0.3, 0.3, 0.3), axis=1)
    found = estimator.estimate(*pair.T)
    monkeypatch.setattr(crowded, "extra", lambda *_: 0.0)
    before = estimator.estimate(*pair.T)
    assert before.interval[1] < truth < found.interval[1]
    assert before.mi < found.mi < truth
    assert found.interval[0] == before.interval[0]
    assert CROWDED_NOTE in found.notes
    assert CROWDED_NOTE not in before.notes


def test_all_routes_both_orders_and_directions_give_the_same(estimator):
    x, y = shares(np.random.default_rng(1), 5000, 0.3, 0.3, 0.3)
    found = estimator.estimate(x, y)
    assert CROWDED_NOTE in found.notes
    swapped = estimator.estimate(y, x)
    assert (swapped.mi, swapped.interval) == (found.mi, found.interval)
    for turned in (estimator.estimate(-x, y), estimator.estimate(x, -np.exp(y))):
        assert turned.mi == pytest.approx(found.mi, abs=1e-5)
        assert turned.interval == pytest.approx(found.interval, abs=1e-5)
    order = np.random.default_rng(2).permutation(5000)
    shuffled = estimator.estimate(x[order], y[order])
    assert shuffled.interval == pytest.approx(found.interval, abs=1e-5)
    pair = np.stack([x, y], axis=1)
    assert estimator.mi(pair[None])[0] == np.float32(found.mi)
    assert estimator.pairwise(pair).mi[0, 1] == np.float32(found.mi)
    low, _, high = estimator.quantiles(pair[None])[0]
    assert (low, high) == found.interval


@pytest.mark.parametrize("n", [1000, 5000])
def test_usual_pairs_are_left_as_they_are(estimator, n):
    """To the byte, of 50 all but two: noise of several widths, curves, independent columns."""
    engine, changed = estimator.engine, 0
    for seed in range(10):
        x, e, f = np.random.default_rng(seed).standard_normal((3, n))
        for y in (f, x + e, x**2 + e, np.sin(3 * x) + 0.3 * e, x + 0.3 * e):
            prepared = engine.prepare([x, y])
            refined, network = (
                engine.run(prepared, ONE_PAIR, refine=refine) for refine in (True, False)
            )
            changed += not np.array_equal(refined.quantiles, network.quantiles)
            assert refined.crowded is None or not refined.crowded.any()
    assert changed <= 2


def test_few_samples_say_nothing_of_what_is_below_the_grid(estimator):
    x, y = shares(np.random.default_rng(0), crowded.FEWEST - 1, 0.1, 0.1, 0.1)
    assert not any("crowd" in note for note in estimator.estimate(x, y).notes)
    assert infonet.estimate(x, y).interval[1] < 2
