"""Y = X + noise with heavy and skewed tails on both sides: ranks squeeze them into corners.

X and the noise come from short lists, so that a truth is computed once and kept. Never the Cauchy
distribution on both sides, which judges (samplers/unseen.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, rfft
from scipy.special import ndtr, stdtr, xlogy

from infonet_export.samplers.distribution import Array, Distribution

CELLS = 1 << 19
SCALES = tuple(float(s) for s in np.geomspace(0.05, 5, 12).round(4))


@dataclass(frozen=True)
class Law:
    """A distribution of unit scale: sample(rng, n) and its cdf."""

    sample: Callable[[Generator, int], Array]
    cdf: Callable[[Array], Array]


def _student(dof: float) -> Law:
    return Law(lambda r, n: r.standard_t(dof, n), lambda x: np.asarray(stdtr(dof, x)))


def _log_normal(sigma: float) -> Law:
    def cdf(x: Array) -> Array:
        return np.asarray(ndtr(np.log(np.maximum(x, 1e-300)) / sigma))

    return Law(lambda r, n: np.exp(sigma * r.standard_normal(n)), cdf)


def _exponential() -> Law:
    return Law(lambda r, n: r.standard_exponential(n), lambda x: -np.expm1(-np.maximum(x, 0)))


def _laplace() -> Law:
    def cdf(x: Array) -> Array:
        tail = 0.5 * np.exp(-np.abs(x))
        return np.where(x < 0, tail, 1 - tail)

    return Law(lambda r, n: r.laplace(size=n), cdf)


LAWS: dict[str, Law] = {
    **{f"student-{dof:g}": _student(dof) for dof in (1.2, 1.5, 2.0, 3.0, 6.0)},
    "normal": Law(lambda r, n: r.standard_normal(n), lambda x: np.asarray(ndtr(x))),
    "laplace": _laplace(),
    "exponential": _exponential(),
    "log-normal-1": _log_normal(1.0),
    "log-normal-1.6": _log_normal(1.6),
}


@cache
def mutual_information(x: str, noise: str, scale: float) -> float:
    """I(X; X + scale noise) = h(X + scale noise) - h(scale noise) in nats.

    Both entropies are of probabilities of equal cells, so that the width of a cell cancels; those
    of the sum are a convolution.
    """
    step = 0.125 * min(scale, 1.0)
    edges = np.asarray((np.arange(CELLS // 2 + 1) - CELLS / 4) * step, np.float64)
    p = np.diff(LAWS[x].cdf(edges))
    q = np.diff(LAWS[noise].cdf(edges / scale))
    p, q = p / p.sum(), q / q.sum()
    total = np.maximum(irfft(rfft(p, CELLS) * rfft(q, CELLS), CELLS), 0)
    return max(0.0, float(xlogy(q, q).sum() - xlogy(total, total).sum()))


def heavy_sum(rng: Generator) -> Distribution:
    """X, X + noise of random laws and a random scale of the noise."""
    names = list(LAWS)
    x, noise = (names[int(rng.integers(len(names)))] for _ in range(2))
    scale = SCALES[int(rng.integers(len(SCALES)))]

    def sample(r: Generator, n: int) -> Array:
        values = LAWS[x].sample(r, n)
        return np.stack([values, values + scale * LAWS[noise].sample(r, n)], 1)

    return Distribution("heavy-sum", mutual_information(x, noise, scale), sample)
