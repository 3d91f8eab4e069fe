"""Take a condition out of variables: F(x | Z), uniform and independent of Z, for each column x.

Z is taken out one variable at a time, each after the ones before it were taken out of it
(Rosenblatt 1952), so that what is taken out is new. A table of 64 x 64 cells leaves a trace, and a
copula that changes with Z leaves more: so the result is tested against each part of Z and, where
dependence is seen, passed through the copula of what is left again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from infonet.pairs.parallel import Progress, run_tiles
from infonet.vines.changes import Conditions, fit
from infonet.vines.copula import PairCopulas, Ranks, moments_p_value, rank

_AGAIN = 3  # passes over what is left, at most
_LEFT = 0.1  # p-value below which dependence on a part of Z counts as seen


class Condition:
    """A condition Z, prepared to be taken out of any number of variables.

    Attributes:
        parts: what each variable of Z adds to those before it, mid-ranks [n]: independent of each
            other.
        ranks: mid-ranks of the variables themselves.
    """

    def __init__(self, copulas: PairCopulas, given: Sequence[Ranks]) -> None:
        self.ranks = list(given)
        self.parts: list[Ranks] = []
        self._copulas = copulas
        self._conditions: list[Conditions | None] = []
        for column in given:
            known = list(self.parts)
            found = self._without(column, known)
            self.parts.append(found)
            self._conditions.append(Conditions(self.ranks[: len(known)]) if known else None)
        self._all = Conditions(self.ranks) if len(self.ranks) > 1 else None

    def out_of(self, column: Ranks) -> Ranks:
        """F(column | Z): mid-ranks [n] of a column of mid-ranks without ties."""
        return self._without(column, self.parts)

    def out_of_all(
        self, columns: Sequence[Ranks], threads: int = 1, progress: bool | None = None
    ) -> list[Ranks]:
        """`out_of` for each column, spread over threads."""
        found: list[Ranks] = list(columns)

        def task(place: int) -> int:
            found[place] = self.out_of(columns[place])
            return 1

        with Progress(len(columns), "column", progress) as bar:
            run_tiles((partial(task, place) for place in range(len(columns))), threads, bar)
        return found

    def _without(self, column: Ranks, parts: list[Ranks]) -> Ranks:
        for part, conditions in zip(parts, self._conditions, strict=False):
            column = self._pass(column, part, conditions)
        rows = self._all.rows if len(parts) == len(self.ranks) and self._all is not None else []
        for _ in range(_AGAIN):
            seen = False
            # beside the parts the functions of Z that products and distances are
            for part in (*parts, *rows[len(self.ranks) :]):
                if self._depends(column, part):
                    column, seen = self._pass(column, part, None), True
            if not seen:
                break
        return column

    def _pass(self, column: Ranks, part: Ranks, conditions: Conditions | None) -> Ranks:
        return rank([fit(self._copulas, column, part, conditions).of_u])[0]

    def _depends(self, column: Ranks, part: Ranks) -> bool:
        if moments_p_value(column, part) < _LEFT / 2:
            return True
        return self._copulas.p_value(column, part) < _LEFT / 2
