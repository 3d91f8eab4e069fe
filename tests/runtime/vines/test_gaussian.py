"""One Gaussian copula of many columns, and what single pairs tell beyond it."""

from __future__ import annotations

import numpy as np
import pytest


def test_many_gaussian_columns_have_one_copula(estimator):
    """0.5 between all columns, whose mutual information a vine of 276 pairs finds too low."""
    d, n = 12, 4000
    covariance = np.full((2 * d, 2 * d), 0.5) + 0.5 * np.eye(2 * d)
    truth = np.linalg.slogdet(covariance[:d, :d])[1] - np.linalg.slogdet(covariance)[1] / 2
    rng = np.random.default_rng(91)
    errors = []
    for _ in range(3):
        sample = np.sqrt(0.5) * (rng.standard_normal((n, 2 * d)) + rng.standard_normal((n, 1)))
        found = estimator.estimate(np.exp(sample[:, :d]), sample[:, d:])
        assert found.method == "gaussian"
        assert any("one Gaussian copula" in note for note in found.notes)
        errors.append(found.mi - truth)
    assert abs(np.mean(errors)) < 0.02


def test_one_copula_keeps_what_single_pairs_tell_beyond_it(estimator):
    rng = np.random.default_rng(92)
    x, y = rng.standard_normal((2, 3000, 14))
    y[:, 0] = x[:, 0] ** 2 + 0.3 * y[:, 0]
    y[:, 1] = 0.8 * x[:, 1] + 0.6 * y[:, 1]
    alone = estimator.estimate(x[:, 0], y[:, 0]).mi
    found = estimator.estimate(x, y)
    assert found.method == "gaussian"
    assert found.mi == pytest.approx(alone - 0.5 * np.log(0.36), rel=0.06)


def test_total_correlation_of_many_gaussian_columns(estimator):
    d, n = 20, 4000
    covariance = np.full((d, d), 0.5) + 0.5 * np.eye(d)
    rng = np.random.default_rng(93)
    sample = np.sqrt(0.5) * (rng.standard_normal((n, d)) + rng.standard_normal((n, 1)))
    found = estimator.total_correlation(sample)
    assert found.method == "gaussian"
    assert found.mi == pytest.approx(-0.5 * np.linalg.slogdet(covariance)[1], rel=0.02)
