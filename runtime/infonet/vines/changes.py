"""Copulas that change with a condition: within pieces of it, where that is seen and pays.

A pair copula given D is one copula only under the simplifying assumption. With u and v independent
of D, I(u; v | D) = I(u; v) + I(u; D | v): what one copula misses is dependence that changes with D.
So the sample is cut into pieces by a variable of D, each with a copula of its own, which may be cut
again, by the same variable or another. The pieces of a variable with levels, a label say, are its
levels. Since pieces are known from D alone, the answer stays a
lower bound of I(u; v | D), and comes nearer to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.significance import combined
from infonet.vines.copula import Array, PairCopula, PairCopulas, Ranks, rank, rank_within
from infonet.vines.discrete import Codes

_WAYS = 4  # pieces of a cut, of equal numbers of samples, at most
_LEAST = 50  # samples in a piece
_ENOUGH = 120  # samples in a piece, below which fewer pieces may tell more
_LEAST_TESTED = 60  # samples by which a change is tested
_LEAST_IN_LEVEL = 60  # the same, where the pieces are the levels of a label
_DEEPEST = 5  # cuts of cuts
_ALPHA = 0.001  # that a copula which does not change is cut, before the gain is looked at
# Nats by which pieces must be better than the whole, beside what chance does: the network is less
# biased by n than that.
_GAIN, _NOISE = 0.001, 0.1
_NEAREST = 6  # variables of D at either end of it that are looked at, if D is large
_DEGREES, _PRODUCTS = range(3), range(9)
_LOW = [0, 1, 3, 4]  # products of degrees 1 and 2 among those of degrees 1 to 3
_TAIL = 0.04  # share of the samples at either end of a condition that its test leaves out
_SMALLEST = 1e-300
_FEW = 3  # variables of D up to which their products, sums and differences are looked at, too


@dataclass(frozen=True)
class Conditions:
    """Variables by which the sample may be cut: those of D, and functions of them.

    Attributes:
        rows: mid-ranks [n] of the variables that are looked at, and of the functions.
        functions: what several variables make together, mid-ranks [n] each.
        levels: of each variable that has some: number of the level of each sample, -1 for rare
            ones, int64 [n].
    """

    rows: list[Ranks]
    functions: list[Ranks]
    levels: list[Codes]

    @staticmethod
    def of(
        ranks: Sequence[Ranks],
        squares: Array | None = None,
        levels: Sequence[Codes | None] = (),
    ) -> Conditions:
        """Of the variables of D.

        Args:
            ranks: their mid-ranks [n], from one end of D to the other.
            squares: sum of their squared normal scores, [n], if it is known already.
            levels: of each of them, None if it has none.
        """
        few = len(ranks) <= 2 * _NEAREST
        near = list(ranks) if few else [*ranks[:_NEAREST], *ranks[-_NEAREST:]]
        functions = rank(_functions(ranks, squares)) if len(ranks) > 1 else []
        found = [codes for codes in levels if codes is not None]
        return Conditions([*near, *functions], functions, found)

    def within(self, inside: NDArray[np.intp]) -> Conditions:
        """Of some of the samples."""
        rows = rank_within(self.rows, inside)
        return Conditions(rows, [], [codes[inside] for codes in self.levels])


def _functions(ranks: Sequence[Ranks], squares: Array | None) -> list[Array]:
    """How far samples are from the middle of D, and products, sums and differences of variables."""
    few = len(ranks) <= _FEW
    scores = [kernels().normal_scores(row) for row in ranks] if few or squares is None else []
    found = [np.sum([x * x for x in scores], axis=0) if squares is None else squares]
    if few:
        for i, x in enumerate(scores):
            for y in scores[i + 1 :]:
                found += [x * y, x + y, x - y]
    return found


def fit(
    copulas: PairCopulas,
    u: Ranks,
    v: Ranks,
    conditions: Conditions | None = None,
    test: bool = False,
) -> PairCopula:
    """The copula of u and v given D, in pieces of D where it changes.

    Args:
        copulas: what fits one copula.
        u, v: mid-ranks [n] without ties, independent of D each.
        conditions: variables of D; None if there are none.
        test: whether to test independence, too.
    """
    return _fit(copulas, u, v, conditions, 0, test)


def _fit(
    copulas: PairCopulas,
    u: Ranks,
    v: Ranks,
    conditions: Conditions | None,
    depth: int,
    test: bool = False,
) -> PairCopula:
    whole = copulas.fit(u, v, test)
    if conditions is None or depth >= _DEEPEST:
        return whole
    if test:
        # Independent on the whole, dependent in pieces: only the second test sees that.
        logs = [math.log(whole.p_value), math.log(change_p_value(u, v, conditions))]
        whole = replace(whole, p_value=combined(logs))
    cuts = _cuts(u, v, conditions)
    tried = [_within(copulas, u, v, conditions, pieces, depth, whole) for pieces in cuts]
    best = max(tried, key=lambda found: found.mi, default=whole)
    return best if best.mi - whole.mi > _GAIN + _NOISE / math.sqrt(u.size) else whole


def _within(
    copulas: PairCopulas,
    u: Ranks,
    v: Ranks,
    conditions: Conditions,
    pieces: list[NDArray[np.intp]],
    depth: int,
    whole: PairCopula,
) -> PairCopula:
    """The copulas within pieces of the samples, as one."""
    n = u.size
    # Samples of no piece, whose levels are rare, keep the copula of the whole.
    rest = np.ones(n, np.bool_)
    rest[np.concatenate(pieces)] = False
    of_u, of_v, density = np.empty(n), np.empty(n), whole.log_density.copy()
    if rest.any():
        of_u[rest], of_v[rest] = rank([whole.of_u[rest], whole.of_v[rest]])
    mi, leaves = whole.mi * float(rest.mean()), 0
    for inside in pieces:
        part = rank_within([u, v], inside)
        found = _fit(copulas, part[0], part[1], conditions.within(inside), depth + 1)
        mi += found.mi * inside.size / n
        leaves += found.leaves
        density[inside] = found.log_density
        # Pieces know F(u | v) on scales of their own, and only ranks within a piece mean the same.
        of_u[inside], of_v[inside] = rank([found.of_u, found.of_v])
    return PairCopula(mi, of_u, of_v, density, whole.p_value, leaves, whole.correlation)


def _cuts(u: Ranks, v: Ranks, conditions: Conditions) -> list[list[NDArray[np.intp]]]:
    """By the variable with which the copula of u and v changes most evidently, in more pieces and
    perhaps in fewer: samples of each piece; empty if there is none."""
    best: float = _ALPHA
    found: list[list[NDArray[np.intp]]] = []
    ways = min(_WAYS, u.size // _LEAST)
    if ways > 1:
        by, p = _changes_with(u, v, conditions.rows)
        if p < best:
            few = ways > 2 and u.size < ways * _ENOUGH
            best = p
            found = [_cut(conditions.rows[by], count) for count in ([ways, 2] if few else [ways])]
    for codes in conditions.levels:
        levels = large_levels(codes)
        p = difference_p_value(u, v, levels)
        if p < best:
            best, found = p, [levels]
    return found


def _cut(row: Ranks, ways: int) -> list[NDArray[np.intp]]:
    """Samples of each piece of a row. Where most of its values are equal, some would have few
    samples or none, and are left out."""
    piece = np.minimum((row * ways).astype(np.intp), ways - 1)
    every = (np.flatnonzero(piece == number) for number in range(ways))
    return [inside for inside in every if 2 * inside.size >= _LEAST]


def large_levels(codes: Codes) -> list[NDArray[np.intp]]:
    """The samples of each level that has enough of them for a copula of its own."""
    every = np.unique(codes[codes >= 0])
    found = [np.flatnonzero(codes == level) for level in every]
    return [inside for inside in found if inside.size >= _LEAST_IN_LEVEL]


def difference_p_value(u: Ranks, v: Ranks, levels: Sequence[NDArray[np.intp]]) -> float:
    """That u and v have one and the same copula at all levels, by the means of nine products
    P_a(u) P_b(v) of Legendre polynomials at each level."""
    if len(levels) < 2:
        return 1.0
    pair, square, _ = kernels().moments(u, v, [u])  # squares are computed with a third row only
    found = [kernels().moments(*rank_within([u, v], inside))[0] for inside in levels]
    sizes = np.array([inside.size for inside in levels])
    moments = _whitened(np.stack(found), pair, square)
    mean = np.einsum("l,la->a", sizes / sizes.sum(), moments)
    total = float((sizes[:, None] * (moments - mean) ** 2).sum())
    p = math.exp(log_gamma_tail(total / 2, (len(levels) - 1) * len(pair) / 2))
    return min(max(p, _SMALLEST), 1.0)


def _changes_with(u: Ranks, v: Ranks, rows: list[Ranks]) -> tuple[int, float]:
    """The row with which the copula of u and v changes most evidently, and the p-value.

    Compared are the means of products P_a(u) P_b(v) P_c(w) of Legendre polynomials with 0, which
    they are if the copula does not change with w: 27 numbers, made uncorrelated, whose squares add
    up to chi-squared.
    """
    found = [_chi_squared(moments) * u.size for moments in _triple_moments(u, v, rows)]
    best = int(np.argmax(found))
    freedom = len(_DEGREES) * len(_PRODUCTS)
    return best, math.exp(log_gamma_tail(found[best] / 2, freedom / 2)) * len(rows)


def change_p_value(u: Ranks, v: Ranks, conditions: Conditions) -> float:
    """That u and v, which are independent on the whole, are so in pieces of each row, too, and at
    each level.

    Degrees 1 and 2 only, which see more of little: all eight products together, and the two alone
    by which a correlation grows with a row or with its distance from the middle. Without the tails
    of the rows, where conditions are not taken out exactly and both u and v may keep the same trace
    of them.
    """
    by_level = [difference_p_value(u, v, large_levels(codes)) for codes in conditions.levels]
    tests = len(conditions.rows) + len(by_level)
    least = min(by_level, default=1.0) * tests
    rows = conditions.rows
    inside = np.flatnonzero(np.all([np.abs(row - 0.5) < 0.5 - _TAIL for row in rows], axis=0))
    if inside.size < _LEAST_TESTED:
        return min(least, 1.0)
    u, v, *rows = rank_within([u, v, *rows], inside)
    triple = np.stack(_triple_moments(u, v, rows))[:, :2]
    every = (triple[:, :, _LOW] ** 2).sum(axis=(1, 2)).max() * u.size
    logs = [log_gamma_tail(every / 2, 2 * len(_LOW) / 2)]
    # Not beside levels, of which the rare ones keep a trace that a single product shows too well.
    if not conditions.levels:
        for square in (triple[:, :, 0] ** 2).max(axis=0) * u.size:
            logs.append(log_gamma_tail(square / 2, 1 / 2))
    p = combined(logs) * tests
    return min(max(p, _SMALLEST), least, 1.0)


def _triple_moments(u: Ranks, v: Ranks, rows: list[Ranks]) -> list[Array]:
    """Means of P_a(u) P_b(v) P_c(w) of each row w, [3 (c), 9 (a, b)], the latter uncorrelated."""
    pair, square, triple = kernels().moments(u, v, rows)
    return list(_whitened(triple, pair, square))


def _whitened(moments: Array, pair: Array, square: Array) -> Array:
    """Moments [.., 9] of products, made uncorrelated by the covariance of these."""
    covariance = square - pair[:, None] * pair + 1e-9 * np.eye(len(pair))
    root = np.linalg.cholesky(covariance)
    rows = moments.reshape(-1, len(pair))
    return np.linalg.solve(root, rows.T).T.reshape(moments.shape)


def _chi_squared(moments: Array) -> float:
    return float((moments * moments).sum())
