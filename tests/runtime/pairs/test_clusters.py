"""Mixtures of many small clusters, which the network takes for a sharp dependence."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from scipy.special import logsumexp


def clusters(seed, count, size, n):
    """Samples, and the mean log density ratio of them, which is the mutual information up to
    chance."""
    rng = np.random.default_rng(seed)
    centres = 3 * rng.normal(size=(count, 2))
    points = centres[rng.integers(0, count, n)] + size * rng.normal(size=(n, 2))
    logs = -((points[:, None] - centres) ** 2) / (2 * size * size)
    joint = logsumexp(logs.sum(axis=2), axis=1)
    margins = logsumexp(logs, axis=1).sum(axis=1)
    return points, float((joint - margins).mean()) + np.log(count)


@pytest.mark.parametrize(("count", "size"), [(50, 0.05), (100, 0.1), (100, 0.05)])
def test_many_small_clusters(estimator, count, size):
    """The network is 0.2 to 0.8 nats too high."""
    held = 0
    for seed in range(3):
        points, truth = clusters(seed, count, size, 5000)
        (low, mi, high), (_, turned, _) = estimator.quantiles(
            np.stack([points, points[:, ::-1] * [1, -1]])
        )
        assert mi == pytest.approx(truth, abs=0.2)
        assert turned == pytest.approx(mi, abs=1e-6)
        held += low <= truth <= high
    assert held >= 2


def test_few_clusters_and_narrow_bands_stay_as_they_are(estimator):
    points, truth = clusters(0, 10, 0.1, 5000)
    assert estimator.mi(points[None])[0] == pytest.approx(truth, abs=0.05)
    rng = np.random.default_rng(1)
    x, noise = rng.random((2, 5000))
    band = infonet.mutual_information(x, x + 0.1 * noise)
    # I(x; x + w u) for w < 1: log of 1 / w and half of w
    assert band == pytest.approx(-np.log(0.1) + 0.05, abs=0.08)
