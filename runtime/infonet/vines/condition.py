"""A condition Z, prepared to be taken out of columns: the way that fits its levels and numbers.

| Z                                          | what is left of a column                         |
|--------------------------------------------|--------------------------------------------------|
| few levels                                 | ranks within each level (`WithinLevels`)         |
| labels with many samples each, and numbers | what numbers leave within each label (`Apart`)   |
| all else                                   | what copulas leave, one by one (`Continuous`)    |
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import numpy as np

from infonet.inputs.checks import Column
from infonet.pairs.engine import PairEngine
from infonet.pairs.parallel import Progress, run_tiles
from infonet.vines.bounds import SEEN
from infonet.vines.conditioning import Continuous
from infonet.vines.copula import Ranks, rank
from infonet.vines.discrete import (
    ALONE,
    Codes,
    FrequentLevels,
    check_categories,
    frequent,
    frequent_levels,
    is_label,
    levels_of,
    part_of,
)
from infonet.vines.trace import Untraced
from infonet.vines.variables import Group
from infonet.vines.within import WithinLevels

# Samples of a label within which numbers of the condition are taken out alone: what they do may
# differ from label to label. Within fewer, a copula of all labels together knows more.
_APART = 30
_MOSTLY = 0.9  # share of the samples that have frequent values, from which a column is a label


class Condition(Protocol):
    """A condition Z, prepared to be taken out of any number of columns, by many threads at once."""

    @property
    def seen(self) -> float:
        """Share of a dependence that is seen in the columns it was taken out of so far: less than
        1 where they were ranked within few samples of a number that is a code."""

    def untraced(self, u: Ranks, v: Ranks) -> Untraced | None:
        """Two columns that it was taken out of, mid-ranks [n], without the trace of it that they
        share; None if there is none to be seen."""

    def out_of(self, column: Ranks, values: Column | None = None) -> Ranks:
        """F(column | Z), mid-ranks [n].

        Args:
            column: mid-ranks [n] without ties.
            values: the column itself [n], of which strong effects are taken out first; None if
                only its ranks are known.
        """


def prepare(engine: PairEngine, given: Group) -> Condition:
    """The condition of a ranked group, by the table at the top of this file."""
    n = given.columns[0].size if given.columns else 0
    levels = levels_of(given, n)
    if levels is not None:
        codes = np.empty(n, np.int64)
        for number, samples in enumerate(levels):
            codes[samples] = number
        return WithinLevels(codes, engine.seed)
    check_categories(given)
    labels = _labels(given)
    return Continuous(engine, given) if labels is None else Apart(engine, given, labels)


def untraced(
    condition: Condition,
    u: Ranks,
    v: Ranks,
    p_value: float,
    ends: Sequence[FrequentLevels | None],
) -> Untraced | None:
    """A pair of columns that a condition was taken out of, without the trace of it that they share.

    None where there is none to be seen, no dependence at all, or where one of them is a label,
    which is counted.

    Args:
        condition: that was taken out.
        u, v: what it left, mid-ranks [n].
        p_value: of independence of both.
        ends: levels of the two columns that u and v were made of.
    """
    if p_value > SEEN or any(map(is_label, ends)):
        return None
    return condition.untraced(u, v)


def take_out(
    condition: Condition,
    columns: Sequence[Ranks],
    values: Sequence[Column],
    threads: int = 1,
    progress: bool | None = None,
) -> list[Ranks]:
    """`out_of` for each column and its values, spread over threads."""
    found: list[Ranks] = list(columns)

    def task(place: int) -> int:
        found[place] = condition.out_of(columns[place], values[place])
        return 1

    with Progress(len(columns), "column", progress) as bar:
        run_tiles((partial(task, place) for place in range(len(columns))), threads, bar)
    return found


class Apart:
    """A condition of labels and numbers: the numbers are taken out within each label.

    Args:
        engine: with the model and the seed.
        given: the condition, ranked.
        codes: number of the label of each sample, from 0 on without gaps, int64 [n]; -1 for those
            of labels that are too rare, which are looked at together.
    """

    def __init__(self, engine: PairEngine, given: Group, codes: Codes) -> None:
        rare = np.flatnonzero(codes < 0)
        if rare.size < engine.model.n_min:  # of so few nothing is known: they get random ranks
            codes, rare = np.where(codes < 0, ALONE, codes), rare[:0]
        self._levels = WithinLevels(codes, engine.seed)
        pieces = [rare, *(np.flatnonzero(codes == level) for level in range(codes.max() + 1))]
        self._pieces = [
            (samples, Continuous(engine, part_of(given, samples)))
            for samples in pieces
            if samples.size
        ]

    def out_of(self, column: Ranks, values: Column | None = None) -> Ranks:
        """See `Condition`."""
        found = column.copy()
        for samples, condition in self._pieces:
            inside = None if values is None else values[samples]
            found[samples] = condition.out_of(rank([column[samples]])[0], inside)
        return self._levels.out_of(found)

    @property
    def seen(self) -> float:
        """See `Condition`."""
        n = sum(samples.size for samples, _ in self._pieces)
        return sum(samples.size * condition.seen for samples, condition in self._pieces) / n

    def untraced(self, u: Ranks, v: Ranks) -> Untraced | None:
        """See `Condition`: within labels of few samples neighbours are too far away."""
        return None


def _labels(given: Group) -> Codes | None:
    """Number of the label of each sample, -1 for those of rare labels, int64 [n]; None where there
    is no frequent one, or no number beside the labels."""
    levels = frequent_levels(given)
    labels = [one for one in levels if one is not None and _is_mostly_label(one)]
    if not labels or len(labels) == len(levels):
        return None
    joint: Codes = np.zeros(given.ranks[0].size, np.int64)
    for label in labels:
        both = np.where(joint < 0, -1, joint * (label.values.max() + 1) + label.values)
        joint = frequent(both, _APART)
    return joint if joint.max() >= 0 else None


def _is_mostly_label(levels: FrequentLevels) -> bool:
    return levels.nominal or float((levels.codes >= 0).mean()) >= _MOSTLY
