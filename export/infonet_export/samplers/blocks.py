"""Piecewise constant densities and discrete variables: exact truths with hard edges and ties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from infonet_export.samplers.distribution import Array, Distribution, Family, log_uniform

Cuts = Callable[[Generator, Array], Array]


@dataclass(frozen=True)
class Blocks:
    """pmf [k, m] over blocks. Within its block a coordinate is uniform, or tied to its index.

    Either way the block tells all that one variable knows of the other, so the mutual information
    is that of the pmf.
    """

    pmf: Array
    tied_x: bool
    tied_y: bool

    def sample(self, rng: Generator, n: int) -> Array:
        """Draw n pairs, float64 [n, 2]."""
        counts = rng.multinomial(n, self.pmf.ravel() / self.pmf.sum())
        index = rng.permutation(np.repeat(np.arange(self.pmf.size), counts))
        points = np.stack(np.divmod(index, self.pmf.shape[1]), 1).astype(float)
        for axis, tied in enumerate((self.tied_x, self.tied_y)):
            if not tied:
                points[:, axis] += rng.random(n)
        return points

    def mi(self) -> float:
        """Mutual information in nats, exact."""
        return pmf_mutual_information(self.pmf)


def pmf_mutual_information(pmf: Array) -> float:
    """Mutual information in nats of a joint pmf [k, m] (not necessarily normalised)."""
    p = pmf / pmf.sum()
    product = p.sum(1, keepdims=True) * p.sum(0, keepdims=True)
    held = p > 0
    return max(0.0, float((p[held] * np.log(p[held] / product[held])).sum()))


def random_pmf(rng: Generator) -> Array:
    """A joint pmf [k, m] of one of six kinds, 2 to 24 levels a side (the last kind: to 60).

    It is not normalised.
    """
    pmf: NDArray[np.floating[Any]]
    kind = rng.integers(6)
    k, m = (int(round(log_uniform(rng, 2, 60 if kind == 5 else 24))) for _ in range(2))
    if kind == 0:  # anything, from nearly flat to sparse
        pmf = rng.gamma(log_uniform(rng, 0.05, 30), size=(k, m)) + 1e-9
    elif kind == 1:  # checkerboard with leakage
        pmf = ((np.add.outer(np.arange(k), np.arange(m)) % 2) + rng.uniform(0, 0.5)).astype(float)
    elif kind == 2:  # diagonal band
        distance = np.abs(np.subtract.outer(np.linspace(0, 1, k), np.linspace(0, 1, m)))
        pmf = (distance <= log_uniform(rng, 0.02, 0.7) + 0.5 / min(k, m)) + rng.uniform(0, 0.1)
    elif kind == 3:  # permutation blocks: a bijection of classes, with errors
        pmf = np.eye(k)[rng.permutation(k)] + log_uniform(rng, 1e-4, 1)
    elif kind == 4:  # ordinal scales: a smooth ridge
        ridge = np.subtract.outer(np.linspace(-2, 2, k), np.linspace(-2, 2, m))
        pmf = np.exp(-0.5 * (ridge / log_uniform(rng, 0.1, 4)) ** 2)
    else:  # independent, or nearly
        leak = 0.0 if rng.random() < 0.7 else log_uniform(rng, 0.01, 0.3)
        pmf = 1 + leak * rng.uniform(-1, 1, size=(k, m))
    weight_x, weight_y = (rng.dirichlet(np.full(s, 3.0)) + 1e-3 for s in pmf.shape)
    return np.asarray(pmf * weight_x[:, None] * weight_y)


def blocks(rng: Generator) -> Distribution:
    """Continuous on both axes, tied on one, or tied on both."""
    tied_x, tied_y = rng.random(2) < 0.45
    model = Blocks(random_pmf(rng), bool(tied_x), bool(tied_y))
    return Distribution("discrete" if tied_x or tied_y else "blocks", model.mi(), model.sample)


def quantised(
    rng: Generator, base: Family, draws: int = 150_000, cuts: Cuts | None = None
) -> Distribution:
    """Another distribution, rounded to a few levels on both axes.

    The truth is the plug-in estimate of 150,000 draws with the Miller-Madow correction; its error
    is near 0.002 nats. With one axis rounded, no truth is offered (NaN).
    cuts: between the levels of a variable, by its values; None for random ones.
    """
    cuts = cuts or _level_edges
    origin = base(rng)
    pilot = origin.sample(rng, draws)
    both = rng.random() < 0.7
    edges = [cuts(rng, pilot[:, 0]), cuts(rng, pilot[:, 1]) if both else None]

    def digitise(points: Array) -> Array:
        columns = [
            points[:, axis] if cut is None else np.searchsorted(cut, points[:, axis]).astype(float)
            for axis, cut in enumerate(edges)
        ]
        return np.stack(columns, 1)

    mi = float("nan")
    if both:
        rounded = digitise(pilot).astype(int)
        shape = rounded.max(0) + 1
        counts = np.bincount(rounded[:, 0] * shape[1] + rounded[:, 1], minlength=shape.prod())
        table = counts.reshape(shape).astype(float)
        used = (table > 0).sum(), (table.sum(1) > 0).sum(), (table.sum(0) > 0).sum()
        correction = (used[0] - used[1] - used[2] + 1) / (2 * draws)
        mi = max(0.0, pmf_mutual_information(table) - correction)
    return Distribution("quantised", mi, lambda r, n: digitise(origin.sample(r, n)))


def _level_edges(rng: Generator, values: Array) -> Array:
    """Cuts for 2 to 16 levels: equal widths between the 1 % quantiles, or random quantiles."""
    levels = int(round(log_uniform(rng, 2, 16)))
    if rng.random() < 0.5:
        low, high = np.quantile(values[:20_000], [0.01, 0.99])
        return np.linspace(low, high, levels + 1)[1:-1]
    return np.quantile(values[:20_000], np.sort(rng.uniform(0.02, 0.98, levels - 1)))
