"""Copulas that change with a condition: within pieces of it, where that is seen and pays.

A pair copula given D is one copula only under the simplifying assumption. With u and v independent
of D, I(u; v | D) = I(u; v) + I(u; D | v): what one copula misses is dependence that changes with D.
So the sample is cut into pieces by a variable of D, each with a copula of its own, which may be cut
again, by the same variable or another. Since pieces are known from D alone, the answer stays a
lower bound of I(u; v | D), and comes nearer to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.significance import combined
from infonet.vines.copula import Array, PairCopula, PairCopulas, Ranks, rank

_WAYS = 4  # pieces of a cut, of equal numbers of samples
_LEAST = 120  # samples in a piece
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


class Conditions:
    """Variables by which the sample may be cut, ranks [n] each: those of D, and functions of them.

    Args:
        ranks: mid-ranks of the variables of D, from one end to the other.
        squares: sum of their squared normal scores, [n], if it is known already.

    Attributes:
        functions: what several variables make together, mid-ranks [n] each.
        rows: the variables that are looked at, and these.
    """

    def __init__(self, ranks: Sequence[Ranks], squares: Array | None = None) -> None:
        few = len(ranks) <= 2 * _NEAREST
        near = list(ranks) if few else [*ranks[:_NEAREST], *ranks[-_NEAREST:]]
        self.functions = rank(_functions(ranks, squares)) if len(ranks) > 1 else []
        self.rows = [*near, *self.functions]


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
    return _fit(copulas, u, v, conditions.rows if conditions else [], 0, test)


def _fit(
    copulas: PairCopulas, u: Ranks, v: Ranks, rows: list[Ranks], depth: int, test: bool = False
) -> PairCopula:
    whole = copulas.fit(u, v, test)
    n = u.size
    if not rows or depth >= _DEEPEST or (n < _WAYS * _LEAST and not test):
        return whole
    if test:
        # Independent on the whole, dependent in pieces: only the second test sees that.
        logs = [math.log(whole.p_value), math.log(change_p_value(u, v, rows))]
        whole = replace(whole, p_value=combined(logs))
    by = _changes_with(u, v, rows)
    if by is None or n < _WAYS * _LEAST:
        return whole
    of_u, of_v, density = np.empty(n), np.empty(n), np.empty(n)
    mi, leaves = 0.0, 0
    piece = np.minimum((rows[by] * _WAYS).astype(np.intp), _WAYS - 1)
    for number in range(_WAYS):
        inside = np.flatnonzero(piece == number)
        part = rank([row[inside] for row in (u, v, *rows)])
        found = _fit(copulas, part[0], part[1], part[2:], depth + 1)
        mi += found.mi * inside.size / n
        leaves += found.leaves
        density[inside] = found.log_density
        # Pieces know F(u | v) on scales of their own, and only ranks within a piece mean the same.
        of_u[inside], of_v[inside] = rank([found.of_u, found.of_v])
    if mi - whole.mi <= _GAIN + _NOISE / math.sqrt(n):
        return whole
    return PairCopula(mi, of_u, of_v, density, whole.p_value, leaves, whole.correlation)


def _changes_with(u: Ranks, v: Ranks, rows: list[Ranks]) -> int | None:
    """The row with which the copula of u and v changes most evidently; None if with none.

    Compared are the means of products P_a(u) P_b(v) P_c(w) of Legendre polynomials with 0, which
    they are if the copula does not change with w: 27 numbers, made uncorrelated, whose squares add
    up to chi-squared.
    """
    found = [_chi_squared(moments) * u.size for moments in _triple_moments(u, v, rows)]
    best = int(np.argmax(found))
    p = math.exp(log_gamma_tail(found[best] / 2, len(_DEGREES) * len(_PRODUCTS) / 2)) * len(rows)
    return best if p < _ALPHA else None


def change_p_value(u: Ranks, v: Ranks, rows: list[Ranks]) -> float:
    """That u and v, which are independent on the whole, are so in pieces of each row, too.

    Degrees 1 and 2 only, which see more of little; and without the tails of the rows, where
    conditions are not taken out exactly and both u and v may keep the same trace of them.
    """
    inside = np.flatnonzero(np.all([np.abs(row - 0.5) < 0.5 - _TAIL for row in rows], axis=0))
    if inside.size < _LEAST:
        return 1.0
    u, v, rows = u[inside], v[inside], rank([row[inside] for row in rows])
    found = [_chi_squared(moments[:2][:, _LOW]) * u.size for moments in _triple_moments(u, v, rows)]
    p = math.exp(log_gamma_tail(max(found) / 2, 2 * len(_LOW) / 2)) * len(rows)
    return min(max(p, _SMALLEST), 1.0)


def _triple_moments(u: Ranks, v: Ranks, rows: list[Ranks]) -> list[Array]:
    """Means of P_a(u) P_b(v) P_c(w) of each row w, [3 (c), 9 (a, b)], the latter uncorrelated."""
    pair, square, triple = kernels().moments(u, v, rows)
    covariance = square - pair[:, None] * pair + 1e-9 * np.eye(len(pair))
    root = np.linalg.cholesky(covariance)
    return [np.linalg.solve(root, moments.T).T for moments in triple]


def _chi_squared(moments: Array) -> float:
    return float((moments * moments).sum())
