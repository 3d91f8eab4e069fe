"""Pairs of discrete variables with few levels are counted."""

from __future__ import annotations

import numpy as np
import pytest
from infonet import Estimator
from infonet.counting import count_pairs
from infonet.discrete import PER_CELL, plug_in
from infonet.network import Network
from scipy.stats import binom
from sklearn.metrics import mutual_info_score


@pytest.fixture(scope="module")
def estimator():
    return Estimator(threads=1)


def _pmf(seed, k, m):
    return np.random.default_rng(seed).dirichlet(np.full(k * m, 0.6)).reshape(k, m)


def _mi(p):
    q = np.outer(p.sum(1), p.sum(0))
    return float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())


def _draw(rng, p, n):
    cell = rng.choice(p.size, size=n, p=p.ravel())
    return np.divmod(cell, p.shape[1])


@pytest.mark.parametrize(("k", "m"), [(2, 2), (3, 7), (6, 5)])
def test_plug_in_with_the_correction_of_miller_and_madow(k, m):
    x, y = _draw(np.random.default_rng(0), _pmf(k, k, m), 500)
    counts = np.bincount(x * m + y, minlength=k * m).reshape(k, m)
    used = (counts > 0).sum() - (counts.sum(1) > 0).sum() - (counts.sum(0) > 0).sum() + 1
    expected = mutual_info_score(x, y) - used / (2 * 500)
    assert plug_in(counts).mi == pytest.approx(max(0.0, expected), abs=1e-12)
    turned = plug_in(counts.T[::-1])
    assert turned.mi == pytest.approx(plug_in(counts).mi, abs=1e-12)
    # empty levels change nothing
    padded = np.pad(counts, ((0, 2), (1, 0)))
    assert plug_in(padded).high == pytest.approx(plug_in(counts).high, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(2, 50), (4, 100), (4, 2000), (9, 1000)])
def test_errors_are_smaller_and_intervals_hold(k, n):
    rng = np.random.default_rng([k, n])
    ours, theirs, held = [], [], 0
    for seed in range(300):
        p = 0.5 * _pmf(seed, k, k) + 0.5 / k**2
        x, y = _draw(rng, p, n)
        found = plug_in(np.bincount(x * k + y, minlength=k * k).reshape(k, k))
        ours.append(found.mi - _mi(p))
        theirs.append(mutual_info_score(x, y) - _mi(p))
        held += found.low <= _mi(p) <= found.high
    assert np.mean(np.square(ours)) < np.mean(np.square(theirs))
    assert abs(np.mean(ours)) < 0.3 * np.std(ours) + 1e-3
    # the intervals are approximate: between 82 and 97 % and what chance does to that
    assert binom.ppf(0.001, 300, 0.82) <= held <= binom.ppf(0.999, 300, 0.97)


def test_independent_intervals_hold_zero():
    rng = np.random.default_rng(3)
    held = [
        plug_in(np.histogram2d(*rng.integers(5, size=(2, 400)), bins=5)[0].astype(int)).low == 0
        for _ in range(200)
    ]
    assert np.mean(held) > 0.9


def test_which_pairs_are_counted(estimator):
    rng = np.random.default_rng(4)
    n = 400
    columns = [
        rng.integers(10, size=n),  # 10 x 10 cells: 4 samples each
        rng.integers(10, size=n),
        rng.integers(11, size=n),  # one level too many with 10
        rng.normal(size=n),
        np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n)),  # low entropy, many levels
    ]
    assert n == 10 * 10 * PER_CELL
    network = Network(estimator.model)
    ranked = network.prepare(columns)
    pairs = np.array([[0, 1], [0, 2], [1, 3], [4, 0], [3, 4]])
    found = count_pairs(ranked.rows, ranked.entropy, pairs)
    assert set(found) == {0}
    outputs = network.run(ranked, pairs)
    assert outputs.mi[0] == pytest.approx(found[0].mi, abs=1e-7)
    np.testing.assert_allclose(
        outputs.quantiles[0], [found[0].low, found[0].mi, found[0].high], atol=1e-7
    )


def test_every_entrance_gives_the_same(estimator):
    rng = np.random.default_rng(5)
    x = rng.integers(4, size=300)
    y = (x + rng.integers(3, size=300)) % 4
    alone = estimator.estimate(x, y)
    counts = np.bincount(x * 4 + y, minlength=16).reshape(4, 4)
    assert alone.mi == pytest.approx(plug_in(counts).mi, abs=1e-7)
    table = estimator.pairwise({"x": x, "y": y, "z": rng.normal(size=300)})
    assert table["x", "y"].mi == alone.mi
    assert table["x", "y"].interval == alone.interval
    assert estimator.mi(np.stack([x, y], 1)[None])[0] == alone.mi
    # an order of the levels, or which comes first, does not matter
    again = estimator.estimate(np.array([2, 0, 3, 1])[y], x)
    assert again.mi == pytest.approx(alone.mi, abs=1e-6)
    assert alone.table.shape == (64, 64)


def test_x_with_itself_is_its_entropy(estimator):
    x = np.repeat([1.0, 2.0, 5.0], [50, 30, 20])
    p = np.array([0.5, 0.3, 0.2])
    entropy = -(p * np.log(p)).sum()
    assert estimator.estimate(x, x).mi == pytest.approx(entropy + 2 / 200, abs=0.011)
    assert estimator.estimate(x, x).mi <= entropy + 0.011
