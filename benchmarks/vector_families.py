"""Seeded distributions of several dimensions on which the rules of vines are chosen (NumPy, SciPy).

None of them is a task of benchmark-mi or of `vector_tasks.py`, which are for measuring only. A
bijection of x alone or of y alone changes no mutual information, so curled, sheared and turned
samples have the truth of what they are made from. See `vector_tasks.Task`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, gammaln
from vector_tasks import Task, covariance_mi, exactly, mixture, normal, normal_entropy


def paired(rng, n, d, correlations):
    """Standard normal x and y [n, d], of which the first columns are correlated in pairs."""
    x, y = normal(rng, n, d), normal(rng, n, d)
    for j, r in enumerate(correlations):
        y[:, j] = r * x[:, j] + math.sqrt(1 - r * r) * y[:, j]
    return x, y


def of_pairs(correlations):
    return exactly(-0.5 * np.log1p(-np.square(correlations)).sum())


def turned(values, first, second, angle):
    """Columns first and second, turned by an angle [n]."""
    a, b = values[:, first].copy(), values[:, second].copy()
    values[:, first] = np.cos(angle) * a - np.sin(angle) * b
    values[:, second] = np.sin(angle) * a + np.cos(angle) * b
    return values


def swirl(d, correlations, speed, both):
    """x, or both, turned by an angle proportional to the distance from the middle."""

    def draw(rng, n):
        x, y = paired(rng, n, d, correlations)
        x = turned(x, 0, 1, speed * np.sqrt((x * x).sum(1)))
        if both:
            y = turned(y, 0, d - 1, -speed * np.sqrt((y * y).sum(1)))
        return x, y, None

    name = f"swirl of {'both' if both else 'x'}, {d} + {d}, speed {speed}"
    return Task(name, (d, d, 0), draw, of_pairs(correlations))


def helix(d, correlations, speed):
    """Two columns of x turned by an angle proportional to its last one."""

    def draw(rng, n):
        x, y = paired(rng, n, d, correlations)
        return turned(x, 0, 1, speed * x[:, -1]), y, None

    return Task(f"helix, {d} + {d}, speed {speed}", (d, d, 0), draw, of_pairs(correlations))


def sheared(d, correlations):
    """Each column bent by the ones before it."""

    def draw(rng, n):
        x, y = paired(rng, n, d, correlations)
        for v in (x, y):
            for j in range(1, d):
                v[:, j] += np.sin(2 * v[:, j - 1]) + 0.5 * v[:, 0] * v[:, j - 1]
        return x, y, None

    return Task(f"sheared, {d} + {d}", (d, d, 0), draw, of_pairs(correlations))


def student_entropy(d, freedom):
    """Of a standard multivariate t distribution, nats."""
    a, b = freedom / 2, (freedom + d) / 2
    spread = gammaln(a) - gammaln(b) + d / 2 * math.log(freedom * math.pi)
    return spread + b * (digamma(b) - digamma(a))


def heavy(dx, dy, freedom, correlations=()):
    """Multivariate t."""
    shared = student_entropy(dx, freedom) + student_entropy(dy, freedom)
    shared -= student_entropy(dx + dy, freedom)

    def draw(rng, n):
        x, y = paired(rng, n, max(dx, dy), correlations)
        scale = np.sqrt(freedom / rng.chisquare(freedom, (n, 1)))
        return scale * x[:, :dx], scale * y[:, :dy], None

    truth = exactly(shared + of_pairs(correlations)()[0])
    pairs = f", {len(correlations)} pairs" if correlations else ""
    return Task(f"heavy, {dx} + {dy}, {freedom} degrees{pairs}", (dx, dy, 0), draw, truth)


def factors(dx, dy, k, strength):
    """Normal columns that share k factors."""
    d = dx + dy
    loading = np.random.default_rng([dx, dy, k]).normal(size=(d, k)) * strength
    covariance = loading @ loading.T + np.eye(d)
    root = np.linalg.cholesky(covariance)

    def draw(rng, n):
        sample = normal(rng, n, d) @ root.T
        return sample[:, :dx], sample[:, dx:], None

    truth = exactly(covariance_mi(covariance, range(dx), range(dx, d)))
    return Task(f"{k} factors, {dx} + {dy}", (dx, dy, 0), draw, truth)


def hidden_pairs(d, freedom, correlation):
    """Pairs of bivariate t, x mixed by a rotation."""
    basis, _ = np.linalg.qr(np.random.default_rng(d).normal(size=(d, d)))
    one = 2 * student_entropy(1, freedom) - student_entropy(2, freedom)
    one -= 0.5 * math.log1p(-(correlation**2))

    def draw(rng, n):
        x, y = paired(rng, n, d, [correlation] * d)
        scale = np.sqrt(freedom / rng.chisquare(freedom, (n, d)))
        return (scale * x) @ basis, scale * y, None

    return Task(f"hidden pairs, {d} + {d}", (d, d, 0), draw, exactly(d * one))


def gate_of_radius(d, noise):
    """y = tanh(3 (|x| - r)) x1 + noise, the sign changing at the median distance."""
    middle = math.sqrt(d - 2 / 3)

    def opened(x):
        return np.tanh(3 * (np.sqrt((x * x).sum(1)) - middle)) * x[:, 0]

    centres = np.sort(opened(normal(np.random.default_rng(d), 400_000, d)))

    def draw(rng, n):
        x = normal(rng, n, d)
        return x, opened(x) + noise * rng.standard_normal(n), None

    def truth():
        y = np.linspace(centres[0] - 8 * noise, centres[-1] + 8 * noise, 4000)
        counts, edges = np.histogram(centres, bins=4000)
        middles = (edges[1:] + edges[:-1]) / 2
        density = np.zeros(len(y))
        for part in np.array_split(np.arange(len(middles)), 40):
            scaled = (y[:, None] - middles[part]) / noise
            density += np.exp(-scaled * scaled / 2) @ counts[part]
        density /= density.sum() * (y[1] - y[0])
        kept = density[density > 0]
        return float(-(kept * np.log(kept)).sum() * (y[1] - y[0])) - normal_entropy(noise), 0.0

    return Task(f"gate of the radius, {d} + 1, noise {noise}", (d, 1, 0), draw, truth)


def families():
    """All of them."""
    return [
        swirl(2, [0.7, 0.7], 0.8, True),
        swirl(3, [0.85, 0.6], 1.0, True),
        swirl(3, [0.85, 0.6], 1.5, False),
        swirl(4, [0.7, 0.7, 0.7], 0.8, True),
        helix(3, [0.8, 0.6], 1.0),
        helix(4, [0.8, 0.8, 0.5], 2.0),
        sheared(2, [0.8, 0.6]),
        sheared(4, [0.7, 0.5, 0.5]),
        heavy(2, 2, 4),
        heavy(3, 3, 1),
        heavy(4, 4, 1.5, [0.6]),
        heavy(6, 6, 4),
        heavy(4, 2, 2.5, [0.5, 0.5]),
        factors(2, 2, 1, 1.0),
        factors(4, 3, 2, 0.7),
        factors(6, 6, 3, 0.6),
        factors(10, 10, 3, 0.5),
        hidden_pairs(2, 3, 0.6),
        hidden_pairs(4, 3, 0.5),
        gate_of_radius(2, 0.4),
        gate_of_radius(4, 0.4),
        mixture(2, 2, 2, 7),
        mixture(5, 2, 1, 7),
        mixture(5, 3, 2, 7),
        mixture(2, 3, 3, 7),
        mixture(3, 4, 4, 7),
    ]
