"""Dependence at the limit of what n samples can tell, and independence: what trains the test.

Half of the draws are independent. Of the others half are monotone (a normal or a Frank copula), by
far the most common kind of weak dependence. In the rest a row keeps its pair with probability w and
takes the second variable of an unrelated row otherwise: the joint density is w p(x, y) + (1 - w)
p(x) p(y), its chi-squared distance from independence w^2 times that of p, so n w^2 decides whether
it can be seen, as n rho^2 does for the correlation.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from infonet_export.samplers import copulas
from infonet_export.samplers.distribution import Array, Distribution, Family, log_uniform

CORRELATIONS = (1.0, 50.0)  # n rho^2: from hopeless to plain
DILUTIONS = (1.0, 300.0)  # n w^2


def weak(rng: Generator, base: Family, n: int) -> Distribution:
    """A distribution near the limit for samples of size ``n``; ``base`` draws those to dilute.

    MI is 0 for an independent one and NaN for a diluted one.
    """
    kind = rng.random()
    if kind < 0.25:
        return _monotone(rng, n)
    origin = base(rng)
    kept = min(1.0, float(np.sqrt(log_uniform(rng, *DILUTIONS) / n))) if kind < 0.5 else 0.0

    def sample(r: Generator, size: int) -> Array:
        points = origin.sample(r, size)
        swap = r.random(size) >= kept
        points[swap, 1] = origin.sample(r, int(swap.sum()))[:, 1]
        return points

    return Distribution("weak", float("nan") if kept else 0.0, sample)


def _monotone(rng: Generator, n: int) -> Distribution:
    rho = min(0.95, float(np.sqrt(log_uniform(rng, *CORRELATIONS) / n)))
    copula = copulas.gaussian(rho) if rng.random() < 0.7 else copulas.frank(6 * rho / (1 - rho))
    return Distribution(f"weak-{copula.name}", copula.mutual_information(), copula.sample)
