"""One ranked column, and what is worked out about it once it is tied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.counted import entropy
from infonet.pairs.levels import Levels
from infonet.pairs.ties import fingerprint, in_random_order
from infonet.ranking import rank_columns

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
