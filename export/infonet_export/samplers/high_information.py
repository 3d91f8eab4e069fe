"""Strong dependence of a chosen mutual information: truths of 2 to 4 nats and beyond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from scipy.optimize import brentq

from infonet_export.samplers import copulas
from infonet_export.samplers.additive import NoisyCurve
from infonet_export.samplers.benchmark_mi import additive_uniform
from infonet_export.samplers.distribution import Array
from infonet_export.samplers.known import Known, from_draw, from_ratio

NODES = 1 << 16


def gaussian(mi: float) -> Known:
    """A bivariate normal."""
    rho = float(np.sqrt(-np.expm1(-2 * mi)))
    copula = copulas.gaussian(rho)

    def log_ratio(points: Array) -> Array:
        a, b = points.T
        return np.asarray(mi - (rho**2 * (a**2 + b**2) - 2 * rho * a * b) / (2 * (1 - rho**2)))

    return from_ratio("gaussian", mi, copula.sample, log_ratio)


def band(mi: float) -> Known:
    """X uniform, Y = X + uniform noise."""
    epsilon = brentq(lambda e: e - np.log(2 * e) - mi, 1e-9, 0.5) if mi >= 0.5 else 0.25 / mi
    return replace(additive_uniform("uniform band", float(epsilon)), mi=mi)


def functional(name: str, curve: Callable[[Array], Array], mi: float) -> Known:
    """X uniform, Y = curve(X) + normal noise, as much as leaves ``mi`` nats."""
    nodes = curve((np.arange(NODES) + 0.5) / NODES)
    weights = np.full(NODES, 1 / NODES)
    log_sigma = brentq(
        lambda s: NoisyCurve(nodes, weights, float(np.exp(s))).mi() - mi, -8.0, 3.0, xtol=1e-6
    )
    model = NoisyCurve(nodes, weights, float(np.exp(log_sigma)))

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        x, noise = rng.random(n), model.sigma * rng.standard_normal(n)
        y = curve(x) + noise
        return np.stack([x, y], 1), model.log_ratio(noise, y)

    return from_draw(name, mi, draw)


CURVES: dict[str, Callable[[Array], Array]] = {
    "sine, one period": lambda x: np.sin(2 * np.pi * x),
    "sine, two periods": lambda x: np.sin(4 * np.pi * x),
    "parabola": lambda x: 4 * (x - 0.5) ** 2,
}
SHAPES = ("gaussian", "uniform band", *CURVES)


@lru_cache(maxsize=64)
def shape(name: str, mi: float) -> Known:
    """One of SHAPES with the given mutual information in nats."""
    if name == "gaussian":
        return gaussian(mi)
    if name == "uniform band":
        return band(mi)
    return functional(name, CURVES[name], mi)
