"""Pairs of discrete variables with samples enough are counted; many categories share counts."""

from __future__ import annotations

import numpy as np
import pytest
from infonet import Estimator
from infonet.pairs.counted import dense, entropy, from_table, plug_in, poisson_bias
from infonet.pairs.discrete import PER_CELL
from infonet.pairs.levels import Cells, Levels
from scipy.stats import binom, poisson
from scipy.stats import entropy as entropy_of
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


def _cells(x, y):
    return Cells.of(Levels.of(np.asarray(x)), Levels.of(np.asarray(y)))


def test_levels_and_cells_are_those_of_numpy():
    rng = np.random.default_rng(1)
    for k in (4, 500):  # a full table, and one so sparse that cells are sorted
        x, y = rng.integers(k, size=(2, 60)) * 3 - 5
        cells = _cells(x, y)
        found = {}
        for pair in zip(x.tolist(), y.tolist(), strict=True):
            found[pair] = found.get(pair, 0) + 1
        values = np.unique(x), np.unique(y)
        assert cells.number == len(found)
        for i, j, count in zip(cells.first, cells.second, cells.counts, strict=True):
            assert found[values[0][i], values[1][j]] == count
        assert (cells.first[cells.of_sample] == cells.x.codes).all()
        assert (cells.second[cells.of_sample] == cells.y.codes).all()
        assert (cells.turned().table() == cells.table().T).all()
        assert cells.x.minor == 60 - np.bincount(cells.x.codes).max()
        part = cells.x.take(np.arange(9))
        assert (part.counts == np.unique(x[:9], return_counts=True)[1]).all()


@pytest.mark.parametrize(("k", "m"), [(2, 2), (3, 7), (6, 5)])
def test_plug_in_with_the_correction_of_miller_and_madow(k, m):
    x, y = _draw(np.random.default_rng(0), _pmf(k, k, m), 500)
    counts = np.bincount(x * m + y, minlength=k * m).reshape(k, m)
    used = (counts > 0).sum() - (counts.sum(1) > 0).sum() - (counts.sum(0) > 0).sum() + 1
    expected = mutual_info_score(x, y) - used / (2 * 500)
    assert from_table(counts).mi == pytest.approx(max(0.0, expected), abs=1e-12)
    turned = from_table(counts.T[::-1])
    assert turned.mi == pytest.approx(from_table(counts).mi, abs=1e-12)
    # empty levels change nothing
    padded = np.pad(counts, ((0, 2), (1, 0)))
    assert from_table(padded).high == pytest.approx(from_table(counts).high, abs=1e-12)
    # nor does it matter whether cells come from a table or from samples
    sampled = plug_in(_cells(x, y))
    assert sampled.mi == pytest.approx(from_table(counts).mi, abs=1e-12)
    # of which those that are alone say that others were not seen
    assert sampled.high - sampled.low >= from_table(counts).high - from_table(counts).low - 1e-12


@pytest.mark.parametrize(("k", "n"), [(2, 50), (4, 100), (4, 2000), (9, 1000)])
def test_errors_are_smaller_and_intervals_hold(k, n):
    rng = np.random.default_rng([k, n])
    ours, theirs, held = [], [], 0
    for seed in range(300):
        p = 0.5 * _pmf(seed, k, k) + 0.5 / k**2
        x, y = _draw(rng, p, n)
        found = from_table(np.bincount(x * k + y, minlength=k * k).reshape(k, k))
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
        from_table(np.histogram2d(*rng.integers(5, size=(2, 400)), bins=5)[0].astype(int)).low == 0
        for _ in range(200)
    ]
    assert np.mean(held) > 0.9


@pytest.mark.parametrize("k", [2, 30])
def test_entropy_and_its_error(k):
    rng = np.random.default_rng(k)
    p = rng.dirichlet(np.ones(k))
    truth, found = entropy_of(p), []
    for _ in range(300):
        value, error = entropy(Levels.of(rng.choice(k, size=500, p=p)))
        found.append((value - truth, error))
    away, errors = np.array(found).T
    assert abs(away.mean()) < 0.15 * away.std()
    assert errors.mean() == pytest.approx(away.std(), rel=0.15)


def test_bias_of_poisson_counts():
    """Against the sum over SciPy's probabilities, between the means that are tabulated."""
    means = np.array([0, 1e-4, 0.013, 0.4, 1, 2.7, 11, 49])
    count = np.arange(1, 200)
    own = poisson.pmf(count, means[:, None]) @ (count * np.log(count))
    expected = own - means * np.log(np.maximum(means, 1e-300))
    each = [poisson_bias(means[[place]]) for place in range(means.size)]
    assert each == pytest.approx(expected, abs=2e-3)
    assert poisson_bias(means) == pytest.approx(expected.sum(), abs=2e-3)
    assert poisson_bias(np.array([1e4])) == pytest.approx(0.5, abs=0.01)  # Miller and Madow's


