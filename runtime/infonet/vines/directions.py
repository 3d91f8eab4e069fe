"""Functions of X and of Y along which they depend, where the columns themselves hide it.

A vine bends columns by the ones before them, and sees what a copula of two columns can. It does not
see that X is turned, further out by a larger angle, or that a column counts for Y with a weight
that another column sets. So a canonical correlation analysis (Hotelling 1936) is made with varying
coefficients (Hastie & Tibshirani 1993): each column of X may count with a weight that is a
polynomial of one modulator, a column or the distance from the middle; and so for Y. What is known
of X and Y only through functions of X and of Y cannot be more than all that they tell, so a vine of
these functions is a lower bound, too. Each sample's functions are fitted to other samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail
from infonet.vines.canonical import (
    RIDGE,
    applied,
    canonical,
    centred,
    correlation,
    fitted_to_others,
    new_pairs,
    residual_moments,
)
from infonet.vines.copula import Array, Ranks, rank
from infonet.vines.discrete import FrequentLevels

MOST_SAMPLES = 20_000  # more are thinned out: coefficients hardly gain
_SCREENED = 2000  # samples by which a modulator is chosen
_LOW, _HIGH = 3, 8  # degrees of a weight when it is chosen, and at most
_FOR_EACH = 20  # samples for each function that coefficients are fitted to
_MODULATORS = 8  # columns that may be modulators; if there are more, only the distance is
# A modulator must explain that much, in squared canonical correlations beyond those of the columns
# themselves, and be no chance.
_WORTH, _ALPHA = 0.05, 0.001
MOST_PAIRS = 8  # of functions


@dataclass(frozen=True)
class Directions:
    """Pairs of functions of X and of Y, the most correlated first.

    Attributes:
        x, y: mid-ranks of the functions, float32 [m] each: of all samples, or of some if there
            are many.
        mi: a lower bound of their mutual information in nats, by the correlations alone.
        levels_x, levels_y: of each, where it is a column with ties; empty: none is.
    """

    x: list[Ranks]
    y: list[Ranks]
    mi: float
    levels_x: Sequence[FrequentLevels | None] = ()
    levels_y: Sequence[FrequentLevels | None] = ()


def directions(x: Sequence[Ranks], y: Sequence[Ranks], seed: int) -> Directions | None:
    """Functions of x and of y on which they depend; None where the columns themselves do as well.

    Args:
        x, y: mid-ranks [n] of each column, without ties.
        seed: of the order in which samples are taken to be chosen and fitted.
    """
    n = x[0].size
    order = np.random.default_rng(seed).permutation(n)[:MOST_SAMPLES]
    left, right = _Side.of(x, order), _Side.of(y, order)
    modulators = _modulators(left, right)
    if modulators == (None, None):
        return None
    m = order.size
    degree = _HIGH
    while degree and _count(left, right, modulators, degree) * _FOR_EACH > m:
        degree -= 1
    if not degree:
        return None
    of_x, of_y = left.features(modulators[0], degree), right.features(modulators[1], degree)
    pairs = min(len(left.scores), len(right.scores), MOST_PAIRS)
    f, g = fitted_to_others(of_x, of_y, pairs)
    kept = new_pairs(f, g)
    if not kept:
        return None
    ranks = rank([*f[kept], *g[kept]])
    size = len(kept)
    return Directions(ranks[:size], ranks[size:], told_by_correlations(ranks[:size], ranks[size:]))


def told_by_correlations(x: Sequence[Ranks], y: Sequence[Ranks]) -> float:
    """A lower bound in nats by the correlation of each of x with that of y at its place."""
    squares = [
        correlation(*(kernels().normal_scores(row) for row in pair)) ** 2
        for pair in zip(x, y, strict=True)
    ]
    return -0.5 * sum(math.log1p(-min(square, 0.9999)) for square in squares)


@dataclass(frozen=True)
class _Side:
    """Columns of X or of Y: normal scores [d, m]; and modulators, mid-ranks [m] each."""

    scores: Array
    modulators: list[Ranks]

    @staticmethod
    def of(columns: Sequence[Ranks], order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> _Side:
        ranks = rank([column[order] for column in columns])
        scores = np.stack([kernels().normal_scores(row) for row in ranks])
        modulators = ranks if len(ranks) <= _MODULATORS else []
        if len(ranks) > 1:
            modulators = [*rank([(scores * scores).sum(axis=0)]), *modulators]
        return _Side(scores, modulators)

    def some(self, count: int) -> _Side:
        """The first samples."""
        return _Side(self.scores[:, :count], rank([row[:count] for row in self.modulators]))

    def features(self, modulator: int | None, degree: int) -> Array:
        """The columns, and what a modulator makes of them, [p, m], each with mean 0."""
        if modulator is None:
            return centred(self.scores)
        weights = _legendre(self.modulators[modulator], degree)
        varying = (weights[:, None] * self.scores).reshape(-1, self.scores.shape[1])
        return centred(np.concatenate([self.scores, varying, weights]))


def _modulators(x: _Side, y: _Side) -> tuple[int | None, int | None]:
    """The modulator of each side that explains most; None where none is worth it.

    The side that gains more comes first: where its functions explain what they are to, the other
    side often needs none.
    """
    count = min(_SCREENED, x.scores.shape[1])
    sides = x.some(count), y.some(count)
    linear = [side.features(None, 0) for side in sides]
    best = [_best(side, other) for side, other in zip(sides, reversed(linear), strict=True)]
    if best[0] is None and best[1] is None:
        return None, None
    first = 0 if best[1] is None or (best[0] is not None and best[0][1] >= best[1][1]) else 1
    found: list[int | None] = [None, None]
    chosen = best[first]
    assert chosen is not None
    found[first] = chosen[0]
    features = sides[first].features(chosen[0], _LOW)
    targets = min(len(linear[0]), len(linear[1]), MOST_PAIRS)
    moments = kernels().products(np.concatenate([features, linear[1 - first]])) / count
    coefficients, _ = canonical(moments, len(features), targets)
    second = _best(sides[1 - first], centred(applied(coefficients, features)))
    found[1 - first] = None if second is None else second[0]
    return found[0], found[1]


def _best(side: _Side, target: Array) -> tuple[int, float] | None:
    """The modulator whose functions best explain what columns leave of a target, and how well."""
    d, k, n = len(side.scores), len(target), target.shape[1]
    found = []
    for modulator in range(len(side.modulators)):
        features = side.features(modulator, _LOW)
        p = len(features) - d
        moments = kernels().products(np.concatenate([features, target])) / n
        left = residual_moments(moments, d)
        # The ridge is a share of the variance that a function had.
        left[:p, :p] += RIDGE * np.diag(np.diag(moments)[d : d + p])
        left[p:, p:] += RIDGE * np.diag(np.diag(moments)[d + p :])
        cross = left[:p, p:]
        told = np.linalg.solve(left[:p, :p], cross)
        squares = float(np.trace(np.linalg.solve(left[p:, p:], cross.T @ told)))
        freedom = p * k
        chance = math.exp(log_gamma_tail(max(squares, 0.0) * n / 2, freedom / 2))
        if chance * len(side.modulators) < _ALPHA:
            found.append((squares - freedom / n, -modulator))
    if not found:
        return None
    gain, place = max(found)
    return (-place, gain) if gain >= _WORTH else None


def _count(x: _Side, y: _Side, modulators: tuple[int | None, int | None], degree: int) -> int:
    sizes = [
        len(side.scores) + (0 if modulator is None else (len(side.scores) + 1) * degree)
        for side, modulator in zip((x, y), modulators, strict=True)
    ]
    return sum(sizes)


def _legendre(ranks: Ranks, degree: int) -> Array:
    """Orthonormal Legendre polynomials of degrees 1 and more on [0, 1], [degree, n]."""
    t = 2 * ranks.astype(np.float64) - 1
    rows = [np.ones_like(t), t]
    for k in range(1, degree):
        rows.append(((2 * k + 1) * t * rows[k] - k * rows[k - 1]) / (k + 1))
    return np.stack([rows[k] * math.sqrt(2 * k + 1) for k in range(1, degree + 1)])
