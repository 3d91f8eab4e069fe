"""Strong effects of a condition on a column, by penalised least squares on values and on ranks.

Copulas read a table of 64 x 64 cells, and normal scores know of a distance between two values only
how many others lie between them. Where a condition tells nearly all of a column, what both leave of
it is as large as what is the column's own. Least squares have an error that is a share of the
noise, however strong the effect is, if the effect is one of the functions that they know. So they
know many: the values themselves, of which a difference of two columns that are nearly equal is an
exact function, splines of each column and of functions of two, products, and hills anywhere. How
smooth the effect is, generalised cross-validation says (Craven & Wahba 1978; splines with
penalties: Eilers & Marx 1996).

An effect that is a sum on the column's own scale need be none on that of its ranks, and the other
way about. So the column is foretold on both scales, and the one is taken on which more is told: the
entropy of the column less that of what is left, by spacings (Vasicek 1976).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from infonet.inputs.checks import Column
from infonet.model.libraries import kernels
from infonet.vines.copula import Array, Ranks, entropy_by_spacings, in_quartiles, rank
from infonet.vines.discrete import Codes

# Samples for each function, and numbers in all of them together, which bounds the memory.
_FOR_EACH, _MOST_NUMBERS = 4, 20_000_000
_PRODUCTS = 12  # variables up to which products of two count
# Pieces of the splines of a variable that is alone, of each of several, of functions of several.
_PIECES_ALONE, _PIECES, _PIECES_OF_TWO = 24, 12, 8
_WAVES = 3  # of either variable, whose products are a surface over both
# Penalties, in multiples of that of a spline: of the variables themselves, of their powers and
# products, of levels, of splines of functions of several, of the smoothest wave, of hills.
_LINEAR, _POWERS, _LABELS, _OF_TWO, _SURFACE, _HILLS = 1e-6, 0.01, 0.01, 3.0, 5.0, 10.0
_MOST_HILLS = 200
# A hill falls by so much up to where it has a share 1 / _REACH of all samples within.
_STEEP, _REACH = 0.5, 20
_SMOOTHNESS = 10.0 ** np.arange(-8, 8, 0.5)  # that are tried
_CAUTION = 1.4  # times the degrees of freedom, against fitting noise (Kim & Gu 2004)
_FITS, _FAR = 5, 6.0  # fits; distance, in medians of all, beyond which a value is moved nearer
_SINGULAR = 1e-10  # of the largest eigenvalue
# Nats that must be told of a column: of weaker effects copulas leave less.
_STRONG = 0.7
_PLACES = 10  # by which ranks can be told apart: what is less does not show in them
_FARTHEST = 100.0  # distances between the quartiles, beyond which all values are alike


class Effects:
    """Functions of the variables of a condition, fitted to any number of columns.

    Args:
        ranks: mid-ranks [n] of each variable, without ties.
        values: the variables themselves [n], numbers with an order.
        functions: mid-ranks [n] of functions of several variables.
        labels: of further variables, number of the level of each sample, -1 for rare ones, int64
            [n].
    """

    def __init__(
        self,
        ranks: Sequence[Ranks],
        values: Sequence[Column],
        functions: Sequence[Ranks] = (),
        labels: Sequence[Codes] = (),
    ) -> None:
        n = ranks[0].size
        rows, penalties = _functions(ranks, values, functions, labels)
        centred = rows - rows.mean(axis=1, keepdims=True)
        size = np.sqrt((centred * centred).mean(axis=1))
        some = size > 0
        self._rows: Array = centred[some] / (size * np.sqrt(penalties))[some, None]
        eigenvalues, vectors = np.linalg.eigh(kernels().products(self._rows))
        kept = eigenvalues > _SINGULAR * eigenvalues.max(initial=0.0)
        eigenvalues = eigenvalues[kept]
        self._vectors: Array = vectors[:, kept] / np.sqrt(eigenvalues)
        shares = eigenvalues / (eigenvalues + _SMOOTHNESS[:, None])
        degrees = _CAUTION * shares.sum(axis=1) / n
        possible = degrees < 0.8
        self._shares, self._degrees = shares[possible], degrees[possible]

    @staticmethod
    def of(
        ranks: Sequence[Ranks],
        values: Sequence[Column],
        functions: Sequence[Ranks],
        labels: Sequence[Codes],
    ) -> Effects | None:
        """The same; None without variables, or where samples are too few for them and labels."""
        n = ranks[0].size if ranks else 0
        least = len(ranks) + sum(int(codes.max()) + 1 for codes in labels)
        return Effects(ranks, values, functions, labels) if ranks and least <= _most(n) else None

    def without(self, column: Ranks, values: Column | None = None) -> Ranks | None:
        """A column without what is foretold of it; None where that is little.

        Args:
            column: mid-ranks [n] without ties.
            values: the column itself [n]; None if only its ranks are known.

        Returns:
            Mid-ranks [n].
        """
        scales = [(kernels().normal_scores(column), math.log(max(column.size / _PLACES, 1)))]
        own = None if values is None else in_quartiles(values, _FARTHEST)
        if own is not None:
            scales.append((own, math.inf))
        most, found = _STRONG, None
        for scale, bound in scales:
            left = self._left(scale)
            told = min(entropy_by_spacings(scale) - entropy_by_spacings(left), bound)
            if told > most:
                most, found = told, left
        return None if found is None else rank([found])[0]

    def smoothed(self, column: Ranks) -> Ranks:
        """The same on the scale of ranks, however little it is: mid-ranks [n]."""
        return rank([self._left(kernels().normal_scores(column))])[0]

    def _left(self, scale: Array) -> Array:
        """What is left of numbers [n]. Those that are far from what is foretold are moved nearer,
        and all is fitted again (Huber 1981), so that a few values do not bend the effect."""
        numbers = scale - scale.mean()
        left: Array = numbers - self._foretold(numbers)
        for _ in range(_FITS - 1):
            far = _FAR * float(np.quantile(np.abs(left), 0.5))
            nearer = np.clip(left, -far, far)
            if far == 0 or np.array_equal(nearer, left):
                break
            left = numbers - self._foretold(numbers - left + nearer)
        return left

    def _foretold(self, numbers: Array) -> Array:
        """By the functions, with the smoothness that foretells best; [n] of [n]."""
        mean = numbers.mean()
        centred = numbers - mean
        told = np.einsum("pk,p->k", self._vectors, np.einsum("pn,n->p", self._rows, centred))
        squares = float(np.einsum("n,n->", centred, centred)) - (
            (2 - self._shares) * self._shares * told * told
        ).sum(axis=1)
        best = int(np.argmin(squares / (1 - self._degrees) ** 2))
        coefficients = np.einsum("pk,k->p", self._vectors, self._shares[best] * told)
        found: Array = np.einsum("p,pn->n", coefficients, self._rows) + mean
        return found


def _most(n: int) -> int:
    return min(n // _FOR_EACH, _MOST_NUMBERS // max(n, 1))


def _functions(
    ranks: Sequence[Ranks],
    values: Sequence[Column],
    functions: Sequence[Ranks],
    labels: Sequence[Codes],
) -> tuple[Array, Array]:
    """The functions [p, n] and the penalty of each [p]; the fewer, the fewer samples there are."""
    n, d = ranks[0].size, len(ranks)
    most = _most(n)
    scores = [kernels().normal_scores(row) for row in ranks]
    own = [in_quartiles(column, _FARTHEST) for column in values]
    scales = [[scale for scale in own if scale is not None], scores]
    each = [(codes == level) * 1.0 for codes in labels for level in range(codes.max() + 1)]
    if len(each) + sum(map(len, scales)) > most:
        scales = [scores]
    rows: list[Array] = [row for scale in scales for row in scale] + each
    penalties = [_LINEAR] * (len(rows) - len(each)) + [_LABELS] * len(each)

    def add(more: list[Array], penalty: list[float]) -> None:
        if len(rows) + len(more) <= most:
            rows.extend(more)
            penalties.extend(penalty)

    pairs = list(combinations(range(d), 2)) if d <= _PRODUCTS else []
    for scale in scales:
        powers = [row**power for power in (2, 3) for row in scale]
        add(powers, [_POWERS] * len(powers))
    for scale in scales:
        products = [a * b for a, b in combinations(scale, 2) if d <= _PRODUCTS]
        add(products, [_POWERS] * len(products))
    pieces = _PIECES if d > 1 else _PIECES_ALONE
    splines = [row for score in scores for row in _splines(score, pieces)]
    add(splines, [1.0] * len(splines))
    of_two = [
        row for f in functions for row in _splines(kernels().normal_scores(f), _PIECES_OF_TWO)
    ]
    add(of_two, [_OF_TWO] * len(of_two))
    numbers = range(1, _WAVES + 1)
    waves = [[np.cos(np.pi * k * row.astype(np.float64)) for k in numbers] for row in ranks]
    surface = [a * b for i, j in pairs for a in waves[i] for b in waves[j]]
    add(surface, [_SURFACE * (a * b) ** 3 for _ in pairs for a in numbers for b in numbers])
    # Not over one variable, which is often time: what lasts a while would be taken for its effect.
    hills = _hills(np.stack(scores), min(_MOST_HILLS, most - len(rows))) if d > 1 else []
    add(hills, [_HILLS] * len(hills))
    return np.stack(rows), np.array(penalties)


def _hills(scores: Array, count: int) -> list[Array]:
    """Functions of the distance from some of the samples, each [n], which fit any effect, though
    none of them well: edges, corners and fast waves.

    Args:
        scores: normal scores [d, n] of the variables.
        count: how many there may be.
    """
    if count < 1:
        return []
    n = scores.shape[1]
    # Some near the middle and some far from it, whatever the order of the variables.
    order = np.argsort((scores * scores).sum(axis=0), kind="stable")
    tops = order[np.linspace(0, n - 1, count).astype(np.intp)]
    found = []
    for top in tops:
        away = scores - scores[:, top, None]
        squares = (away * away).sum(axis=0)
        reach = math.sqrt(float(np.partition(squares, n // _REACH)[n // _REACH]))
        found.append(np.exp(np.sqrt(squares) * (-_STEEP / max(reach, 1e-9))))
    return found


def _splines(scores: Array, pieces: int) -> Array:
    """Cubic B-splines over equal pieces, turned so that penalties of each by itself are one of the
    second differences of coefficients, float64 [pieces + 1, n]. Straight lines are left out."""
    n, low, high = scores.size, float(scores.min()), float(scores.max())
    place = (scores - low) * (pieces / (high - low))
    piece = np.minimum(place.astype(np.intp), pieces - 1)
    t = place - piece
    basis = np.zeros((pieces + 3, n))
    ends = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3
    for offset, row in enumerate(ends):
        basis[piece + offset, np.arange(n)] = row / 6
    differences = np.diff(np.eye(pieces + 3), 2, axis=0)
    turn = np.linalg.solve(differences @ differences.T, differences)
    found: Array = np.einsum("pk,kn->pn", turn, basis)
    return found
