"""True mutual information and samplers of the families that training never draws."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from infonet_export.samplers import held_out
from infonet_export.samplers.training_families import families
from numpy.polynomial.legendre import leggauss
from references import (
    Scripted,
    archimedean_mi,
    copula_cdf,
    pmf_mi,
    rectangle_probabilities,
)
from scipy import integrate, stats
from scipy.special import entr, expit, gamma

N = 20_000


def _at(family, *values):
    """The family with its parameters given; those drawn log-uniformly are given as logarithms."""
    return family(Scripted(*values))


_gauss_legendre = functools.cache(leggauss)


def _square_integral(log_density, nodes=1200, reach=30.0):
    """Integrals of c and of c log c over the unit square: Gauss-Legendre in both logits."""
    t, w = _gauss_legendre(nodes)
    u = expit(reach * t)
    weight = reach * w * u * (1 - u)
    log_c = log_density(*np.meshgrid(u, u, indexing="ij"))
    return weight @ np.exp(log_c) @ weight, weight @ (np.exp(log_c) * log_c) @ weight


def _chi_square(points, family, theta):
    """p-value of the points under the textbook's copula, on a grid of rectangles."""
    edges = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    expected = rectangle_probabilities(copula_cdf(family, theta), edges) * len(points)
    observed = np.histogram2d(*points.T, bins=[0, *edges, 1])[0]
    likely = expected > 5
    return stats.chi2.sf(
        ((observed - expected)[likely] ** 2 / expected[likely]).sum(), likely.sum()
    )


@pytest.mark.parametrize("theta", [1.05, 1.5, 3.0, 11.0])
def test_joe(theta):
    distribution = _at(held_out.joe, np.log(theta - 1))
    assert distribution.mi == pytest.approx(archimedean_mi("joe", theta), abs=5e-4)
    points = distribution.sample(np.random.default_rng(0), N)
    assert _chi_square(points, "joe", theta) > 1e-4


@pytest.mark.parametrize("ratio", [1.2, 5.0, 40.0, 300.0])
def test_plackett(ratio):
    def log_density(u, v):
        s = 1 + (ratio - 1) * (u + v)
        top = ratio * (1 + (ratio - 1) * (u + v - 2 * u * v))
        return np.log(top) - 1.5 * np.log(s**2 - 4 * ratio * (ratio - 1) * u * v)

    distribution = _at(held_out.plackett, np.log(ratio))
    total, mi = _square_integral(log_density)
    assert total == pytest.approx(1, abs=1e-6)
    assert distribution.mi == pytest.approx(mi, abs=5e-4)
    points = distribution.sample(np.random.default_rng(0), N)
    assert _chi_square(points, "plackett", ratio) > 1e-4
    spearman = (ratio + 1) / (ratio - 1) - 2 * ratio * np.log(ratio) / (ratio - 1) ** 2
    assert stats.spearmanr(*points.T).statistic == pytest.approx(spearman, abs=0.03)


@pytest.mark.parametrize("theta", [0.2, 0.6, 1.0])
def test_farlie_gumbel_morgenstern(theta):
    distribution = _at(held_out.farlie_gumbel_morgenstern, theta)
    mi = _square_integral(lambda u, v: np.log1p(theta * (1 - 2 * u) * (1 - 2 * v)), 300)[1]
    assert distribution.mi == pytest.approx(mi, abs=3e-4)
    points = distribution.sample(np.random.default_rng(0), N)
    assert _chi_square(points, "fgm", theta) > 1e-4
    assert stats.kendalltau(*points.T).statistic == pytest.approx(2 * theta / 9, abs=0.02)


