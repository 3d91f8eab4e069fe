"""Conditions that tell nearly all of x and y: common causes with noises of a correlation.

The truth is what the noises tell of each other: 0, or that of their correlation. Some causes are of
the functions that `infonet.vines.effects` knows, some are not. See `vector_tasks.Task`.
"""

from __future__ import annotations

import math

import numpy as np
from vector_conditions import pair
from vector_tasks import Task, exactly, normal


def nearly_equal(z):
    """Two columns with a correlation of 0.99, and their difference."""
    both = math.sqrt(0.99) * z[:, :1] + 0.1 * z[:, 1:]
    difference = (both[:, 0] - both[:, 1]) / math.sqrt(0.02)
    return both, difference, difference


def same(effect, given=lambda z: z):
    return lambda z: (given(z), effect(z), effect(z))


# Number of variables, cause (given, effect on x, effect on y), and noise
CAUSES = {
    "line": (1, same(lambda z: z[:, 0]), 0.01),
    "line and square": (1, lambda z: (z, z[:, 0], z[:, 0] ** 2), 0.02),
    "exponential and tanh": (1, lambda z: (z, np.exp(z[:, 0]), np.tanh(z[:, 0])), 0.05),
    "difference of nearly equal columns": (3, nearly_equal, 0.2),
    "sum of cubes": (5, same(lambda z: (z**3).sum(1), lambda z: z**3), 1.0),
    "square of a sum": (5, same(lambda z: z.sum(1) ** 2 / 5), 0.3),
    "squares and waves": (3, lambda z: (z, (z * z).sum(1), np.sin(2 * z).sum(1)), 0.3),
    "exponential of a sum": (3, lambda z: (z, np.exp(z.sum(1) / 2), np.tanh(2 * z).sum(1)), 0.3),
    "wave of a radius": (
        3,
        lambda z: (z, np.cos(2 * np.sqrt((z * z).sum(1))), np.abs(z).sum(1)),
        0.3,
    ),
    "radius": (3, same(lambda z: np.sqrt((z * z).sum(1))), 0.1),
    "largest": (3, same(lambda z: z.max(1)), 0.3),
    "steps along two": (2, same(lambda z: ((z > 0).all(1)) * 1.0), 0.2),
    "fast wave": (1, same(lambda z: np.sin(6 * z[:, 0])), 0.2),
}


def strong(correlation):
    """The causes, with noises of this correlation."""
    truth = exactly(-0.5 * math.log1p(-(correlation**2)))

    def task(name, count, cause, noise):
        def draw(rng, n):
            given, of_x, of_y = cause(normal(rng, n, count))
            v, w = pair(rng, n, correlation)
            return of_x + noise * v, of_y + noise * w, given

        columns = 2 if cause is nearly_equal else count
        return Task(f"{name}, given {columns}", (1, 1, columns), draw, truth)

    return [task(name, *parts) for name, parts in CAUSES.items()]
