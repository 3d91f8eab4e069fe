"""A table of kinds against each other: one Gaussian dependence seen through steps of all sorts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm

# Where a standard normal variable steps to the next level; None leaves it as it is.
STEPS = {
    "number": None,
    "binary": np.array([0.4]),
    "rare label": np.array([2.1]),
    "rating": np.array([-1.7, -0.6, 0.4, 1.3]),
    "count": norm.cdf([0, 1, 2, 3, 4, 5, 6]) * 6 - 2.6,
    "months": norm.ppf(np.arange(1, 12) / 12),
    "code of 30 levels": norm.ppf(np.arange(1, 30) / 30),
    "rounded number": np.arange(-4.05, 4.1, 0.1),
    "rain": np.r_[0.8, np.arange(0.81, 5, 0.01)],
}
GRID = np.linspace(-8, 8, 3001)
WEIGHT = norm.pdf(GRID) * (GRID[1] - GRID[0])
RHO = 0.7


def _given_the_other(steps, rho):
    """P(level | the other latent variable), [levels, grid]."""
    edges = np.r_[-np.inf, steps, np.inf]
    return np.diff(norm.cdf((edges[:, None] - rho * GRID) / np.sqrt(1 - rho**2)), axis=0)


def _truth(first, second, rho):
    """By quadrature over the latent variable."""
    if STEPS[first] is None and STEPS[second] is None:
        return -0.5 * np.log(1 - rho**2)
    if STEPS[first] is None or STEPS[second] is None:
        steps = STEPS[first] if STEPS[second] is None else STEPS[second]
        p = _given_the_other(steps, rho)
        ratio = np.log(np.maximum(p, 1e-300) / np.maximum(p @ WEIGHT, 1e-300)[:, None])
        return float((p * ratio).sum(axis=0) @ WEIGHT)
    p = _given_the_other(STEPS[second], rho)
    level = np.searchsorted(STEPS[first], GRID)
    joint = np.stack([p[:, level == k] @ WEIGHT[level == k] for k in range(len(STEPS[first]) + 1)])
    joint /= joint.sum()
    used = joint > 1e-250
    ratio = joint[used] / np.outer(joint.sum(axis=1), joint.sum(axis=0))[used]
    return float(joint[used] @ np.log(ratio))


def _draw(r, n, first, second, rho):
    x, noise = r.normal(size=(2, n))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    return [
        v if STEPS[kind] is None else np.searchsorted(STEPS[kind], v)
        for v, kind in ((x, first), (y, second))
    ]


CASES = [
    (first, second, n)
    for first, second in itertools.combinations_with_replacement(STEPS, 2)
    for n in ((400, 3000, 20_000) if second == "rain" else (400, 3000))
]


@pytest.mark.parametrize(("first", "second", "n"), CASES)
def test_estimates_are_near_the_truth_or_their_intervals_hold_it(estimator, first, second, n):
    """The mean of four draws within 10 % and what chance does to it, or three of four intervals."""
    truth, found, held = _truth(first, second, RHO), [], 0
    for seed in range(4):
        one = estimator.estimate(*_draw(np.random.default_rng([seed, n]), n, first, second, RHO))
        found.append(one.mi)
        held += one.interval[0] <= truth <= one.interval[1]
    chance = np.std(found, ddof=1)  # two standard errors of the mean of four
    assert held >= 3 or np.mean(found) == pytest.approx(truth, abs=0.1 * truth + chance)


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.combinations_with_replacement(STEPS, 2))
)
def test_independent_kinds_reach_0(estimator, first, second):
    reached, found = 0, []
    for seed in range(6):
        r = np.random.default_rng([seed, 17])
        one = estimator.estimate(*_draw(r, 900, first, second, 0.0))
        reached += one.interval[0] <= 1e-3
        found.append(one.mi)
    assert reached >= 4
    assert np.mean(found) < 0.03
