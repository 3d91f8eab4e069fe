"""A number against a label: counted in bins of ranks, or by nearest neighbours where sharp."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from infonet import Estimator
from infonet.pairs.labels import (
    LEVELS,
    MANY_PER_LEVEL,
    PER_LEVEL,
    most_levels,
    neighbours,
    number_and_label,
)
from infonet.pairs.levels import Levels
from scipy.stats import binom, norm
from sklearn.feature_selection import mutual_info_classif


@pytest.fixture(scope="module")
def estimator():
    return Estimator(threads=1)


def _ranks(x):
    order = np.argsort(np.argsort(x))
    return ((order + 0.5) / len(x)).astype(np.float32)


def _label(x, label):
    """Estimate of a number without ties and a label."""
    ranks = _ranks(x)
    return number_and_label(ranks, ranks, Levels.of(np.asarray(label)))


def _soft_label(seed, k, strength):
    """(MI, draw): label k of softmax(waves of a uniform u), the truth by the rectangle rule."""
    rng = np.random.default_rng([seed, k])
    order = np.arange(1, 7)
    weight, phase = rng.normal(size=(k, 6)) * strength / order, rng.uniform(0, 6.28, (k, 6))

    def posterior(u):
        logit = np.einsum(
            "ki,kin->kn", weight, np.cos(np.pi * order[:, None] * u + phase[..., None])
        )
        p = np.exp(logit - logit.max(0))
        return p / p.sum(0)

    p = posterior((np.arange(100_000) + 0.5) / 100_000)
    mi = float((p * np.log(p / p.mean(1, keepdims=True))).sum(0).mean())

    def draw(generator, n):
        u = generator.random(n)
        return u, (posterior(u).cumsum(0) < generator.random(n)).sum(0).clip(0, k - 1)

    return max(mi, 1e-9), draw


@pytest.mark.parametrize(("k", "n"), [(2, 300), (2, 5000), (4, 1000), (9, 4000)])
def test_errors_are_smaller_than_scikit_learns_and_intervals_hold(k, n):
    generator = np.random.default_rng([k, n])
    ours, theirs, held = [], [], []
    for seed in range(60):
        mi, draw = _soft_label(seed, k, (0.3, 1, 2)[seed % 3])
        x, label = draw(generator, n)
        found = _label(x, label)
        ours.append(found.mi - mi)
        theirs.append(mutual_info_classif(x[:, None], label, random_state=0)[0] - mi)
        held.append(found.low <= mi <= found.high)
    assert np.mean(np.square(ours)) < np.mean(np.square(theirs))
    assert sum(held) >= binom.ppf(0.001, 60, 0.87)


@pytest.mark.parametrize(("n", "most"), [(1000, 0.03), (5000, 0.01), (20_000, 0.003)])
def test_stripes_sharper_than_the_bins(n, most):
    generator = np.random.default_rng(n)
    x = generator.random(n)
    label = (x * 4 % 1 < 0.5).astype(int)  # I(X; label) = H(label) = log 2
    found = _label(x, label)
    assert found.mi == pytest.approx(np.log(2), abs=most)
    assert found.low < found.mi < found.high


@pytest.mark.parametrize(("n", "stripes"), [(1000, 8), (1000, 16), (5000, 40)])
def test_intervals_of_sharp_labels_allow_for_the_bias(n, stripes):
    generator = np.random.default_rng([n, stripes])
    held = 0
    for _ in range(20):
        x = generator.random(n)
        found = _label(x, (x * stripes % 1 < 0.5).astype(int))
        held += found.low <= np.log(2) <= found.high
    assert held >= binom.ppf(0.001, 20, 0.75)


def test_neighbours_agree_with_scikit_learn():
    # sixteen noisy stripes: too sharp for bins, so that both are Ross's estimator
    generator = np.random.default_rng(1)
    x = generator.random(3000)
    label = ((x * 16 % 1 < 0.5) ^ (generator.random(3000) < 0.05)).astype(int)
    theirs = mutual_info_classif(x[:, None], label, n_neighbors=3, random_state=0)[0]
    assert _label(x, label).mi == pytest.approx(theirs, abs=0.03)


@pytest.mark.parametrize(("levels", "per"), [(2, 1000), (20, 100), (100, 20)])
def test_neighbours_of_many_labels_agree_with_scikit_learn(levels, per):
    """Ross's estimate of three neighbours, less what few samples a level add to it."""
    generator = np.random.default_rng(levels)
    label = np.repeat(np.arange(levels), per)
    x = generator.uniform(size=levels)[label] + 0.05 * generator.normal(size=label.size)
    # of ranks, so that both see the same distances but for their spacing
    theirs = mutual_info_classif(
        _ranks(x)[:, None].astype(float), label, n_neighbors=3, random_state=0
    )[0]
    found = neighbours(_ranks(x), Levels.of(label))
    assert theirs - min(theirs, 1) / (per + 6) == pytest.approx(found.mi, abs=0.02)
    assert found.low < found.mi < found.high


