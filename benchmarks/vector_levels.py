"""Common causes that real tables have: rounded numbers, counts, rare labels, amounts that are often
zero. All of the dependence comes from the cause, so the truth is 0. See `vector_tasks.Task`.
"""

from __future__ import annotations

import numpy as np
from vector_tasks import Task, exactly

_EFFECTS = np.random.default_rng(5).normal(size=(2, 30)) * 1.5  # of 30 labels on x and on y
_SHARES = 1 / np.arange(1, 31)


def _label(rng, n):
    """Codes of labels; the rarest has one sample in a hundred and twenty."""
    return rng.choice(30, n, p=_SHARES / _SHARES.sum())


def _rain(rng, n):
    """Zero on most days."""
    return np.where(rng.random(n) < 0.6, 0, np.exp(rng.normal(size=n)))


def rounded(step, noise):
    def draw(rng, n):
        z, v, w = rng.normal(size=(3, n))
        z = np.round(z / step) * step
        return z + noise * v, z * z + noise * w, z

    return draw


def rounded_in_both(rng, n):
    z, v, w = rng.normal(size=(3, n))
    z = np.round(2 * z) / 2
    return np.round(z + v), np.round(z + w), z


def counts(rng, n):
    z, (v, w) = rng.poisson(3, n), rng.normal(size=(2, n))
    return z + v, np.sqrt(z) + 0.3 * w, z


def parity(rng, n):
    z, (v, w) = rng.poisson(3, n), rng.normal(size=(2, n))
    return z % 2 * 2 + v, z % 2 * 2 + w, z


def clipped(rng, n):
    z, v, w = rng.normal(size=(3, n))
    z = np.clip(z, -1, 1)
    return 2 * z + 0.3 * v, 2 * z + 0.3 * w, z


def often_zero(rng, n):
    z, (v, w) = _rain(rng, n), rng.normal(size=(2, n))
    return z + v, np.log1p(z) + (z == 0) + 0.5 * w, z


def labels(rng, n):
    z, (v, w) = _label(rng, n), rng.normal(size=(2, n))
    return _EFFECTS[0, z] + v, _EFFECTS[1, z] + w, z


def spread_by_label(rng, n):
    z, (v, w) = _label(rng, n), rng.normal(size=(2, n))
    return np.exp(_EFFECTS[0, z] / 2) * v, np.exp(_EFFECTS[1, z] / 2) * w, z


def slopes_by_label(rng, n):
    z, (q, v, w) = _label(rng, n), rng.normal(size=(3, n))
    return _EFFECTS[0, z] * q + v, _EFFECTS[1, z] * q + w, np.stack([z, q], 1)


def steep_slopes_by_label(rng, n):
    z, (q, v, w) = rng.integers(0, 8, n), rng.normal(size=(3, n))
    return 3 * _EFFECTS[0, z] * q + v, 3 * _EFFECTS[1, z] * q + w, np.stack([z, q], 1)


def shops(rng, n):
    """Codes of 100 shops, written as numbers, in no order."""
    z, (v, w), effects = rng.integers(0, 100, n), rng.normal(size=(2, n)), rng.normal(size=100)
    return 1.5 * effects[z] + v, 1.5 * effects[z] + w, z


def shops_and_a_number(rng, n):
    x, y, z = shops(rng, n)
    q = rng.normal(size=n)
    return x + q, y - q, np.stack([z, q], 1)


def label_and_what_it_moves(rng, n):
    z, (q, v, w) = _label(rng, n), rng.normal(size=(3, n))
    q = q + _EFFECTS[0, z]
    x, y = _EFFECTS[1, z] + q + v / 2, np.sin(q) + _EFFECTS[0, z] + w / 2
    return x, y, np.stack([z, q], 1)


def rain_and_rounded(rng, n):
    z, (q, v, w) = _rain(rng, n), rng.normal(size=(3, n))
    q = np.round(q)
    return np.log1p(z) + q + v / 2, (z > 0) * q + w / 2, np.stack([z, q], 1)


def month_and_rounded(rng, n):
    month, (q, v, w) = rng.integers(0, 12, n), rng.normal(size=(3, n))
    q = np.round(2 * q) / 2
    return month / 3 + q + 0.3 * v, np.sin(month) + q + 0.3 * w, np.stack([month, q], 1)


def hour_and_weekday(rng, n):
    hour, day, (q, v, w) = rng.integers(0, 24, n), rng.integers(0, 7, n), rng.normal(size=(3, n))
    x, y = np.sin(hour / 4) + (day > 4) * q + 0.3 * v, np.cos(hour / 4) + q + 0.3 * w
    return x, y, np.stack([hour, day, q], 1)


def causes():
    return [
        Task(name, (1, 1, dz), draw, exactly(0))
        for name, dz, draw in (
            ("rounded to 0.5", 1, rounded(0.5, 0.5)),
            ("rounded to 0.1", 1, rounded(0.1, 0.1)),
            ("rounded, as x and y are", 1, rounded_in_both),
            ("counts", 1, counts),
            ("parity of counts", 1, parity),
            ("clipped", 1, clipped),
            ("often zero", 1, often_zero),
            ("30 labels", 1, labels),
            ("spread by 30 labels", 1, spread_by_label),
            ("30 labels, slopes of a number", 2, slopes_by_label),
            ("8 labels, steep slopes of a number", 2, steep_slopes_by_label),
            ("30 labels and what they move", 2, label_and_what_it_moves),
            ("100 shops, codes written as numbers", 1, shops),
            ("100 shops and a number", 2, shops_and_a_number),
            ("often zero, and rounded", 2, rain_and_rounded),
            ("month, and rounded", 2, month_and_rounded),
            ("hour, weekday and a number", 3, hour_and_weekday),
        )
    ]