@pytest.mark.parametrize("p", [0.35, 0.5, 1.0, 2.0, 3.5, 6.0])
def test_superellipse(p):
    distribution = _at(held_out.superellipse, np.log(p))
    area = 4 * gamma(1 + 1 / p) ** 2 / gamma(1 + 2 / p)

    def marginal(x):
        return 2 * (1 - x**p) ** (1 / p) / area

    entropy = (
        2
        * integrate.quad(lambda x: entr(marginal(x)), 0, 1, points=[1e-4, 0.01, 0.99], limit=500)[0]
    )
    assert distribution.mi == pytest.approx(2 * entropy - np.log(area), abs=1e-5)
    exact = {1.0: 1 - np.log(2), 2.0: np.log(np.pi) - 1}
    if p in exact:
        assert distribution.mi == pytest.approx(exact[p], abs=1e-5)
    points = distribution.sample(np.random.default_rng(0), N)
    radius = (np.abs(points) ** p).sum(1)
    assert (radius <= 1 + 1e-9).all()
    # uniform on the body: sum |x|^p is to the power 2/p the share of the area inside it
    assert stats.kstest(radius ** (2 / p), "uniform").pvalue > 1e-4
    assert np.abs(np.corrcoef(points.T)[0, 1]) < 0.03
    assert stats.ks_2samp(points[:, 0], points[:, 1]).pvalue > 1e-4


