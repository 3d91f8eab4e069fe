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
from itertools import pairwise

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail
from infonet.vines.copula import Array, Ranks, rank

MOST_SAMPLES = 20_000  # more are thinned out: coefficients hardly gain
_SCREENED = 2000  # samples by which a modulator is chosen
_LOW, _HIGH = 3, 8  # degrees of a weight when it is chosen, and at most
_FOR_EACH = 20  # samples for each function that coefficients are fitted to
_MODULATORS = 8  # columns that may be modulators; if there are more, only the distance is
# A modulator must explain that much, in squared canonical correlations beyond those of the columns
# themselves, and be no chance.
_WORTH, _ALPHA = 0.05, 0.001
_FOLDS = 4
_MOST_PAIRS = 8  # of functions
_SEEN = 3.0  # standard errors of a correlation from which a pair of functions is kept
_KNOWN = 0.5  # share of the variance that functions kept before explain: then there is nothing new
_RIDGE = 1e-3  # share of the variance added to that of each function, against singular matrices


@dataclass(frozen=True)
class Directions:
    """Pairs of functions of X and of Y, the most correlated first.

    Attributes:
        x, y: mid-ranks of the functions, float32 [m] each: of all samples, or of some if there
            are many.
        mi: a lower bound of their mutual information in nats, by the correlations alone.
    """

    x: list[Ranks]
    y: list[Ranks]
    mi: float


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
    pairs = min(len(left.scores), len(right.scores), _MOST_PAIRS)
    f, g = _fitted_to_others(of_x, of_y, pairs)
    kept = _new(f, g)
    if not kept:
        return None
    ranks = rank([*f[kept], *g[kept]])
    scores = [kernels().normal_scores(row) for row in ranks]
    size = len(kept)
    squares = [_correlation(a, b) ** 2 for a, b in zip(scores[:size], scores[size:], strict=True)]
    mi = -0.5 * sum(math.log1p(-min(square, 0.9999)) for square in squares)
    return Directions(ranks[:size], ranks[size:], mi)


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
            return _centred(self.scores)
        weights = _legendre(self.modulators[modulator], degree)
        varying = (weights[:, None] * self.scores).reshape(-1, self.scores.shape[1])
        return _centred(np.concatenate([self.scores, varying, weights]))


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
    targets = min(len(linear[0]), len(linear[1]), _MOST_PAIRS)
    moments = kernels().products(np.concatenate([features, linear[1 - first]])) / count
    coefficients, _ = _canonical(moments, len(features), targets)
    second = _best(sides[1 - first], _centred(_applied(coefficients, features)))
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
        left = _left(moments, d)
        # The ridge is a share of the variance that a function had.
        left[:p, :p] += _RIDGE * np.diag(np.diag(moments)[d : d + p])
        left[p:, p:] += _RIDGE * np.diag(np.diag(moments)[d + p :])
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


def _fitted_to_others(x: Array, y: Array, pairs: int) -> tuple[Array, Array]:
    """Canonical functions [pairs, m] of features x and y [p, m], in folds: those of a fold have the
    coefficients that all other samples give."""
    m, p = x.shape[1], len(x)
    both = np.concatenate([x, y])
    edges = [m * fold // _FOLDS for fold in range(_FOLDS + 1)]
    folds = [slice(*ends) for ends in pairwise(edges)]
    sums = [kernels().products(both[:, fold]) for fold in folds]
    of_all = _canonical(sum(sums[1:], sums[0]) / m, p, pairs)
    f, g = np.empty((pairs, m)), np.empty((pairs, m))
    for place, fold in enumerate(folds):
        others = [part for other, part in enumerate(sums) if other != place]
        moments = sum(others[1:], others[0]) / (m - (fold.stop - fold.start))
        a, b = _canonical(moments, p, pairs)
        # Where correlations are nearly equal, functions are known up to a rotation of both sides
        # (Procrustes): the one that is nearest to the functions of all samples.
        alike = _product(_product(a.T, moments[:p, :p]), of_all[0])
        alike += _product(_product(b.T, moments[p:, p:]), of_all[1])
        u, _, v = np.linalg.svd(alike)
        turn = _product(u, v)
        f[:, fold] = _applied(_product(a, turn), x[:, fold])
        g[:, fold] = _applied(_product(b, turn), y[:, fold])
    return _centred(f), _centred(g)


def _canonical(moments: Array, p: int, pairs: int) -> tuple[Array, Array]:
    """Coefficients [p, pairs] and [q, pairs] of canonical functions, from second moments of the
    features of both sides, p of x and q of y."""
    moments = moments + _RIDGE * np.diag(np.diag(moments))
    root_x, root_y = np.linalg.cholesky(moments[:p, :p]), np.linalg.cholesky(moments[p:, p:])
    between = np.linalg.solve(root_y, np.linalg.solve(root_x, moments[:p, p:]).T).T
    u, _, v = np.linalg.svd(between, full_matrices=False)
    return np.linalg.solve(root_x.T, u[:, :pairs]), np.linalg.solve(root_y.T, v[:pairs].T)


def _new(f: Array, g: Array) -> list[int]:
    """Places of pairs of functions that are correlated, and new: no functions of those before.

    The canonical functions of a nonlinear relation go on with its squares and products.
    """
    kept: list[int] = []
    least = _SEEN / math.sqrt(f.shape[1])
    for place in range(len(f)):
        if _correlation(f[place], g[place]) <= least:
            continue
        if max(_explained(side[kept], side[place]) for side in (f, g)) <= _KNOWN:
            kept.append(place)
    return kept


def _explained(known: Array, row: Array) -> float:
    """Share of the variance of a row that known rows and their products of two explain."""
    if not len(known):
        return 0.0
    first, second = np.triu_indices(len(known))
    rows = _centred(np.concatenate([known, known[first] * known[second], row[None]]))
    moments = kernels().products(rows)
    moments[:-1, :-1] += _RIDGE * np.diag(np.diag(moments)[:-1])
    return 1 - float(_left(moments, len(rows) - 1)[0, 0] / moments[-1, -1])


def _left(moments: Array, known: int) -> Array:
    """Second moments of what the first rows leave of the others (Schur complement)."""
    cross = moments[:known, known:]
    ridge: Array = moments[:known, :known] + 1e-9 * np.eye(known)
    told = np.asarray(np.linalg.solve(ridge, cross), np.float64)
    left: Array = moments[known:, known:] - _product(cross.T, told)
    return left


def _product(a: Array, b: Array) -> Array:
    """Of two matrices, by sums whose order does not depend on the threads of a BLAS."""
    found: Array = np.einsum("ij,jk->ik", a, b)
    return found


def _applied(coefficients: Array, features: Array) -> Array:
    """Functions [k, m] of features [p, m] by coefficients [p, k]."""
    return _product(np.ascontiguousarray(coefficients.T), features)


def _correlation(a: Array, b: Array) -> float:
    size = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / size if size else 0.0


def _centred(rows: Array) -> Array:
    centred: Array = rows - rows.mean(axis=1, keepdims=True)
    return centred


def _legendre(ranks: Ranks, degree: int) -> Array:
    """Orthonormal Legendre polynomials of degrees 1 and more on [0, 1], [degree, n]."""
    t = 2 * ranks.astype(np.float64) - 1
    rows = [np.ones_like(t), t]
    for k in range(1, degree):
        rows.append(((2 * k + 1) * t * rows[k] - k * rows[k - 1]) / (k + 1))
    return np.stack([rows[k] * math.sqrt(2 * k + 1) for k in range(1, degree + 1)])
