"""Discrete variables: mutual information is at most the entropy of either."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.result import TIES_NOTE


def entropy(values):
    """With the correction of Miller and Madow, and its standard error."""
    share = np.unique(values, return_counts=True)[1] / values.size
    mean = -(share * np.log(share)).sum()
    variance = (share * (np.log(share) + mean) ** 2).sum() / values.size
    variance += (share.size - 1) / (2 * values.size**2)
    return mean + (share.size - 1) / (2 * values.size), np.sqrt(variance)


@pytest.mark.parametrize("levels", [2, 10, 50])
@pytest.mark.parametrize("n", [500, 20_000])
def test_a_discrete_variable_tells_no_more_than_its_entropy(estimator, levels, n):
    x = np.random.default_rng(levels).integers(levels, size=n).astype(float)
    bound, error = entropy(x)
    result = estimator.estimate(x, x)
    assert result.mi <= bound + 1e-6
    assert result.mi == pytest.approx(bound, rel=0.1)
    # the entropy itself is known from n samples only
    assert result.interval[0] < np.log(levels) < result.interval[1] <= bound + 2 * error + 1e-6
    # and of another variable it is a bound, too
    noise = np.random.default_rng(n).normal(size=n)
    assert estimator.estimate(x, x + 0.01 * noise).mi <= bound + 1e-6
    samples = np.stack([x, x], axis=1)[None]
    assert estimator.mi(samples)[0] == result.mi
    assert estimator.pairwise({"a": x, "b": x}).mi[0, 1] == result.mi


def test_a_few_ties_by_chance_are_none(estimator):
    rng = np.random.default_rng(3)
    x, y = rng.random((2, 5000)).astype(np.float32)
    x[1] = x[0]
    assert estimator.estimate(x, y).notes == ()
    x[: len(x) // 10] = x[0]
    tied = estimator.estimate(x, y)
    assert TIES_NOTE in tied.notes
    assert 0 < tied.p_value <= 1
