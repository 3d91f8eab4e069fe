"""What a condition leaves of a column, and tests of dependence that changes with a condition."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet.vines.condition import Apart, prepare
from infonet.vines.conditioning import Continuous
from infonet.vines.copula import rank
from infonet.vines.regression import Polynomial
from infonet.vines.variables import Group
from scipy.stats import binomtest, norm, spearmanr


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


@pytest.mark.parametrize("columns", [2, 5])
def test_strong_linear_causes_are_taken_out(columns):
    """Five causes of three times the noise explain 98 % of both."""
    p_values, mi = [], []
    for seed in range(20):
        rng = np.random.default_rng([84, columns, seed])
        z, (v, w) = rng.standard_normal((1000, columns)), rng.standard_normal((2, 1000))
        found = infonet.conditional_independence(3 * z.sum(1) + v, 3 * z.sum(1) + w, z)
        p_values.append(found.p_value)
        mi.append(found.mi)
    assert np.sum(np.array(p_values) <= 0.05) <= 4
    assert np.mean(mi) < 0.003


def test_a_condition_that_tells_nearly_all_is_remarked_on():
    rng = np.random.default_rng(85)
    z, (v, w) = rng.standard_normal((1000, 5)), rng.standard_normal((2, 1000))
    found = infonet.estimate(10 * z.sum(1) + v, 10 * z.sum(1) + w, given=z)
    assert any("tells nearly all" in note for note in found.notes)
    assert found.interval[0] == 0
    signs = np.sign(z[:, :2])  # taken apart by level, which leaves no trace
    found = infonet.estimate(30 * signs.sum(1) + v, 30 * signs.sum(1) + w, given=signs)
    assert not any("tells nearly all" in note for note in found.notes)
    found = infonet.estimate(z.sum(1) + v, z.sum(1) + w, given=z)
    assert not any("tells nearly all" in note for note in found.notes)


def test_a_polynomial_foretells_what_it_holds():
    rng = np.random.default_rng(86)
    z = rng.standard_normal((3, 4000))
    parts = rank(list(z))
    scores = [norm.ppf(part) for part in parts]
    polynomial = Polynomial(parts)
    column = rank([scores[0] - 0.5 * scores[1] * scores[2]])[0]
    left = polynomial.without(column)
    assert left.var() < 0.02
    features = [*scores, *(s**2 for s in scores), *(s**3 for s in scores)]
    features += [scores[i] * scores[j] for i in range(3) for j in range(i)]
    design = np.stack([np.ones(4000), *features], 1)
    own = norm.ppf(column)
    expected = own - design @ np.linalg.lstsq(design, own, rcond=None)[0]
    np.testing.assert_allclose(left - left.mean(), expected, atol=1e-4)
    assert Polynomial(rank(list(z[:, :50]))).foretold(rank([z[0, :50]])[0]) is None


def test_a_condition_of_labels_and_numbers_is_taken_apart(estimator):
    """Samples of rare labels are looked at together, and of very few nothing is told."""
    rng = np.random.default_rng(83)
    for rare in (3, 150):
        label = np.repeat(np.arange(4), (900, 700, 400 - rare, rare))
        z, noise = rng.standard_normal((2, label.size))
        given = Group.ranked([label, z], 0)
        column = rank([np.array([3, -3, 0, 2])[label] * z + 5 * label + noise / 2])[0]
        condition = prepare(estimator.engine, given)
        assert isinstance(condition, Apart)
        left = condition.out_of(column)
        assert left.tobytes() == prepare(estimator.engine, given).out_of(column).tobytes()
        assert np.unique(left).size == label.size
        for level in range(4 if rare == 150 else 3):
            inside = label == level
            assert spearmanr(left[inside], noise[inside]).statistic > 0.93
            assert abs(left[inside].mean() - 0.5) < 0.01
    numbers = prepare(estimator.engine, Group.ranked([z, noise], 0))
    few = prepare(estimator.engine, Group.ranked([np.arange(label.size) % 80, z], 0))
    assert isinstance(numbers, Continuous)
    assert isinstance(few, Continuous)
