"""Families that training never draws, in two sets: CALIBRATION widens the intervals, TEST judges.

Truths come from closed forms, exact sums or one-dimensional quadrature.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.special import expit, gammaln, xlogy
from scipy.stats import qmc

from infonet_export.samplers import copulas
from infonet_export.samplers.blocks import pmf_mutual_information
from infonet_export.samplers.distribution import (
    Array,
    Distribution,
    Family,
    log_uniform,
    normal_nodes,
    uniform_nodes,
)
from infonet_export.samplers.known import from_ratio
from infonet_export.samplers.mixtures import GaussianMixture
from infonet_export.samplers.simplex import common_divisor, dirichlet, extremes
from infonet_export.samplers.unseen import UNSEEN

_NODES = 120  # of a curve


def joe(rng: Generator) -> Distribution:
    """Joe's copula of a random strength, with its density."""
    copula = copulas.joe(1 + log_uniform(rng, 0.05, 10))
    return from_ratio("joe", copula.mutual_information(), copula.sample, copula.log_density)


def plackett(rng: Generator) -> Distribution:
    """The copula of constant cross-product ratio (Plackett 1965), drawn by its conditional law."""
    return plackett_of(log_uniform(rng, 1.2, 300))


def plackett_of(ratio: float) -> Distribution:
    """`plackett` of this cross-product ratio; the larger, the sharper."""

    def transform(w: Array) -> Array:
        u, t = w.T
        a = t * (1 - t)
        b = ratio + a * (ratio - 1) ** 2
        c = 2 * a * (u * ratio**2 + 1 - u) + ratio * (1 - 2 * a)
        d = np.sqrt(ratio) * np.sqrt(ratio + 4 * a * u * (1 - u) * (1 - ratio) ** 2)
        return np.stack([u, (c - (1 - 2 * t) * d) / (2 * b)], 1)

    def log_density(uv: Array) -> Array:
        u, v = uv.T
        s = 1 + (ratio - 1) * (u + v)
        top = ratio * (1 + (ratio - 1) * (u + v - 2 * u * v))
        return np.asarray(np.log(top) - 1.5 * np.log(s**2 - 4 * ratio * (ratio - 1) * u * v))

    copula = copulas.Copula("plackett", transform, log_density)
    return Distribution("plackett", copula.mutual_information(), copula.sample)


def superellipse(rng: Generator) -> Distribution:
    """Uniform on |x|^p + |y|^p < 1: star (p < 1), diamond (1), disc (2), almost a square (6)."""
    p = log_uniform(rng, 0.35, 6)
    x = (np.arange(200_000) + 0.5) / 200_000
    height = (1 - x**p) ** (1 / p)
    # area 4 mean(height); the marginal density at x is height / (2 mean(height))
    density = height / (2 * height.mean())
    entropy = float(-2 * xlogy(density, density).mean())
    mi = 2 * entropy - float(np.log(4 * height.mean()))

    def sample(r: Generator, n: int) -> Array:
        # x by inversion of its distribution function, y uniform on the chord: exact at any p
        cdf = np.concatenate([[0.0], np.cumsum(height)]) / height.sum()
        edge = np.arange(200_001) / 200_000
        left = np.interp(r.random(n), cdf, edge)
        right = np.maximum(1 - left**p, 0) ** (1 / p) * r.random(n)
        return np.asarray(np.stack([left, right], 1) * r.choice([-1.0, 1.0], (n, 2)))

    return Distribution("superellipse", mi, sample)


