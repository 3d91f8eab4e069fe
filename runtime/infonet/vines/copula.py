"""The copula of one pair of ranks: Gaussian unless the data speak against it, else the network's.

A Gaussian copula has one number, so it adds the least noise to what is built on it, and its mutual
information can be estimated without bias however weak the dependence is: in 25 + 25 dimensions
there are 625 pairs, most of them weak. It is kept if its residual, F(v | u), is independent of u
for the moments of ranks and for the network; both see what a correlation does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail, log_normal_tail
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet.pairs.ranking import SeparateColumns, rank_columns
from infonet.pairs.significance import combined
from infonet.vines.screening import FEWEST, cells_p_value

Ranks = NDArray[np.float32]
Array = NDArray[np.float64]

# A Gaussian copula is refused if its residual looks dependent at this level: rarely where it holds.
_REFUSED = 0.01
_LARGEST = 0.99999  # correlation: 1 has no density
# p-value of counts in grids from which the network is not asked, too; and of moments of a residual
# below which it is asked at once, because they see some dependence earlier than counts do.
_CLEAR, _CURIOUS = 0.3, 0.1
WIDTH = 2 * 1.6449  # standard errors in a 90 % interval


@dataclass(frozen=True)
class PairCopula:
    """The copula of n points (u, v) in the unit square, with what a vine needs of it.

    Attributes:
        mi: mutual information in nats; slightly negative where an unbiased estimate of a weak
            dependence is.
        of_u: F(u | v) up to a monotone transform, [n]: what is ranked next.
        of_v: F(v | u), likewise.
        log_density: at the points, nats, float64 [n].
        p_value: of independence, NaN if it was not asked for.
        leaves: number of pieces of the condition, see `changes`.
        correlation: of normal scores.
        gaussian: whether it is a Gaussian copula.
        error: standard error of a label that was counted, beside that of `log_density`, nats.
    """

    mi: float
    of_u: Array | Ranks
    of_v: Array | Ranks
    log_density: Array
    p_value: float = math.nan
    leaves: int = 1
    correlation: float = 0.0
    gaussian: bool = False
    error: float = 0.0


class Counted(NamedTuple):
    """What a column and a label tell of each other, and its standard error, in nats; the p-value of
    independence, NaN if it was not asked for."""

    mi: float
    error: float
    p_value: float


class PairCopulas:
    """Fits copulas of pairs with the network of an engine. May be used by many threads at once."""

    def __init__(self, engine: PairEngine) -> None:
        null = engine.model.null
        assert null is not None  # see `estimate.check_model`
        self._engine, self._null = engine, null

    def p_value(self, u: Ranks, v: Ranks, *, counts_first: bool = True) -> float:
        """Of independence of two columns of ranks without ties: by counts in grids, and where these
        leave room for dependence, by the network. The two together are not below a level more often
        than one of them is. Where something else was seen already, counts need not come first."""
        if counts_first and u.size >= FEWEST:
            p = cells_p_value(u, v)
            if p >= _CLEAR:
                return p
        outputs = self._engine.run(_columns(u, v), ONE_PAIR, refine=False)
        n = min(max(u.size, int(self._null.n[0])), int(self._null.n[-1]))
        return self._null.p_value(float(outputs.statistic[0]), n)

    def with_label(
        self, u: Ranks, codes: NDArray[np.int64], nominal: bool, test: bool = False
    ) -> Counted:
        """A column of ranks and the levels of another, as two scalars; tested if asked to."""
        ranked = self._engine.prepare((u, codes.astype(np.float64)))
        ranked = ranked.with_nominal(np.array([False, nominal]))
        found = self._engine.estimate(ranked, ONE_PAIR, test=test)
        low, *_, high = found.quantiles[0].tolist()
        return Counted(float(found.mi[0]), (high - low) / WIDTH, float(found.p_value[0]))

    def fit(self, u: Ranks, v: Ranks, test: bool = False) -> PairCopula:
        """The copula of two columns of ranks [n] without ties.

        Args:
            u, v: mid-ranks, float32 [n].
            test: whether to test independence, too.
        """
        gaussian = _Gaussian.of(u, v)
        residuals = rank([gaussian.of_v, gaussian.of_u])
        left = [kernels().moments(*pair)[0] for pair in zip((u, v), residuals, strict=True)]
        # The first moment is what the correlation was fitted to.
        smooth = min(_smooth_p_value(moments[1:], u.size) for moments in left)
        fits = smooth >= _REFUSED
        p = math.nan
        if fits or test:
            beyond = self.p_value(u, residuals[0], counts_first=smooth >= _CURIOUS)
            fits = fits and beyond >= _REFUSED
            if test:
                p = combined([gaussian.log_p_value, math.log(beyond)])
        if fits:
            return gaussian.copula(p, (_weak(left[0], u.size) + _weak(left[1], u.size)) / 2)
        outputs = self._engine.run(_columns(u, v), ONE_PAIR, table=True, balanced=False)
        assert outputs.table is not None
        of_u, of_v, density = kernels().conditionals(outputs.table[0], u, v)
        return PairCopula(
            float(outputs.mi[0]),
            *(of_u, of_v, density.astype(np.float64), p),
            correlation=gaussian.correlation,
        )


@dataclass(frozen=True)
class _Gaussian:
    """A Gaussian copula. `of_u` and `of_v` are normal scores of F(u | v) and F(v | u)."""

    correlation: float
    x: Array
    y: Array
    of_u: Array
    of_v: Array

    @staticmethod
    def of(u: Ranks, v: Ranks) -> _Gaussian:
        x, y = kernels().normal_scores(u), kernels().normal_scores(v)
        variance = math.sqrt(_sum(x, x) * _sum(y, y))
        r = float(np.clip(_sum(x, y) / variance if variance else 0.0, -_LARGEST, _LARGEST))
        return _Gaussian(r, x, y, x - r * y, y - r * x)

    @property
    def log_p_value(self) -> float:
        """Of independence, by Fisher's transform of the correlation, two-sided."""
        z = math.atanh(abs(self.correlation)) * math.sqrt(max(self.x.size - 3, 1))
        return min(0.0, math.log(2) + log_normal_tail(z))

    @property
    def shrunk(self) -> float:
        """The correlation, of which little is known where it is weak: noise would be passed on."""
        r, n = self.correlation, self.x.size
        return r * max(0.0, 1 - 1 / (n * r * r)) if r else 0.0

    def copula(self, p_value: float, rest_of_mi: float) -> PairCopula:
        """The copula; `rest_of_mi` is what the residual still tells, in nats."""
        r, n = self.correlation, self.x.size
        rest = 1 - r * r
        square = self.x * self.x + self.y * self.y
        density = -0.5 * math.log(rest) - (r * r * square - 2 * r * self.x * self.y) / (2 * rest)
        # The squared correlation of independent variables is 1 / n in the mean.
        mi = -0.5 * math.log(rest) - 1 / (2 * n) + rest_of_mi
        s = self.shrunk
        return PairCopula(
            *(mi, self.x - s * self.y, self.y - s * self.x, density, p_value),
            correlation=r,
            gaussian=True,
        )


