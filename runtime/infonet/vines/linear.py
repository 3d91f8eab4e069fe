"""Plain linear functions of X and of Y, where a vine of the columns loses what they tell.

A vine adds up many edges. Where Y is a label that follows a sum of several columns, each edge sees
a part of the label and none the sum (data processing: the sum cannot tell more than the columns).
Where columns of X are nearly functions of each other, as the high and the low price of a day are,
what Y follows is their small difference, of which ranks of each keep little. So a canonical
correlation analysis is made, of the label's indicators in the first case (which is Fisher's linear
discriminant analysis), and of values rather than ranks in the second. What such functions tell is a
lower bound, whatever the distribution; each sample's functions are fitted to other samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.ranking import fingerprint, in_random_order, rank_columns
from infonet.vines.canonical import centred, fitted_to_others, new_pairs
from infonet.vines.copula import Array, Ranks, in_quartiles
from infonet.vines.directions import MOST_PAIRS, MOST_SAMPLES, Directions, told_by_correlations
from infonet.vines.discrete import FrequentLevels, frequent, frequent_levels, joint_codes
from infonet.vines.variables import Group

# Variance of a column over what other columns leave of it (the variance inflation factor), from
# which columns are nearly collinear, a correlation of 0.975; up to there a vine loses little.
_INFLATED = 20.0
_FEWEST = 100  # samples that tell it, and a small difference
_FAR = 10.0  # quartile distances from the median beyond which a value says nothing of coefficients
_FARTHEST = 1e6  # of them, to which values are cut
_FUNCTION_OF_OTHERS = 1e-8  # share of a column's size that rounding leaves where nothing is left
# Samples for each function that coefficients are fitted to: of columns, and where squares and
# products, which seldom tell anything, are among them.
_FOR_EACH, _FOR_EACH_SQUARE = 4, 20
_MOST_INDICATORS = 30  # levels, the most frequent ones

Inside = NDArray[np.bool_]


def linear_directions(x: Group, y: Group, seed: int) -> Directions | None:
    """Linear functions of x and of y that depend most; None where a vine needs none.

    Args:
        x, y: ranked columns, at least one each.
        seed: of the order in which samples are taken, and of ties.
    """
    if len(x.ranks) == 1 and len(y.ranks) == 1:
        return None
    n = x.ranks[0].size
    order = np.random.default_rng(seed).permutation(n)[:MOST_SAMPLES]
    sides = _Side.of(x, order, seed), _Side.of(y, order, seed)
    kinds = _kinds(*sides)
    if not kinds:
        return None
    found = [_of_features(sides, kind, seed) for kind in kinds]
    best, best_mi = None, 0.0
    for one in found:
        if one is not None and one.mi > best_mi:
            best, best_mi = one, one.mi
    return best


@dataclass(frozen=True)
class _Side:
    """Columns of X or of Y, of the samples that are used.

    Attributes:
        columns: values [m] each.
        scores: normal scores [d, m].
        nominal: whether each is of categories.
        label: the joint level of all columns where they are levels only, as a group of one column;
            else None.
        alone: ranks and levels of the only column, or of the label; else None.
    """

    columns: list[NDArray[np.generic]]
    scores: Array
    nominal: list[bool]
    label: FrequentLevels | None
    alone: tuple[Ranks, FrequentLevels | None] | None

    @staticmethod
    def of(group: Group, order: NDArray[np.intp], seed: int) -> _Side:
        columns = [column[order] for column in group.columns]
        ranks = list(rank_columns([row[order] for row in group.ranks]).rows)
        scores = np.stack([kernels().normal_scores(row) for row in ranks])
        label: FrequentLevels | None = None
        alone: tuple[Ranks, FrequentLevels | None] | None = None
        if joint_codes(group, order.size) is not None:
            joined = _joined(group, order, seed)
            label = frequent_levels(joined)[0] if joined.ranks else None
            if label is not None and label.some:
                alone = joined.ranks[0], label
            else:
                label = None
        if alone is None and len(ranks) == 1:
            part = group.copy()
            part.columns, part.ranks = columns, ranks
            alone = ranks[0], frequent_levels(part)[0]
        return _Side(columns, scores, list(group.nominal), label, alone)

    @property
    def collinear(self) -> bool:
        """Whether a column is nearly a linear function of others."""
        if len(self.scores) < 2 or self.scores.shape[1] < _FEWEST:
            return False
        moments = kernels().products(self.scores) / self.scores.shape[1]
        size = np.sqrt(np.diag(moments))
        correlations = moments / size[:, None] / size + 1e-9 * np.eye(len(size))
        return bool(np.diag(np.linalg.inv(correlations)).max() > _INFLATED)

    def rows(self, kind: str) -> tuple[list[Array], Inside]:
        """Scores of the columns, or their "values"; or indicators of the label; [m] each. And which
        samples are no outliers, [m]."""
        inside = np.ones(self.scores.shape[1], np.bool_)
        if self.label is not None:
            return list(_indicators(self.label.codes)), inside
        rows: list[Array] = []
        for column, score, nominal in zip(self.columns, self.scores, self.nominal, strict=True):
            if nominal:
                codes = np.unique(column, return_inverse=True)[1].reshape(-1)
                rows.extend(_indicators(frequent(codes)))
                continue
            scaled = in_quartiles(column, _FARTHEST) if kind == "values" else None
            if scaled is not None:
                inside &= np.abs(scaled) < _FAR
            rows.append(score if scaled is None else scaled)
        return rows, inside

    def squares(self, linear: int) -> Array:
        """Squares of scores, and products of two where samples are enough for so many functions
        beside those that are linear, [p, m]; none of a label."""
        numbers = [not nominal and self.label is None for nominal in self.nominal]
        rows = self.scores[numbers]
        size, m = rows.shape
        if (linear + size * (size + 1) // 2) * _FOR_EACH_SQUARE <= m:
            first, second = np.triu_indices(size)
            return centred(rows[first] * rows[second])
        return centred(rows * rows)


def _kinds(x: _Side, y: _Side) -> list[tuple[str, str]]:
    """Of which features functions are made, of x and of y; none where a vine does as well."""
    kinds = []
    label = (x.label is not None and len(y.scores) > 1) or (
        y.label is not None and len(x.scores) > 1
    )
    if label:
        kinds += [("scores", "scores"), ("squares", "squares")]
    if x.collinear or y.collinear:
        kinds += [("scores", "scores")] * (not label)
        kinds += [("values", "values")]
        if x.label is None and y.label is None:
            kinds += [("values", "scores"), ("scores", "values")]
    return kinds


def _of_features(
    sides: tuple[_Side, _Side], kinds: tuple[str, str], seed: int
) -> Directions | None:
    """Functions of such features of x and of y; None where there are too few samples for them, or
    they show no dependence."""
    read = [side.rows(kind) for side, kind in zip(sides, kinds, strict=True)]
    inside = read[0][1] & read[1][1]
    of_x, of_y = (_orthogonal(found, inside) for found, _ in read)
    if kinds == ("squares", "squares"):
        of_x, of_y = (
            np.concatenate([linear, side.squares(len(linear))])
            for linear, side in zip((of_x, of_y), sides, strict=True)
        )
    size = len(of_x) + len(of_y)
    if not len(of_x) or not len(of_y) or int(inside.sum()) < _FOR_EACH * size:
        return None
    least = min(len(of_x), len(of_y), MOST_PAIRS)
    try:
        f, g = fitted_to_others(of_x, of_y, least, inside)
    except np.linalg.LinAlgError:  # a rare level is seen in one fold only
        return None
    labels = [side.label is not None for side in sides]
    # Ties of equal functions of x and of y that were broken alike would tell more than there is.
    ranks_f, ranks_g = _untied(f, (seed, 0)), _untied(g, (seed, 1))
    scored = [
        centred(np.stack([kernels().normal_scores(row) for row in rows]))
        for rows in (ranks_f, ranks_g)
    ]
    if labels[0]:
        scored.reverse()
    kept = new_pairs(scored[0], scored[1], any(labels))
    if not kept:
        return None
    x, y = [ranks_f[place] for place in kept], [ranks_g[place] for place in kept]
    mi = told_by_correlations(x, y)
    # The only column of a side, or its label, is a function itself, and the best.
    levels: list[list[FrequentLevels | None]] = [[None] * len(kept), [None] * len(kept)]
    for place, (side, rows) in enumerate(zip(sides, (x, y), strict=True)):
        if side.alone is not None:
            rows[:], levels[place] = [side.alone[0]], [side.alone[1]]
    return Directions(x, y, mi, *levels)


def _joined(group: Group, order: NDArray[np.intp], seed: int) -> Group:
    """The only column of a group of levels, or the joint level of its columns; of some samples."""
    codes = joint_codes(group, group.ranks[0].size)
    if len(group.columns) == 1 or codes is None:
        return Group.ranked([group.columns[0][order]], seed, nominal=group.nominal)
    return Group.ranked([codes[0][order]], seed, nominal=[True])


def _indicators(codes: NDArray[np.integer]) -> Array:
    """Whether a sample has each frequent level but the last, float64 [k, m] with mean 0."""
    counts = np.bincount(codes[codes >= 0])
    most = np.argsort(-counts, kind="stable")[:_MOST_INDICATORS]
    rows = (codes == np.sort(most)[:, None]).astype(np.float64)
    if len(most) == len(counts) and (codes >= 0).all():
        rows = rows[:-1]  # the others tell which samples have it
    return centred(rows)


def _orthogonal(rows: Sequence[Array], inside: Inside) -> Array:
    """Uncorrelated functions of variance 1 with the span of the rows, [p, m], by the samples that
    are no outliers (Gram and Schmidt, twice).

    Second moments of nearly collinear columns would lose the square of what is small.
    """
    basis: list[Array] = []
    count = max(1, int(inside.sum()))
    for row in rows:
        left = row - row[inside].mean() if inside.any() else row
        size = math.sqrt(_square(left, inside))
        for _ in range(2):
            for known in basis:
                left = left - float((left * known * inside).sum()) / count * known
        rest = math.sqrt(_square(left, inside))
        if rest > _FUNCTION_OF_OTHERS * size:
            basis.append(left * (math.sqrt(count) / rest))
    return np.stack(basis) if basis else np.empty((0, inside.size))


def _square(row: Array, inside: Inside) -> float:
    return float((row * row * inside).sum())


def _untied(functions: Array, seed: tuple[int, int]) -> list[Ranks]:
    """Mid-ranks, ties in random order; what differs by rounding only is tied."""
    size = np.abs(functions)
    scale = np.median(size, axis=1, keepdims=True)  # of which outliers change nothing
    scale = np.where(scale > 0, scale, np.maximum(size.max(axis=1, keepdims=True), 1e-300))
    ranked = rank_columns(list(np.rint(functions / scale / _FUNCTION_OF_OTHERS)))
    return [
        in_random_order(row, (seed[0], fingerprint(row), seed[1])) if np.isfinite(ties) else row
        for row, ties in zip(ranked.rows, ranked.entropy, strict=True)
    ]
