"""The default model against truths known in closed form."""

from __future__ import annotations

import infonet
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    infonet.load_model().null is None,
    reason="the default model says it is untrained: it has no null distribution",
)
SEEDS = range(4)


@pytest.mark.parametrize("rho", [-0.95, -0.6, -0.2, 0.0, 0.3, 0.7, 0.9, 0.98])
def test_gaussian(estimator, gaussian, rho):
    truth = -0.5 * np.log1p(-(rho**2))
    found = estimator.mi([np.stack(gaussian(rho, 5000, seed), axis=1) for seed in SEEDS])
    assert np.mean(found) == pytest.approx(truth, abs=0.02 + 0.02 * truth)


@pytest.mark.parametrize("n", [100, 300, 1000, 10_000])
def test_independent_data_have_no_information(estimator, n):
    samples = np.random.default_rng(n).random((60, n, 2))
    found = estimator.mi(samples)
    assert np.mean(np.abs(found)) <= 1.5 / np.sqrt(n)


def test_dependence_without_correlation(estimator):
    rng = np.random.default_rng(5)
    x = rng.uniform(-1, 1, 5000)
    y = x**2 + 0.1 * rng.standard_normal(5000)
    assert abs(np.corrcoef(x, y)[0, 1]) < 0.05
    assert estimator.estimate(x, y).mi > 0.5


def test_functional_relation_is_large(estimator):
    x = np.random.default_rng(1).standard_normal(5000)
    assert estimator.estimate(x, np.exp(x)).mi > 2.0


def test_interval_holds_the_truth_mostly(estimator, gaussian):
    truth = -0.5 * np.log1p(-0.25)
    found = [estimator.estimate(*gaussian(0.5, 1000, seed)) for seed in range(40)]
    assert all(e.interval[0] <= e.mi <= e.interval[1] for e in found)
    assert sum(e.interval[0] <= truth <= e.interval[1] for e in found) >= 28


def test_p_values_of_independent_data_keep_their_promise(estimator):
    """A p-value is at most t in a share t of cases; estimates of 0 have p = 1."""
    samples = np.random.default_rng(3).random((200, 500, 2))
    p = np.array([estimator.estimate(*pair.T).p_value for pair in samples])
    for t in (0.05, 0.1, 0.2):  # four standard errors
        assert abs(np.mean(p <= t) - t) <= 4 * np.sqrt(t * (1 - t) / 200)


def test_p_value_of_dependent_data_is_small(estimator, gaussian):
    found = estimator.estimate(*gaussian(0.5, 500))
    assert found.p_value < 0.01
    assert ", p <= 1e-09" in str(found)


def test_many_more_samples_than_trained(estimator, gaussian):
    n = 3 * estimator.model.n_max
    found = estimator.estimate(*gaussian(0.7, n))
    assert found.mi == pytest.approx(-0.5 * np.log1p(-0.49), abs=0.02)
    assert found.p_value is None or found.p_value < 0.01