def gaussian_residual(u: Ranks, v: Ranks) -> Array:
    """Normal scores of u less what a Gaussian copula with v foretells of them, [n]."""
    gaussian = _Gaussian.of(u, v)
    return gaussian.x - gaussian.shrunk * gaussian.y


def moments_p_value(u: Ranks, v: Ranks) -> float:
    """Of independence of two columns of ranks, by the nine products of Legendre polynomials of
    degrees 1 to 3 (Neyman's smooth test)."""
    return _smooth_p_value(kernels().moments(u, v)[0], u.size)


def legendre(ranks: Ranks) -> Array:
    """Orthonormal Legendre polynomials of degrees 1 to 3 on [0, 1], float64 [3, n]."""
    t = 2 * ranks.astype(np.float64) - 1
    square = t * t
    rows = [t * math.sqrt(3), (1.5 * square - 0.5) * math.sqrt(5)]
    return np.stack([*rows, (2.5 * square - 1.5) * t * math.sqrt(7)])


def _smooth_p_value(moments: Array, n: int) -> float:
    """Chi-squared with as many degrees of freedom as there are moments."""
    return math.exp(log_gamma_tail(n * _sum(moments, moments) / 2, moments.size / 2))


def _weak(moments: Array, n: int) -> float:
    """Mutual information of a dependence too weak to be seen, in nats, from products of degrees 1
    and 2 but for the first, which a correlation took: half the sum of their squares (Parseval),
    less what chance adds. Negative half the time where there is none; over many pairs it adds up to
    what there is, as that of tails does."""
    low = moments.reshape(3, 3)[:2, :2].ravel()[1:]
    return (_sum(low, low) - low.size / n) / 2


def rank(columns: Sequence[NDArray[Any]]) -> list[Ranks]:
    """Mid-ranks of columns [n], float32 [n] each."""
    return list(rank_columns(columns).rows)


def in_quartiles(values: NDArray[Any], farthest: float) -> Array | None:
    """Numbers [n] in quartile distances from the median, at most `farthest` away; None where more
    than half of them are equal, so that there is no such distance."""
    # Longer floats may be infinite here, and no difference of two may be.
    numbers = np.nan_to_num(np.asarray(values, np.float64)) / 4
    low, middle, high = np.quantile(numbers, [0.25, 0.5, 0.75])
    if not high > low:
        return None
    with np.errstate(over="ignore"):
        found: Array = np.clip((numbers - middle) / (high - low), -farthest, farthest)
    return found


def rank_within(rows: Sequence[Ranks], inside: NDArray[np.intp]) -> list[Ranks]:
    """Mid-ranks among themselves of some samples, float32 [m] each, from mid-ranks of all."""
    if rows and rows[0].size > kernels().MOST_COUNTED:
        return rank([row[inside] for row in rows])
    return list(kernels().ranks_within(rows, inside))


def _columns(u: Ranks, v: Ranks) -> SeparateColumns:
    none = np.zeros(2, np.bool_)
    return SeparateColumns([u, v], none, none, np.full(2, np.inf), none)


def _sum(x: Array, y: Array) -> float:
    return float((x * y).sum())  # not a product by BLAS, whose order depends on its threads


def entropy_by_spacings(numbers: Array) -> float:
    """Differential entropy in nats, up to a constant, from distances of m places (Vasicek 1976)."""
    ordered = np.sort(numbers)
    m = max(1, int(np.sqrt(ordered.size)))
    gaps = ordered[m:] - ordered[:-m]
    return float(np.log(np.maximum(gaps, np.finfo(np.float64).tiny)).mean())
