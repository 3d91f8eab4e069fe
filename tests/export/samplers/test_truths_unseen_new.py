"""True mutual information and samplers of the families in unseen_new.py, by other calculations."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import unseen_new
from infonet_export.samplers.held_out import CALIBRATION, TEST
from infonet_export.samplers.known import Known
from infonet_export.samplers.training_families import families
from infonet_export.samplers.unseen_new import NEW
from references import Scripted, additive_mi, rectangle_probabilities
from scipy import integrate, stats
from scipy.special import entr, gammaln, ndtr

N = 20_000


@pytest.mark.parametrize(
    ("threshold", "growth", "dof", "scale"),
    [(0.5, 2.0, 3.0, 0.1), (0.2, 4.0, 1.5, 0.01), (0.8, 0.1, 4.0, 3.0)],
)
def test_regime_switch(threshold, growth, dof, scale):
    distribution = unseen_new.regime_switch(Scripted(threshold, np.log(growth), dof, np.log(scale)))
    noise = stats.t(dof)
    # the density of Y by averaging over X, on an axis that is fine where the line and the fan are
    x = (np.arange(2000) + 0.5) / 2000
    level = np.minimum(x / threshold - 1, 0)
    width = scale * np.exp(growth * np.maximum(x - threshold, 0) / (1 - threshold))
    tail = np.geomspace(scale / 50, 1e7, 800)
    near = np.linspace(-1.5, 0.5, 1001)
    y = np.unique(np.concatenate([-1 - tail, -tail, tail - 1, tail, near]))
    density = np.concatenate(
        [
            np.mean(noise.pdf((part[:, None] - level) / width) / width, 1)
            for part in np.array_split(y, 100)
        ]
    )
    assert np.trapezoid(density, y) == pytest.approx(1, abs=1e-3)
    mi = np.trapezoid(entr(density), y) - noise.entropy() - np.log(width).mean()
    assert distribution.mi == pytest.approx(float(mi), abs=2e-3)

    (x, values), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, "uniform").pvalue > 1e-4
    level = np.minimum(x / threshold - 1, 0)
    width = scale * np.exp(growth * np.maximum(x - threshold, 0) / (1 - threshold))
    residual = (values - level) / width
    assert stats.kstest(residual, noise.cdf).pvalue > 1e-4
    usual = np.abs(values) < 2  # the reference is coarse further out
    expected = noise.logpdf(residual) - np.log(width) - np.log(np.interp(values, y, density))
    np.testing.assert_allclose(ratio[usual], expected[usual], atol=5e-3)


@pytest.mark.parametrize(
    ("lag", "low", "high"), [(0.003, 0.05, 0.3), (0.3, 0.001, 0.02), (3.0, 0.2, 0.4)]
)
def test_clipped_sensor(lag, low, high):
    distribution = unseen_new.clipped_sensor(Scripted(np.log(lag), low, high))
    rho, n = np.exp(-lag), 1500
    ends = stats.norm.ppf([low, 1 - high])
    # a process cut off at both ends and in n cells of equal width between them: what cells lose
    # falls with their number, so the plain sum over all of them is the truth from below
    edges = np.concatenate([[-9], np.linspace(*ends, n), [9]])
    middles = (edges[:-1] + edges[1:]) / 2
    mass = np.diff(ndtr(edges))
    # the conditional law in a cell is that at its middle; at the ends it is averaged
    sigma = np.sqrt(1 - rho**2)

    def given(x):
        return np.diff(ndtr((edges - rho * x[:, None]) / sigma), axis=1)

    rows = given(middles) * mass[:, None]
    for k, (left, right) in ((0, (-9, ends[0])), (-1, (ends[1], 9))):
        x = np.linspace(left, right, 20_001)
        x = (x[1:] + x[:-1]) / 2
        rows[k] = (stats.norm.pdf(x)[None] @ given(x))[0] * (right - left) / len(x)
    columns = rows.sum(0)
    assert columns == pytest.approx(mass, abs=1e-5)
    mi = entr(columns).sum() + entr(rows.sum(1)).sum() - entr(rows).sum()
    assert distribution.mi == pytest.approx(float(mi), abs=1e-3)

    points, ratio = distribution.draw(np.random.default_rng(0), N)
    for column in points.T:
        assert (column.min(), column.max()) == pytest.approx(tuple(ends))
        for end, share in zip(ends, (low, high), strict=True):
            assert stats.binomtest(int((column == end).sum()), N, share).pvalue > 1e-4
    (x, y), free = points.T, ((points > ends[0]) & (points < ends[1])).all(1)
    normal = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]], allow_singular=True)
    expected = normal.logpdf(points) - stats.norm.logpdf(x) - stats.norm.logpdf(y)
    np.testing.assert_allclose(ratio[free], expected[free], atol=1e-6)
    both = (x == ends[1]) & (y == ends[1])
    expected = np.log(normal.cdf(-ends[[1, 1]]) / high**2)
    np.testing.assert_allclose(ratio[both], expected, atol=1e-3)
    one = (x == ends[0]) & (y > ends[0]) & (y < ends[1])
    expected = stats.norm.logcdf((ends[0] - rho * y[one]) / sigma) - np.log(low)
    np.testing.assert_allclose(ratio[one], expected, atol=1e-6)


def _tawn(r, a, b):
    def cdf(u, v):
        x, y = -np.log(u), -np.log(v)
        return np.exp(-(1 - a) * x - (1 - b) * y - ((a * x) ** r + (b * y) ** r) ** (1 / r))

    return cdf


@pytest.mark.parametrize(("r", "a", "b"), [(1.1, 0.4, 0.9), (3.0, 0.5, 0.95), (31.0, 0.8, 0.4)])
def test_tawn(r, a, b):
    distribution = unseen_new.tawn(Scripted(np.log(r - 1), a, b))
    cdf = _tawn(r, a, b)
    points, ratio = distribution.draw(np.random.default_rng(0), N)
    uniforms = np.exp(-np.exp(-points))  # the points are minus logarithms of -log u
    edges = np.array([0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    expected = rectangle_probabilities(cdf, edges) * N
    observed = np.histogram2d(*uniforms.T, bins=[0, *edges, 1])[0]
    likely = expected > 5
    statistic = ((observed - expected)[likely] ** 2 / expected[likely]).sum()
    assert stats.chi2.sf(statistic, likely.sum() - 1) > 1e-4
    # the density by finite differences of the distribution function
    u, v = uniforms[:2000].T
    h = 1e-4 * np.minimum.reduce([u, v, 1 - u, 1 - v])
    mixed = cdf(u + h, v + h) - cdf(u + h, v - h) - cdf(u - h, v + h) + cdf(u - h, v - h)
    inner = h > 3e-6
    np.testing.assert_allclose(
        ratio[:2000][inner], np.log(np.maximum(mixed, 1e-300) / (4 * h * h))[inner], atol=0.05
    )


@pytest.mark.parametrize(("r", "a", "b"), [(1.1, 0.4, 0.9), (3.0, 0.5, 0.95), (12.0, 0.8, 0.4)])
def test_tawn_truth(r, a, b):
    """Cells of the distribution function, ever finer: their MI grows towards the truth."""
    cdf = _tawn(r, a, b)
    told = []
    for cells in (500, 1000, 2000):
        p = np.maximum(rectangle_probabilities(cdf, np.arange(1, cells) / cells), 0)
        told.append(float(2 * np.log(cells) - entr(p).sum()))
    ratio = (told[2] - told[1]) / (told[1] - told[0])
    limit = told[2] + (told[2] - told[1]) * ratio / (1 - ratio)
    distribution = unseen_new.tawn(Scripted(np.log(r - 1), a, b))
    assert distribution.mi == pytest.approx(limit, abs=2e-3)
    assert distribution.mi > told[2] - 1e-6


def test_tawn_without_own_parts_is_gumbel():
    for theta in (1.3, 2.5):
        reference, _ = integrate.quad(lambda t, a=theta: _gumbel(t, a), 0, 1, limit=200)
        found = unseen_new.tawn(Scripted(np.log(theta - 1), 1 - 1e-9, 1 - 1e-9)).mi
        assert found == pytest.approx(reference, abs=1e-5)


def _gumbel(t, theta):
    """The integrand of E log c by Kendall's distribution; see references.archimedean_mi."""
    x = -np.log(t)
    slope = theta * x ** (theta - 1) / t
    bend = theta * x ** (theta - 2) * (theta - 1 + x) / t**2
    kendall = x**theta * bend / slope**2
    return kendall * (np.log(bend) - 3 * np.log(slope)) + 2 * np.log(slope)