@pytest.mark.parametrize("inner", [0.3, 0.7, 0.97])
def test_annulus(inner):
    distribution = _at(held_out.annulus, inner)
    area = np.pi * (1 - inner**2)

    def marginal(x):
        hole = np.sqrt(inner**2 - x * x) if x < inner else 0.0
        return 2 * (np.sqrt(1 - x * x) - hole) / area

    parts = ((0, inner), (inner, 1))
    entropy = 2 * sum(
        integrate.quad(lambda x: entr(marginal(x)), *part, limit=500)[0] for part in parts
    )
    assert distribution.mi == pytest.approx(2 * entropy - np.log(area), abs=1e-5)
    x, y = distribution.sample(np.random.default_rng(0), N).T
    share = (x**2 + y**2 - inner**2) / (1 - inner**2)
    assert stats.kstest(share, "uniform").pvalue > 1e-4
    assert stats.kstest(np.arctan2(y, x) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("s", [0.3, 1.0, 2.0, 4.0])
def test_stochastic_volatility(s):
    # Gauss-Hermite over X, quadrature over log |Y|
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    scale = np.exp(s * nodes / 2)
    weights = weights / weights.sum()
    t = np.linspace(-28, 24, 20_001)
    density = np.zeros_like(t)
    for c, w in zip(scale, weights, strict=True):
        density += w * stats.norm.pdf(np.exp(t), scale=c)
    assert 2 * np.trapezoid(density * np.exp(t), t) == pytest.approx(1, abs=1e-5)
    entropy = 2 * np.trapezoid(entr(density) * np.exp(t), t)
    distribution = _at(held_out.stochastic_volatility, s)
    assert distribution.mi == pytest.approx(entropy - stats.norm.entropy(), abs=2e-4)
    x, y = distribution.sample(np.random.default_rng(0), N).T
    assert stats.kstest(x, "norm").pvalue > 1e-4
    assert stats.kstest(y * np.exp(-s * x / 2), "norm").pvalue > 1e-4


@pytest.mark.parametrize("rates", [(0.2, 0.2, 0.2), (1, 2, 3), (8, 8, 8), (0.2, 8, 8)])
def test_shared_poisson(rates):
    k = np.arange(100)
    left, right, common = (stats.poisson.pmf(k, rate) for rate in rates)
    joint = np.zeros((100, 100))
    for c in k:
        joint[c:, c:] += common[c] * np.outer(left[: 100 - c], right[: 100 - c])
    distribution = _at(held_out.shared_poisson, *np.log(rates))
    assert distribution.mi == pytest.approx(pmf_mi(joint), abs=1e-6)
    points = distribution.sample(np.random.default_rng(0), N)
    a, b, c = rates
    cov = np.array([[a + c, c], [c, b + c]])
    np.testing.assert_allclose(points.mean(0), np.diag(cov), rtol=0.1)
    np.testing.assert_allclose(np.cov(points.T), cov, rtol=0.1, atol=0.02)
    assert (points == points.astype(int)).all()


@pytest.mark.parametrize(("slope", "offset"), [(0.3, 0.0), (2.0, 1.0), (20.0, -0.5), (20.0, 2.0)])
def test_logistic_label(slope, offset):
    def chance(x):
        return expit(slope * x + offset)

    def average(f):
        return integrate.quad(
            lambda x: stats.norm.pdf(x) * f(x), -12, 12, points=[-offset / slope], limit=500
        )[0]

    share = average(chance)
    noise = average(lambda x: entr(chance(x)) + entr(expit(-slope * x - offset)))
    distribution = _at(held_out.logistic_label, np.log(slope), offset)
    assert distribution.mi == pytest.approx(entr(share) + entr(1 - share) - noise, abs=3e-4)
    x, label = distribution.sample(np.random.default_rng(0), N).T
    assert set(np.unique(label)) == {0.0, 1.0}
    assert label.mean() == pytest.approx(share, abs=0.02)
    assert (label * chance(x)).mean() == pytest.approx(average(lambda t: chance(t) ** 2), abs=0.02)


@pytest.mark.parametrize("rate", [0.002, 0.1, 0.5, 0.99, 1.5, 1.9])
def test_shared_exponential(rate):
    distribution = _at(held_out.shared_exponential, np.log(rate))
    # min(X, Y), |X - Y| (exponential) and the sign of X - Y are independent, and the map to them
    # keeps areas: h(X, Y) = h(min) + 1 + log 2. min and X are sums of two exponentials.

    def entropy(a, b):
        """Of the sum of two exponentials of rates a < b."""
        log_density = lambda t: (  # noqa: E731
            np.log(a * b / (b - a)) - a * t + np.log(-np.expm1(-(b - a) * t))
        )
        points = [1e-3, 0.1, 1, 10]
        return integrate.quad(
            lambda t: -np.exp(log_density(t)) * log_density(t), 0, 60 / a, points=points, limit=500
        )[0]

    pair = entropy(*sorted((rate, 2.0))) + 1 + np.log(2)
    mi = 2 * entropy(*sorted((rate, 1.0))) - pair
    assert distribution.mi == pytest.approx(mi, abs=1e-3)
    points = distribution.sample(np.random.default_rng(0), N)
    cov = np.full((2, 2), rate**-2) + np.eye(2)
    np.testing.assert_allclose(points.mean(0), 1 + 1 / rate, rtol=0.05)
    np.testing.assert_allclose(np.cov(points.T), cov, rtol=0.1)


def test_no_held_out_family_is_a_training_family():
    names = {*held_out.CALIBRATION, *held_out.TEST}
    assert not names & set(families())
    assert not set(held_out.CALIBRATION) & set(held_out.TEST)


@pytest.mark.parametrize("name", sorted({**held_out.CALIBRATION, **held_out.TEST}))
def test_members_are_finite_and_reproducible(name):
    family = {**held_out.CALIBRATION, **held_out.TEST}[name]
    for seed in range(8):
        first, second = (family(np.random.default_rng(seed)) for _ in range(2))
        assert first.mi == second.mi
        assert 0 <= first.mi < 6
        assert first.name == name
        a, b = (d.sample(np.random.default_rng(seed + 100), 300) for d in (first, second))
        assert a.shape == (300, 2)
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(4))
def test_lissajous(seed):
    """The truth by sums over a fine grid; and the samples lie on the curve, blurred."""
    distribution = held_out.lissajous(np.random.default_rng(seed))
    assert distribution.mi == held_out.lissajous(np.random.default_rng(seed)).mi
    rng = np.random.default_rng(seed)
    a, b = ((1, 2), (2, 1), (1, 3), (3, 2), (2, 3))[int(rng.integers(5))]
    phase = rng.uniform(0, 2 * np.pi)
    noise = np.exp(rng.uniform(np.log(0.03), np.log(0.5)))
    t = 2 * np.pi * (np.arange(120) + 0.5) / 120
    axis = np.arange(-1 - 6 * noise, 1 + 6 * noise, noise / 6)
    x = stats.norm.pdf(axis[:, None], np.cos(a * t), noise)
    y = stats.norm.pdf(axis[:, None], np.sin(b * t + phase), noise)
    assert distribution.mi == pytest.approx(pmf_mi(x @ y.T), abs=4e-3)
    points = distribution.sample(rng, 4000)
    path = np.stack([np.cos(a * t), np.sin(b * t + phase)], 1)
    nearest = np.min(np.linalg.norm(points[:, None] - path, axis=2), axis=1)
    assert nearest.max() < 6 * noise
