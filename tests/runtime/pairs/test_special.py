"""Special functions of the runtime, which has no SciPy, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.pairs.counted import digamma, log_gamma, log_gamma_tail, log_normal_tail
from scipy import special, stats

X = np.array([1e-8, 1e-3, 0.5, 1, 1.46, 2, 3.5, 7.99, 17, 1e3, 1e7])


def test_digamma():
    np.testing.assert_allclose(digamma(X), special.digamma(X), rtol=1e-12, atol=1e-10)


def test_log_gamma():
    np.testing.assert_allclose(log_gamma(X), special.gammaln(X), rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("z", [-5, -0.3, 0, 1.0, 6.5, 29.9, 30.0, 45, 300])
def test_normal_tail(z):
    assert log_normal_tail(z) == pytest.approx(stats.norm.logsf(z), rel=1e-9)


@pytest.mark.parametrize("shape", [0.5, 1, 2.5, 40, 3000])
@pytest.mark.parametrize("ratio", [0.0, 1e-3, 0.5, 0.99, 1.01, 2, 15])
def test_gamma_tail(shape, ratio):
    x = shape * ratio
    expected = stats.gamma.logsf(x, shape)
    if np.isneginf(expected) or expected < -600:  # SciPy underflows
        expected = stats.gamma.logpdf(x, shape) + np.log(1 / (1 - (shape - 1) / x))
        assert log_gamma_tail(x, shape) == pytest.approx(expected, rel=1e-3)
    else:
        assert log_gamma_tail(x, shape) == pytest.approx(expected, rel=1e-9, abs=1e-12)
