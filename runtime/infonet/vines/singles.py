"""Many pairs of single columns given one condition, as feature selection and causal discovery ask.

The answers are those of `estimate_vectors` for two columns and the condition, to the byte; but the
condition is prepared once, and taken out of a column once, whatever the number of its pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infonet.inputs.checks import Column
from infonet.pairs.engine import PairEngine
from infonet.pairs.ranking import fingerprint
from infonet.vines.changes import Conditions, fit
from infonet.vines.conditioning import Condition
from infonet.vines.copula import PairCopulas, Ranks
from infonet.vines.variables import Variable, rank_variables


@dataclass(frozen=True)
class Cleared:
    """A column that the condition was taken out of.

    Attributes:
        key: of its ranks, by which the two of a pair are put in order.
        ranks: F(column | condition), mid-ranks [n].
    """

    key: int
    ranks: Ranks


@dataclass(frozen=True)
class SingleAnswer:
    """Of one pair: conditional mutual information in nats, and the p-value of independence."""

    mi: float
    p_value: float


NOTHING = SingleAnswer(0.0, 1.0)  # a column that is constant, or known already


class SinglesGiven:
    """Pairs of single columns given one condition. May be used by many threads at once.

    Args:
        engine: with the model and the seed of ties; `estimate.check_model` has passed it.
        given: columns [n] of the condition, finite numbers, at least one.
    """

    def __init__(self, engine: PairEngine, given: Sequence[Column]) -> None:
        self._seed, self._copulas = engine.seed, PairCopulas(engine)
        ranks = _rank(list(given), engine.seed)
        self._known = {row.tobytes() for row in ranks}
        self._condition = Condition(self._copulas, ranks) if ranks else None
        self._conditions = Conditions(ranks) if ranks else None

    def clear(self, column: Column) -> Cleared | None:
        """Take the condition out of a column [n]; None if the column is constant or known."""
        ranks = _rank([column], self._seed)
        if not ranks or ranks[0].tobytes() in self._known:
            return None
        found = self._condition.out_of(ranks[0]) if self._condition else ranks[0]
        return Cleared(fingerprint(ranks[0]), found)

    def pair(self, x: Cleared | None, y: Cleared | None) -> SingleAnswer:
        """Dependence of two columns given the condition."""
        if x is None or y is None:
            return NOTHING
        first, second = (y, x) if y.key < x.key else (x, y)  # so that they may be exchanged
        copula = fit(self._copulas, first.ranks, second.ranks, self._conditions, test=True)
        return SingleAnswer(max(0.0, copula.mi), copula.p_value)


def _rank(columns: list[Column], seed: int) -> list[Ranks]:
    names = [""] * len(columns)
    variable = Variable("", names, list(names), columns)
    rank_variables([variable], seed, 1)
    return variable.ranks
