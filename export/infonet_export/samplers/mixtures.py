"""Gaussian mixtures: the paper's recipe, scaled variants, and curves drawn with many components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from infonet_export.samplers.distribution import Array, Distribution, log_uniform, normal_nodes

MAX_COMPONENTS = 10


@dataclass(frozen=True)
class GaussianMixture:
    """weights [K], means [K, d], covariances [K, d, d] of a mixture of normals; MI needs d = 2."""

    weights: Array
    means: Array
    covariances: Array

    def sample(self, rng: Generator, n: int) -> Array:
        """Draw n points in random order, float64 [n, d]."""
        counts = rng.multinomial(n, self.weights)
        points = rng.standard_normal((n, self.means.shape[1]))
        factors = np.linalg.cholesky(self.covariances)
        start = 0
        for mean, factor, count in zip(self.means, factors, counts, strict=True):
            block = points[start : start + count]
            points[start : start + count] = block @ factor.T + mean
            start += count
        return rng.permutation(points)

    def project(self, *axes: int) -> GaussianMixture:
        """The mixture of these coordinates alone."""
        chosen = list(axes)
        covariances = self.covariances[:, chosen][:, :, chosen]
        return GaussianMixture(self.weights, self.means[:, chosen], covariances)

    def log_ratio(self, points: Array) -> Array:
        """log p(x, y) - log p(x) - log p(y) at points [m, 2] -> [m]."""
        log_w = np.log(self.weights)[:, None]
        cov = self.covariances
        var_x, var_y, cross = cov[:, 0, 0, None], cov[:, 1, 1, None], cov[:, 0, 1, None]
        det = var_x * var_y - cross**2
        dx = points[:, 0] - self.means[:, 0, None]
        dy = points[:, 1] - self.means[:, 1, None]
        joint = log_w - 0.5 * ((var_y * dx**2 - 2 * cross * dx * dy + var_x * dy**2) / det)
        joint -= 0.5 * np.log(det)
        # the factors 2 pi of the joint and of the two marginals cancel
        left = log_w - 0.5 * (dx**2 / var_x + np.log(var_x))
        right = log_w - 0.5 * (dy**2 / var_y + np.log(var_y))
        return _log_sum_exp(joint) - _log_sum_exp(left) - _log_sum_exp(right)

    def mi(self, nodes: int = 12_000) -> float:
        """MI in nats: the mean log ratio, by quasi-Monte Carlo within components."""
        factors = np.linalg.cholesky(self.covariances)
        total = 0.0
        counts = np.maximum(256, np.ceil(self.weights * nodes)).astype(int)
        parts = [
            mean + normal_nodes(int(count)) @ factor.T
            for mean, factor, count in zip(self.means, factors, counts, strict=True)
        ]
        ratio = self.log_ratio(np.concatenate(parts))
        start = 0
        for weight, count in zip(self.weights, counts, strict=True):
            total += weight * ratio[start : start + count].mean()
            start += count
        return max(0.0, float(total))


def _log_sum_exp(terms: Array) -> Array:
    top = terms.max(0)
    return np.asarray(np.log(np.exp(terms - top).sum(0)) + top)


def _distribution(name: str, mixture: GaussianMixture, nodes: int = 12_000) -> Distribution:
    return Distribution(name, mixture.mi(nodes), mixture.sample)


def paper_mixture(rng: Generator, components: int, dimension: int = 3) -> GaussianMixture:
    """The evaluation recipe of the paper, projected on two of ``dimension`` coordinates."""
    return paper_mixture_in_space(rng, components, dimension).project(0, 1)


def paper_mixture_in_space(rng: Generator, components: int, dimension: int = 3) -> GaussianMixture:
    """The evaluation recipe of the paper, of ``dimension`` coordinates.

    Weights Dirichlet(1), means uniform on [-5, 5], covariances A A^T with A uniform on [-3, 3] and
    eigenvalues of at least 0.01 (Hu et al., ICML 2024, section 4).
    """
    a = rng.uniform(-3, 3, (components, dimension, dimension))
    values, vectors = np.linalg.eigh(a @ a.transpose(0, 2, 1))
    cov = (vectors * np.maximum(values, 0.01)[:, None, :]) @ vectors.transpose(0, 2, 1)
    means = rng.uniform(-5, 5, (components, dimension))
    return GaussianMixture(rng.dirichlet(np.ones(components)), means, cov)


def paper(rng: Generator) -> Distribution:
    """The paper's recipe in three dimensions (X, Y of X, Y, Z), 1 to 10 components."""
    return _distribution("mixture", paper_mixture(rng, _components(rng)))