def test_reversed_numbers_and_renamed_labels_give_the_same():
    generator = np.random.default_rng(2)
    for n, stripes in ((200, 1), (1151, 1), (1151, 12), (5000, 12)):
        x = generator.random(n)
        label = (x * stripes + 0.2 * generator.normal(size=n) > 0.5 * stripes).astype(int)
        label += (x * stripes % 1 < 0.5).astype(int)
        k = label.max() + 1
        one = _label(x, label)
        for other, renamed in ((-x, label), (x, k - 1 - label)):
            again = _label(other, renamed)
            assert again.mi == pytest.approx(one.mi, abs=1e-12)
            assert again.high == pytest.approx(one.high, abs=1e-12)
        shuffle = generator.permutation(n)
        again = _label(x[shuffle], label[shuffle])
        assert again.mi == pytest.approx(one.mi, abs=1e-12)


BY_LABEL = "counts in bins, or nearest neighbours of a label"


def test_which_pairs_are_labels(estimator):
    generator = np.random.default_rng(3)
    n = LEVELS * PER_LEVEL * 2
    number = generator.normal(size=n)
    label = generator.integers(LEVELS, size=n)
    more = generator.integers(LEVELS + 1, size=n)  # one level too many
    mostly = np.where(generator.random(n) < 0.95, 0.0, generator.normal(size=n))  # rain
    flag = generator.integers(2, size=n)
    for x, y in ((number, label), (flag, number)):
        assert estimator.estimate(x, y).method == BY_LABEL
        assert estimator.estimate(y, x).method == BY_LABEL
    assert estimator.estimate(label, flag).method == "counts"
    # Few amounts have bins of their own.
    for x, y in ((more, number), (number, mostly), (mostly, label), (label, mostly)):
        assert estimator.estimate(x, y).method != BY_LABEL
    assert most_levels(1000 * MANY_PER_LEVEL) == 1000
    assert most_levels(20) == 2
    few = slice(LEVELS * PER_LEVEL - 1)
    assert estimator.estimate(label[few], number[few]).method != BY_LABEL
    assert estimator.estimate(flag[few], number[few]).method == BY_LABEL


@pytest.mark.parametrize(("n", "k"), [(60, 2), (100, 2), (150, 3), (199, 5)])
def test_labels_with_few_samples(estimator, n, k):
    """Closer to the truth than what the network says of ties in an order at random."""
    errors, others, within = [], [], []
    for seed in range(30):
        truth, draw = _soft_label(seed, k, 3.0)
        number, label = draw(np.random.default_rng([n, seed]), n)
        if len(np.unique(label)) < 2:
            continue
        found = estimator.estimate(number, label)
        broken = estimator.estimate(number, label + 1e-6 * np.random.default_rng(seed).random(n)).mi
        low, high = found.interval
        errors.append(found.mi - truth)
        others.append(broken - truth)
        within.append(low <= truth <= high)
    rmse, other = (float(np.sqrt(np.mean(np.square(e)))) for e in (errors, others))
    assert rmse < 0.9 * other
    assert np.mean(within) > 0.8


def test_few_amounts_are_no_levels(estimator):
    """Rain on 8 days of 250: whether it rains counts, each amount of its own does not."""
    r = np.random.default_rng(3)
    wet = np.arange(250) % 32 == 0
    x, y = np.where(wet, r.lognormal(size=(2, 250)), 0.0)
    p = wet.mean()
    found = estimator.estimate(x, y)
    assert found.mi == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p), abs=0.03)


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_label_with_little_noise_is_no_function(estimator, share):
    """Logistic labels of 100 samples: some change rarely along the number, all are uncertain."""
    grid = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    p = 1 / (1 + np.exp(-4 * (grid - norm.ppf(1 - share))))
    bits = -p * np.log(p) - (1 - p) * np.log1p(-p)
    mean = p.mean()
    truth = float(-mean * np.log(mean) - (1 - mean) * np.log(1 - mean) - bits.mean())
    within = []
    for seed in range(60):
        r = np.random.default_rng([seed, int(10 * share)])
        i = r.integers(grid.size, size=100)
        x = grid[i] + 1e-9 * r.random(100)
        low, high = estimator.estimate(x, r.random(100) < p[i]).interval
        within.append(low <= truth <= high)
    assert np.mean(within) > 0.85


