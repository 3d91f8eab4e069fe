"""True mutual information and samplers of the families in unseen.py, by other calculations."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from infonet_export.samplers import polygons, unseen
from infonet_export.samplers.held_out import CALIBRATION, TEST
from infonet_export.samplers.known import Known
from infonet_export.samplers.training_families import families
from infonet_export.samplers.unseen import UNSEEN
from references import (
    Scripted,
    additive_mi,
    normal_score_integrals,
    rectangle_probabilities,
)
from scipy import integrate, stats
from scipy.special import entr

N = 20_000


class Parameters(Scripted):
    """Scripted values that also stand for whole numbers."""

    def integers(self, *_):
        return self.values.pop(0)


def chord(corners, x):
    """Length that the vertical line at x has in common with triangles [m, 3, 2]."""
    total = 0.0
    for triangle in corners:
        heights = []
        for (x0, y0), (x1, y1) in zip(triangle, np.roll(triangle, -1, 0), strict=True):
            if min(x0, x1) <= x < max(x0, x1):
                heights.append(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
        total += max(heights) - min(heights) if heights else 0.0
    return total


def polygon_mi(corners):
    """h(X) + h(Y) - log area by quadrature of chords."""
    areas = [abs(np.linalg.det(np.stack([b - a, c - a]))) / 2 for a, b, c in corners]
    total = -np.log(sum(areas))
    for turned in (corners, corners[:, :, ::-1]):
        edges = np.unique(turned[:, :, 0])
        for low, high in pairwise(edges):
            nodes, weights = np.polynomial.legendre.leggauss(120)
            at = (low + high) / 2 + (high - low) / 2 * nodes
            density = np.array([chord(turned, x) for x in at]) / sum(areas)
            total += (high - low) / 2 * float(weights @ entr(density))
    return total


@pytest.mark.parametrize(
    ("corners", "mi"),
    [
        ([[[0, 0], [1, 0], [0, 1]]], 1 - np.log(2)),
        ([[[0, 0], [3, 0], [0, 0.1]]], 1 - np.log(2)),
        ([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], 0.0),  # a square
        ([[[-1, 0], [1, 0], [0, 1]], [[-1, 0], [0, -1], [1, 0]]], 1 - np.log(2)),  # a diamond
    ],
)
def test_polygons_of_known_mi(corners, mi):
    assert polygons.Triangles(np.array(corners, float)).mi() == pytest.approx(mi, abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_triangles_of_random_corners(seed):
    rng = np.random.default_rng(seed)
    # two triangles that do not meet
    corners = rng.normal(size=(2, 3, 2)) + 20 * np.arange(2)[:, None, None]
    model = polygons.Triangles(corners)
    assert model.mi() == pytest.approx(polygon_mi(corners), abs=2e-5)
    for axis, turned in enumerate((corners, corners[:, :, ::-1])):
        for x in rng.uniform(-3, 23, 20):
            expected = chord(turned, x) / model.areas.sum()
            assert model.marginal(axis, np.array([x]))[0] == pytest.approx(expected, abs=1e-12)
    points = model.sample(rng, N)
    share = model.areas / model.areas.sum()
    first = points[:, 0] < 10
    assert stats.binomtest(int(first.sum()), N, share[0]).pvalue > 1e-4
    inside = points[first] - corners[0, 0]
    weights = np.linalg.solve((corners[0, 1:] - corners[0, 0]).T, inside.T)
    assert (weights >= -1e-9).all()
    assert (weights.sum(0) <= 1 + 1e-9).all()
    assert stats.kstest(weights.sum(0) ** 2, "uniform").pvalue > 1e-4  # uniform in the triangle


@pytest.mark.parametrize("family", [polygons.polygon, polygons.bow_tie])
def test_polygon_families_span_the_scale(family):
    truths = [family(np.random.default_rng(seed)).mi for seed in range(60)]
    assert min(truths) < 0.8
    assert max(truths) > 2.3


@pytest.mark.parametrize(("k", "m"), [(0.2, 10), (3.0, 1.0), (10, 0.5)])
def test_arrival_times(k, m):
    distribution = unseen.arrival_times(Scripted(np.log(k), np.log(m)))
    mi = stats.gamma(k + m).entropy() - stats.gamma(m).entropy()
    assert distribution.mi == pytest.approx(float(mi), abs=1e-6)
    (x, y), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, stats.gamma(k).cdf).pvalue > 1e-4
    assert stats.kstest(y - x, stats.gamma(m).cdf).pvalue > 1e-4
    gap = y - x
    sure = gap > 1e-6 * y  # a smaller gap has lost its digits
    expected = stats.gamma(m).logpdf(gap) - stats.gamma(k + m).logpdf(y)
    np.testing.assert_allclose(ratio[sure], expected[sure], atol=1e-6)


@pytest.mark.parametrize(
    ("kappa", "k", "m", "flip"), [(0.3, 1, 1, 0.9), (5, 2, 3, 0.1), (200, 3, 1, 0.9)]
)
def test_circula(kappa, k, m, flip):
    distribution = unseen.circula(Parameters(np.log(kappa), k, m, flip))
    noise = stats.vonmises(kappa)
    assert distribution.mi == pytest.approx(np.log(2 * np.pi) - float(noise.entropy()), abs=1e-6)
    (x, y), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, "uniform").pvalue > 1e-4
    assert stats.kstest(y, "uniform").pvalue > 1e-4
    sign = -1 if flip < 0.5 else 1
    angle = (2 * np.pi * (m * y - sign * k * x) + np.pi) % (2 * np.pi) - np.pi
    assert stats.kstest(angle, noise.cdf).pvalue > 1e-4
    np.testing.assert_allclose(ratio, noise.logpdf(angle) + np.log(2 * np.pi), atol=1e-6)


@pytest.mark.parametrize("s", [0.08, 1.0, 20.0])
def test_cauchy_sum(s):
    distribution = unseen.cauchy_sum(Scripted(np.log(s)))
    mi = stats.cauchy(scale=1 + s).entropy() - stats.cauchy(scale=s).entropy()
    assert distribution.mi == pytest.approx(float(mi), abs=1e-9)
    (x, y), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, "cauchy").pvalue > 1e-4
    assert stats.kstest(y, stats.cauchy(scale=1 + s).cdf).pvalue > 1e-4
    expected = stats.cauchy(x, s).logpdf(y) - stats.cauchy(scale=1 + s).logpdf(y)
    usual = np.abs(x) < 1e3  # y - x loses digits beyond
    np.testing.assert_allclose(ratio[usual], expected[usual], atol=1e-6)


@pytest.mark.parametrize(
    ("frequency", "phase", "sigma"), [(0.5, 1.0, 2.0), (2.0, 0.0, 0.3), (4.0, 2.0, 0.05)]
)
def test_normal_sine(frequency, phase, sigma):
    distribution = unseen.normal_sine(Scripted(np.log(frequency), phase, np.log(sigma)))

    def curve(u):
        return np.sin(frequency * stats.norm.ppf(u) + phase)

    y = np.linspace(-1 - 8 * sigma, 1 + 8 * sigma, 1500)
    scale = np.full(8000, sigma)
    mi = additive_mi(curve, lambda u: scale, stats.norm.logpdf, stats.norm.entropy(), y, 8000)
    assert distribution.mi == pytest.approx(mi, abs=2e-3)
    (x, y), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, "norm").pvalue > 1e-4
    residual = (y - np.sin(frequency * x + phase)) / sigma
    assert stats.kstest(residual, "norm").pvalue > 1e-4
    # p(y) at one point, by quadrature
    density = integrate.quad(
        lambda t: stats.norm.pdf(t) * stats.norm.pdf(y[0], np.sin(frequency * t + phase), sigma),
        -8, 8, limit=2000,
    )[0]  # fmt: skip
    expected = stats.norm.logpdf(residual[0]) - np.log(sigma) - np.log(density)
    assert ratio[0] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("a", "b"), [(-0.5, 0.1), (1.0, 0.6), (2.5, 1.0)])
def test_count_regression(a, b):
    distribution = unseen.count_regression(Scripted(a, np.log(b)))
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    weights = weights / weights.sum()
    kept = weights > 1e-12
    rates, weights = np.exp(a + b * nodes[kept]), weights[kept]
    counts = np.arange(int(rates.max() + 12 * np.sqrt(rates.max()) + 30))
    pmf = stats.poisson.pmf(counts[:, None], rates)
    mi = entr(pmf @ weights).sum() - entr(pmf).sum(0) @ weights
    assert distribution.mi == pytest.approx(mi, abs=3e-3 if b == 1 else 1e-4)
    x, count = distribution.sample(np.random.default_rng(0), N).T
    assert (count == count.astype(int)).all()
    rate = np.exp(a + b * x)
    assert np.mean((count - rate) / np.sqrt(rate)) == pytest.approx(0, abs=0.03)
    assert np.mean((count - rate) ** 2 / rate) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("theta", "delta"), [(0.1, 1.02), (0.8, 1.7), (4.0, 6.0)])
def test_bb1(theta, delta):
    distribution = unseen.bb1(Scripted(np.log(theta), np.log(delta - 1)))

    def cdf(u, v):
        total = (u**-theta - 1) ** delta + (v**-theta - 1) ** delta
        return (1 + total ** (1 / delta)) ** (-1 / theta)

    points = distribution.sample(np.random.default_rng(0), N)
    edges = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    expected = rectangle_probabilities(cdf, edges) * N
    borders = np.concatenate([[0], edges, [1]])
    counts = np.histogram2d(*points.T, [borders, borders])[0]
    enough = expected > 3
    statistic = ((counts - expected)[enough] ** 2 / expected[enough]).sum()
    assert stats.chi2(enough.sum() - 1).sf(statistic) > 1e-4


@pytest.mark.parametrize(("theta", "delta"), [(0.3, 1.3), (1.5, 2.0)])
def test_bb1_density(theta, delta):
    family = Scripted(np.log(theta), np.log(delta - 1))
    distribution = unseen.bb1(family)
    captured = {}

    class OnlyUniform:
        def uniform(self, low, high, shape):
            captured["shape"] = shape
            return np.random.default_rng(1).uniform(low, high, shape)

    points, ratio = distribution.draw(OnlyUniform(), 50)
    assert captured["shape"] == (50, 2)
    # the density by finite differences of the distribution function

    def cdf(u, v):
        total = (u**-theta - 1) ** delta + (v**-theta - 1) ** delta
        return (1 + total ** (1 / delta)) ** (-1 / theta)

    u, v = points.T
    h = 1e-4 * np.minimum.reduce([u, v, 1 - u, 1 - v])
    mixed = cdf(u + h, v + h) - cdf(u + h, v - h) - cdf(u - h, v + h) + cdf(u - h, v - h)
    inner = h > 1e-6
    np.testing.assert_allclose(ratio[inner], np.log(mixed / (4 * h * h))[inner], atol=0.02)
    total, off, mi = normal_score_integrals(lambda uv: _bb1_log_density(uv, theta, delta), 0.05)
    assert total == pytest.approx(1, abs=2e-3)
    assert off < 5e-3
    assert distribution.mi == pytest.approx(mi, abs=5e-3)


def _bb1_log_density(uv, theta, delta):
    """Joe (1997), family BB1, written out."""
    x, y = (np.clip(uv, 1e-12, 1 - 1e-12).T ** -theta - 1) ** delta
    s = x + y
    root = s ** (1 / delta)
    value = (-1 / theta - 2) * np.log1p(root) + (1 / delta - 2) * np.log(s)
    value += np.log(theta * (delta - 1) + (theta * delta + 1) * root)
    value += (1 - 1 / delta) * (np.log(x) + np.log(y))
    return value - (theta + 1) * np.log(np.clip(uv, 1e-12, 1)).sum(1)


def test_bb1_has_clayton_as_its_limit():
    clayton = unseen.bb1(Scripted(np.log(2.0), np.log(1e-9)))
    assert clayton.mi == pytest.approx(np.log(3) - 2 / 3, abs=1e-5)


@pytest.mark.parametrize("name", sorted(TEST))
def test_the_oracle_of_every_test_family(name):
    for seed in range(4):
        distribution = TEST[name](np.random.default_rng(seed))
        assert isinstance(distribution, Known)
        points, ratio = distribution.draw(np.random.default_rng(50 + seed), N)
        np.testing.assert_array_equal(
            points, distribution.sample(np.random.default_rng(50 + seed), N)
        )
        assert np.isfinite(ratio).all()
        error = ratio.std() / np.sqrt(N)
        assert ratio.mean() == pytest.approx(distribution.mi, abs=5 * error + 1e-4)


def test_nothing_is_drawn_elsewhere():
    assert set(UNSEEN) <= set(TEST)
    assert not set(UNSEEN) & {*families(), *CALIBRATION}
    assert len(TEST) >= 12
