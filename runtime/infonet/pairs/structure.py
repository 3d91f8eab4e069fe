"""What is worked out of ranked columns with ties: levels, functions, codes."""

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
_UNSEEN = 3.0  # exceptions that samples without any leave possible (95 %, the rule of three)
SHOWN = 12  # samples that would differ by chance, from which a function is no accident
_MOSTLY = 0.5  # of the samples with a value of their own at most, where others are evidence
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


def determined(x: RankedVariable, y: RankedVariable, cells: Cells | None) -> Determined | None:
    """The entropy of a variable that the other one determines, as far as the samples show.

    Samples that are equal in one variable, or neighbours in it, are equal in the other, where of
    independent ones `SHOWN` at least would differ. Values of a single sample are no evidence, nor
    is the most frequent one: two columns that are 0 together may be anything where they are not.
    Of two variables that determine each other it is the smaller entropy.
    """
    found = [
        _entropy_of(effect, cause, exceptions)
        for cause, effect in ((x, y), (y, x))
        if (exceptions := _exceptions(cause, effect, cells)) is not None
    ]
    return min(found, key=lambda one: (one.entropy.mi, one.entropy.low), default=None)


def _exceptions(cause: RankedVariable, effect: RankedVariable, cells: Cells | None) -> float | None:
    """Share of the samples that may be exceptions of a function, for all that is seen; None where
    there seems to be no function."""
    if not (effect.tied and repeats(effect)):
        return None
    levels, n, differ = effect.levels, effect.n, differing(effect.levels)
    again = cause.levels.minor - (cause.levels.number - 1) if cause.tied else 0
    enough = 4 * again >= cause.levels.minor if cause.tied else False
    if cells is not None and enough and differ * again >= SHOWN:
        shown = n - cause.levels.number  # that could have differed from another one of their value
        return _UNSEEN / shown if cells.number == cause.levels.number else None
    # Levels should hold together, or be in two places, as those of a parabola.
    ordered = levels.codes[np.argsort(cause.untied, kind="stable")]
    changes = int(np.count_nonzero(np.diff(ordered)))
    expected = differ * (n - 1) - (levels.number - 1)
    if expected < SHOWN:
        return None
    allowed = min(float((levels.counts > 1).sum()), expected - 4 * math.sqrt(expected))
    if n < _RUN * changes:  # as short as runs of a level that noise changes
        allowed = 0.0
    again = changes - (levels.number - 1)  # a sample among others makes two, a place two or fewer
    return (_UNSEEN + again / 2) / n if again <= allowed else None


def _entropy_of(effect: RankedVariable, cause: RankedVariable, exceptions: float) -> Determined:
    value, error = effect.entropy
    reach = Z95 * error
    # of many values that occur equally often the rows may be copies
    copies = cause.tied and not cause.nominal and _are_copies(cause)
    low = 0.0 if copies else max(0.0, value - math.hypot(reach, _binary_entropy(exceptions)))
    return Determined(Counted(value, low, value + reach), copies)


def _binary_entropy(share: float) -> float:
    """Entropy of whether a sample is an exception, which the cause does not tell, nats."""
    share = min(share, 0.5)
    return -share * math.log(share) - (1 - share) * math.log1p(-share)


def _are_copies(v: RankedVariable) -> bool:
    counts = v.levels.counts
    return counts.size >= 2 * math.sqrt(v.n) and bool((counts == counts[0]).all())


def differing(levels: Levels) -> float:
    """Share of the pairs of independent samples that differ."""
    share = levels.counts / levels.n
    return 1 - float(share @ share)


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
