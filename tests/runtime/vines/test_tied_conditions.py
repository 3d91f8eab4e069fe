"""Conditions with ties: rounded numbers, counts, rare labels and amounts that are often zero."""

from __future__ import annotations

import infonet
import numpy as np
import pytest

N = 2000


def _rounded(rng, z, v, w):
    z = np.round(2 * z) / 2
    return z + v / 2, z + w / 2, z


def _finely_rounded(rng, z, v, w):
    z = np.round(z, 1)
    return z + 0.3 * v, z * z + 0.3 * w, z


def _parity(rng, z, v, w):
    z = rng.poisson(3, N)
    return z % 2 * 2 + v, z % 2 * 2 + w, z


def _often_zero(rng, z, v, w):
    z = np.where(rng.random(N) < 0.6, 0, np.exp(z))
    return z + v, np.log1p(z) + (z == 0) + w / 2, z


def _rare_labels(rng, z, v, w):
    shares = 1 / np.arange(1, 31)
    label = rng.choice(30, N, p=shares / shares.sum())
    effects = np.random.default_rng(5).normal(size=(2, 30))
    return effects[0, label] * 1.5 + v, effects[1, label] * 1.5 + w, label


def _slopes_by_label(rng, z, v, w):
    label = rng.integers(0, 8, N)
    slopes = np.array([2, -2, 1, 0, -1, 2, -2, 0])[label]
    return slopes * z + v, slopes * z + w, {"label": np.array(list("abcdefgh"))[label], "z": z}


def _steep_slopes_by_label(rng, z, v, w):
    """What one copula of all labels together leaves of such slopes is no noise."""
    label = rng.integers(0, 8, N)
    slopes = np.random.default_rng(7).normal(size=(2, 8))[:, label]
    given = {"label": np.array(list("abcdefgh"))[label], "z": z}
    return 3 * slopes[0] * z + 0.3 * v, 3 * slopes[1] * z + 0.3 * w, given


CAUSES = (
    _rounded,
    _finely_rounded,
    _parity,
    _often_zero,
    _rare_labels,
    _slopes_by_label,
    _steep_slopes_by_label,
)


def _draw(cause, seed):
    rng = np.random.default_rng(seed)
    return cause(rng, *rng.normal(size=(3, N)))


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
def test_a_cause_with_ties_explains_what_it_causes(cause):
    """Means of 12 draws: the estimate is next to nothing, and p-values are not all small."""
    found = [infonet.conditional_independence(*_draw(cause, seed)) for seed in range(12)]
    assert np.mean([test.mi for test in found]) < 0.002
    assert 0.25 < np.mean([test.p_value for test in found]) < 0.75


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
def test_dependence_beyond_the_cause_is_found(cause):
    """v + w shares half of its variance with v, which tells log(2) / 2. Of steep slopes in 250
    samples each a trace is left, which hides some of it."""
    rng = np.random.default_rng(1)
    z, v, w = rng.normal(size=(3, N))
    x, y, given = cause(rng, z, v, (v + w) / np.sqrt(2))
    error = 0.25 if cause is _steep_slopes_by_label else 0.15
    assert infonet.estimate(x, y, given=given).mi == pytest.approx(np.log(2) / 2, rel=error)


def test_the_order_of_labels_does_not_matter():
    """The levels are the same in any order; what is rare stands for little."""
    x, y, label = _draw(_rare_labels, 3)
    codes = np.random.default_rng(0).permutation(30)
    names = np.array([f"{code:02d}" for code in codes])
    first = infonet.estimate(x, y, given=label)
    other = infonet.estimate(x, y, given=names[label])
    assert other.mi == pytest.approx(first.mi, abs=0.004)


def test_all_routes_rank_within_levels(estimator):
    """A matrix and the pairs of feature selection take the same condition out."""
    x, y, z = _draw(_rounded, 4)
    plain = estimator.estimate(x, y)
    matrix = estimator.pairwise({"x": x, "y": y, "z": z}, ["x", "y"], given=["z"])
    assert plain.mi > 0.3
    assert matrix["x", "y"].mi < 0.005
    assert matrix["x", "y"].p_value > 0.001


@pytest.mark.parametrize("n", [20, 21, 129])
def test_few_samples_and_levels(n):
    """Levels of 20 samples and none of 20, a rest of a single sample."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, n))
    z = np.repeat(np.arange(n // 20 + 1), 20)[:n]
    found = infonet.estimate(x, y, given={"z": z, "w": rng.normal(size=n)})
    assert 0 <= found.interval[0] <= found.mi <= found.interval[1]
    assert found.mi < 0.2


def test_counts_of_rare_levels_are_judged_by_shuffles():
    """Most cells hold less than a sample under independence: chi-squared and its bias are off."""
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y, a, b = (rng.random((4, 1500)) < 0.08).astype(int)
        found.append(infonet.estimate(x, y, given=np.stack([a, b], 1)))
    assert {estimate.method for estimate in found} == {"counts"}
    assert 0.35 < np.mean([estimate.p_value for estimate in found]) < 0.65
    assert sum(estimate.p_value < 0.05 for estimate in found) <= 8
    assert np.mean([estimate.mi for estimate in found]) < 0.0012


def test_rare_spikes_that_follow_others():
    """y follows x one step later; the truth is that of a binary channel."""

    def entropy(p):
        return -(p * np.log(p) + (1 - p) * np.log(1 - p))

    truth = entropy(0.1) - 0.9 * entropy(0.05) - 0.1 * entropy(0.55)
    forward, back = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = rng.random(4000) < 0.1
        y = np.concatenate([[False], rng.random(3999) < 0.05 + 0.5 * x[:-1]])
        forward.append(infonet.transfer_entropy(x, y, history=3))
        back.append(infonet.transfer_entropy(y, x, history=3))
    assert np.mean([found.mi for found in forward]) == pytest.approx(truth, rel=0.15)
    assert max(found.p_value for found in forward) < 1e-6
    assert np.mean([found.mi for found in back]) < 0.002
    assert max(found.p_value for found in back) > 0.05
