"""True mutual information and samplers of Gaussian mixtures, curves and elliptical families."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from infonet_export.samplers import mixtures
from infonet_export.samplers.mixtures import GaussianMixture
from references import mixture_log_ratio, mixture_mi
from scipy.stats import norm

FIXTURE = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "gmm_eval.npz"


def _two_far_components(distance):
    return GaussianMixture(
        np.array([0.3, 0.7]),
        np.array([[0.0, 0.0], [distance, distance]]),
        np.array([np.eye(2), np.eye(2)]),
    )


@pytest.mark.parametrize("rho", [0.0, 0.4, -0.95, 0.999])
def test_one_component_is_the_bivariate_normal(rho):
    scale = np.array([[3.0, 0.0], [0.0, 0.2]])
    cov = scale @ np.array([[1, rho], [rho, 1]]) @ scale
    mixture = GaussianMixture(np.ones(1), np.array([[1.0, -2.0]]), cov[None])
    assert mixture.mi() == pytest.approx(-0.5 * np.log(1 - rho**2), abs=2e-3)
    assert mixture.mi(200_000) == pytest.approx(-0.5 * np.log(1 - rho**2), abs=5e-4)


def test_far_components_tell_their_label():
    entropy = -0.3 * np.log(0.3) - 0.7 * np.log(0.7)
    assert _two_far_components(60.0).mi() == pytest.approx(entropy, abs=1e-4)


def test_two_components_on_a_dense_grid():
    mixture = _two_far_components(2.0)
    x = np.arange(-8, 10, 0.02)
    density = sum(
        w * np.outer(norm.pdf(x, m[0]), norm.pdf(x, m[1]))
        for w, m in zip(mixture.weights, mixture.means, strict=True)
    )
    product = np.outer(density.sum(1), density.sum(0)) * 0.02**2
    truth = (density * np.log(density / product)).sum() * 0.02**2
    assert density.sum() * 0.02**2 == pytest.approx(1, abs=1e-9)
    assert mixture.mi() == pytest.approx(truth, abs=1e-3)


@pytest.mark.parametrize("family", ["paper", "paper_planar", "scaled", "elliptical", "curve"])
def test_random_members_by_whitened_quadrature(family, monkeypatch):
    drawn = []
    inner = mixtures._distribution
    monkeypatch.setattr(
        mixtures, "_distribution", lambda *a, **k: (drawn.append(a[1]), inner(*a, **k))[1]
    )
    errors = []
    for seed in range(3 if family == "curve" else 8):
        distribution = getattr(mixtures, family)(np.random.default_rng(seed))
        m = drawn[-1]
        step = 0.25 if family == "curve" else 0.1
        errors.append(distribution.mi - mixture_mi(m.weights, m.means, m.covariances, step))
    assert np.abs(errors).max() < (6e-3 if family == "curve" else 3e-3)
    assert abs(np.mean(errors)) < 2e-3


@pytest.mark.parametrize("seed", range(3))
def test_log_ratio(seed):
    rng = np.random.default_rng(seed)
    mixture = mixtures.paper_mixture(rng, 5)
    points = rng.normal(0, 5, (200, 2))
    expected = mixture_log_ratio(mixture.weights, mixture.means, mixture.covariances, points)
    np.testing.assert_allclose(mixture.log_ratio(points), expected, atol=1e-8)


def test_sampler_has_the_moments_of_the_mixture():
    mixture = mixtures.paper_mixture(np.random.default_rng(4), 6)
    points = mixture.sample(np.random.default_rng(5), 100_000)
    mean = mixture.weights @ mixture.means
    spread = mixture.means - mean
    cov = np.einsum("k,kij->ij", mixture.weights, mixture.covariances)
    cov += np.einsum("k,ki,kj->ij", mixture.weights, spread, spread)
    error = np.sqrt(np.diag(cov) / len(points))
    assert (np.abs(points.mean(0) - mean) < 5 * error).all()
    np.testing.assert_allclose(np.cov(points.T), cov, rtol=0.05, atol=0.05 * cov.max())
    # rows are exchangeable: the components are not in order
    assert abs(np.corrcoef(points[:-1, 0], points[1:, 0])[0, 1]) < 0.02


def test_sampler_and_truth_agree_through_the_log_ratio():
    mixture = mixtures.paper_mixture(np.random.default_rng(6), 4)
    ratio = mixture_log_ratio(
        mixture.weights,
        mixture.means,
        mixture.covariances,
        mixture.sample(np.random.default_rng(7), 40_000),
    )
    assert ratio.mean() == pytest.approx(mixture.mi(), abs=5 * ratio.std() / 200)


@pytest.mark.parametrize("components", [1, 3, 10])
@pytest.mark.parametrize("dimension", [2, 3])
def test_recipe_of_the_paper(components, dimension):
    mixture = mixtures.paper_mixture(np.random.default_rng(8), components, dimension)
    assert mixture.weights.sum() == pytest.approx(1)
    assert mixture.means.shape == (components, 2)
    assert (np.abs(mixture.means) <= 5).all()
    # a principal minor's eigenvalues interlace: none below the floor, none above the trace bound
    values = np.linalg.eigvalsh(mixture.covariances)
    assert (values >= 0.01 - 1e-9).all()
    assert (values <= 9 * dimension**2).all()


@pytest.mark.skipif(not FIXTURE.exists(), reason=f"the fixture {FIXTURE.name} is not here")
@pytest.mark.parametrize("components", [1, 2, 5, 10])
def test_stored_truths_of_the_paper_mixtures(components):
    # the stored values are Monte Carlo estimates with an error of about 0.006
    errors = []
    with np.load(FIXTURE) as file:
        arrays = [file[f"{name}_{components}"] for name in ("weights", "means", "covs")]
        for axis, name in ((1, "mi_xy"), (2, "mi_xz")):
            pair = [0, axis]
            stored = file[f"{name}_{components}"]
            for weights, means, covs, truth in list(zip(*arrays, stored, strict=True))[:40]:
                mixture = GaussianMixture(weights, means[:, pair], covs[:, pair][:, :, pair])
                errors.append(mixture.mi() - truth)
    errors = np.array(errors)
    assert np.abs(errors).max() < 0.04
    assert errors.std() < 0.01
    assert abs(errors.mean()) < 4 * 0.01 / np.sqrt(len(errors))
