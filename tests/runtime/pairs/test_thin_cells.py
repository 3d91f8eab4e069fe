"""A number beside a label with rare levels: the bias of plain counts where cells are thin."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.pairs.counted import entropy, from_table, thin_bias
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
