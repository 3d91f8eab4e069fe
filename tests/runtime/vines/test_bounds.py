"""The interval of several columns: how often it holds the truth, and where it is wider."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import digamma, gammaln

DRAWS = 20


def student_entropy(d, freedom):
    a, b = freedom / 2, (freedom + d) / 2
    spread = gammaln(a) - gammaln(b) + d / 2 * np.log(freedom * np.pi)
    return spread + b * (digamma(b) - digamma(a))


def student(d, freedom, n, seed):
    """x and y of d columns each that share nothing but their scale."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(freedom / rng.chisquare(freedom, (n, 1)))
    x, y = scale * rng.normal(size=(2, n, d))
    return x, y


@pytest.mark.parametrize(("d", "freedom"), [(2, 4), (3, 1.5)])
def test_intervals_of_shared_scales_hold_the_truth(estimator, d, freedom):
    truth = 2 * student_entropy(d, freedom) - student_entropy(2 * d, freedom)
    ends = [estimator.estimate(*student(d, freedom, 600, k)).interval for k in range(DRAWS)]
    held = [low <= truth <= high for low, high in ends]
    assert sum(held) >= 0.7 * DRAWS  # 14 of 20: 99.8 % of the time if it holds in 90 %


def test_intervals_are_wider_above_where_copulas_are_not_gaussian(estimator):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 2000, 2))
    y[:, 0] += x[:, 0]
    gaussian = estimator.estimate(x, y)
    low, high = gaussian.interval
    assert high - gaussian.mi == pytest.approx(gaussian.mi - low, rel=0.3)
    found = estimator.estimate(*student(2, 1, 2000, 0))
    low, high = found.interval
    assert high - found.mi > 1.3 * (found.mi - low)
