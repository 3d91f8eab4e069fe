"""Distributions of known density: with them an oracle can be asked what the best estimate was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from infonet_export.samplers.distribution import Array, Distribution

Draw = Callable[[Generator, int], tuple[Array, Array]]


@dataclass(frozen=True)
class Known(Distribution):
    """A distribution that also gives the log density ratio of its samples.

    draw(rng, n) -> points [n, 2] and log p(x, y) / (p(x) p(y)) at each of them [n], nats; the
    points are those that sample(rng, n) returns.
    """

    draw: Draw


def from_draw(name: str, mi: float, draw: Draw) -> Known:
    """For samplers that know the ratio while they draw (of a latent variable, say)."""
    return Known(name, max(0.0, float(mi)), lambda rng, n: draw(rng, n)[0], draw)


def from_ratio(
    name: str,
    mi: float,
    sample: Callable[[Generator, int], Array],
    log_ratio: Callable[[Array], Array],
) -> Known:
    """For densities that can be evaluated at any point: log_ratio of points [n, 2] -> [n]."""

    def draw(rng: Generator, n: int) -> tuple[Array, Array]:
        points = sample(rng, n)
        return points, log_ratio(points)

    return Known(name, max(0.0, float(mi)), sample, draw)
