"""True mutual information, densities and samplers of the parametric copulas."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import copulas
from references import (
    archimedean_mi,
    copula_cdf,
    normal_score_integrals,
    rectangle_probabilities,
)
from scipy import integrate, optimize, stats
from scipy.special import digamma

# family, moderate and extreme parameters of training (Joe: of the held-out set)
ARCHIMEDEAN = [
    ("clayton", (0.05, 0.7, 5.0, 40.0)),
    ("gumbel", (1.02, 1.4, 3.0, 13.0)),
    ("frank", (0.2, 5.0, 20.0, 60.0)),
    ("joe", (1.05, 1.5, 4.0, 11.0)),
]
CASES = [(family, theta) for family, thetas in ARCHIMEDEAN for theta in thetas]
MODERATE = [(family, theta) for family, thetas in ARCHIMEDEAN for theta in thetas[1:3]]


def _ranks(values):
    return (stats.rankdata(values) - 0.5) / len(values)


def _kendall(family, theta):
    """Kendall's tau in closed form, or as the integral 1 + 4 int phi / phi' (Nelsen 2006, 5.1)."""
    if family == "clayton":
        return theta / (theta + 2)
    if family == "gumbel":
        return 1 - 1 / theta
    if family == "frank":
        debye = integrate.quad(lambda t: t / np.expm1(t), 0, theta)[0] / theta
        return 1 - 4 / theta * (1 - debye)
    powers = np.arange(1, 200_001)  # Joe: 1 - 4 sum 1 / (k (theta k + 2) (theta (k-1) + 2))
    return 1 - 4 * np.sum(1 / (powers * (theta * powers + 2) * (theta * (powers - 1) + 2)))


@pytest.mark.parametrize("rho", [0.0, 0.3, -0.6, 0.9, 0.999])
def test_gaussian_truth(rho):
    assert copulas.gaussian(rho).mutual_information() == pytest.approx(
        -0.5 * np.log(1 - rho**2), abs=1e-12
    )


@pytest.mark.parametrize("dof", [0.7, 1.0, 2.5, 20.0])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.97])
def test_student_truth_is_the_difference_of_entropies(rho, dof):
    # entropy of the radius' law: the joint density depends on q = z' R^-1 z alone, and q's density
    # is (1 + q / dof)^-(dof/2 + 1) / 2
    def joint(s):
        q = np.exp(s)
        log_density = -np.log(2 * np.pi) - (dof / 2 + 1) * np.log1p(q / dof)
        return -q * np.pi * np.exp(log_density) * log_density

    both = integrate.quad(joint, -60, 200, limit=2000, points=[-5, 0, 5, 20])[0]
    both += 0.5 * np.log(1 - rho**2)

    def one(s):
        x = np.exp(s)
        return -2 * x * stats.t.pdf(x, dof) * stats.t.logpdf(x, dof)

    single = integrate.quad(one, -60, 100, limit=2000, points=[-5, 0, 5, 20])[0]
    truth = copulas.student(rho, dof).mutual_information()
    assert truth == pytest.approx(2 * single - both, abs=1e-5)


@pytest.mark.parametrize(("family", "theta"), CASES)
def test_archimedean_truth_matches_its_kendall_integral(family, theta):
    reference = archimedean_mi(family, theta)
    tolerance = 1e-9 if family == "clayton" else 5e-4
    assert getattr(copulas, family)(theta).mutual_information() == pytest.approx(
        reference, abs=tolerance
    )


@pytest.mark.parametrize(
    ("family", "parameters"),
    [("gaussian", (0.5,)), ("gaussian", (-0.9,)), ("student", (0.5, 3.0)), ("student", (0.9, 8.0))]
    + [(family, (theta,)) for family, theta in MODERATE],
)
def test_density_is_a_copula_and_gives_the_truth(family, parameters):
    copula = getattr(copulas, family)(*parameters)
    # the tail of a t copula is long, its inverse is slow
    step = 0.03 if family == "student" else 0.02
    total, marginals, mi = normal_score_integrals(copula.log_density, step)
    assert total == pytest.approx(1, abs=1e-5)
    assert marginals < 1e-3
    assert copula.mutual_information() == pytest.approx(mi, abs=5e-4)


@pytest.mark.parametrize(("family", "theta"), MODERATE)
def test_density_is_the_mixed_derivative_of_the_copula(family, theta):
    cdf, h = copula_cdf(family, theta), 1e-4
    u, v = np.random.default_rng(0).uniform(0.05, 0.95, (2, 200))
    difference = cdf(u + h, v + h) - cdf(u + h, v - h) - cdf(u - h, v + h) + cdf(u - h, v - h)
    density = np.exp(getattr(copulas, family)(theta).log_density(np.stack([u, v], 1)))
    np.testing.assert_allclose(density, difference / (4 * h * h), rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize(("family", "theta"), CASES)
def test_archimedean_sampler(family, theta):
    points = getattr(copulas, family)(theta).sample(np.random.default_rng(1), 20_000)
    assert points.shape == (20_000, 2)
    assert ((points >= 0) & (points <= 1)).all()
    tau = stats.kendalltau(*points.T).statistic
    assert tau == pytest.approx(_kendall(family, theta), abs=0.02)
    for column in points.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4
    edges = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    expected = rectangle_probabilities(copula_cdf(family, theta), edges) * len(points)
    observed = np.histogram2d(*points.T, bins=[0, *edges, 1])[0]
    likely = expected > 5
    statistic = ((observed - expected)[likely] ** 2 / expected[likely]).sum()
    assert stats.chi2.sf(statistic, likely.sum()) > 1e-4


@pytest.mark.parametrize(("rho", "dof"), [(0.0, 1.0), (0.5, 0.7), (0.9, 4.0), (0.7, np.inf)])
def test_elliptical_samplers_have_the_arcsine_tau_and_the_transform_agrees(rho, dof):
    copula = copulas.gaussian(rho) if np.isinf(dof) else copulas.student(rho, dof)
    rng = np.random.default_rng(2)
    drawn = copula.sample(rng, 20_000)
    mapped = copula.transform(rng.random((20_000, 2)))
    for points in (drawn, mapped):
        tau = stats.kendalltau(*points.T).statistic
        assert tau == pytest.approx(2 / np.pi * np.arcsin(rho), abs=0.02)
    assert stats.kstest(mapped[:, 1], "uniform").pvalue > 1e-4
    # the t has dependence in its tails that the normal lacks: compare the two routes there
    corner = [
        np.mean((np.abs(_ranks(p[:, 0]) - 0.5) > 0.48) & (np.abs(_ranks(p[:, 1]) - 0.5) > 0.48))
        for p in (drawn, mapped)
    ]
    assert corner[0] == pytest.approx(corner[1], abs=5 * np.sqrt(2 * 0.02 / 20_000))


@pytest.mark.parametrize("noise", [0.02, 0.4, 0.9])
@pytest.mark.parametrize(
    ("family", "parameter"),
    [("gaussian", 0.5), ("gaussian", 0.999), ("clayton", 5.0), ("gumbel", 2.0), ("frank", 8.0)],
)
def test_contaminated_truth(family, parameter, noise):
    copula = getattr(copulas, family)(parameter)

    def log_density(uv):
        return np.log((1 - noise) * np.exp(copula.log_density(uv)) + noise)

    step = 0.01 if parameter == 0.999 else 0.03
    total, marginals, mi = normal_score_integrals(log_density, step)
    assert total == pytest.approx(1, abs=1e-6)
    assert marginals < 1e-4
    assert copulas.with_noise(copula, noise).mi == pytest.approx(mi, abs=2e-3)


def test_contaminated_sampler_replaces_the_stated_share():
    # Kendall's tau is quadratic in the mixture: tau (1-p)^2 + 2 p (1-p) * (C against independence)
    # and that cross term is 4 E[UV] - 1 = Spearman's rho / 3
    share, rho = 0.3, 0.8
    points = copulas.with_noise(copulas.gaussian(rho), share).sample(
        np.random.default_rng(3), 20_000
    )
    tau, spearman = 2 / np.pi * np.arcsin(rho), 6 / np.pi * np.arcsin(rho / 2)
    expected = (1 - share) ** 2 * tau + 2 * share * (1 - share) * spearman / 3
    assert stats.kendalltau(*points.T).statistic == pytest.approx(expected, abs=0.02)
    for column in points.T:
        assert stats.kstest(column, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_gamma_exponential(seed):
    distribution = copulas.gamma_exponential(np.random.default_rng(seed))
    shape = _shape_of(distribution.mi)
    # log Y = log E - log X with log X log-gamma and log E Gumbel: its density by integration is
    # that of a log-Lomax variable ...
    x = np.linspace(-40 / min(shape, 1) - 3, np.log(shape + 40 + 12 * np.sqrt(shape)), 4000)
    y = np.linspace(-12, 12, 60)
    p = stats.loggamma.pdf(x, shape)
    integrated = [np.log(np.trapezoid(p * stats.gumbel_l.pdf(t + x), x)) for t in y]
    np.testing.assert_allclose(integrated, _log_lomax(shape)(y), atol=1e-3)
    # ... whose entropy less that of log E is the MI
    marginal = integrate.quad(
        lambda t: -np.exp(_log_lomax(shape)(t)) * _log_lomax(shape)(t),
        -60,
        60 / min(shape, 1),
        limit=1000,
        points=[-10, 0, 10],
    )[0]
    assert distribution.mi == pytest.approx(marginal - stats.gumbel_l.entropy(), abs=1e-5)

    log_x, log_y = points = distribution.sample(np.random.default_rng(9), 20_000).T
    assert np.isfinite(points).all()
    assert stats.kstest(np.exp(log_x + log_y), "expon").pvalue > 1e-4
    assert stats.kstest(log_x, stats.loggamma(shape).cdf).pvalue > 1e-4
    assert abs(stats.spearmanr(log_x, log_x + log_y).statistic) < 0.03


def _log_lomax(shape):
    return lambda t: np.log(shape) + t - (shape + 1) * np.logaddexp(0, t)


def _shape_of(mi):
    return optimize.brentq(lambda a: digamma(a + 1) - np.log(a) - mi, 1e-3, 1e3)


def test_independent_has_no_information():
    distribution = copulas.independent(np.random.default_rng(0))
    assert distribution.mi == 0
    points = distribution.sample(np.random.default_rng(1), 5000)
    assert stats.kendalltau(*points.T).pvalue > 1e-3


def test_random_copula_draws_every_kind_in_its_range():
    names = {copulas.random_copula(np.random.default_rng(seed)).name for seed in range(60)}
    assert names == {"gaussian", "student", "clayton", "gumbel", "frank"}
    restricted = {copulas.random_copula(np.random.default_rng(s), 4).name for s in range(60)}
    assert "student" not in restricted
