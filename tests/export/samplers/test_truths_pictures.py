"""Truths of densities drawn as images, of sums with heavy tails, and of branched relations."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import functional, raster, sums
from infonet_export.samplers.functional import Functional, Noise, branched_noise
from infonet_export.samplers.raster import SIDE, Raster
from scipy.integrate import quad
from scipy.stats import binom, lognorm, norm
from sklearn.feature_selection import mutual_info_regression


@pytest.mark.parametrize("picture", raster._PICTURES)
def test_raster_samples_have_the_density(picture):
    rng = np.random.default_rng(0)
    model = Raster(picture(rng))
    points = model.sample(rng, 40_000)
    # the masses of 8 x 8 blocks, counted and summed
    counts = np.histogram2d(*points.T, bins=8, range=[[0, SIDE]] * 2)[0]
    mass = model.density.reshape(8, SIDE // 8, 8, SIDE // 8).sum((1, 3))
    mass /= mass.sum()
    low, high = binom.ppf(1e-5, 40_000, mass), binom.ppf(1 - 1e-5, 40_000, mass)
    assert ((low <= counts) & (counts <= high)).all()


def test_raster_truth_of_a_band():
    """Uniform on |x - y| < w: both entropies in closed form, up to the pixels of the edge."""
    w = 63.5 / SIDE  # half way between the last pixel inside and the first outside
    axis = (np.arange(SIDE) + 0.5) / SIDE
    model = Raster((np.abs(np.subtract.outer(axis, axis)) < w).astype(float))
    area = 1 - (1 - w) ** 2

    def density(x):
        return (min(1, x + w) - max(0, x - w)) / area

    entropy = quad(lambda x: -density(x) * np.log(density(x)), 0, 1, points=[w, 1 - w])[0]
    assert model.mi() == pytest.approx(2 * entropy - np.log(area), abs=2e-3)


def test_raster_truths_against_nearest_neighbours():
    rng = np.random.default_rng(1)
    drawn = [raster.raster(rng) for _ in range(30)]
    smooth = [d for d in drawn if 0.05 < d.mi < 1.2]
    assert len(smooth) > 8
    for distribution in smooth[:8]:
        points = distribution.sample(rng, 20_000)
        estimate = mutual_info_regression(points[:, :1], points[:, 1])[0]
        assert estimate == pytest.approx(distribution.mi, abs=0.07)


@pytest.mark.parametrize("scale", [0.05, 0.4, 5.0])
def test_sum_of_normals(scale):
    truth = 0.5 * np.log1p(1 / scale**2)
    assert sums.mutual_information("normal", "normal", scale) == pytest.approx(truth, abs=1e-3)


def test_sum_of_skewed_laws():
    """Log-normal plus normal noise, by quadrature of the density of the sum."""
    noise = 0.7

    y = np.concatenate([np.linspace(-4, 12, 3000), np.geomspace(12.01, 400, 1500)])
    e = np.linspace(-8, 8, 2001)
    weight = norm.pdf(e) / norm.pdf(e).sum()
    p = np.stack([lognorm(1.0).pdf(v - noise * e) @ weight for v in y])
    assert np.trapezoid(p, y) == pytest.approx(1, abs=1e-4)
    entropy = np.trapezoid(np.where(p > 0, -p * np.log(np.maximum(p, 1e-300)), 0), y)
    truth = entropy - norm(scale=noise).entropy()
    found = sums.mutual_information("log-normal-1", "normal", noise)
    assert found == pytest.approx(truth, abs=3e-3)


def test_laws_sample_what_their_cdf_says():
    rng = np.random.default_rng(2)
    for law in sums.LAWS.values():
        uniform = np.sort(law.cdf(law.sample(rng, 20_000)))
        assert np.abs(uniform - (np.arange(20_000) + 0.5) / 20_000).max() < 0.016


def test_heavy_sums_against_nearest_neighbours():
    rng = np.random.default_rng(3)
    for _ in range(6):
        distribution = sums.heavy_sum(rng)
        points = distribution.sample(rng, 8000)
        ranks = norm.ppf((points.argsort(0).argsort(0) + 0.5) / 8000)
        estimate = mutual_info_regression(ranks[:, :1], ranks[:, 1])[0]
        assert estimate == pytest.approx(distribution.mi, abs=0.06 + 0.03 * distribution.mi)


def test_branches_far_apart():
    """y = x + one of three branches, each beyond the reach of x: log 3 of the noise is no news."""
    branches = np.array([-10.0, 0.0, 10.0])
    base = functional.uniform_noise()
    noise = Noise(
        "branched",
        lambda r, n: r.choice(branches, n) + 0.1 * base.sample(r, n),
        lambda x: np.mean([base.cdf((x - b) / 0.1) for b in branches], axis=0),
        10.2,
        0.1,
    )
    model = Functional(lambda x: x, noise, np.array([1.0]))
    # what is left is uniform plus uniform noise of width 0.2: MI = width / 2 - log width
    assert model.mi() == pytest.approx(0.1 - np.log(0.2), abs=5e-3)


def test_random_branches_against_nearest_neighbours():
    rng = np.random.default_rng(4)
    checked = 0
    while checked < 5:
        noise = branched_noise(rng)
        model = Functional(lambda x: x, noise, np.array([0.5]))
        if not 0.1 < model.mi() < 1.5:
            continue
        checked += 1
        points = model.sample(rng, 20_000)
        estimate = mutual_info_regression(points[:, :1], points[:, 1])[0]
        assert estimate == pytest.approx(model.mi(), abs=0.06)


def test_sharp_noise_beside_wide_noise():
    """Scales a hundredfold apart: the grid must resolve the sharper one."""
    noise = functional.gaussian_noise()
    scales = np.array([0.003, 0.3])
    model = Functional(lambda x: np.zeros_like(x), noise, scales)
    # which half x lies in is all that y tells: a scale mixture of two normals
    grid = np.concatenate(
        [
            np.linspace(-3, -0.05, 4000),
            np.linspace(-0.05, 0.05, 40_001)[1:-1],
            np.linspace(0.05, 3, 4000),
        ]
    )
    parts = norm.pdf(grid[:, None] / scales) / scales
    p = parts.mean(1)
    entropy = np.trapezoid(-p * np.log(np.maximum(p, 1e-300)), grid)
    truth = entropy - np.mean([norm(scale=s).entropy() for s in scales])
    assert model.mi() == pytest.approx(truth, abs=3e-3)
