"""Discrete variables: mutual information is at most the entropy of either."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.ranking import rank_columns


def plug_in_entropy(values):
    share = np.unique(values, return_counts=True)[1] / values.size
    return -(share * np.log(share)).sum() + (share.size - 1) / (2 * values.size)


@pytest.mark.parametrize("n", [2, 20, 129, 1151, 65537, 1_000_000])
@pytest.mark.parametrize("levels", [2, 7, 1000])
def test_entropy_of_tied_columns(n, levels):
    rng = np.random.default_rng(n + levels)
    values = np.concatenate([[0.0, 0.0], rng.integers(levels, size=n - 2)])
    entropy = rank_columns([values, np.arange(float(n))]).entropy
    assert entropy[0] == pytest.approx(plug_in_entropy(values), rel=1e-9, abs=1e-9)
    assert np.isinf(entropy[1])


def test_entropy_does_not_depend_on_the_normalisation():
    values = np.random.default_rng(0).integers(5, size=300).astype(float)
    bounds = [rank_columns([values], kind).entropy[0] for kind in ("midrank", "over_n", "minmax")]
    assert bounds == [bounds[0]] * 3


@pytest.mark.parametrize("levels", [2, 10, 50])
@pytest.mark.parametrize("n", [500, 20_000])
def test_a_discrete_variable_tells_no_more_than_its_entropy(estimator, levels, n):
    x = np.random.default_rng(levels).integers(levels, size=n).astype(float)
    bound = plug_in_entropy(x)
    result = estimator.estimate(x, x)
    assert result.mi <= result.interval[1] <= bound + 1e-12
    assert result.mi == pytest.approx(bound, rel=0.1)
    samples = np.stack([x, x], axis=1)[None]
    assert estimator.mi(samples)[0] == result.mi
    assert estimator.pairwise({"a": x, "b": x}).mi[0, 1] == result.mi
