"""The bias of plain counts where cells are thin: of rare levels, and of levels that never meet."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.pairs.counted import entropy, from_table, learnt_bias, poisson_bias, thin_bias
from infonet.pairs.labels import _bias
from infonet.pairs.levels import Levels


@pytest.mark.parametrize("n", [300, 600, 1500])
def test_a_count_and_a_number_that_have_nothing_to_do_with_each_other(estimator, n):
    """Counts of three and more are so rare that most of their bins hold one sample or none."""
    found = []
    for seed in range(16):
        rng = np.random.default_rng([seed, n])
        found.append(estimator.estimate(rng.normal(size=n), rng.poisson(0.5, n)))
    assert np.mean([one.mi for one in found]) < 5 / n
    assert sum(one.interval[0] == 0 for one in found) >= 14


def test_bias_of_thin_cells_is_that_of_a_simulation():
    """Labels that are alike in all bins: what plain counts tell is bias, all of it."""
    rng = np.random.default_rng(9)
    shares, bins = np.array([0.8, 0.17, 0.02, 0.01]), 21
    corrected, taken = [], []
    for _ in range(400):
        counts = rng.multinomial(30, shares, size=bins)
        level = np.repeat(np.arange(4), counts.sum(0))
        first, second = np.nonzero(counts)
        rows, columns, n = counts.sum(1), counts.sum(0), counts.sum()
        used = counts[first, second]
        plain = (used / n) @ np.log(used * n / (rows[first] * columns[second]))
        margins = bins + (columns > 0).sum() - 1
        corrected.append(plain - (used.size - margins) / (2 * n))
        most, mi = entropy(Levels.of(level))[0], from_table(counts).mi
        taken.append(thin_bias(_bias(counts), used.size, n, mi, most))
    assert np.mean(corrected) > 0.01
    # means of five bins vary, too, which hides a part of it
    assert 0.5 * np.mean(corrected) < np.mean(taken) < 1.05 * np.mean(corrected)


def _of_groups(sizes):
    """Two codes that agree in their group, of which each has so many, all codes alike in one."""
    shares = np.zeros((sum(sizes), sum(sizes)))
    for size, end in zip(sizes, np.cumsum(sizes), strict=True):
        shares[end - size : end, end - size : end] = 1 / size
    return shares


def _band(levels, width):
    """y = x + {0 .. width - 1}."""
    shares = np.zeros((levels, levels + width - 1))
    for level in range(levels):
        shares[level, level : level + width] = 1
    return shares


def _confused(levels, right):
    wrong = (1 - right) / (levels - 1)
    return np.full((levels, levels), wrong) + (right - wrong) * np.eye(levels)


def _truth_and_draws(shares, n, names, draws):
    """The mutual information of a table of shares, and samples of it, of numbers or of names."""
    shares = shares / shares.sum()
    alone = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    seen = shares > 0
    truth = float(shares[seen] @ np.log(shares[seen] / alone[seen]))
    drawn = []
    for seed in range(draws):
        cells = np.random.default_rng([seed, n]).choice(shares.size, n, p=shares.ravel())
        pair = np.divmod(cells, shares.shape[1])
        drawn.append([np.char.add("c", v.astype(str)) for v in pair] if names else pair)
    return truth, drawn


STRUCTURES = {
    "ten groups of ten codes": (_of_groups([10] * 10), 20_000, False, 0.0015),
    "the same, by name": (_of_groups([10] * 10), 20_000, True, 0.0015),
    "five groups of ten codes": (_of_groups([10] * 5), 10_000, False, 0.002),
    "two groups of six codes": (_of_groups([6] * 2), 300, False, 0.02),
    "three groups of four codes": (_of_groups([4] * 3), 300, False, 0.015),
    "a number and seven values from it on": (_band(100, 7), 20_000, False, 0.002),
    "names of which five are near": (_band(50, 5), 2000, True, 0.02),
    "groups of one to thirteen names": (_of_groups([1, 2, 3, 5, 8, 13]), 3800, True, 0.015),
    "codes mistaken one time in ten": (_confused(30, 0.9), 20_000, False, 0.012),
}


@pytest.mark.parametrize("kind", STRUCTURES)
def test_cells_that_cannot_occur_have_no_bias(estimator, kind):
    """What independent variables would have in these cells was taken from the estimate."""
    shares, n, names, most = STRUCTURES[kind]
    truth, drawn = _truth_and_draws(shares, n, names, 8)
    found = [estimator.estimate(*pair) for pair in drawn]
    assert abs(np.mean([one.mi for one in found]) - truth) < most
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 6


@pytest.mark.parametrize("right", [1 / 12, 0.2, 0.5, 0.8])
def test_learnt_bias_is_that_of_means_that_are_known(right):
    """From independent codes to ones that mostly agree, 4 samples in a cell on average."""
    n, levels, found = 600, 12, []
    shares = _confused(levels, right) / levels
    for seed in range(60):
        counts = np.random.default_rng(seed).multinomial(n, shares.ravel()).reshape(shares.shape)
        independent = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
        found.append(learnt_bias(independent, counts))
    biases, errors = np.array(found).T
    assert biases.mean() == pytest.approx(poisson_bias(shares * n), rel=0.05)
    assert biases.std() < 5
    assert errors.max() < 5