def annulus(rng: Generator) -> Distribution:
    """Uniform between two circles."""
    inner = rng.uniform(0.3, 0.97)
    x = (np.arange(400_000) + 0.5) / 400_000
    chord = 2 * (np.sqrt(1 - x**2) - np.sqrt(np.maximum(inner**2 - x**2, 0)))
    area = np.pi * (1 - inner**2)
    density = chord / area
    mi = float(-4 * xlogy(density, density).mean() - np.log(area))

    def sample(r: Generator, n: int) -> Array:
        radius = np.sqrt(r.uniform(inner**2, 1, n))
        angle = r.uniform(0, 2 * np.pi, n)
        return np.asarray(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1))

    def log_ratio(points: Array) -> Array:
        square = points**2
        holes = np.sqrt(np.maximum(inner**2 - square, 0))
        chords = 2 * (np.sqrt(np.maximum(1 - square, 0)) - holes)
        return np.asarray(np.log(area) - np.log(chords).sum(1))

    return from_ratio("annulus", mi, sample, log_ratio)


def stochastic_volatility(rng: Generator) -> Distribution:
    """X normal, Y = exp(s X / 2) times an independent normal: dependence without correlation."""
    s = rng.uniform(0.3, 4)
    # h(Y) by the trapezoid rule over X and over log |Y|, where the sharp peak at 0 is smooth;
    # h(Y | X) = h(normal) + E[log scale] = h(normal)
    x = np.linspace(-9, 9, 361)
    weight = np.exp(-0.5 * x**2) / np.exp(-0.5 * x**2).sum()
    scale = np.exp(s * x / 2)
    log_y = np.linspace(-30, 25, 2201)
    y = np.exp(log_y)
    kernel = np.exp(-0.5 * (y[:, None] / scale) ** 2) / (scale * np.sqrt(2 * np.pi))
    density = kernel @ weight
    entropy = -2 * np.trapezoid(xlogy(density, density) * y, log_y)
    mi = float(entropy - 0.5 * np.log(2 * np.pi * np.e))

    def sample(r: Generator, n: int) -> Array:
        x, e = r.standard_normal((2, n))
        return np.stack([x, np.exp(s * x / 2) * e], 1)

    def log_ratio(points: Array) -> Array:
        x, y = points.T
        marginal = np.interp(np.log(np.abs(y) + 1e-300), log_y, np.log(density + 1e-300))
        conditional = -0.5 * (y * np.exp(-s * x / 2)) ** 2 - s * x / 2
        return np.asarray(conditional - 0.5 * np.log(2 * np.pi) - marginal)

    return from_ratio("stochastic-volatility", mi, sample, log_ratio)


def shared_poisson(rng: Generator) -> Distribution:
    """X = A + C, Y = B + C of independent Poisson counts: tied, exact by summation."""
    a, b, c = (log_uniform(rng, 0.2, 8) for _ in range(3))
    k = np.arange(60)

    def pmf(rate: float) -> Array:
        return np.asarray(np.exp(k * np.log(rate) - rate - gammaln(k + 1)))

    shifted = [np.stack([np.roll(pmf(rate), j) * (k >= j) for j in k]) for rate in (a, b)]
    joint = np.einsum("j,jx,jy->xy", pmf(c), *shifted)
    mi = pmf_mutual_information(joint)

    def sample(r: Generator, n: int) -> Array:
        common = r.poisson(c, n)
        return np.stack([r.poisson(a, n) + common, r.poisson(b, n) + common], 1).astype(float)

    def log_ratio(points: Array) -> Array:
        x, y = np.minimum(points.astype(int), k[-1]).T
        return np.asarray(np.log(joint[x, y] / (joint.sum(1)[x] * joint.sum(0)[y])))

    return from_ratio("shared-poisson", mi, sample, log_ratio)


def logistic_label(rng: Generator) -> Distribution:
    """X normal, Y a binary label with a logistic link: one variable continuous, one tied."""
    slope, offset = log_uniform(rng, 0.3, 20), rng.normal()
    chance = expit(slope * normal_nodes(16_384)[:, 0] + offset)

    def entropy(p: Array) -> Array:
        return np.asarray(-xlogy(p, p) - xlogy(1 - p, 1 - p))

    mi = float(entropy(chance.mean(keepdims=True))[0] - entropy(chance).mean())

    def sample(r: Generator, n: int) -> Array:
        x = r.standard_normal(n)
        return np.stack([x, (r.random(n) < expit(slope * x + offset)).astype(float)], 1)

    return Distribution("logistic-label", max(0.0, mi), sample)


