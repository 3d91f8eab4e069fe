"""Uniform distributions on polygons: hard edges at any angle, with exact truths.

The marginal density of a triangle is piecewise linear, so is that of a union of triangles, and the
entropy of a linear piece has a closed form. I = h(X) + h(Y) - log area.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from infonet_export.samplers.distribution import Array, log_uniform
from infonet_export.samplers.known import Known, from_ratio


@dataclass(frozen=True)
class Triangles:
    """Uniform on disjoint triangles: corners [m, 3, 2]."""

    corners: Array

    @property
    def areas(self) -> Array:
        """Area of each triangle, float64 [m]."""
        a, b = np.moveaxis(self.corners[:, 1:] - self.corners[:, :1], 1, 0)
        return np.asarray(np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2)

    def sample(self, rng: Generator, n: int) -> Array:
        """Draw n pairs, float64 [n, 2]."""
        areas = self.areas
        chosen = self.corners[rng.choice(len(areas), n, p=areas / areas.sum())]
        fold = rng.random((n, 2))
        fold = np.where(fold.sum(1, keepdims=True) > 1, 1 - fold, fold)
        weights = np.concatenate([1 - fold.sum(1, keepdims=True), fold], 1)
        return np.asarray(np.einsum("nk,nkd->nd", weights, chosen))

    def marginal(self, axis: int, at: Array) -> Array:
        """Density of one coordinate at points [k] that are no corner's."""
        low, middle, high = np.sort(self.corners[:, :, axis], 1).T[:, :, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            up, down = (at - low) / (middle - low), (high - at) / (high - middle)
        tent = np.where((at > low) & (at < high), np.where(at < middle, up, down), 0.0)
        share = (self.areas / self.areas.sum())[:, None]
        return np.asarray((share * 2 / (high - low) * tent).sum(0))

    def entropy(self, axis: int) -> float:
        """Differential entropy of one coordinate, nats: exact but for rounding."""
        edges = np.unique(self.corners[:, :, axis])
        left, width = edges[:-1], np.diff(edges)
        a, b = (self.marginal(axis, left + share * width) for share in (0.25, 0.75))
        ends = np.maximum([1.5 * a - 0.5 * b, 1.5 * b - 0.5 * a], 0.0)
        return float((width * _mean_f_log_f(*ends)).sum()) * -1.0

    def mi(self) -> float:
        """Mutual information in nats, exact but for rounding."""
        return self.entropy(0) + self.entropy(1) - float(np.log(self.areas.sum()))

    def log_ratio(self, points: Array) -> Array:
        """log p(x, y) - log p(x) - log p(y) at points [k, 2] within the triangles -> [k]."""
        marginals = [np.log(self.marginal(axis, points[:, axis])) for axis in (0, 1)]
        return np.asarray(-np.log(self.areas.sum()) - marginals[0] - marginals[1])


def _mean_f_log_f(a: Array, b: Array) -> Array:
    """Mean of f log f where f goes linearly from a to b."""
    middle = (a + b) / 2
    flat = np.abs(b - a) <= 1e-5 * middle
    with np.errstate(divide="ignore", invalid="ignore"):
        primitive = [np.where(f > 0, f**2 * (np.log(f) / 2 - 0.25), 0.0) for f in (a, b)]
        sloped = (primitive[1] - primitive[0]) / (b - a)
        level = np.where(middle > 0, middle * np.log(middle), 0.0)
    return np.where(flat, level, sloped)


def polygon(rng: Generator) -> Known:
    """Uniform on a convex polygon of three to six corners, squeezed and turned."""
    count = int(rng.integers(3, 7))
    # one corner in each sector of the circle: never thin by accident
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(0.0, 0.8, count)) / count
    squeeze, turn = log_uniform(rng, 0.02, 1.0), rng.uniform(0, np.pi)
    corners = _turned(np.stack([np.cos(angle), squeeze * np.sin(angle)], 1), turn)
    fan = np.stack([np.stack([corners[0], *corners[i : i + 2]]) for i in range(1, count - 1)])
    model = Triangles(fan)
    return from_ratio("polygon", model.mi(), model.sample, model.log_ratio)


def bow_tie(rng: Generator) -> Known:
    """Uniform on two triangles that meet in a point: dependence that is sharpest in the middle."""
    half, turn = log_uniform(rng, 0.02, 1.3), rng.uniform(0.1, 0.4) * np.pi
    sign = -1.0 if rng.random() < 0.5 else 1.0
    wing = np.array([[0.0, 0.0], [1.0, np.tan(half)], [1.0, -np.tan(half)]])
    corners = np.stack([_turned(side * wing, sign * turn) for side in (1.0, -1.0)])
    model = Triangles(corners)
    return from_ratio("bow-tie", model.mi(), model.sample, model.log_ratio)


def _turned(points: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return np.asarray(points @ np.array([[c, s], [-s, c]]))
