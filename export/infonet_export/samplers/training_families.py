"""The families that train the default model, and how often each is drawn.

Families in held_out.py are never trained on: claims of generalisation are measured there.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from infonet_export.samplers import blocks, copulas, functional, mixtures
from infonet_export.samplers.distribution import Distribution, Family
from infonet_export.samplers.raster import raster
from infonet_export.samplers.sums import heavy_sum
from infonet_export.samplers.weak import weak

_CONTINUOUS: dict[str, tuple[Family, float]] = {
    "mixture": (mixtures.paper, 0.18),
    "mixture-planar": (mixtures.paper_planar, 0.08),
    "mixture-scaled": (mixtures.scaled, 0.06),
    "elliptical": (mixtures.elliptical, 0.05),
    "curve": (mixtures.curve, 0.05),
    "copula": (copulas.parametric, 0.13),
    "copula+noise": (copulas.contaminated, 0.06),
    "gamma-exponential": (copulas.gamma_exponential, 0.03),
    "functional": (functional.functional, 0.23),
    "heavy-sum": (heavy_sum, 0.07),
    "raster": (raster, 0.12),
    "independent": (copulas.independent, 0.04),
}
FAMILIES: dict[str, tuple[Family, float]] = {
    **_CONTINUOUS,
    "blocks": (blocks.blocks, 0.08),
    "quantised": (lambda rng: blocks.quantised(rng, _draw_continuous), 0.03),
}


def families() -> tuple[str, ...]:
    """Names of the families that training draws."""
    return tuple(FAMILIES)


def draw(rng: Generator) -> Distribution:
    """A random distribution of the training mix."""
    return choose(rng, FAMILIES)


def draw_weak(rng: Generator, n: int) -> Distribution:
    """A distribution near the limit of what ``n`` samples can tell from independence."""
    return weak(rng, _draw_continuous, n)


def _draw_continuous(rng: Generator) -> Distribution:
    return choose(rng, _CONTINUOUS)


def choose(rng: Generator, table: dict[str, tuple[Family, float]]) -> Distribution:
    """A distribution of a family of ``table``: name -> the family and its weight in the mix."""
    weights = np.array([weight for _, weight in table.values()])
    index = int(rng.choice(len(weights), p=weights / weights.sum()))
    return list(table.values())[index][0](rng)
