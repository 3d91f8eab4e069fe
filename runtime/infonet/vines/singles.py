"""Many pairs of single columns given one condition, as feature selection and causal discovery ask.

The answers are those of `estimate_vectors` for two columns and the condition, to the byte; but the
condition is prepared once, and taken out of a column once, whatever the number of its pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from infonet.inputs.checks import Column
from infonet.inputs.variables import NamedColumn, NamedColumns
from infonet.pairs.engine import PairEngine
from infonet.pairs.ranking import fingerprint
from infonet.vines.changes import Conditions
from infonet.vines.condition import prepare, untraced
from infonet.vines.copula import PairCopulas, Ranks
from infonet.vines.discrete import FrequentLevels, frequent_levels, joint_codes
from infonet.vines.dvine import fit_edge
from infonet.vines.estimate import estimate_vectors
from infonet.vines.limits import limit_of
from infonet.vines.variables import Group, known_places


@dataclass(frozen=True)
class Cleared:
    """A column that the condition was taken out of.

    Attributes:
        column: the values [n], and whether they are codes of categories.
        group: the same, ranked.
        key: of its ranks, by which the two of a pair are put in order.
        ranks: F(column | condition), mid-ranks [n]; None if the condition is taken apart instead.
        levels: its frequent values.
    """

    column: NamedColumn
    group: Group
    key: int
    ranks: Ranks | None
    levels: FrequentLevels | None


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
        nominal: whether each holds codes of categories; empty: none does.
        names: of the columns, for messages; empty: their positions.
    """

    def __init__(
        self,
        engine: PairEngine,
        given: Sequence[Column],
        nominal: Sequence[bool] = (),
        names: Sequence[str] = (),
    ) -> None:
        self._engine, self._copulas = engine, PairCopulas(engine)
        condition = Group.ranked(given, engine.seed, names=names, nominal=nominal)
        columns = zip(condition.names, condition.columns, condition.nominal, strict=True)
        named = tuple(NamedColumn(name, column, (), flag) for name, column, flag in columns)
        # None: all of it was constant.
        labels = tuple(condition.labels)
        self._named = NamedColumns("given", named, labels) if named else None
        # What has few levels is counted, or taken apart: there is nothing that pairs could share.
        few = joint_codes(condition, given[0].size) is not None
        self._condition = None if few else prepare(engine, condition)
        codes = [
            found.codes if found and found.some else None for found in frequent_levels(condition)
        ]
        self._conditions = None if few else Conditions.of(condition.ranks, levels=codes)
        self._given, self._condition_group = condition.ranks, condition

    def clear(self, column: Column, nominal: bool = False) -> Cleared | None:
        """Take the condition out of a column [n], perhaps of codes of categories; None if it is
        constant or known."""
        group = Group.ranked([column], self._engine.seed, nominal=[nominal])
        ranks = group.ranks
        if not ranks or known_places(group, self._condition_group):
            return None
        found = self._condition.out_of(ranks[0], column) if self._condition else None
        named = NamedColumn("x", column, (), nominal)
        return Cleared(named, group, fingerprint(ranks[0]), found, frequent_levels(group)[0])

    def pair(self, x: Cleared | None, y: Cleared | None) -> SingleAnswer:
        """Dependence of two columns given the condition."""
        if x is None or y is None:
            return NOTHING
        first, second = (y, x) if y.key < x.key else (x, y)  # so that they may be exchanged
        if first.ranks is None or second.ranks is None:
            return self._few_levels(first.column, second.column)
        columns = self._copulas, first.ranks, second.ranks
        ends = first.levels, second.levels
        copula = fit_edge(*columns, self._given, self._conditions, ends)
        mi, p = copula.mi, copula.p_value
        found = self._condition and untraced(self._condition, first.ranks, second.ranks, p, ends)
        if found:
            likely, least = (
                fit_edge(self._copulas, first.ranks, v, self._given, self._conditions, ends)
                for v in (found.likely, found.most)
            )
            mi, p = likely.mi, least.p_value
        limit, _ = limit_of(first.group, second.group, self._condition_group)
        return SingleAnswer(min(max(0.0, mi), limit), p)

    def _few_levels(self, x: NamedColumn, y: NamedColumn) -> SingleAnswer:
        found = estimate_vectors(self._engine, x, y, self._named, progress=False)
        p = found.p_value
        return SingleAnswer(found.mi, 1.0 if p is None or math.isnan(p) else p)
