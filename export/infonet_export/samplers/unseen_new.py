"""Five families held out after the estimator was fixed: nothing was trained, calibrated or tuned on
them, and no constant may be. `NEW` holds them; the thirteen of held_out.TEST are older.

They do what measured data do: a relation changes at a threshold, a sensor saturates, extremes come
together more often on one side than on the other, a frequency drifts, values keep away from a
middle. Each has a parameter that takes its mutual information from near 0 to between 1 and 3 nats,
a truth in closed form or by one-dimensional quadrature, and a log density ratio for the oracle.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.random import Generator
from scipy.interpolate import CubicSpline
from scipy.special import (
    betaln,
    digamma,
    expit,
    gammaln,
    hyperu,
    log_ndtr,
    logsumexp,
    ndtr,
    ndtri,
    stdtr,
    xlogy,
)

from infonet_export.samplers.additive import NoisyCurve
from infonet_export.samplers.distribution import Array, Family, log_uniform
from infonet_export.samplers.known import Known, from_draw, from_ratio


def regime_switch(rng: Generator) -> Known:
    """Below a threshold of X the level of Y follows X, above it only the spread of Y grows with X;
    the noise is Student's, of so few degrees of freedom that outliers hide the line.

    X is uniform, since its law changes nothing. Both regimes have a density of Y in closed form, so
    I = h(Y) - h(Y | X) is one integral.
    """
    threshold, growth = rng.uniform(0.2, 0.8), log_uniform(rng, 0.1, 4)
    dof, scale = rng.uniform(1.5, 4), log_uniform(rng, 0.01, 3)
    log_constant = -betaln(dof / 2, 0.5) - 0.5 * np.log(dof)

    def density(y: Array) -> Array:
        line = _between(dof, y / scale, (y + 1) / scale)
        y = np.where(np.abs(y) < 1e-9 * scale, 1e-9 * scale, y)
        wide = scale * np.exp(growth)
        fan = _between(dof, y / wide, y / scale) / (growth * y)
        return threshold * line + (1 - threshold) * fan

    half = (dof + 1) / 2
    entropy = half * (digamma(half) - digamma(dof / 2)) - log_constant + np.log(scale)
    entropy += (1 - threshold) * growth / 2
    # dense at both ends of the line, the left part mirrored, and far into the tails
    t = np.arange(0, 45, 0.004)
    reach = scale * np.sinh(t)
    inside = reach < 0.5
    middle = np.array([0.5])
    at = (
        [-1 - reach[::-1], -1 + reach[inside], -middle],
        [-middle, -reach[inside][::-1], reach],
    )
    marginal = 0.0
    for parts in at:
        y = np.concatenate(parts)
        p = np.maximum(density(y), 0)
        marginal -= float(np.trapezoid(xlogy(p, p), y))

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, noise = r.random(n), r.standard_t(dof, n)
        over = np.maximum(x - threshold, 0) / (1 - threshold)
        log_scale = np.log(scale) + growth * over
        y = np.minimum(x / threshold - 1, 0) + np.exp(log_scale) * noise
        conditional = log_constant - half * np.log1p(noise**2 / dof) - log_scale
        return np.stack([x, y], 1), conditional - np.log(density(y))

    return from_draw("regime-switch", marginal - entropy, draw)


def _between(dof: float, low: Array, high: Array) -> Array:
    """Student's probability of [low, high], from the tail that is the smaller: no digits are
    lost."""
    flip = low + high > 0
    below, above = np.where(flip, -high, low), np.where(flip, -low, high)
    return np.asarray(stdtr(dof, above) - stdtr(dof, below))


@lru_cache(maxsize=1)
def _gauss_legendre(count: int) -> tuple[Array, Array]:
    """Nodes and weights on [-1, 1]: eigenvalues of a matrix [count, count], for all members."""
    nodes, weights = leggauss(count)
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights


def clipped_sensor(rng: Generator) -> Known:
    """Two readings of a normal AR(1) process by a sensor that saturates at both ends of its range:
    either value may be tied at an end.

    Given the first reading, the second is a normal variable cut off at both ends, whose moments are
    known, so the truth is an integral over the range of the first.
    """
    rho = float(np.exp(-log_uniform(rng, 0.003, 3)))
    ends = np.array([rng.uniform(0.001, 0.2), 1 - rng.uniform(0.02, 0.4)])
    low, high = ndtri(ends)
    sigma = np.sqrt(1 - rho**2)
    log_shares = np.log([ends[0], 1 - ends[1]])

    def log_tied(x: Array) -> Array:
        """Log probability that the other reading is at the low and the high end, [2, m]."""
        return np.asarray([log_ndtr((low - rho * x) / sigma), log_ndtr((rho * x - high) / sigma)])

    def nodes(left: float, right: float) -> tuple[Array, Array]:
        """Points of the standard normal variable in [left, right], and their probabilities."""
        t, w = _gauss_legendre(400)
        x = (left + right) / 2 + (right - left) / 2 * t
        density = np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
        return x, np.asarray((right - left) / 2 * w * density)

    x, weight = nodes(low, high)
    a, b = (low - rho * x) / sigma, (high - rho * x) / sigma
    at_a, at_b = (np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) for z in (a, b))
    moments = ndtr(b) - ndtr(a), at_a - at_b, ndtr(b) - ndtr(a) + a * at_a - b * at_b
    free = moments[0] * (0.5 * (rho * x) ** 2 - np.log(sigma))
    free += rho * x * sigma * moments[1] - 0.5 * rho**2 * moments[2]
    tied = log_tied(x)
    one = (np.exp(tied) * (tied - log_shares[:, None])).sum(0)
    mi = float(weight @ (free + 2 * one))  # either reading may be the one at an end
    corners = np.empty((2, 2))
    for row, (left, right) in enumerate(((low - 12, low), (high, high + 12))):
        x, weight = nodes(left, right)
        corners[row] = np.exp(log_tied(x)) @ weight
    log_corners = np.log(np.maximum(corners, 1e-300))
    mi += float((corners * (log_corners - log_shares[:, None] - log_shares)).sum())

    def log_ratio(points: Array) -> Array:
        ratio: Array = np.empty(len(points))
        where = [np.where(p <= low, 0, np.where(p >= high, 1, 2)) for p in points.T]
        first, second = where
        for i, row in enumerate(log_corners):
            for j, value in enumerate(row):
                ratio[(first == i) & (second == j)] = value - log_shares[i] - log_shares[j]
            for tied_one, other, column in ((first, second, 1), (second, first, 0)):
                kept = (tied_one == i) & (other == 2)
                ratio[kept] = log_tied(points[kept, column])[i] - log_shares[i]
        kept = (first == 2) & (second == 2)
        x, y = points[kept].T
        ratio[kept] = 0.5 * y**2 - 0.5 * ((y - rho * x) / sigma) ** 2 - np.log(sigma)
        return ratio

    def sample(r: Generator, n: int) -> Array:
        x, e = r.standard_normal((2, n))
        return np.asarray(np.clip(np.stack([x, rho * x + sigma * e], 1), low, high))

    return from_ratio("clipped-sensor", mi, sample, log_ratio)


def tawn(rng: Generator) -> Known:
    """The asymmetric logistic copula of extreme values (Tawn 1988): in one corner, and more for one
    variable than for the other, extremes come together; a part of each is on its own.

    Minus logarithms of its uniforms, x and y, exceed given values with probability exp(-V(x, y)),
    V(x, y) = (1 - a) x + (1 - b) y + ((a x)^r + (b y)^r)^(1/r). Along a ray the density is that of
    a gamma variable times P + Q / s, so the integral over the length s is closed.
    """
    r = 1 + log_uniform(rng, 0.1, 30)
    a, b = rng.uniform(0.4, 1), rng.uniform(0.4, 1)

    def parts(log_x: Array, log_y: Array) -> tuple[Array, Array, Array]:
        """V, the product of its derivatives, and minus its mixed derivative."""
        p, q = np.log(a) + log_x, np.log(b) + log_y
        log_norm = np.logaddexp(r * p, r * q) / r
        v = (1 - a) * np.exp(log_x) + (1 - b) * np.exp(log_y) + np.exp(log_norm)
        left = 1 - a + a * np.exp((r - 1) * (p - log_norm))
        right = 1 - b + b * np.exp((r - 1) * (q - log_norm))
        mixed = (r - 1) * a * b * np.exp((r - 1) * (p + q) + (1 - 2 * r) * log_norm)
        return v, left * right, mixed

    t = np.linspace(-40, 40, 24_001)
    v, product, mixed = parts(np.log(expit(-t)), np.log(expit(t)))
    mixed = np.maximum(mixed, 1e-300)
    weight = expit(t) * expit(-t) * (t[1] - t[0])
    inner = (1 - v) * (2 * product / v**3 + mixed / v**2)
    # e^z E1(z), and E of log(P s + Q) and of log s, where s has the density e^(-v s) (P s + Q)
    scaled = hyperu(1, 1, np.maximum(mixed * v / product, 1e-300))
    inner += (mixed / v + product / v**2) * np.log(mixed) + product * (1 + scaled) / v**2
    log_s = -np.euler_gamma - np.log(v)
    inner -= product * (1 + log_s) / v**2 + mixed * log_s / v
    mi = float(weight @ inner)

    def draw(g: Generator, n: int) -> tuple[Array, Array]:
        # a positive stable variable (Kanter 1975), that two exponential variables share
        angle, e = g.uniform(0, np.pi, n), g.standard_exponential((5, n))
        log_stable = np.log(np.sin(angle / r)) - r * np.log(np.sin(angle))
        log_stable += (r - 1) * (np.log(np.sin((1 - 1 / r) * angle)) - np.log(e[0]))
        shared = (np.log(e[1:3]) - log_stable) / r
        own = np.log(e[3:]) - np.log([[1 - a], [1 - b]])
        log_x, log_y = np.minimum(shared - np.log([[a], [b]]), own)
        v, product, mixed = parts(log_x, log_y)
        ratio = -v + np.log(product + mixed) + np.exp(log_x) + np.exp(log_y)
        return np.stack([-log_x, -log_y], 1), ratio

    return from_draw("tawn", mi, draw)


def chirp(rng: Generator) -> Known:
    """X uniform, Y a wave whose frequency grows exponentially with X, and normal noise."""
    start, growth = rng.uniform(0.5, 1.5), log_uniform(rng, 3, 12)
    phase, sigma = rng.uniform(0, 2 * np.pi), log_uniform(rng, 0.02, 3)

    def wave(x: Array) -> Array:
        turns = start * np.expm1(np.log(growth) * x) / np.log(growth)
        return np.asarray(np.sin(2 * np.pi * turns + phase))

    nodes = 40_000
    x = (np.arange(nodes) + 0.5) / nodes
    model = NoisyCurve(wave(x), np.full(nodes, 1 / nodes), sigma)

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        x, noise = r.random(n), sigma * r.standard_normal(n)
        y = wave(x) + noise
        return np.stack([x, y], 1), model.log_ratio(noise, y)

    return from_draw("chirp", model.mi(), draw)


def crater(rng: Generator) -> Known:
    """A density with a hole and an uneven rim, (x^2 + y^2)^k exp(-(x^2 + y^2) / 2) times 1 + e
    sin(2 angle): what is more on one diagonal is less on the other, so neither margin sees it.

    Margins are a polynomial times a normal density; h(X, Y) is closed.
    """
    k = int(log_uniform(rng, 1, 400)) - 1
    uneven = rng.uniform(-1, 1)
    power = np.arange(k + 1)
    # binomial coefficients times moments of the normal variable that is integrated away
    terms = gammaln(k + 1) - gammaln(power + 1) - gammaln(k - power + 1)
    terms += gammaln(2 * power + 1) - power * np.log(2) - gammaln(power + 1)
    constant = k * np.log(2) + gammaln(k + 1)

    x = np.linspace(0, np.sqrt(2 * k) + 9, 4001)
    log_square = 2 * np.log(np.maximum(x, 1e-150))[:, None]
    log_margin = logsumexp(terms + (k - power) * log_square, axis=1) - 0.5 * x**2
    log_margin -= constant + 0.5 * np.log(2 * np.pi)
    entropy = -4 * np.trapezoid(np.exp(log_margin) * log_margin, x)  # of both margins
    rim = np.sqrt(1 - uneven**2)
    joint = np.log(2 * np.pi) + gammaln(k + 1) - k * digamma(k + 1) + k + 1
    joint -= np.log((1 + rim) / 2) + 1 - rim
    margin = CubicSpline(x, log_margin)

    def draw(r: Generator, n: int) -> tuple[Array, Array]:
        square = 2 * r.standard_gamma(k + 1, n)
        twice = r.uniform(0, 2 * np.pi, n)
        # turned back where the rim is low: exactly the uneven density
        twice = np.where(r.random(n) < (1 + uneven * np.sin(twice)) / 2, twice, -twice)
        angle = twice / 2 + np.pi * r.integers(2, size=n)
        points = np.sqrt(square)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        log_joint = k * np.log(square) - square / 2 + np.log1p(uneven * np.sin(twice))
        log_joint -= constant + np.log(2 * np.pi)
        return points, log_joint - margin(np.abs(points)).sum(1)

    return from_draw("crater", float(entropy - joint), draw)


NEW: dict[str, Family] = {
    "regime-switch": regime_switch,
    "clipped-sensor": clipped_sensor,
    "tawn": tawn,
    "chirp": chirp,
    "crater": crater,
}