def paper_planar(rng: Generator) -> Distribution:
    """The paper's recipe drawn in the plane: covariances are closer to singular."""
    return _distribution("mixture-planar", paper_mixture(rng, _components(rng), dimension=2))


def scaled(rng: Generator) -> Distribution:
    """Components shrunk up to a hundredfold in area: separate, sharp clusters."""
    base = paper_mixture(rng, _components(rng), dimension=int(rng.integers(2, 4)))
    shrink = np.exp(rng.uniform(np.log(0.01), 0.0)) * np.exp(rng.normal(0, 0.5, len(base.weights)))
    cov = base.covariances * shrink[:, None, None]
    return _distribution("mixture-scaled", GaussianMixture(base.weights, base.means, cov))


def elliptical(rng: Generator) -> Distribution:
    """Scale mixtures of one correlated normal: heavier tails with the same centre and axes."""
    k = int(rng.integers(2, 5))
    rho = rng.uniform(-0.98, 0.98)
    scales = np.exp(rng.uniform(-2.5, 2.5, k))
    cov = scales[:, None, None] * np.array([[1.0, rho], [rho, 1.0]])
    weights = rng.dirichlet(np.full(k, 2.0))
    return _distribution("elliptical", GaussianMixture(weights, np.zeros((k, 2)), cov))


def curve(rng: Generator) -> Distribution:
    """Rings, arcs, spirals, crosses and moons drawn with a chain of round components."""
    k = 40
    t = (np.arange(k) + 0.5) / k
    kind = rng.integers(5)
    if kind == 0:  # ring or ellipse
        angle = 2 * np.pi * t
        path = np.stack([np.cos(angle), np.sin(angle)], 1)
    elif kind == 1:  # spiral
        angle = 2 * np.pi * rng.uniform(1, 2.5) * t
        path = t[:, None] ** 0.7 * np.stack([np.cos(angle), np.sin(angle)], 1)
    elif kind == 2:  # arc
        angle = rng.uniform(0.8, 5) * (t - 0.5) + rng.uniform(0, 2 * np.pi)
        path = np.stack([np.cos(angle), np.sin(angle)], 1)
    elif kind == 3:  # cross
        s, bend = np.sign(t - 0.5), 4 * np.abs(t - 0.5) - 1
        path = np.stack([bend, s * bend * rng.uniform(0.3, 1)], 1)
    else:  # two moons
        upper = t < 0.5
        angle = 2 * np.pi * np.where(upper, t, t - 0.5)
        shift = np.array([rng.uniform(0, 1), rng.uniform(-0.6, 0.4)])
        moon = np.stack([np.cos(angle), np.sin(angle)], 1)
        path = np.where(upper[:, None], moon, shift - moon)
    turn = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    means = path @ rotation.T
    variance = log_uniform(rng, 0.02, 0.4) ** 2 * np.exp(rng.normal(0, 0.3, k))
    cov = variance[:, None, None] * np.eye(2)
    weights = np.full(k, 1 / k) if rng.random() < 0.6 else rng.dirichlet(np.full(k, 3.0))
    return _distribution("curve", GaussianMixture(weights, means, cov), nodes=10_000)


def _components(rng: Generator) -> int:
    return int(rng.integers(1, MAX_COMPONENTS + 1))
