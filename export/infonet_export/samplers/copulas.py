"""Parametric copulas with their densities: Gaussian, Student t, Clayton, Gumbel, Frank, Joe.

An Archimedean copula with generator phi is drawn as U = phi^-1(S phi(T)), V = phi^-1((1-S) phi(T))
with S uniform and T from the Kendall distribution K(t) = t - phi(t) / phi'(t) (Nelsen, An
Introduction to Copulas, 2006, section 4.3). The same map on low-discrepancy nodes integrates the
log density, which is the mutual information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import betaln, digamma, ndtr, ndtri, stdtr, stdtrit

from infonet_export.samplers.distribution import (
    Array,
    Distribution,
    log_uniform,
    uniform_nodes,
)


@dataclass(frozen=True)
class Copula:
    """name; transform: uniforms [m, 2] -> (u, v) [m, 2]; log_density at (u, v) [m, 2] -> [m].

    mi: the closed form in nats, or None where the integral is needed. draw: a faster sampler of the
    same copula, with any marginals, or None for the transform of random uniforms.
    """

    name: str
    transform: Callable[[Array], Array]
    log_density: Callable[[Array], Array]
    mi: float | None = None
    draw: Callable[[Generator, int], Array] | None = None

    def sample(self, rng: Generator, n: int) -> Array:
        """float64 [n, 2] with this copula; the marginals are whatever is cheapest."""
        if self.draw is not None:
            return self.draw(rng, n)
        return self.transform(rng.uniform(1e-16, 1.0, (n, 2)))

    def mutual_information(self, nodes: int = 16_384) -> float:
        """Closed form, or the mean log density over low-discrepancy nodes (nats)."""
        if self.mi is not None:
            return self.mi
        return max(0.0, float(self.log_density(self.transform(uniform_nodes(nodes))).mean()))


def gaussian(rho: float) -> Copula:
    """The copula of a normal distribution of correlation ``rho``, within (-1, 1)."""

    def transform(w: Array) -> Array:
        return _correlate(w, rho, np.inf)

    def log_density(uv: Array) -> Array:
        a, b = ndtri(uv).T
        quadratic = (rho**2 * (a**2 + b**2) - 2 * rho * a * b) / (2 * (1 - rho**2))
        return np.asarray(-0.5 * np.log1p(-(rho**2)) - quadratic)

    mi = float(-0.5 * np.log1p(-(rho**2)))
    return Copula("gaussian", transform, log_density, mi, lambda r, n: _normal_pairs(r, n, rho))


def student(rho: float, dof: float) -> Copula:
    """MI of the bivariate t: Calsaverini & Vicente, EPL 88 (2009) 68003."""

    def log_density(uv: Array) -> Array:
        a, b = stdtrit(dof, uv).T
        quadratic = (a**2 - 2 * rho * a * b + b**2) / (1 - rho**2)
        joint = -np.log(2 * np.pi) - 0.5 * np.log1p(-(rho**2))
        joint = joint - (dof / 2 + 1) * np.log1p(quadratic / dof)
        constant = -betaln(0.5, dof / 2) - 0.5 * np.log(dof)
        marginals = 2 * constant - (dof + 1) / 2 * (np.log1p(a**2 / dof) + np.log1p(b**2 / dof))
        return np.asarray(joint - marginals)

    tail = 2 * (0.5 * np.log(dof / (2 * np.pi)) + betaln(dof / 2, 0.5)) - (2 + dof) / dof
    tail += (1 + dof) * (digamma((dof + 1) / 2) - digamma(dof / 2))
    mi = float(-0.5 * np.log1p(-(rho**2)) + tail)

    def draw(r: Generator, n: int) -> Array:
        return _normal_pairs(r, n, rho) / np.sqrt(r.chisquare(dof, n) / dof)[:, None]

    return Copula("student", lambda w: _correlate(w, rho, dof), log_density, mi, draw)


def clayton(theta: float) -> Copula:
    """MI in closed form, ln(1 + theta) - theta / (1 + theta), from E[-ln C] under K."""

    def transform(w: Array) -> Array:
        u, q = w.T
        # log(u^-theta (q^(-theta/(1+theta)) - 1) + 1), safe from overflow
        total = np.logaddexp(
            np.log(np.expm1(-theta / (1 + theta) * np.log(q))) - theta * np.log(u), 0
        )
        return np.stack([u, np.exp(-total / theta)], 1)

    def log_density(uv: Array) -> Array:
        logs = np.log(uv).sum(1)
        a, b = -theta * np.log(uv).T
        top = np.maximum(a, b)
        total = top + np.log(np.exp(a - top) + np.exp(b - top) - np.exp(-top))
        return np.asarray(np.log1p(theta) - (1 + theta) * logs - (2 + 1 / theta) * total)

    return Copula("clayton", transform, log_density, float(np.log1p(theta) - theta / (1 + theta)))


def gumbel(theta: float) -> Copula:
    """Gumbel's copula, of more dependence in the upper tail; ``theta`` from 1 (independence) up."""

    def transform(w: Array) -> Array:
        split, t = w[:, 0], _invert_kendall(w[:, 1], lambda t: t * (1 - np.log(t) / theta))
        parts = np.stack([split, 1 - split], 1)
        return np.exp(np.log(t)[:, None] * parts ** (1 / theta))

    def log_density(uv: Array) -> Array:
        x = -np.log(uv)
        total = (x**theta).sum(1)
        root = total ** (1 / theta)
        value = -root + x.sum(1) + (theta - 1) * np.log(x).sum(1)
        return np.asarray(value + (1 / theta - 2) * np.log(total) + np.log(root + theta - 1))

    return Copula("gumbel", transform, log_density)