@pytest.mark.parametrize(
    ("start", "growth", "phase", "sigma"),
    [(0.5, 3, 0.0, 3.0), (1.0, 6, 1.0, 0.3), (1.5, 12, 4.0, 0.05)],
)
def test_chirp(start, growth, phase, sigma):
    distribution = unseen_new.chirp(Scripted(start, np.log(growth), phase, np.log(sigma)))

    def turns(x):
        return integrate.quad(lambda t: start * growth**t, 0, x)[0]

    known = np.linspace(0, 1, 2001)
    phases = np.array([turns(x) for x in known])

    def curve(x):
        return np.sin(2 * np.pi * np.interp(x, known, phases) + phase)

    y = np.linspace(-1 - 8 * sigma, 1 + 8 * sigma, 1500)
    scale = np.full(8000, sigma)
    mi = additive_mi(curve, lambda x: scale, stats.norm.logpdf, stats.norm.entropy(), y, 8000)
    assert distribution.mi == pytest.approx(mi, abs=2e-3)
    (x, y), ratio = (part.T for part in distribution.draw(np.random.default_rng(0), N))
    assert stats.kstest(x, "uniform").pvalue > 1e-4
    residual = (y - curve(x)) / sigma
    assert stats.kstest(residual, "norm").pvalue > 1e-4
    t = (np.arange(20_000) + 0.5) / 20_000
    density = np.array([stats.norm.pdf(value, curve(t), sigma).mean() for value in y[:20]])
    expected = stats.norm.logpdf(residual[:20]) - np.log(sigma) - np.log(density)
    np.testing.assert_allclose(ratio[:20], expected, atol=0.02)


