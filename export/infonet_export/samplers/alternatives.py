"""Alternatives to independence for tests of power, in the manner of Simon & Tibshirani (2014).

Noise is chosen so that at n = 200 the best of the tests finds more than half of the data sets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from infonet_export.samplers.distribution import Array

Alternative = Callable[[Generator, int], Array]


def linear(rng: Generator, n: int, noise: float = 3.0) -> Array:
    """A straight line, blurred along y."""
    x = rng.uniform(-1, 1, n)
    return np.stack([x, x + noise * rng.standard_normal(n)], 1)


def quadratic(rng: Generator, n: int, noise: float = 1.1) -> Array:
    """A parabola, blurred along y."""
    x = rng.uniform(-1, 1, n)
    return np.stack([x, x**2 + noise * rng.standard_normal(n)], 1)


def sine(rng: Generator, n: int, noise: float = 1.8) -> Array:
    """Two periods."""
    x = rng.uniform(0, 1, n)
    return np.stack([x, np.sin(4 * np.pi * x) + noise * rng.standard_normal(n)], 1)


def circular(rng: Generator, n: int, noise: float = 0.45) -> Array:
    """A ring, blurred on both axes."""
    angle = rng.uniform(0, 2 * np.pi, n)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.asarray(ring + noise * rng.standard_normal((n, 2)))


def checkerboard(rng: Generator, n: int, noise: float = 0.5) -> Array:
    """The black fields of a board of 4 x 4, blurred on both axes."""
    i = rng.integers(0, 4, n)
    j = 2 * rng.integers(0, 2, n) + i % 2
    corners = np.stack([i, j], 1)
    return np.asarray(corners + rng.random((n, 2)) + noise * rng.standard_normal((n, 2)))


ALTERNATIVES: dict[str, Alternative] = {
    "linear": linear,
    "quadratic": quadratic,
    "circular": circular,
    "checkerboard": checkerboard,
    "sine": sine,
}


def independent(alternative: Alternative, rng: Generator, n: int) -> Array:
    """The same marginals without the dependence: x and y of two data sets."""
    return np.stack([alternative(rng, n)[:, 0], alternative(rng, n)[:, 1]], 1)
