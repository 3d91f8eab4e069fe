"""The one-dimensional tasks of the package benchmark-mi, derived again from their definitions.

Czyz, Grabowski, Vogt, Beerenwinkel & Marx, "Beyond Normal: On the Evaluation of Mutual Information
Estimators", NeurIPS 2023 (https://arxiv.org/abs/2306.11078). Keys are the names of the package;
tests/export/samplers/test_benchmark_mi.py compares truths and samples with it where it is
installed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr

from infonet_export.samplers import copulas
from infonet_export.samplers.distribution import Array
from infonet_export.samplers.known import Known, from_draw

RHO = 0.75
Transform = Callable[[Array], Array]


def _normal_pairs(rng: Generator, n: int) -> tuple[Array, Array]:
    z = rng.standard_normal((n, 2))
    z[:, 1] = RHO * z[:, 0] + np.sqrt(1 - RHO**2) * z[:, 1]
    a, b = z.T
    quadratic = (RHO**2 * (a**2 + b**2) - 2 * RHO * a * b) / (2 * (1 - RHO**2))
    return z, -0.5 * np.log1p(-(RHO**2)) - quadratic


def _cauchy_pairs(rng: Generator, n: int) -> tuple[Array, Array]:
    """Bivariate t of one degree of freedom and unit dispersion: uncorrelated, not independent."""
    t = rng.standard_normal((n, 2)) / np.sqrt(rng.chisquare(1, n))[:, None]
    joint = -np.log(2 * np.pi) - 1.5 * np.log1p((t**2).sum(1))
    return t, joint + 2 * np.log(np.pi) + np.log1p(t**2).sum(1)


def _transformed(name: str, base: str, left: Transform, right: Transform) -> Known:
    """Increasing functions of both variables: the ratio is that of the base."""
    pairs = {"normal": _normal_pairs, "cauchy": _cauchy_pairs}[base]
    mi = {"normal": -0.5 * np.log1p(-(RHO**2)), "cauchy": copulas.student(0.0, 1.0).mi}[base]

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        points, ratio = pairs(rng, n)
        return np.stack([left(points[:, 0]), right(points[:, 1])], 1), ratio

    assert mi is not None
    return from_draw(name, mi, draw)


def additive_uniform(name: str, epsilon: float) -> Known:
    """X uniform on (0, 1), Y = X + uniform noise on (-epsilon, epsilon)."""
    mi = 0.25 / epsilon if epsilon > 0.5 else epsilon - np.log(2 * epsilon)

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        x = rng.random(n)
        y = x + rng.uniform(-epsilon, epsilon, n)
        # p(y) is the length of (0, 1) within epsilon of y, over 2 epsilon
        reach = np.minimum(y + epsilon, 1) - np.maximum(y - epsilon, 0)
        return np.stack([x, y], 1), -np.log(reach)

    return from_draw(name, mi, draw)


def _identity(x: Array) -> Array:
    return x


def _half_cube(x: Array) -> Array:
    return x * np.sqrt(np.abs(x))


def _wiggly_x(x: Array) -> Array:
    return np.asarray(
        x + 0.4 * np.sin(x) + 0.2 * np.sin(1.7 * x + 1) + 0.03 * np.sin(3.3 * x - 2.5)
    )


def _wiggly_y(y: Array) -> Array:
    return np.asarray(
        y - 0.4 * np.sin(0.4 * y) + 0.17 * np.sin(1.3 * y + 3.5) + 0.02 * np.sin(4.3 * y - 2.5)
    )


def _two_normals(first: tuple[float, float], second: tuple[float, float]) -> Transform:
    """Standard normal values to those of two unit normals, (weight, mean) each, by quantiles."""
    grid = np.linspace(-10, 12, 220_001)
    cdf = sum(weight * ndtr(grid - mean) for weight, mean in (first, second))
    return lambda z: np.interp(ndtr(z), cdf, grid)


TASKS: dict[str, Known] = {
    task.name: task
    for task in (
        _transformed("1v1-normal-0.75", "normal", _identity, _identity),
        _transformed("normal_cdf-1v1-normal-0.75", "normal", ndtr, ndtr),
        additive_uniform("1v1-additive-0.1", 0.1),
        additive_uniform("1v1-additive-0.75", 0.75),
        _transformed(
            "1v1-bimodal-0.75",
            "normal",
            _two_normals((0.3, 0.0), (0.7, 5.0)),
            _two_normals((0.5, -1.0), (0.5, 3.0)),
        ),
        _transformed("wiggly-1v1-normal-0.75", "normal", _wiggly_x, _wiggly_y),
        _transformed("half_cube-1v1-normal-0.75", "normal", _half_cube, _half_cube),
        _transformed("student-identity-1-1-1", "cauchy", _identity, _identity),
        _transformed("asinh-student-identity-1-1-1", "cauchy", np.arcsinh, np.arcsinh),
    )
}
