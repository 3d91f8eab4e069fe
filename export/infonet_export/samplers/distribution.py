"""What a sampler is: a way to draw pairs, with the true mutual information where it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Distribution:
    """A joint distribution of two real variables.

    name: the family. mi: true mutual information in nats, NaN where it is not known (such pairs
    train the table, not the quantile head). sample(rng, n) -> float64 [n, 2].
    """

    name: str
    mi: float
    sample: Callable[[Generator, int], Array]


Family = Callable[[Generator], Distribution]


@lru_cache(maxsize=32)
def uniform_nodes(count: int) -> Array:
    """Low-discrepancy points [count, 2] in the open unit square: the R2 additive recurrence of
    Roberts (2018), built on the plastic number. Their mean integrates smooth functions with an
    error near 1/count rather than 1/sqrt(count)."""
    plastic = 1.32471795724474602596
    step = np.array([1 / plastic, 1 / plastic**2])
    nodes: Array = np.clip((0.5 + step * np.arange(1, count + 1)[:, None]) % 1.0, 1e-12, 1 - 1e-12)
    nodes.setflags(write=False)
    return nodes


@lru_cache(maxsize=32)
def normal_nodes(count: int) -> Array:
    """uniform_nodes through the inverse normal distribution function: standard normal points."""
    nodes: Array = ndtri(uniform_nodes(count))
    nodes.setflags(write=False)
    return nodes


def log_uniform(rng: Generator, low: float, high: float) -> float:
    """A number between ``low`` and ``high``, both above 0, whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
