"""What a condition leaves of a column, and tests of dependence that changes with a condition."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet.vines.conditioning import Continuous
from infonet.vines.copula import rank
from infonet.vines.variables import Group
from scipy.stats import binomtest, spearmanr


@pytest.mark.parametrize(
    ("effect", "least"),
    [
        (lambda z: np.sin(2 * z[:, 0] * z[:, 1]), 0.88),
        (lambda z: (z[:, 0] * z[:, 1]) ** 2, 0.86),
        (lambda z: np.abs(z[:, 0] + z[:, 1]), 0.91),
        (lambda z: z[:, 0] * z[:, 1] + z[:, 2], 0.88),
    ],
    ids=["sine of a product", "square of a product", "size of a sum", "product and one more"],
)
def test_what_a_condition_leaves_is_the_noise(estimator, effect, least):
    """Each lost percent of the correlation with the noise is power that a test does not have."""
    found = []
    for seed in range(4):
        rng = np.random.default_rng([81, seed])
        z, noise = rng.standard_normal((500, 3)), rng.standard_normal(500)
        given = Group.ranked([z[:, place] for place in range(3)], 0)
        column = rank([effect(z) + noise / 2])[0]
        left = Continuous(estimator.engine, given).out_of(column)
        found.append(spearmanr(left, noise).statistic)
    assert np.mean(found) > least


@pytest.mark.parametrize(
    ("gate", "least"),
    [(np.tanh, 0.7), (lambda z: (z * z - 1) / 2, 0.5)],
    ids=["with the sign", "with the distance"],
)
def test_a_correlation_that_changes_with_the_condition_is_found(gate, least):
    """It is 0 on the whole, so that only a test within the condition sees it."""
    p_values = []
    for seed in range(40):
        rng = np.random.default_rng([82, seed])
        z, v, w = rng.standard_normal((3, 500))
        p_values.append(infonet.conditional_independence(z + v, 0.4 * gate(z) * v + w, z).p_value)
    assert np.mean(np.array(p_values) <= 0.05) > least


def test_no_gate_is_seen_where_there_is_none():
    p_values = []
    for seed in range(100):
        rng = np.random.default_rng([83, seed])
        z, v, w = rng.standard_normal((3, 500))
        x, y = z + v * np.exp(0.3 * z), z * z + w * np.exp(-0.3 * z)
        p_values.append(infonet.conditional_independence(x, y, z).p_value)
    assert binomtest(int(np.sum(np.array(p_values) <= 0.05)), 100, 0.05).pvalue > 0.01
