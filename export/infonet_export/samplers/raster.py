"""Densities drawn as images: any shape, hard edges or soft, with exact truths.

A density that is constant on the pixels of an image has the mutual information of its pixel masses:
within a pixel both coordinates are uniform and independent. So random pictures - level sets and
exponentials of Gaussian random fields, thick strokes, tilted gratings, heaps of rectangles - give
dependences of every shape, each with its true value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from scipy.ndimage import distance_transform_edt
from scipy.special import expit

from infonet_export.samplers.blocks import pmf_mutual_information
from infonet_export.samplers.distribution import Array, Distribution, log_uniform

SIDE = 256  # pixels; a stroke is at least two wide


@dataclass(frozen=True)
class Raster:
    """density [SIDE, SIDE], not necessarily normalised: x along the first axis."""

    density: Array

    def sample(self, rng: Generator, n: int) -> Array:
        """Draw n pairs, float64 [n, 2], in pixels: x and y from 0 to SIDE."""
        cumulative = np.cumsum(self.density.ravel())
        pixel = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
        pixel = np.minimum(pixel, self.density.size - 1)
        corner = np.stack(np.divmod(pixel, self.density.shape[1]), 1)
        return np.asarray(corner + rng.random((n, 2)))

    def mi(self) -> float:
        """Mutual information in nats, exact: within a pixel the density is constant."""
        return pmf_mutual_information(self.density)


def raster(rng: Generator) -> Distribution:
    """A random picture, shaded and with a random share of background."""
    picture = _PICTURES[int(rng.integers(len(_PICTURES)))](rng)
    if rng.random() < 0.4:
        picture = picture * np.exp(rng.uniform(0.2, 1.5) * _field(rng, 3.0))
    if rng.random() < 0.6:
        share = log_uniform(rng, 1e-3, 0.7)
        picture = (1 - share) * picture / picture.mean() + share
    model = Raster(picture)
    return Distribution("raster", model.mi(), model.sample)


@lru_cache(maxsize=1)
def _frequencies() -> Array:
    step = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    return np.asarray(np.hypot(*step))


def _field(rng: Generator, decay: float) -> Array:
    """A Gaussian random field of unit variance, periodic, whose amplitudes fall as frequency to the
    power -decay."""
    frequency = _frequencies()
    wave = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    cutoff = log_uniform(rng, 1.0, 6.0) / SIDE
    wave *= np.where(frequency > 0, np.maximum(frequency, cutoff), np.inf) ** -decay
    field = np.fft.irfft2(wave, (SIDE, SIDE))
    return np.asarray(field / (field.std() or 1.0))


def _smooth(rng: Generator) -> Array:
    return np.asarray(np.exp(log_uniform(rng, 0.2, 4) * _field(rng, rng.uniform(1.5, 4))))


def _islands(rng: Generator) -> Array:
    field = _field(rng, rng.uniform(2, 4))
    return np.asarray(field > np.quantile(field, rng.uniform(0.3, 0.97)), np.float64)


def _contour(rng: Generator) -> Array:
    """A band around a level of a smooth field: closed loops and crossing lines, with hard edges."""
    field = _field(rng, rng.uniform(2.5, 4))
    middle, width = rng.uniform(0.15, 0.85), log_uniform(rng, 0.02, 0.3)
    low, high = np.quantile(field, [max(0.0, middle - width / 2), min(1.0, middle + width / 2)])
    return np.asarray((field >= low) & (field <= high), np.float64)


def _stroke(rng: Generator) -> Array:
    """A closed or open random curve drawn with a round pen, its edge hard or soft."""
    t = np.linspace(0, 1, 4000)
    order = np.arange(1, int(rng.integers(3, 7)))
    turns = (2 if rng.random() < 0.6 else 1) * np.pi * order * t[:, None]
    fall = order ** -rng.uniform(0.7, 2.0)
    cosines, sines = rng.normal(size=(2, len(order), 2)) * fall[:, None]
    points = np.cos(turns) @ cosines + np.sin(turns) @ sines
    points = (points - points.min(0)) / (np.ptp(points, 0) + 1e-9)
    margin = rng.uniform(0.02, 0.15)
    pixel = ((margin + (1 - 2 * margin) * points) * (SIDE - 1)).astype(int)
    blank = np.ones((SIDE, SIDE), bool)
    blank[pixel[:, 0], pixel[:, 1]] = False
    distance = distance_transform_edt(blank)
    pen = SIDE * log_uniform(rng, 0.006, 0.15)
    if rng.random() < 0.5:
        return np.asarray(distance <= pen, np.float64)
    return np.asarray(np.exp(-0.5 * (distance / pen) ** 2) + 1e-12)


def _grating(rng: Generator) -> Array:
    """Products of tilted waves: stripes, chequers and lattices, sharp or soft."""
    axis = (np.arange(SIDE) + 0.5) / SIDE
    product = np.ones((SIDE, SIDE))
    for _ in range(int(rng.integers(1, 3))):
        angle, frequency = rng.uniform(0, np.pi), log_uniform(rng, 0.6, 6)
        if rng.random() < 0.3:
            angle = (np.pi / 2) * rng.integers(2)
        along = np.add.outer(np.cos(angle) * axis, np.sin(angle) * axis)
        product = product * np.sin(2 * np.pi * (frequency * along + rng.random()))
    return np.asarray(1e-3 + expit(log_uniform(rng, 1, 100) * (product - rng.uniform(-0.4, 0.6))))


def _rectangles(rng: Generator) -> Array:
    picture = np.full((SIDE, SIDE), 1e-6)
    for _ in range(int(rng.integers(2, 12))):
        low = rng.integers(0, SIDE - 8, 2)
        size = np.maximum(4, SIDE * np.exp(rng.uniform(-4, -0.4, 2))).astype(int)
        rows, columns = (slice(a, a + b) for a, b in zip(low, size, strict=True))
        picture[rows, columns] += rng.gamma(1.0) / size.prod()
    return picture


_PICTURES: tuple[Callable[[Generator], Array], ...] = (
    _smooth,
    _islands,
    _contour,
    _stroke,
    _stroke,
    _grating,
    _rectangles,
)
