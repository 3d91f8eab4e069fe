"""More families that neither training nor calibration draws; held_out.TEST holds them.

Each has a parameter that takes its mutual information from near 0 to between 1 and 3 nats, and a
log density ratio for the oracle.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.special import digamma, expit, gammaln, i0e, i1e, xlogy

from infonet_export.samplers import copulas
from infonet_export.samplers.additive import NoisyCurve
from infonet_export.samplers.distribution import Array, Family, log_uniform
from infonet_export.samplers.known import Known, from_draw, from_ratio
from infonet_export.samplers.polygons import bow_tie, polygon


def arrival_times(rng: Generator) -> Known:
    """Two arrivals of a Poisson process: X ~ Gamma(k), Y = X + Gamma(m), so that Y > X.

    I = h(Gamma(k + m)) - h(Gamma(m)), closed.
    """
    k, m = log_uniform(rng, 0.2, 10), log_uniform(rng, 0.5, 10)

    def entropy(a: float) -> float:
        return float(a + gammaln(a) + (1 - a) * digamma(a))

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, gap = r.standard_gamma(k, n), r.standard_gamma(m, n)
        gap = np.maximum(gap, 1e-300)
        y = x + gap
        later = (m - 1) * np.log(gap) - gap - gammaln(m)
        marginal = (k + m - 1) * np.log(y) - y - gammaln(k + m)
        return np.stack([x, y], 1), later - marginal

    return from_draw("arrival-times", entropy(k + m) - entropy(m), draw)


def circula(rng: Generator) -> Known:
    """Uniform angles with m Y = k X + von Mises noise (mod 1): stripes that wrap around.

    The circula of Jones, Pewsey & Kato (AISM 2015) with p turns of X for q of Y. I = kappa A(kappa)
    - log I0(kappa), whatever the turns.
    """
    kappa = log_uniform(rng, 0.3, 200)
    k, m = (int(rng.integers(1, 4)) for _ in range(2))
    sign = -1.0 if rng.random() < 0.5 else 1.0
    log_bessel = float(np.log(i0e(kappa)) + kappa)
    mi = kappa * float(i1e(kappa) / i0e(kappa)) - log_bessel

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, noise = r.random(n), r.vonmises(0.0, kappa, n)
        y = ((sign * k * x + noise / (2 * np.pi) + r.integers(m, size=n)) / m) % 1.0
        return np.stack([x, y], 1), kappa * np.cos(noise) - log_bessel

    return from_draw("circula", mi, draw)


def cauchy_sum(rng: Generator) -> Known:
    """X Cauchy, Y = X + s Cauchy: I = log((1 + s) / s), with outliers on both axes."""
    s = log_uniform(rng, 0.08, 20)

    def log_density(x: Array, scale: float) -> Array:
        return np.asarray(-np.log(np.pi * scale) - np.log1p((x / scale) ** 2))

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, noise = r.standard_cauchy((2, n)) * np.array([[1.0], [s]])
        return np.stack([x, x + noise], 1), log_density(noise, s) - log_density(x + noise, 1 + s)

    return from_draw("cauchy-sum", float(np.log1p(1 / s)), draw)


def normal_sine(rng: Generator) -> Known:
    """X normal, Y = sin(w X + phase) + normal noise: waves that thin out in the tails of X."""
    frequency, phase = log_uniform(rng, 0.5, 4), rng.uniform(0, 2 * np.pi)
    sigma = log_uniform(rng, 0.02, 2)
    x = np.linspace(-8, 8, 40_001)
    weights = np.exp(-0.5 * x**2)
    model = NoisyCurve(np.sin(frequency * x + phase), weights / weights.sum(), sigma)

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, noise = r.standard_normal((2, n))
        y = np.sin(frequency * x + phase) + sigma * noise
        return np.stack([x, y], 1), model.log_ratio(sigma * noise, y)

    return from_draw("normal-sine", model.mi(), draw)


def count_regression(rng: Generator) -> Known:
    """X normal, Y ~ Poisson(exp(a + b X)): one variable continuous, one of counts."""
    a, b = rng.uniform(-0.5, 2.5), log_uniform(rng, 0.1, 1.0)
    x = np.linspace(-5.6, 5.6, 701)
    weights = np.exp(-0.5 * x**2)
    weights /= weights.sum()
    log_rate = a + b * x
    top = np.exp(log_rate[-1])
    counts = np.arange(int(top + 10 * np.sqrt(top) + 30))
    pmf = np.exp(counts[:, None] * log_rate - np.exp(log_rate) - gammaln(counts + 1)[:, None])
    marginal = pmf @ weights
    mi = float(-xlogy(marginal, marginal).sum() + (xlogy(pmf, pmf).sum(0) * weights).sum())

    def sample(r: Generator, n: int) -> Array:
        x = r.standard_normal(n)
        return np.stack([x, r.poisson(np.exp(a + b * x)).astype(float)], 1)

    def log_ratio(points: Array) -> Array:
        rate, count = np.exp(a + b * points[:, 0]), points[:, 1]
        known = np.minimum(count.astype(int), counts[-1])
        conditional = count * np.log(rate) - rate - gammaln(count + 1)
        return np.asarray(conditional - np.log(np.maximum(marginal[known], 1e-300)))

    return from_ratio("count-regression", mi, sample, log_ratio)


def bb1(rng: Generator) -> Known:
    """The two-parameter Archimedean copula of Joe & Hu (1996), of generator (t^-theta - 1)^delta:
    tail dependence at both ends, of different strength."""
    theta, delta = log_uniform(rng, 0.1, 4), 1 + log_uniform(rng, 0.02, 5)

    def log_generators(log_t: Array) -> tuple[Array, Array]:
        """Logarithms of -phi' and phi''."""
        g = np.expm1(-theta * log_t)
        slope = np.log(delta * theta) + (delta - 1) * np.log(g) - (theta + 1) * log_t
        bend = np.log(delta * theta) + (delta - 2) * np.log(g) - (theta + 2) * log_t
        bend += np.log((delta - 1) * theta * np.exp(-theta * log_t) + (theta + 1) * g)
        return slope, bend

    # T = C(U, V) has the density phi phi'' / phi'^2 (Genest & Rivest 1993), so one integral does
    logit = np.linspace(-36, 36, 4001)
    log_t, step = -np.logaddexp(0, -logit), logit[1] - logit[0]
    weight = expit(logit) * expit(-logit) * step
    kendall = 1 + (1 - (theta + 1) * np.exp(theta * log_t)) / (delta * theta)
    slope, bend = log_generators(log_t)
    mi = float(weight @ (kendall * (bend - 3 * slope) + 2 * slope))

    def transform(w: Array) -> Array:
        def kendall_cdf(t: Array) -> Array:
            return t * (1 + (1 - t**theta) / (delta * theta))

        split, t = w[:, 0], copulas._invert_kendall(w[:, 1], kendall_cdf)
        parts = np.stack([split, 1 - split], 1) ** (1 / delta)
        return np.asarray((1 + parts * np.expm1(-theta * np.log(t))[:, None]) ** (-1 / theta))

    def log_density(uv: Array) -> Array:
        logs = np.log(uv)
        g = np.expm1(-theta * logs)
        log_c = -np.log1p((g**delta).sum(1) ** (1 / delta)) / theta
        slope, bend = log_generators(log_c)
        return np.asarray(bend - 3 * slope + log_generators(logs)[0].sum(1))

    copula = copulas.Copula("bb1", transform, log_density, max(0.0, mi))
    return from_ratio("bb1", mi, copula.sample, log_density)


UNSEEN: dict[str, Family] = {
    "polygon": polygon,
    "bow-tie": bow_tie,
    "arrival-times": arrival_times,
    "circula": circula,
    "cauchy-sum": cauchy_sum,
    "normal-sine": normal_sine,
    "count-regression": count_regression,
    "bb1": bb1,
}