def frank(theta: float) -> Copula:
    """Frank's copula, the same in both tails; ``theta`` above 0, which is independence."""

    def transform(w: Array) -> Array:
        u, q = w.T
        decay, end = np.exp(-theta * u), np.exp(-theta)
        v = (np.log(q + (1 - q) * decay) - np.log((1 - q) * decay + q * end)) / theta
        return np.stack([u, v], 1)

    def log_density(uv: Array) -> Array:
        a, b = np.exp(-theta * uv).T
        low = a * (1 - b) + (b - np.exp(-theta))
        scale = np.log(-theta * np.expm1(-theta))
        return np.asarray(scale - theta * uv.sum(1) - 2 * np.log(low))

    return Copula("frank", transform, log_density)


def joe(theta: float) -> Copula:
    """Joe's copula, of dependence in the upper tail; ``theta`` from 1 (independence) up."""

    def transform(w: Array) -> Array:
        # generator -log(1 - (1 - t)^theta)
        def kendall(t: Array) -> Array:
            tail = (1 - t) ** theta
            return t - np.log1p(-tail) * (1 - tail) / (theta * (1 - t) ** (theta - 1))

        split, t = w[:, 0], _invert_kendall(w[:, 1], kendall)
        phi = -np.log1p(-((1 - t) ** theta))
        parts = np.stack([split, 1 - split], 1)
        return 1 - (-np.expm1(-phi[:, None] * parts)) ** (1 / theta)

    def log_density(uv: Array) -> Array:
        a, b = np.log1p(-uv).T
        x, y = np.exp(theta * a), np.exp(theta * b)
        total = x + y - x * y
        value = (1 / theta - 2) * np.log(total) + (theta - 1) * (a + b)
        return np.asarray(value + np.log(theta - 1 + total))

    return Copula("joe", transform, log_density)


def _normal_pairs(rng: Generator, n: int, rho: float) -> Array:
    points = rng.standard_normal((n, 2))
    points[:, 1] = rho * points[:, 0] + np.sqrt(1 - rho**2) * points[:, 1]
    return points


