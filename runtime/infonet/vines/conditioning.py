"""Take a condition out of variables: F(x | Z), uniform and independent of Z, for each column x.

Z is taken out one variable at a time, each after the ones before it were taken out of it
(Rosenblatt 1952), so that what is taken out is new. A table of 64 x 64 cells leaves a trace, and a
copula that changes with Z leaves more: so the result is tested against each part of Z and, where
dependence is seen, passed through the copula of what is left again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.engine import PairEngine
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import fingerprint, in_random_order
from infonet.vines.changes import Conditions, fit
from infonet.vines.copula import (
    PairCopulas,
    Ranks,
    gaussian_residual,
    legendre,
    moments_p_value,
    rank,
)
from infonet.vines.discrete import levels_of
from infonet.vines.variables import Group

_AGAIN = (4, 16, 1)  # passes over what is left: within so many pieces of the part
_LEAST = 60  # samples in a piece
_TAIL, _LEAST_IN_TAIL = 1 / 8, 25  # share of the first tail, samples of the last one
_LOOKS = 3  # at the directions on which a column depends
# A direction must tell that much more than chance, and be no part itself, in its largest component.
_TELLS, _AXIS = 5.0, 0.9
_LEFT = 0.1  # p-value below which dependence on a part of Z counts as seen


class Condition(Protocol):
    """A condition Z, prepared to be taken out of any number of columns, by many threads at once."""

    def out_of(self, column: Ranks) -> Ranks:
        """F(column | Z): mid-ranks [n] of a column of mid-ranks without ties."""


def prepare(engine: PairEngine, given: Group) -> Condition:
    """The condition of a ranked group: by its levels where these are few, else by its copulas."""
    levels = levels_of(given, given.columns[0].size if given.columns else 0)
    if levels is not None:
        return Levels(levels, engine.seed)
    return Continuous(PairCopulas(engine), given.ranks)


def take_out(
    condition: Condition,
    columns: Sequence[Ranks],
    threads: int = 1,
    progress: bool | None = None,
) -> list[Ranks]:
    """`out_of` for each column, spread over threads."""
    found: list[Ranks] = list(columns)

    def task(place: int) -> int:
        found[place] = condition.out_of(columns[place])
        return 1

    with Progress(len(columns), "column", progress) as bar:
        run_tiles((partial(task, place) for place in range(len(columns))), threads, bar)
    return found


class Levels:
    """A condition with few levels: what it leaves of a column are ranks within each level.

    Args:
        levels: the samples of each level.
        seed: of the random order of ranks that are equal in levels of one size.
    """

    def __init__(self, levels: Sequence[NDArray[np.intp]], seed: int) -> None:
        self._levels, self._seed = levels, seed

    def out_of(self, column: Ranks) -> Ranks:
        """See `Condition`."""
        within = np.empty_like(column)
        for samples in self._levels:
            within[samples] = rank([column[samples]])[0]
        return in_random_order(rank([within])[0], (self._seed, fingerprint(column), 0))


class Continuous:
    """A condition whose columns are taken out one after the other, each by its copulas.

    Without any column, as where all of them are constant, it leaves columns as they are.

    Attributes:
        parts: what each variable of Z adds to those before it, mid-ranks [n]: independent of each
            other.
        ranks: mid-ranks of the variables themselves.
    """

    def __init__(self, copulas: PairCopulas, given: Sequence[Ranks]) -> None:
        self.ranks = list(given)
        self.parts: list[Ranks] = []
        self._copulas = copulas
        self._all: Conditions | None = None
        self._conditions: list[Conditions | None] = []
        for column in given:
            known = list(self.parts)
            found = self._without(column, known)
            self.parts.append(found)
            self._conditions.append(Conditions(self.ranks[: len(known)]) if known else None)
        self._all = Conditions(self.ranks) if len(self.ranks) > 1 else None

    def out_of(self, column: Ranks) -> Ranks:
        """See `Condition`."""
        return self._without(column, self.parts)

    def _without(self, column: Ranks, parts: list[Ranks]) -> Ranks:
        # Again, because the directions of a first look are not exact and leave less to the next.
        for _ in range(_LOOKS if len(parts) > 1 else 0):
            directions = self._directions(column, parts)
            for part in directions:
                column = self._pass(column, part, None)
            if not directions:
                break
        for part, conditions in zip(parts, self._conditions, strict=False):
            column = self._pass(column, part, conditions)
        whole = self._all if len(parts) == len(self.ranks) else None
        functions = whole.functions if whole else []
        for pieces in _AGAIN:
            # beside the parts the functions of Z that products and distances are
            left = [part for part in (*parts, *functions) if self._depends(column, part)]
            if not left:
                break
            for part in left:
                column = self._pass_in_pieces(column, part, pieces)
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
        found = np.empty(column.size)
        piece = np.minimum((part * pieces).astype(np.intp), pieces - 1)
        for number in range(pieces):
            inside = np.flatnonzero(piece == number)
            u, v = rank([column[inside], part[inside]])
            found[inside] = rank([self._copulas.fit(u, v).of_u])[0]
        return rank([found])[0]

    def _depends(self, column: Ranks, part: Ranks) -> bool:
        if moments_p_value(column, part) < _LEFT / 2:
            return True
        return self._copulas.p_value(column, part) < _LEFT / 2


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