@pytest.mark.parametrize(("k", "uneven"), [(0, 0.99), (1, -0.5), (7, 0.9), (150, 0.3)])
def test_crater(k, uneven):
    distribution = unseen_new.crater(Scripted(np.log(k + 1.5), uneven))

    def log_density(square, twice):
        head = k * np.log(square) - square / 2 - k * np.log(2) - gammaln(k + 1)
        return head - np.log(2 * np.pi) + np.log1p(uneven * np.sin(twice))

    # sums over a fine plane; the middle, where the logarithm has a pole, is between its points
    reach = np.sqrt(2 * k) + 8
    axis = np.arange(-reach, reach, 0.02) + 0.01
    x, y = np.meshgrid(axis, axis, indexing="ij")
    p = np.exp(log_density(x * x + y * y, 2 * np.arctan2(y, x))) * 0.02**2
    assert p.sum() == pytest.approx(1, abs=1e-3)
    mi = entr(p.sum(0)).sum() + entr(p.sum(1)).sum() - entr(p).sum()
    assert distribution.mi == pytest.approx(float(mi), abs=1e-3)

    points, ratio = distribution.draw(np.random.default_rng(0), N)
    square, angle = (points**2).sum(1), np.arctan2(points[:, 1], points[:, 0])
    assert stats.kstest(square / 2, stats.gamma(k + 1).cdf).pvalue > 1e-4
    wound = (2 * angle) % (2 * np.pi)
    cdf = (wound + uneven * (1 - np.cos(wound))) / (2 * np.pi)
    assert stats.kstest(cdf, "uniform").pvalue > 1e-4
    assert stats.binomtest(int((angle > 0).sum()), N).pvalue > 1e-4
    at = points[:50]
    density = p.sum(0) / 0.02
    margins = np.log(np.interp(at, axis, density)).sum(1)
    expected = log_density(square[:50], 2 * angle[:50]) - margins
    np.testing.assert_allclose(ratio[:50], expected, atol=0.01)


@pytest.mark.parametrize("name", sorted(NEW))
def test_the_oracle_of_every_new_family(name):
    truths = []
    for seed in range(12):
        distribution = NEW[name](np.random.default_rng(seed))
        again = NEW[name](np.random.default_rng(seed))
        assert isinstance(distribution, Known)
        assert (distribution.name, distribution.mi) == (name, again.mi)
        points, ratio = distribution.draw(np.random.default_rng(50 + seed), N)
        np.testing.assert_array_equal(points, again.sample(np.random.default_rng(50 + seed), N))
        assert np.isfinite(points).all()
        assert np.isfinite(ratio).all()
        error = ratio.std() / np.sqrt(N)
        assert ratio.mean() == pytest.approx(distribution.mi, abs=5 * error + 1e-4)
        truths.append(distribution.mi)
    assert min(truths) < 0.35
    assert 0.9 < max(truths) < 3.3


def test_nothing_is_drawn_elsewhere():
    assert len(NEW) == 5
    assert not set(NEW) & {*families(), *CALIBRATION, *TEST}