def _correlate(w: Array, rho: float, dof: float) -> Array:
    """Uniforms -> copula of the bivariate normal (dof infinite) or t, by the conditional law."""
    if np.isinf(dof):
        a, b = ndtri(w).T
        return np.asarray(ndtr(np.stack([a, rho * a + np.sqrt(1 - rho**2) * b], 1)))
    a = stdtrit(dof, w[:, 0])
    scale = np.sqrt((dof + a**2) * (1 - rho**2) / (dof + 1))
    b = rho * a + scale * stdtrit(dof + 1, w[:, 1])
    return np.asarray(stdtr(dof, np.stack([a, b], 1)))


def _invert_kendall(q: Array, kendall: Callable[[Array], Array]) -> Array:
    """t with kendall(t) = q by interpolation on a grid that is dense at both ends."""
    grid = ndtr(np.linspace(-7.5, 7.5, 4001))
    with np.errstate(all="ignore"):
        values = np.nan_to_num(kendall(grid), nan=1.0)
    return np.asarray(np.interp(q, np.maximum.accumulate(values), grid))


def with_noise(copula: Copula, noise: float, nodes: int = 8_192) -> Distribution:
    """A share ``noise`` of the pairs is replaced by independent uniforms."""
    square = uniform_nodes(nodes)

    def log_mixture(uv: Array) -> Array:
        return np.log((1 - noise) * np.exp(copula.log_density(np.clip(uv, 1e-9, 1 - 1e-9))) + noise)

    signal = float(log_mixture(copula.transform(square)).mean())
    mi = (1 - noise) * signal + noise * float(log_mixture(square).mean())

    def sample(rng: Generator, n: int) -> Array:
        points = copula.transform(rng.uniform(1e-16, 1.0, (n, 2)))
        swap = rng.random(n) < noise
        points[swap] = rng.random((int(swap.sum()), 2))
        return points

    return Distribution(f"{copula.name}+noise", max(0.0, mi), sample)


def random_copula(rng: Generator, kinds: int = 5) -> Copula:
    """One of the families that training uses (Joe is kept out, for tests of generalisation)."""
    kind = rng.integers(kinds)
    if kind == 0:
        # uniform in MI up to 4 nats half of the time, else uniform in correlation
        rho = np.sqrt(-np.expm1(-2 * rng.uniform(0, 4))) if rng.random() < 0.5 else rng.random()
        return gaussian(float(min(rho, 0.9999)))
    if kind == 1:
        return clayton(log_uniform(rng, 0.05, 40))
    if kind == 2:
        return gumbel(1 + log_uniform(rng, 0.02, 12))
    if kind == 3:
        return frank(log_uniform(rng, 0.2, 60))
    return student(rng.uniform(0, 0.99), log_uniform(rng, 0.7, 20))


def parametric(rng: Generator) -> Distribution:
    """A copula of a random kind and strength, with its mutual information."""
    copula = random_copula(rng)
    return Distribution(copula.name, copula.mutual_information(), copula.sample)


def contaminated(rng: Generator) -> Distribution:
    """A copula of a random kind and strength, with a share of independent samples."""
    # not the t: its density needs the inverse of its distribution function, which is slow
    return with_noise(random_copula(rng, kinds=4), rng.uniform(0.02, 0.9))


def independent(rng: Generator) -> Distribution:
    """Two independent uniform variables."""
    return Distribution("independent", 0.0, lambda r, n: r.random((n, 2)))


def gamma_exponential(rng: Generator) -> Distribution:
    """X ~ Gamma(a), Y | X ~ Exponential(rate X): MI psi(a + 1) - ln a, the case of Kraskov et al.
    (2004) and Darbellay & Vajda (1999)."""
    shape = log_uniform(rng, 0.1, 100)

    def sample(r: Generator, n: int) -> Array:
        # log scale: a Gamma of small shape underflows, and ranks do not see the logarithm.
        # Gamma(a) = Gamma(a + 1) U^(1/a)  (Marsaglia & Tsang 2000)
        log_x = np.log(r.standard_gamma(shape + 1, n)) + np.log(r.random(n)) / shape
        return np.stack([log_x, np.log(r.standard_exponential(n)) - log_x], 1)

    return Distribution("gamma-exponential", float(digamma(shape + 1) - np.log(shape)), sample)
