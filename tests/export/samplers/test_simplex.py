"""Shares, ratios and extremes: entropies of SciPy and quadrature as truth."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import simplex
from references import Scripted
from scipy import integrate, stats
from scipy.special import gammaln

N = 20_000


def _at(family, *values):
    return family(Scripted(*np.log(values)))


@pytest.mark.parametrize("shape", [(0.4, 0.7, 2.0), (3.0, 5.0, 0.5), (1.0, 1.0, 1.0)])
def test_dirichlet(shape):
    a, b, c = shape
    d = _at(simplex.dirichlet, *shape)
    expected = (
        stats.beta(a, b + c).entropy()
        + stats.beta(b, a + c).entropy()
        - stats.dirichlet(shape).entropy()
    )
    assert d.mi == pytest.approx(float(expected), abs=1e-9)
    x, y = stats.logistic.cdf(d.sample(np.random.default_rng(0), N)).T
    assert stats.kstest(x, stats.beta(a, b + c).cdf).pvalue > 1e-3
    # y is a part of what x leaves that does not depend on x
    assert stats.kstest(y / (1 - x), stats.beta(b, c).cdf).pvalue > 1e-3
    assert abs(stats.spearmanr(y / (1 - x), x).statistic) < 0.03


@pytest.mark.parametrize("shape", [(0.6, 2.0, 1.5), (4.0, 4.0, 0.8)])
def test_common_divisor(shape):
    a, b, c = shape
    d = _at(simplex.common_divisor, *shape)
    first, second = stats.betaprime(a, c), stats.betaprime(b, c)
    constant = gammaln(sum(shape)) - gammaln(shape).sum()

    def integrand(v, u):  # u, v: logarithms of x, y
        log_joint = constant + a * u + b * v - sum(shape) * np.log1p(np.exp(u) + np.exp(v))
        ratio = log_joint - first.logpdf(np.exp(u)) - u - second.logpdf(np.exp(v)) - v
        return np.exp(log_joint) * ratio

    grid = np.linspace(-25, 25, 801)
    values = integrand(grid[None], grid[:, None])
    truth = integrate.simpson(integrate.simpson(values, x=grid), x=grid)
    assert d.mi == pytest.approx(truth, abs=1e-4)
    x, y = np.exp(d.sample(np.random.default_rng(0), N)).T
    assert stats.kstest(x, first.cdf).pvalue > 1e-3
    assert stats.kstest(y / (1 + x), stats.betaprime(b, a + c).cdf).pvalue > 1e-3


@pytest.mark.parametrize("m", [2.0, 5.0, 31.0])
def test_extremes(m):
    d = simplex.extremes(Scripted(np.log(m - 1)))
    x, y = d.sample(np.random.default_rng(0), N).T
    assert stats.kstest(x, stats.beta(1, m).cdf).pvalue > 1e-3
    assert stats.kstest(y, stats.beta(m, 1).cdf).pvalue > 1e-3

    def integrand(x, y):
        joint = m * (m - 1) * (y - x) ** (m - 2)
        return joint * np.log(joint / (m * (1 - x) ** (m - 1) * m * y ** (m - 1)))

    truth = integrate.dblquad(integrand, 0, 1, 0, lambda y: y, epsabs=1e-6)[0]
    assert d.mi == pytest.approx(truth, abs=1e-4)
