"""Labels among the columns of x, y and the condition, against truths from the densities."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet.sklearn import MutualInformationSelector

SLOPES = np.array([2, -2, 0, 1, -1])
GRID = np.linspace(-8, 8, 801)
WEIGHT = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()  # of a standard normal variable


def _entropy(p):
    p = np.clip(p, 1e-300, 1 - 1e-16)
    return -(p * np.log(p) + (1 - p) * np.log1p(-p))


def _logistic(a, c):
    """I(x; b | z) and I(x, z; b) of b = 1 with probability 1 / (1 + exp(-a x - c z))."""
    p = 1 / (1 + np.exp(-(a * GRID[:, None] + c * GRID[None])))
    of_both = float(WEIGHT @ _entropy(p) @ WEIGHT)
    of_z = float(_entropy(WEIGHT @ p) @ WEIGHT)
    return of_z - of_both, np.log(2) - of_both


def _draw_logistic(a, c, n, seed):
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    return x, z, rng.random(n) < 1 / (1 + np.exp(-(a * x + c * z)))


@pytest.mark.parametrize(("a", "c"), [(1, 1), (2, 2), (1, 3)])
def test_a_binary_label_given_a_number(a, c):
    """Ranks of the label, with ties in random order, told a seventh to a third less."""
    truth, _ = _logistic(a, c)
    draws = [_draw_logistic(a, c, 3000, seed) for seed in range(4)]
    found = [infonet.estimate(x, b, given=z) for x, z, b in draws]
    assert np.mean([e.mi for e in found]) == pytest.approx(truth, rel=0.08)
    assert sum(e.interval[0] <= truth <= e.interval[1] for e in found) >= 2  # 90 % in the mean


def test_numbers_against_a_binary_label():
    _, truth = _logistic(1, 1)
    draws = [_draw_logistic(1, 1, 3000, seed) for seed in range(4)]
    found = [infonet.estimate(np.stack([x, z], 1), b) for x, z, b in draws]
    assert np.mean([e.mi for e in found]) == pytest.approx(truth, rel=0.06)
    swapped = [infonet.estimate(b, np.stack([z, x], 1)) for x, z, b in draws]
    assert [e.mi for e in swapped] == [e.mi for e in found]


def test_a_label_that_tells_nothing_given_the_number():
    found = [
        infonet.estimate(x, b, given=z)
        for x, z, b in (_draw_logistic(0, 2, 2000, seed) for seed in range(20))
    ]
    assert np.mean([e.mi for e in found]) < 0.001
    assert sum(e.p_value < 0.05 for e in found) <= 4


def _draw_slopes(n, seed):
    rng = np.random.default_rng(seed)
    label, (x, noise) = rng.integers(0, 5, n), rng.normal(size=(2, n))
    return np.array(list("abcde"))[label], x, SLOPES[label] * x + noise


@pytest.mark.parametrize("n", [500, 3000])
def test_a_slope_for_each_label(n):
    """Levels of 100 samples are taken apart where the copula changes with them."""
    truth = float(np.log1p(SLOPES**2).mean() / 2)
    found = []
    for seed in range(3):
        label, x, y = _draw_slopes(n, seed)
        found.append(infonet.estimate(x, y, given=label).mi)
    assert np.mean(found) == pytest.approx(truth, rel=0.1)


def test_a_label_and_a_number_against_a_number():
    """The label stands between, so that the number is looked at within each of its levels."""
    deviation = np.sqrt(1 + SLOPES**2)
    grid = np.linspace(-20, 20, 4001)
    density = np.mean(
        [np.exp(-((grid / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi)) for s in deviation], axis=0
    )
    entropy = -float((density * np.log(density + 1e-300)).sum() * (grid[1] - grid[0]))
    truth = entropy - 0.5 * np.log(2 * np.pi * np.e)
    label, x, y = _draw_slopes(3000, 0)
    found = infonet.estimate({"label": label, "x": x}, y)
    assert found.mi == pytest.approx(truth, rel=0.08)
    assert [term.given for term in found.terms if term.x == "x"] == [("label",)]


def test_selection_sees_what_estimates_say():
    """The criterion of joint information for a class is made of the same numbers."""
    x, z, b = _draw_logistic(1, 1, 2000, 0)
    features = np.stack([z, x, np.random.default_rng(1).normal(size=2000)], axis=1)
    chosen = MutualInformationSelector(k=2, criterion="cmim").fit(features, b)
    assert chosen.get_support().tolist() == [True, True, False]
    expected = infonet.estimate(x, b, given=z).mi, infonet.estimate(z, b, given=x).mi
    assert chosen.criteria_[1] in expected
