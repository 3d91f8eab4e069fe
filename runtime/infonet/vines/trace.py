"""The trace of a condition that is left in x and in y, by samples with nearly the same condition.

What a condition does to x and to y is taken out of both, but not all of it where it is a function
that nothing here fits: the same of it is left in x and in y, and tests would find it. Two samples
with nearly the same condition have nearly the same trace, and noises that know nothing of each
other. So the mean product of u at one and v at the other is the covariance of the traces, and of
nothing else (for spatial data: the cross-variogram of Matheron 1965). Neighbours lie apart, so the
trace may be up to about twice of what they show: the estimate leaves out what it is extrapolated to
at no distance, test and low end leave out what it may be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.vines.copula import Array, Ranks, rank

_NEIGHBOURS = 10
_MOST_DIMENSIONS = 6  # of a condition: beyond, neighbours are too far away to be alike
_MOST, _MOST_ASKED = 20_000, 2_000  # samples, and of these such whose neighbours are looked for
_AT_ONCE = 2_000_000  # distances
_EVIDENT, _OVERLAP = 3.5, 1.3  # standard errors; how much larger they are as neighbours overlap
_FARTHEST = 2.0  # times the trace that neighbours show, which it may be
_LARGEST = 0.99  # correlation of what is left


@dataclass(frozen=True)
class Untraced:
    """v without what may be the trace that it shares with u, mid-ranks [n]: what the trace is
    extrapolated to, and what it may be at most."""

    likely: Ranks
    most: Ranks


class Neighbours:
    """Samples with nearly the same condition.

    Args:
        ranks: mid-ranks [n] of each variable of the condition.
    """

    def __init__(self, ranks: Sequence[Ranks]) -> None:
        n = ranks[0].size
        step = -(-n // _MOST)
        self._every = np.arange(0, n, step)
        scores = np.stack([kernels().normal_scores(row)[self._every] for row in ranks], axis=1)
        if len(ranks) == 1:
            self._asked, self._near, self._far = _along_a_line(scores[:, 0])
            return
        order = np.argsort((scores * scores).sum(axis=1), kind="stable")
        asked = order[:: -(-order.size // _MOST_ASKED)]
        rows = max(1, _AT_ONCE // order.size)
        parts = [asked[start : start + rows] for start in range(0, asked.size, rows)]
        found = [_nearest(scores, part) for part in parts]
        self._asked = asked
        self._near, self._far = (np.concatenate([one[i] for one in found]) for i in range(2))

    @staticmethod
    def of(ranks: Sequence[Ranks]) -> Neighbours | None:
        """The same; None where samples are too few or variables too many for neighbours."""
        some = 0 < len(ranks) <= _MOST_DIMENSIONS and ranks[0].size > 4 * _NEIGHBOURS
        return Neighbours(ranks) if some else None

    def untraced(self, u: Ranks, v: Ranks) -> Untraced | None:
        """Two columns that the condition was taken out of; None if they show no trace of it.

        Args:
            u, v: mid-ranks [n].
        """
        scores = [kernels().normal_scores(row).astype(np.float64) for row in (u, v)]
        a, b = (row[self._every] for row in scores)
        asked, near = self._asked, self._near
        products = (a[asked, None] * b[near] + b[asked, None] * a[near]) / 2
        size = math.sqrt(float((a * a).mean() * (b * b).mean()))
        shown = float(products.mean()) / size
        s, t = (row / math.sqrt(float((row * row).mean())) for row in scores)
        whole = float((s * t).mean())
        # Of the other sign it is what a fit took out of noises that depend on each other.
        evident = abs(shown) * math.sqrt(2 * products.size) >= _EVIDENT * _OVERLAP
        if not evident or shown * whole <= 0:
            return None
        away = self._far - self._far.mean()
        variance = float((away * away).sum())
        slope = float((away * products).sum()) / variance / size if variance > 0 else 0.0
        nearer = (shown - slope * float(self._far.mean())) / shown
        likely = shown * min(max(nearer, 1.0), _FARTHEST)
        # What could be the trace is taken for it.
        most = shown * min(max(whole / shown, 1.0), _FARTHEST)
        return Untraced(*(_with_correlation(s, t, whole, trace) for trace in (likely, most)))


def _nearest(
    scores: Array, asked: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The neighbours of some samples, and how far away they are."""
    squares = np.zeros((asked.size, len(scores)))
    for column in scores.T:
        away = column[asked, None] - column
        squares += away * away
    squares[np.arange(asked.size), asked] = math.inf
    near = np.argpartition(squares, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    return near, np.sqrt(np.take_along_axis(squares, near, axis=1))


def _along_a_line(
    scores: Array,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """The same of all samples, of one variable: those next to each of them in order."""
    order = np.argsort(scores, kind="stable")
    half = _NEIGHBOURS // 2
    places = np.arange(half, order.size - half)
    steps = np.concatenate([np.arange(-half, 0), np.arange(1, half + 1)])
    asked, near = order[places], order[places[:, None] + steps]
    return asked, near, np.abs(scores[near] - scores[asked, None])


def _with_correlation(s: Array, t: Array, whole: float, trace: float) -> Ranks:
    """t, less so much of s that the correlation of both is that beyond a trace.

    Where either is by a share of its variance the trace, and the rest of it has a correlation r,
    the whole has trace + (1 - trace) r.
    """
    left = (whole - trace) / max(1 - abs(trace), 1 - _LARGEST)
    left = min(max(left, -_LARGEST), _LARGEST)
    share = whole - left * math.sqrt((1 - whole**2) / (1 - left**2))
    return rank([t - share * s])[0]
