"""True mutual information of y = f(x) + noise against closed forms and brute force integration."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import functional
from infonet_export.samplers.functional import Functional
from references import additive_mi
from scipy import integrate, stats
from scipy.special import ndtri

NOISES = {
    "gaussian": (functional.gaussian_noise(), stats.norm),
    "laplace": (functional.laplace_noise(), stats.laplace),
    "student": (functional.student_noise(3.0), stats.t(3.0)),
    "uniform": (functional.uniform_noise(), stats.uniform(-1, 2)),
}


def _wave(x):
    return np.sin(4 * np.pi * x) + x


def _line(x):
    return x


@pytest.mark.parametrize("width", [0.01, 0.05, 0.1, 0.3, 0.49, 0.7, 1.0, 3.0])
def test_line_with_uniform_noise_closed_form(width):
    truth = width - np.log(2 * width) if width < 0.5 else 1 / (4 * width)
    model = Functional(_line, functional.uniform_noise(), np.array([width]))
    assert model.mi() == pytest.approx(truth, abs=2e-3)


@pytest.mark.parametrize("level", [0.01, 0.1, 0.5, 3.0])
def test_normal_signal_with_normal_noise_closed_form(level):
    model = Functional(ndtri, functional.gaussian_noise(), np.array([level]))
    assert model.mi() == pytest.approx(0.5 * np.log1p(1 / level**2), abs=1e-3)


@pytest.mark.parametrize("name", ["gaussian", "laplace", "student"])
def test_steps_with_noise_are_a_mixture_of_shifted_densities(name):
    noise, law = NOISES[name]
    levels, scale = np.array([-1.0, 0.2, 0.5, 2.0]), 0.25

    def density(y):
        return np.mean(law.pdf((y - levels) / scale)) / scale

    def integrand(y):
        p = density(y)
        return -p * np.log(p) if p > 0 else 0.0

    entropy = integrate.quad(integrand, -3, 4, points=levels, limit=1000, epsabs=1e-7)[0]
    entropy += integrate.quad(integrand, -400, -3, limit=500)[0]
    entropy += integrate.quad(integrand, 4, 400, limit=500)[0]
    truth = entropy - law.entropy() - np.log(scale)

    def curve(x):
        return levels[np.minimum((x * 4).astype(int), 3)]

    assert Functional(curve, noise, np.array([scale])).mi() == pytest.approx(truth, abs=1e-3)


def test_disjoint_steps_tell_the_step():
    def curve(x):
        return np.floor(5 * x)

    model = Functional(curve, functional.uniform_noise(), np.array([0.3]))
    assert model.mi() == pytest.approx(np.log(5), abs=1e-3)


@pytest.mark.parametrize("name", list(NOISES))
@pytest.mark.parametrize("level", [0.05, 0.4, 2.0])
@pytest.mark.parametrize("profile", [(0.0,), (-1.0, 1.0), (-0.5, 1.0, 0.0, -1.0)])
def test_brute_force(name, level, profile):
    noise, law = NOISES[name]
    scales = level * np.exp(np.array(profile))
    truth = additive_mi(
        _wave,
        lambda x: scales[(x * len(scales)).astype(int)],
        law.logpdf,
        law.entropy(),
        _points(name, scales),
        nodes=4000 if name == "uniform" else 1000,
    )
    assert Functional(_wave, noise, scales).mi() == pytest.approx(truth, abs=3e-3)


def _points(name, scales):
    """Quadrature points of y: dense where the signal is, geometric in heavy tails."""
    middle = np.linspace(-1.2, 2.2, 1250)
    if name == "uniform":
        return np.linspace(-1.0 - 1.02 * scales.max(), 2.0 + 1.02 * scales.max(), 3000)
    tail = np.geomspace(1e-4, scales.max() * (1e5 if name == "student" else 40) + 1, 800)
    return np.unique(np.concatenate([middle, -1.2 - tail, 2.2 + tail]))


@pytest.mark.parametrize("name", list(NOISES))
def test_sampler_follows_the_model(name):
    noise, law = NOISES[name]
    scales = np.array([0.2, 0.6])
    points = Functional(_wave, noise, scales).sample(np.random.default_rng(0), 20_000)
    x, y = points.T
    assert stats.kstest(x, "uniform").pvalue > 1e-4
    residual = (y - _wave(x)) / np.where(x < 0.5, 0.2, 0.6)
    for half in (x < 0.5, x >= 0.5):
        assert stats.kstest(residual[half], law.cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", list(NOISES))
def test_noise_cdf_is_its_sampler(name):
    noise, law = NOISES[name]
    t = np.linspace(-6, 6, 101)
    np.testing.assert_allclose(noise.cdf(t), law.cdf(t), atol=1e-12)
    assert stats.kstest(noise.sample(np.random.default_rng(1), 20_000), law.cdf).pvalue > 1e-4


def test_more_noise_is_less_information():
    truths = [
        Functional(_wave, functional.laplace_noise(), np.array([level])).mi()
        for level in np.geomspace(0.01, 10, 12)
    ]
    assert (np.diff(truths) < 0).all()


def test_random_members_are_finite_curves_of_every_kind():
    names = set()
    for seed in range(60):
        distribution = functional.functional(np.random.default_rng(seed))
        names.add(distribution.name)
        assert 0 <= distribution.mi < 12
        points = distribution.sample(np.random.default_rng(seed), 200)
        assert points.shape == (200, 2)
        assert np.isfinite(points).all()
    assert names == {f"functional-{name}" for name in (*NOISES, "branched")}