def farlie_gumbel_morgenstern(rng: Generator) -> Distribution:
    """Weak polynomial dependence: density 1 + theta (1 - 2u)(1 - 2v)."""
    theta = rng.uniform(0.2, 1)

    def log_density(uv: Array) -> Array:
        return np.asarray(np.log1p(theta * np.prod(1 - 2 * uv, 1)))

    def transform(w: Array) -> Array:
        u, t = w.T
        a = theta * (1 - 2 * u)
        return np.stack([u, 2 * t / (1 + a + np.sqrt((1 + a) ** 2 - 4 * a * t))], 1)

    mi = float(log_density(transform(uniform_nodes(65_536))).mean())
    copula = copulas.Copula("fgm", transform, log_density, max(0.0, mi))
    return from_ratio("fgm", mi, copula.sample, log_density)


def shared_exponential(rng: Generator) -> Distribution:
    """X = A + C, Y = B + C with A, B rates 1 and C rate r: f(x, y) in closed form."""
    return shared_exponential_of(log_uniform(rng, 0.1, 1.9))


def shared_exponential_of(rate: float) -> Distribution:
    """`shared_exponential` of this rate, below 2; the smaller, the sharper."""
    a, b, c = -np.log(qmc.Sobol(3, seed=0).random_base2(16).T)
    x, y = a + c / rate, b + c / rate
    mi = float(_shared_exponential_log_ratio(x, y, rate).mean())

    def sample(r: Generator, n: int) -> Array:
        common = r.standard_exponential(n) / rate
        return r.standard_exponential((n, 2)) + common[:, None]

    return Distribution("shared-exponential", max(0.0, mi), sample)


def _shared_exponential_log_ratio(x: Array, y: Array, rate: float) -> Array:
    def log_convolution(limit: Array, decay: float) -> Array:
        """Logarithm of the integral of exp(-decay c) from 0 to the limit."""
        size = abs(decay)
        bounded = -np.expm1(-size * limit) / size if size > 1e-9 else limit
        return np.asarray(np.log(bounded) + max(-decay, 0.0) * limit)

    # joint: integral over c in (0, min) of rate e^(-rate c) e^-(x-c) e^-(y-c)
    joint = -x - y + np.log(rate) + log_convolution(np.minimum(x, y), rate - 2)
    left = -x + np.log(rate) + log_convolution(x, rate - 1)
    right = -y + np.log(rate) + log_convolution(y, rate - 1)
    return np.asarray(joint - left - right)


def lissajous(rng: Generator) -> Distribution:
    """A curve that crosses itself, (cos(a t), sin(b t + phase)), with normal noise on both axes."""
    a, b = ((1, 2), (2, 1), (1, 3), (3, 2), (2, 3))[int(rng.integers(5))]
    t = 2 * np.pi * (np.arange(_NODES) + 0.5) / _NODES
    path = np.stack([np.cos(a * t), np.sin(b * t + rng.uniform(0, 2 * np.pi))], 1)
    noise = np.eye(2) * log_uniform(rng, 0.03, 0.5) ** 2
    shares = np.full(_NODES, 1 / _NODES)
    mixture = GaussianMixture(shares, path, np.broadcast_to(noise, (_NODES, 2, 2)))
    return Distribution("lissajous", mixture.mi(), mixture.sample)


CALIBRATION: dict[str, Family] = {
    "plackett": plackett,
    "superellipse": superellipse,
    "shared-exponential": shared_exponential,
    "logistic-label": logistic_label,
    "lissajous": lissajous,
    "dirichlet": dirichlet,
    "common-divisor": common_divisor,
    "extremes": extremes,
}
TEST: dict[str, Family] = {
    "joe": joe,
    "annulus": annulus,
    "stochastic-volatility": stochastic_volatility,
    "shared-poisson": shared_poisson,
    "fgm": farlie_gumbel_morgenstern,
    **UNSEEN,
}
