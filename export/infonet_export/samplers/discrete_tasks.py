"""Counts, ratings, labels and rounded numbers of exact mutual information.

The sums are finite; normal rectangles come from Gauss-Legendre quadrature of the conditional.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from scipy.special import gammaln, ndtr, ndtri

from infonet_export.samplers.blocks import pmf_mutual_information
from infonet_export.samplers.distribution import Array, Distribution
from infonet_export.samplers.known import Known, from_draw

REACH = 9.0  # standard deviations
NODES = np.polynomial.legendre.leggauss(64)


def rectangle_probabilities(rho: float, left: Array, right: Array) -> Array:
    """Probabilities [len(left) + 1, len(right) + 1] of the cells that increasing cuts make of a
    standard bivariate normal."""
    edges = np.clip(np.concatenate([[-REACH], left, [REACH]]), -REACH, REACH)
    cuts = np.concatenate([[-np.inf], right, [np.inf]])
    rows = []
    for low, high in pairwise(edges):
        # short pieces, because the conditional is a step of width sqrt(1 - rho^2)
        ends = np.linspace(low, high, 2 + int(4 * (high - low) / np.sqrt(1 - rho**2)))
        half = np.diff(ends)[:, None] / 2
        x = (ends[:-1, None] + half + half * NODES[0]).ravel()
        weight = (half * NODES[1]).ravel() * np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
        below = ndtr((cuts[:, None] - rho * x) / np.sqrt(1 - rho**2))
        rows.append(np.diff(below, axis=0) @ weight)
    return np.stack(rows)


def cut_normal(name: str, rho: float, left: Array, right: Array) -> Known:
    """A bivariate normal seen through cuts: only the number of the cell is left."""
    pmf = rectangle_probabilities(rho, left, right)
    ratio = np.log(np.maximum(pmf, 1e-300)) - np.log(np.outer(pmf.sum(1), pmf.sum(0)))

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        a, b = rng.standard_normal((2, n))
        b = rho * a + np.sqrt(1 - rho**2) * b
        i, j = np.searchsorted(left, a), np.searchsorted(right, b)
        return np.stack([i, j], 1).astype(float), ratio[i, j]

    return from_draw(name, pmf_mutual_information(pmf), draw)


def ratings(rho: float) -> Known:
    """Two questions with five answers, of different popularity."""
    left, right = ndtri([0.1, 0.3, 0.55, 0.85]), ndtri([0.2, 0.4, 0.6, 0.8])
    return cut_normal(f"ratings, rho {rho:g}", rho, left, right)


def rounded_normal(rho: float, width: float = 0.5) -> Known:
    """Both variables rounded to multiples of ``width`` standard deviations."""
    steps = int(6 / width)
    cuts = width * (np.arange(-steps, steps).astype(np.float64) + 0.5)
    return cut_normal(f"rounded normal, rho {rho:g}", rho, cuts, cuts)


def poisson_counts(common: float) -> Known:
    """X = A + C, Y = B + C with A, B ~ Poisson(1) and C ~ Poisson(common)."""
    k = np.arange(int(common + 12 * np.sqrt(common) + 40))

    def pmf(rate: float) -> Array:
        return np.asarray(np.exp(k * np.log(rate) - rate - gammaln(k + 1)))

    shifted = np.stack([np.concatenate([np.zeros(j), pmf(1.0)[: len(k) - j]]) for j in k])
    joint = np.einsum("j,jx,jy->xy", pmf(common), shifted, shifted)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(joint) - np.log(np.outer(joint.sum(1), joint.sum(0)))

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        x, y = rng.poisson(1.0, (2, n)) + rng.poisson(common, n)
        return np.stack([x, y], 1).astype(float), ratio[x, y]

    return from_draw(f"Poisson, common rate {common:g}", pmf_mutual_information(joint), draw)


def two_classes(shift: float, share: float = 0.4) -> Known:
    """Y a label of probability ``share``, X normal with mean shift * Y."""
    x = np.linspace(-10, 10 + shift, 20_001)

    def log_posteriors(x: Array) -> Array:
        odds = np.log(share / (1 - share)) + shift * x - shift**2 / 2
        return np.stack([-np.logaddexp(0, odds), -np.logaddexp(0, -odds)])

    def normal(x: Array) -> Array:
        return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))

    prior = np.log([1 - share, share])
    weights = np.stack([(1 - share) * normal(x), share * normal(x - shift)])
    mi = float((weights * (log_posteriors(x) - prior[:, None])).sum() * (x[1] - x[0]))

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        label = (rng.random(n) < share).astype(np.int64)
        x = rng.standard_normal(n) + shift * label
        ratio = log_posteriors(x)[label, np.arange(n)] - prior[label]
        return np.stack([x, label], 1), ratio

    return from_draw(f"number and binary label, shift {shift:g}", mi, draw)


def tasks() -> dict[str, list[Distribution]]:
    """Three strengths of each kind."""
    return {
        "Poisson counts": [poisson_counts(rate) for rate in (0.3, 1.0, 4.0)],
        "five-level ratings": [ratings(rho) for rho in (0.3, 0.6, 0.9)],
        "number and binary label": [two_classes(shift) for shift in (0.5, 1.5, 3.0)],
        "rounded normal": [rounded_normal(rho) for rho in (0.3, 0.6, 0.9)],
    }
