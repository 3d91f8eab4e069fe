"""What is worked out of ranked columns with ties: levels, copies of rows, functions, codes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.counted import Z95, Counted, entropy
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.ranking import fingerprint, in_random_order, rank_columns

Ranks = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RankedVariable:
    """Samples of one variable by their ranks. Thread-safe: what is cached is a function of these.

    Attributes:
        ranks: mid-ranks in (0, 1), float32 [n].
        tied: whether more than a few of them are equal.
        nominal: whether equal ones are categories whose order means nothing.
        seed: of the random order of ties.
    """

    ranks: Ranks
    tied: bool
    nominal: bool
    seed: int

    @property
    def n(self) -> int:
        """Number of samples."""
        return self.ranks.size

    @cached_property
    def fingerprint(self) -> int:
        """Of the ranks: what the random order of ties comes from, beside the seed."""
        return fingerprint(self.ranks)

    @cached_property
    def levels(self) -> Levels:
        """The different values."""
        return Levels.of(self.ranks, self.nominal)

    @cached_property
    def untied(self) -> Ranks:
        """Ranks after ties, if there are many, were broken at random."""
        return self._in_order(0)

    @cached_property
    def untied_again(self) -> Ranks:
        """The same in another order: of the second of two variables with equal ranks."""
        return self._in_order(1)

    def _in_order(self, place: int) -> Ranks:
        if not self.tied:
            return self.ranks
        return in_random_order(self.ranks, (self.seed, self.fingerprint, place))

    @cached_property
    def entropy(self) -> tuple[float, float]:
        """Entropy of the values in nats, and its standard error."""
        return entropy(self.levels)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> RankedVariable:
        """Some of the samples, ranked anew."""
        ranked = rank_columns([self.ranks[rows]])
        return RankedVariable(ranked.rows[0], bool(ranked.tied[0]), self.nominal, self.seed)

    @property
    def constant(self) -> bool:
        """Whether all samples are equal."""
        return bool((self.ranks == self.ranks[0]).all())


def untied_pair(x: RankedVariable, y: RankedVariable) -> tuple[Ranks, Ranks]:
    """Ranks of two variables, the ties of each in a random order of its own."""
    if x.tied and y.tied and x.fingerprint == y.fingerprint:
        return x.untied, y.untied_again
    return x.untied, y.untied


_RUN = 50  # samples, on average, that hold together where values are in more than one place
_SHOWN = 12  # samples that would differ by chance, from which a function is no accident
_MOSTLY = 0.5  # of the samples with a value of their own at most, where others are evidence
_TIMES = 3  # that a row occurs on average at most, for its repetitions to be no codes
_REPEATED = 0.95  # of the rows equal in one variable that are equal in the other one too
_PER_CODE = 5  # samples for each value of a number, on average, from which it may be a code
_ALONE = 0.2  # of the samples with a value of their own at most, in a discrete variable
LEAST = 20  # samples that the network needs


class Determined(NamedTuple):
    """A variable that the other one determines.

    Attributes:
        entropy: of it, with a 90 % interval, nats.
        copies: the rows may be copies of each other, which determine nothing.
    """

    entropy: Counted
    copies: bool


def different_rows(x: RankedVariable, y: RankedVariable) -> NDArray[np.int64] | None:
    """One row of each kind where whole rows repeat that should not, as of a bootstrap sample.

    One variable at least is a number of many values, each of which occurs with one value of the
    other variable. Numbers that occur more often than `_TIMES` are codes rather, and what they
    determine is a function; unless both have as many values, and each of them as often. None where
    that is not so.
    """
    if not (x.tied and y.tied):
        return None
    few = max(LEAST, 2 * math.sqrt(x.n))
    numbers = [v for v in (x, y) if not v.nominal and v.levels.number >= few]
    if not any(_is_repeated(v) for v in numbers):
        return None
    cells, most = Cells.of(x.levels, y.levels), max(v.levels.number for v in numbers)
    # of the samples beyond one a level, those that are beyond one a cell
    if x.n - cells.number < _REPEATED * (x.n - most) or _is_monotone(cells):
        return None
    often = x.n > _TIMES * most
    if often and (len(numbers) == 1 or min(v.levels.number for v in numbers) < cells.number):
        return None
    return np.sort(np.unique(cells.of_sample, return_index=True)[1])


def _is_repeated(v: RankedVariable) -> bool:
    """Whether the values of a number occur about as often as one another, and not often."""
    counts = v.levels.counts
    times = v.n / v.levels.number
    if times > _TIMES:
        return bool((counts == counts[0]).all())
    return int(counts.max()) <= max(10, 4 * times)


def _is_monotone(cells: Cells) -> bool:
    """Whether the cells go up, or down, from each to the next."""
    steps = np.diff(cells.second)
    return bool((steps >= 0).all() or (steps <= 0).all())


def determined(x: RankedVariable, y: RankedVariable, cells: Cells | None) -> Determined | None:
    """The entropy of a variable that the other one determines, as far as the samples show.

    Samples that are equal in one variable, or neighbours in it, are equal in the other, where of
    independent ones `_SHOWN` at least would differ. Values of a single sample are no evidence, nor
    is the most frequent one: two columns that are 0 together may be anything where they are not.
    Of two variables that determine each other it is the smaller entropy.
    """
    found = [
        _entropy_of(effect, cause)
        for cause, effect in ((x, y), (y, x))
        if _determines(cause, effect, cells)
    ]
    return min(found, key=lambda one: (one.entropy.mi, one.entropy.low), default=None)


def _determines(cause: RankedVariable, effect: RankedVariable, cells: Cells | None) -> bool:
    if not (effect.tied and repeats(effect)):
        return False
    levels, n = effect.levels, effect.n
    differ = 1 - float((levels.counts / n) @ (levels.counts / n))
    again = cause.levels.minor - (cause.levels.number - 1) if cause.tied else 0
    enough = 4 * again >= cause.levels.minor if cause.tied else False
    if cells is not None and enough and differ * again >= _SHOWN:
        return cells.number == cause.levels.number
    # Levels should hold together, or be in two places, as those of a parabola.
    ordered = levels.codes[np.argsort(cause.untied, kind="stable")]
    changes = int(np.count_nonzero(np.diff(ordered)))
    expected = differ * (n - 1) - (levels.number - 1)
    if expected < _SHOWN:
        return False
    allowed = min(float((levels.counts > 1).sum()), expected - 4 * math.sqrt(expected))
    if n < _RUN * changes:  # as short as runs of a level that noise changes
        allowed = 0.0
    return changes - (levels.number - 1) <= allowed


def _entropy_of(effect: RankedVariable, cause: RankedVariable) -> Determined:
    value, error = effect.entropy
    reach = Z95 * error
    # of many values that occur equally often the rows may be copies
    copies = cause.tied and not cause.nominal and _are_copies(cause)
    low = 0.0 if copies else max(0.0, value - reach)
    return Determined(Counted(value, low, value + reach), copies)


def _are_copies(v: RankedVariable) -> bool:
    counts = v.levels.counts
    return counts.size >= 2 * math.sqrt(v.n) and bool((counts == counts[0]).all())


def is_discrete(v: RankedVariable) -> bool:
    """Whether most samples have their value in common with others, or are categories anyway."""
    alone = int((v.levels.counts == 1).sum())
    return v.nominal or (alone <= _ALONE * v.n and repeats(v))


def may_be_codes(v: RankedVariable) -> bool:
    """Whether a number has so few values that they may be codes: a price has more."""
    return is_discrete(v) and v.n >= _PER_CODE * v.levels.number


def repeats(v: RankedVariable) -> bool:
    """Whether the values of a variable do; see `repeated_levels`."""
    return repeated_levels(v.levels)


def repeated_levels(levels: Levels) -> bool:
    """Whether most samples beside those of the most frequent value share theirs."""
    return int((levels.counts == 1).sum()) <= _MOSTLY * levels.minor
