"""Take a condition out of variables: F(x | Z), uniform and independent of Z, for each column x.

Strong effects are taken out of a column first, of all Z at once (`effects`). Then Z is taken out
one variable at a time, each after the ones before it were taken out of it (Rosenblatt 1952), so
that what is taken out is new. A table of 64 x 64 cells leaves a trace, and a copula that changes
with Z leaves more: so the result is tested against each part of Z and, where dependence is seen,
passed through the copula of what is left again.

A value that a tied column of Z takes often is a level, and what a level does to x need not be like
what the next one does: so x is ranked within each level, which leaves no trace of it at all. Rarer
values are taken for numbers. Where they still tell something of what is left, they are codes (of
shops, of patients), and x is ranked within them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column
from infonet.model.libraries import kernels
from infonet.pairs.engine import PairEngine
from infonet.pairs.ranking import fingerprint, in_random_order
from infonet.vines.changes import Conditions, difference_p_value, fit, large_levels
from infonet.vines.copula import (
    PairCopulas,
    Ranks,
    gaussian_residual,
    legendre,
    moments_p_value,
    rank,
)
from infonet.vines.discrete import (
    Codes,
    FrequentLevels,
    frequent,
    frequent_levels,
    levels_of_condition,
)
from infonet.vines.effects import Effects
from infonet.vines.regression import Polynomial
from infonet.vines.trace import Neighbours, Untraced
from infonet.vines.variables import Group
from infonet.vines.within import MayBeCodes, WithinLevels

_AGAIN = (4, 16, 1)  # passes over what is left: within so many pieces of the part
_LEAST = 60  # samples in a piece
_TAIL, _LEAST_IN_TAIL = 1 / 8, 25  # share of the first tail, samples of the last one
_LOOKS = 3  # at the directions on which a column depends
# A direction must tell that much more than chance, and be no part itself, in its largest component.
_TELLS, _AXIS = 5.0, 0.9
_LEFT = 0.1  # p-value below which dependence on a part of Z counts as seen
# What is taken out first: that which tells most, in chi-squared with nine degrees of freedom, of at
# most three candidates that tell nearly as much.
_EVIDENT, _CLOSE, _TRIED = 30.0, 0.7, 3
# Samples of a value of numbers that may be codes, and in the mean of all of them.
_IN_A_LEVEL, _FOR_A_LEVEL = 5, 16
_ROUNDS = 3  # over the levels of several columns, which undo each other a little


class Continuous:
    """A condition whose columns are taken out one after the other, each by its copulas.

    Columns with levels come first, so that what the others add is ranked within the levels, too.
    Without any column, as where all of them are constant, it leaves columns as they are.

    Attributes:
        parts: what each variable of Z adds to those before it, mid-ranks [n]: independent of each
            other.
        ranks: mid-ranks of the variables themselves.
    """

    def __init__(self, engine: PairEngine, given: Group) -> None:
        values = frequent_levels(given)
        codes = levels_of_condition(values)
        order = sorted(range(len(codes)), key=lambda place: codes[place] is None)
        self.ranks = [given.ranks[place] for place in order]
        self.parts: list[Ranks] = []
        self._copulas, self._seed = PairCopulas(engine), engine.seed
        self._all: Conditions | None = None
        self._polynomial: Polynomial | None = None
        self._conditions: list[Conditions | None] = []
        # Samples that have no level in a column; None: no sample of it has one.
        self._rest: list[NDArray[np.intp] | None] = []
        self._levels: list[WithinLevels] = []
        joint: Codes | None = None
        for place, column in zip(order, self.ranks, strict=True):
            known = list(self.parts)
            found = self._without(column, known)
            self.parts.append(found)
            self._conditions.append(Conditions.of(self.ranks[: len(known)]) if known else None)
            own = codes[place]
            self._rest.append(None if own is None else np.flatnonzero(own == -1))
            if own is not None:
                self._levels.append(WithinLevels(own, engine.seed))
                if joint is not None:
                    both = np.where((joint < 0) | (own < 0), -1, joint * (own.max() + 1) + own)
                    joint = frequent(both)
                    self._levels.append(WithinLevels(joint, engine.seed))
                else:
                    joint = own
        if len(self.ranks) > 1:
            self._all = Conditions.of(self.ranks)
            self._polynomial = self._polynomial_of(len(self.ranks))
        ordered = [place for place in order if not given.nominal[place]]
        self._effects = Effects.of(
            [given.ranks[place] for place in ordered],
            [given.columns[place] for place in ordered],
            self._all.functions if self._all else [],
            _with_few_values(values, codes),
        )
        self._ordered = [given.ranks[place] for place in sorted(ordered)]
        self._codes = [
            MayBeCodes(found.values, engine.seed) for found in values if found and not found.nominal
        ]

    @property
    def seen(self) -> float:
        """See `condition.Condition`."""
        return min((codes.seen for codes in self._codes), default=1.0)

    @cached_property
    def _neighbours(self) -> Neighbours | None:
        return Neighbours.of(self._ordered)

    def untraced(self, u: Ranks, v: Ranks) -> Untraced | None:
        """See `condition.Condition`."""
        return self._neighbours.untraced(u, v) if self._neighbours else None

    def out_of(self, column: Ranks, values: Column | None = None) -> Ranks:
        """See `condition.Condition`."""
        found = self._out_of(column, values)
        for codes in self._codes:
            found = codes.out_of(found)
        return found

    def _out_of(self, column: Ranks, values: Column | None) -> Ranks:
        if self._effects:
            rest = self._effects.without(column, values)
            if rest is not None:
                rest = self._without(rest, self.parts)
                # Of one column no polynomial is taken off at the end.
                return self._effects.smoothed(rest) if len(self.parts) == 1 else rest
        return self._without(column, self.parts)

    def _without(self, column: Ranks, parts: list[Ranks]) -> Ranks:
        if not parts:
            return self._within_levels(column)
        # Ranks within pieces of one size are equal, but nothing that was measured is.
        key = (self._seed, fingerprint(column), 0)
        return in_random_order(self._residual(column, parts), key)

    def _residual(self, column: Ranks, parts: list[Ranks]) -> Ranks:
        column = self._within_levels(column)
        whole = self._all if len(parts) == len(self.ranks) else None
        functions = whole.functions if whole else []
        polynomial = self._polynomial if whole else self._polynomial_of(len(parts))
        told = polynomial.foretold(column) if polynomial else None
        # What a polynomial foretold is looked at again: its effect may be known but for its shape.
        index = [] if told is None else rank([told])
        column = self._strongest_first(column, parts, functions, polynomial)
        # Again, because the directions of a first look are not exact and leave less to the next.
        for _ in range(_LOOKS if len(parts) > 1 else 0):
            directions = self._directions(column, parts)
            for part in directions:
                column = self._pass(column, part, None)
            if not directions:
                break
        for part, conditions, rest in zip(parts, self._conditions, self._rest, strict=False):
            if rest is None:
                large = large_levels(self._levels[-1].codes) if self._levels else []
                if difference_p_value(column, part, large) < _LEFT / 2:
                    others = np.setdiff1d(np.arange(column.size), np.concatenate(large))
                    column = self._pass_in(column, part, [*large, others])
                else:
                    column = self._pass(column, part, conditions)
            elif rest.size >= _LEAST:
                u, v = rank([column[rest], part[rest]])
                column = column.copy()
                column[rest] = self._pass(u, v, None)
                column = rank([column])[0]
        for pieces in _AGAIN:
            # beside the parts the functions of Z that products and distances are
            left = [row for row in (*parts, *functions, *index) if self._depends(column, row)]
            if not left:
                break
            for part in left:
                column = self._pass_in_pieces(column, part, pieces)
        if polynomial:
            column = rank([polynomial.without(column)])[0]
        return self._within_levels(column)

    def _polynomial_of(self, count: int) -> Polynomial | None:
        """Of the first variables that have no levels; of one of them its copula knows more."""
        pairs = zip(self.ranks[:count], self._rest, strict=False)
        free = [row for row, rest in pairs if rest is None]
        return Polynomial(free) if len(free) > 1 else None

    def _within_levels(self, column: Ranks) -> Ranks:
        for _ in range(_ROUNDS if len(self._levels) > 1 else 1):
            for levels in self._levels:
                column = levels.out_of(column)
        return column

    def _strongest_first(
        self,
        column: Ranks,
        parts: list[Ranks],
        functions: list[Ranks],
        polynomial: Polynomial | None,
    ) -> Ranks:
        """Take out what tells most of the column, a part or a function of several, again and again.

        What is taken out first is taken out worst, for all that is left is noise to it. So a column
        that depends on a product, say, is rid of the product and not of its two factors. Moments
        of ranks choose the candidates, and the one that leaves least is taken.
        """
        free = [part for part, rest in zip(parts, self._rest, strict=False) if rest is None]
        fixed = [*functions, *free]
        if len(parts) < 2 or not fixed:
            return column
        told = _told(column, fixed)
        for _ in range(len(fixed)):
            found = polynomial.foretold(column) if polynomial else None
            fitted = [*self._directions(column, parts), *([] if found is None else rank([found]))]
            rows, seen = [*fixed, *fitted], [*told, *_told(column, fitted)]
            least = max(_EVIDENT / column.size, _CLOSE * max(seen))
            best = [place for place in np.argsort(seen)[::-1][:_TRIED] if seen[place] >= least]
            tried = [self._pass(column, rows[place], None) for place in best]
            left = [_told(one, fixed) for one in tried]
            least_left = min(range(len(tried)), key=lambda place: sum(left[place]), default=None)
            if least_left is None or sum(left[least_left]) >= sum(told):
                break
            column, told = tried[least_left], left[least_left]
        return column

    def _directions(self, column: Ranks, parts: list[Ranks]) -> list[Ranks]:
        """Sums of parts on which the column depends most, if they are not parts themselves.

        The eigenvectors of what is seen of first and second order: means of P_a(column) s and of
        P_a(column) (s s' - 1) over normal scores s (Li 1991, 1992). Along them a sum of squares
        and products is a sum of functions of one variable each, which a vine takes out exactly.
        """
        scores = np.stack([kernels().normal_scores(part) for part in parts])
        n = column.size
        polynomials = legendre(column)
        first = np.einsum("an,dn->ad", polynomials, scores) / n
        second = np.einsum("an,dn,en->ade", polynomials, scores, scores) / n
        second -= polynomials.mean(axis=1)[:, None, None] * np.eye(len(parts))
        seen = np.einsum("ad,ae->de", first, first)
        seen += np.einsum("ade,aef->df", second, second) / 2
        strength, vectors = np.linalg.eigh(seen)
        # What chance gives in the mean; a direction must tell several times as much.
        chance = (3 + 1.5 * (len(parts) + 1)) / n
        found = []
        for value, vector in zip(strength[::-1], vectors.T[::-1], strict=True):
            if value > _TELLS * chance and np.abs(vector).max() < _AXIS:
                found.append(np.einsum("d,dn->n", vector, scores))
        return rank(found) if found else []

    def _pass(self, column: Ranks, part: Ranks, conditions: Conditions | None) -> Ranks:
        found = rank([fit(self._copulas, column, part, conditions).of_u])[0]
        return _without_tails(found, part)

    def _pass_in_pieces(self, column: Ranks, part: Ranks, pieces: int) -> Ranks:
        """Take a part out within pieces of itself, where a table resolves more of it."""
        pieces = min(pieces, column.size // _LEAST)
        if pieces < 2:
            return self._pass(column, part, None)
        piece = np.minimum((part * pieces).astype(np.intp), pieces - 1)
        every = [np.flatnonzero(piece == number) for number in range(pieces)]
        return self._pass_in(column, part, every)

    def _pass_in(self, column: Ranks, part: Ranks, pieces: Sequence[NDArray[np.intp]]) -> Ranks:
        """Take a part out within each piece of the samples; of few, only the ranks are new."""
        found = np.empty(column.size)
        for inside in (inside for inside in pieces if inside.size):
            u, v = rank([column[inside], part[inside]])
            few = inside.size < _LEAST
            found[inside] = u if few else rank([self._copulas.fit(u, v).of_u])[0]
        return rank([found])[0]

    def _depends(self, column: Ranks, part: Ranks) -> bool:
        if moments_p_value(column, part) < _LEFT / 2:
            return True
        return self._copulas.p_value(column, part) < _LEFT / 2


def _with_few_values(
    values: Sequence[FrequentLevels | None], codes: Sequence[Codes | None]
) -> list[Codes]:
    """Number of the level of each sample, -1 for rare ones, of categories and of numbers that have
    few values, which may be codes."""
    found = []
    for column, levels in zip(values, codes, strict=True):
        if column is None:
            continue
        if column.nominal and levels is not None:
            found.append(levels)
            continue
        own = frequent(column.values, _IN_A_LEVEL)
        if 0 < own.max() < own.size // _FOR_A_LEVEL:
            found.append(own)
    return found


def _told(column: Ranks, rows: Sequence[Ranks]) -> list[float]:
    """What each row tells of the column by moments of ranks: times n, chi-squared by chance."""
    return [float((kernels().moments(column, row)[0] ** 2).sum()) for row in rows]


def _without_tails(column: Ranks, part: Ranks) -> Ranks:
    """Take out what a table cannot resolve: a part's largest and smallest values lie in one cell,
    however far apart they are. Within each tail the trend is that of a Gaussian copula."""
    n = column.size
    share = _TAIL
    while n * share >= _LEAST_IN_TAIL:
        found = column.astype(np.float64)
        for inside in (np.flatnonzero(part < share), np.flatnonzero(part > 1 - share)):
            if inside.size < 2:
                continue
            u, v = rank([column[inside], part[inside]])
            found[inside] = rank([gaussian_residual(u, v)])[0]
        column = rank([found])[0]
        share /= 4
    return column
