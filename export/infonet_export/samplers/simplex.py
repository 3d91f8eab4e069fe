"""Families with entropies in closed form, for calibration: shares of a whole, ratios to a common
part, and the extremes of a sample.

Entropies: Ebrahimi, Soofi & Zahedi (2004) for the Dirichlet distribution; the others follow from
the moments of log x and log(1 + x + y).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.special import betaln, digamma, gammaln

from infonet_export.samplers.distribution import Array, Distribution, log_uniform


def dirichlet(rng: Generator) -> Distribution:
    """Two of the three shares of a Dirichlet distribution: x + y < 1."""
    return dirichlet_of(*(log_uniform(rng, 0.3, 8) for _ in range(3)))


def dirichlet_of(a: float, b: float, c: float) -> Distribution:
    """`dirichlet` of these parameters; the smaller the last, the sharper."""
    whole = a + b + c
    joint = (
        gammaln([a, b, c]).sum()
        - gammaln(whole)
        + (whole - 3) * digamma(whole)
        - sum((s - 1) * digamma(s) for s in (a, b, c))
    )
    mi = _beta_entropy(a, b + c) + _beta_entropy(b, a + c) - joint

    def sample(r: Generator, n: int) -> Array:
        x, y, rest = _gammas(r, n, a, b, c)
        # odds, not shares: float32 cannot tell shares apart near 1
        return np.stack([np.log(x) - np.log(y + rest), np.log(y) - np.log(x + rest)], 1)

    return Distribution("dirichlet", float(mi), sample)


def common_divisor(rng: Generator) -> Distribution:
    """Two gamma variables over a third: heavy tails that come together (inverted Dirichlet)."""
    return common_divisor_of(*(log_uniform(rng, 0.5, 8) for _ in range(3)))


def common_divisor_of(a: float, b: float, c: float) -> Distribution:
    """`common_divisor` of these shapes; the smaller the last, the sharper."""
    whole = a + b + c
    log_sum = digamma(whole) - digamma(c)  # E log(1 + x + y)
    joint = (
        gammaln([a, b, c]).sum()
        - gammaln(whole)
        - sum((s - 1) * (digamma(s) - digamma(c)) for s in (a, b))
        + whole * log_sum
    )
    mi = _beta_prime_entropy(a, c) + _beta_prime_entropy(b, c) - joint

    def sample(r: Generator, n: int) -> Array:
        x, y, common = np.log(_gammas(r, n, a, b, c))
        return np.stack([x - common, y - common], 1)

    return Distribution("common-divisor", float(mi), sample)


def extremes(rng: Generator) -> Distribution:
    """Smallest and largest of m uniform numbers, m real from 2 on: a hard edge on the diagonal."""
    m = 1 + log_uniform(rng, 1.0, 30)
    # density m (m - 1) (y - x)^(m - 2), y - x ~ Beta(m - 1, 2); x ~ Beta(1, m)
    joint = -np.log(m * (m - 1)) - (m - 2) * (digamma(m - 1) - digamma(m + 1))
    mi = 2 * _beta_entropy(1, m) - joint

    def sample(r: Generator, n: int) -> Array:
        width = r.beta(m - 1, 2, n)
        low = (1 - width) * r.random(n)  # uniform given the width
        return np.stack([low, low + width], 1)

    return Distribution("extremes", float(mi), sample)


def _gammas(rng: Generator, n: int, *shapes: float) -> Array:
    """[len(shapes), n]; by the boost of shape 1, whose logarithm stays finite for small shapes."""
    boosted = [rng.standard_gamma(s + 1, n) * rng.random(n) ** (1 / s) for s in shapes]
    return np.maximum(boosted, 1e-300)


def _beta_entropy(a: float, b: float) -> float:
    return float(
        betaln(a, b) - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)
    )


def _beta_prime_entropy(a: float, b: float) -> float:
    log_x, log_1_x = digamma(a) - digamma(b), digamma(a + b) - digamma(b)
    return float(betaln(a, b) - (a - 1) * log_x + (a + b) * log_1_x)