@pytest.mark.parametrize("strength", [0.0, 0.4])
def test_dense_counts_of_uneven_levels(strength):
    """Nine levels each, of which some have a sample in a hundred: half of the bias, or less."""
    shares = 1 / np.arange(1, 10) ** 1.5
    errors, plain = [], []
    for seed in range(60):
        rng = np.random.default_rng([seed, 11])
        p = np.outer(shares, shares) * np.exp(strength * rng.normal(size=(9, 9)))
        p /= p.sum()
        cells, truth = _cells(*_draw(rng, p, 1000)), _mi(p)
        errors.append(dense(cells).mi - truth)
        plain.append(plug_in(cells).mi - truth)
    assert abs(np.mean(errors)) < 0.5 * np.mean(plain)
    assert np.sqrt(np.mean(np.square(errors))) < 0.75 * np.sqrt(np.mean(np.square(plain)))


def test_which_pairs_are_counted(estimator):
    rng = np.random.default_rng(4)
    n = 10 * 10 * PER_CELL
    ten, other = np.arange(n) % 10, rng.permutation(np.arange(n) % 10)  # 4 samples a cell
    ages = rng.integers(60, size=n)  # too many levels with ten
    number = rng.normal(size=n)
    mostly = np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n))  # low entropy, many levels
    assert estimator.estimate(ten, other).method == "counts"
    assert estimator.estimate(ten, ages).method != "counts"
    for x, y in ((ages, number), (mostly, number), (mostly, ages)):
        assert estimator.estimate(x, y).method != "counts"
    # of many levels few meet, so that their cells hold samples enough
    codes = rng.permutation(60)
    x = rng.integers(60, size=60 * 3 * 20)
    partner = codes[(x + rng.integers(3, size=x.size)) % 60]
    assert estimator.estimate(x, partner).method == "counts"


@pytest.mark.parametrize(("n", "categories", "rare"), [(5000, 200, 0.005), (20_000, 500, 0.01)])
def test_a_rare_label_and_categories_that_have_nothing_to_do_with_it(
    estimator, n, categories, rare
):
    """The mean cell holds 20 samples, those of the rare label hold one or none."""
    found = []
    for seed in range(8):
        rng = np.random.default_rng([seed, categories])
        codes, label = rng.integers(categories, size=n), (rng.random(n) < rare).astype(int)
        names = np.array([f"name {code}" for code in range(categories)])[codes]
        found.append(estimator.estimate(names, label))
        found.append(estimator.estimate(codes, label))
    assert max(one.mi for one in found) < 0.004
    assert sum(one.interval[0] == 0 for one in found) >= 14


@pytest.mark.parametrize(("n", "rho"), [(600, 0.0), (600, 0.3), (600, 0.6), (1500, 0.0)])
def test_two_rounded_numbers_with_thin_tails(estimator, n, rho):
    """Most of their hundred cells lie in the tails: Miller and Madow's correction is too small."""
    drawn = np.random.default_rng(8).multivariate_normal([0, 0], [[1, rho], [rho, 1]], 1_000_000)
    truth = mutual_info_score(*np.round(1.5 * drawn).T)
    errors, counted, held = [], [], 0
    for seed in range(16):
        rng = np.random.default_rng([seed, n])
        x, y = np.round(1.5 * rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)).T
        found = estimator.estimate(x, y)
        errors.append(found.mi - truth)
        counted.append(plug_in(_cells(x, y)).mi - truth)
        held += found.interval[0] <= truth <= found.interval[1]
    assert np.mean(np.square(errors)) < 0.7 * np.mean(np.square(counted))
    assert held >= 14


def test_every_entrance_gives_the_same(estimator):
    rng = np.random.default_rng(5)
    x = rng.integers(4, size=300)
    y = (x + rng.integers(3, size=300)) % 4
    alone = estimator.estimate(x, y)
    found = dense(_cells(x, y))
    assert alone.mi == pytest.approx(found.mi, abs=1e-7)
    assert alone.interval == pytest.approx((found.low, found.high))
    table = estimator.pairwise({"x": x, "y": y, "z": rng.normal(size=300)})
    assert table["x", "y"].mi == alone.mi
    assert table["x", "y"].interval == alone.interval
    assert estimator.mi(np.stack([x, y], 1)[None])[0] == alone.mi
    # an order of the levels, or which comes first, does not matter
    again = estimator.estimate(np.array([2, 0, 3, 1])[y], x)
    assert again.mi == pytest.approx(alone.mi, abs=1e-6)


def test_x_with_itself_is_its_entropy(estimator):
    x = np.repeat([1.0, 2.0, 5.0], [50, 30, 20])
    p = np.array([0.5, 0.3, 0.2])
    entropy = -(p * np.log(p)).sum()
    assert estimator.estimate(x, x).mi == pytest.approx(entropy + 2 / 200, abs=0.011)
    assert estimator.estimate(x, x).mi <= entropy + 0.011