@pytest.mark.parametrize(("n", "k"), [(200, 4), (500, 10), (5000, 10), (20_000, 20)])
def test_even_levels_are_counted_to_the_last(estimator, n, k):
    # their entropy with its correction is above log k
    number, label = np.sin(np.arange(n)), np.arange(n) % k
    assert estimator.estimate(number, label).method == BY_LABEL
    assert estimator.estimate(np.arange(100) % 5, np.arange(100) // 5 % 5).method == "counts"


def test_a_few_ties_change_little(estimator):
    x = np.random.default_rng(7).random(5000)
    label = (x * 60 % 1 < 0.5).astype(int)  # sharper than bins: nearest neighbours
    untied = estimator.estimate(x, label)
    order = np.argsort(x)
    for size in (2, 9):  # 9 of one value: neighbours at no distance
        tied = x.copy()
        tied[order[2500 : 2500 + size]] = x[order[2500]]
        found = estimator.estimate(tied, label)
        assert found.mi == pytest.approx(untied.mi, abs=4e-3)
        assert found.interval == pytest.approx(untied.interval, abs=8e-3)
        # the order of the nine is another one
        assert estimator.estimate(-tied, label).mi == pytest.approx(found.mi, abs=1e-3)


def test_two_labels_in_either_order(estimator):
    # nearly as many cells as a table of levels may have
    n, k = 300_000, 290
    generator = np.random.default_rng(8)
    x = generator.integers(k, size=n)
    y = np.minimum(x // 2 + generator.integers(k, size=n), k - 1)
    found, turned = estimator.estimate(x, y), estimator.estimate(y, x)
    # by convolution: what y hides of the sum, given x
    p = np.zeros((k, k))
    for value in range(k):
        np.add.at(p[value], np.minimum(value // 2 + np.arange(k), k - 1), 1 / k**2)
    q = p / np.outer(p.sum(1), p.sum(0))
    truth = float((p[p > 0] * np.log(q[p > 0])).sum())
    assert found.mi == pytest.approx(truth, rel=0.1)
    assert turned.mi == pytest.approx(found.mi, abs=1e-6)
    assert turned.interval == pytest.approx(found.interval, abs=1e-6)


@pytest.mark.parametrize(
    ("n", "share", "most"), [(500, 0.05, 0.01), (5000, 0.01, 0.002), (100_000, 0.001, 3e-4)]
)
def test_rare_levels_do_not_look_dependent(n, share, most):
    generator = np.random.default_rng(n)
    found = []
    for _ in range(20 if n < 50_000 else 4):
        label = (np.arange(n) < n * share).astype(int)
        found.append(_label(generator.random(n), label))
    assert np.mean([one.mi for one in found]) < most
    assert sum(one.low == 0 for one in found) >= binom.ppf(0.001, len(found), 0.9)


def test_rare_levels_that_depend():
    # a label of one in a hundred: N(2, 1) instead of N(0, 1); truth by quadrature
    grid = np.linspace(-9, 11, 20_001)
    common, rare = norm.pdf(grid), norm.pdf(grid - 2)
    mixture = 0.99 * common + 0.01 * rare
    density = 0.99 * common * np.log(common / mixture) + 0.01 * rare * np.log(rare / mixture)
    truth = float(density.sum()) * (grid[1] - grid[0])
    generator, n = np.random.default_rng(10), 5000
    errors, held = [], 0
    for _ in range(40):
        label = (generator.random(n) < 0.01).astype(int)
        x = generator.normal(size=n) + 2 * label
        found = _label(x, label)
        errors.append(found.mi - truth)
        held += found.low <= truth <= found.high
    assert np.sqrt(np.mean(np.square(errors))) < 0.006  # of 0.0187
    assert held >= binom.ppf(0.001, 40, 0.85)


def test_tables_of_rare_levels_stay_small():
    """The finest table that is tried would have 8 MB, those allowed have 3 MB."""
    n, k = 50_000, 20_000
    label = np.zeros(n, int)
    label[1:k] = np.arange(1, k)
    tracemalloc.start()
    try:
        found = _label(np.random.default_rng(9).random(n), label)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 7e6
    assert 0 <= found.low <= found.mi <= found.high


def test_the_last_rank_may_be_1_in_float32():
    label = Levels.of(np.arange(1000) % 2)
    ranks = _ranks(np.arange(1000))
    expected = number_and_label(ranks, ranks, label)
    ranks[-1] = 1  # as from n = 2^24 on
    assert number_and_label(ranks, ranks, label) == expected


@pytest.mark.parametrize("width", [0.5, 0.25])
def test_many_samples_of_a_rounded_number(estimator, width):
    # the truth by quadrature: y normal, the label rounds 0.6 y + 0.8 noise to multiples of width
    n = 100_000
    generator = np.random.default_rng(6)
    y = generator.normal(size=n)
    label = np.round((0.6 * y + 0.8 * generator.normal(size=n)) / width)
    grid = np.linspace(-9, 9, 6001)
    edges = width * (np.arange(-60, 61) + 0.5)
    cell = np.diff(norm.cdf((edges[:, None] - 0.6 * grid) / 0.8), axis=0)
    weight = norm.pdf(grid) * (grid[1] - grid[0])
    ratio = np.log(np.maximum(cell, 1e-300) / np.maximum(cell @ weight, 1e-300)[:, None])
    truth = float((cell * ratio).sum(0) @ weight)
    found = estimator.estimate(y, label)
    assert found.mi == pytest.approx(truth, abs=0.008)
    assert found.interval[0] < truth < found.interval[1]


def test_unordered_classes_and_every_entrance(estimator):
    generator = np.random.default_rng(4)
    x = generator.normal(size=4000)
    label = np.digitize(x, [-1, -0.3, 0.2, 0.9]) % 5
    strings = np.array(["c", "e", "a", "d", "b"])[label]
    alone = estimator.estimate(x, label)
    truth = -sum(p * np.log(p) for p in np.bincount(label) / 4000)
    assert alone.mi == pytest.approx(truth, abs=0.02)
    renamed = np.unique(strings, return_inverse=True)[1]
    assert estimator.estimate(renamed, -x).mi == pytest.approx(alone.mi, abs=1e-6)
    table = estimator.pairwise({"x": x, "label": label, "z": generator.normal(size=4000)})
    assert table["x", "label"].mi == alone.mi
    assert table["label", "z"].mi < 0.01
    assert estimator.mi(np.stack([x, label], 1)[None])[0] == alone.mi


def test_a_tied_number(estimator):
    # rounded to 40 levels: a tied block lies in one bin, whatever the order of the rows
    generator = np.random.default_rng(5)
    x = np.round(generator.normal(size=3000), 1)
    label = (x + 0.5 * generator.normal(size=3000) > 0).astype(int)
    shuffle = generator.permutation(3000)
    one = estimator.estimate(x, label)
    assert estimator.estimate(x[shuffle], label[shuffle]).mi == pytest.approx(one.mi, abs=1e-6)
    smooth = estimator.estimate(x + 1e-3 * generator.random(3000), label)
    assert one.mi == pytest.approx(smooth.mi, abs=0.01)


def test_what_the_test_of_independence_does_not_see_is_said(estimator):
    generator = np.random.default_rng(8)
    x = generator.random(20_000)
    wave = estimator.estimate(x, np.sin(200 * np.pi * x))
    assert wave.interval[0] > 0.02
    assert wave.p_value > 0.05
    assert any("another statistic" in note for note in wave.notes)
    plain = estimator.estimate(x, (x < 0.5).astype(int))
    assert plain.p_value < 0.001
    assert not any("another statistic" in note for note in plain.notes)


@pytest.mark.parametrize(("n", "most"), [(300, 0.1), (1000, 0.03), (5000, 0.012), (20_000, 0.004)])
def test_labels_with_sharp_edges_that_overlap(estimator, n, most):
    """A number between its label and two more than it (Gao et al. 2017)."""
    truth = np.log(5) - 0.8 * np.log(2)
    rng = np.random.default_rng(n)
    labels = [rng.integers(0, 5, n) for _ in range(20)]
    found = [estimator.estimate(label, label + 2 * rng.random(n)) for label in labels]
    errors = np.array([one.mi - truth for one in found])
    assert np.sqrt((errors**2).mean()) < most
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 14


@pytest.mark.parametrize(("levels", "each"), [(2, 10), (16, 25), (50, 20)])
def test_no_more_than_all_levels_can_tell(estimator, levels, each):
    label = np.repeat(np.arange(levels), each)
    found = estimator.estimate(label, -label)
    assert found.mi == pytest.approx(np.log(levels), rel=1e-6)
    assert found.interval[0] < np.log(levels)
