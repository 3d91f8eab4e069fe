"""What is said of an estimate beside its numbers, from the byte that is kept of each pair."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.model.null import NullDistribution
from infonet.pairs.discrete import Method
from infonet.result import BOUND_NOTE, TIES_NOTE, UNSEEN_NOTE

# What is said of each pair in one byte: the method and these flags.
TIED, CONSTANT, REPEATED, UNSURE, BOUND = 1, 2, 4, 8, 128
METHOD_SHIFT = 4  # the method stands between the flags


@dataclass(frozen=True)
class PairEstimates:
    """Estimates of p pairs, in nats.

    Attributes:
        mi: float64 [p]; every estimate is a float32 number.
        quantiles: float64 [p, levels]; [p, 0] from a model that gives none.
        p_value: float64 [p], NaN where there is none or none was asked for.
        statistic: float64 [p], what tests by permutations compare: that of the network, or of
            tied pairs the estimate.
        about: uint8 [p], method and flags; see `Method` and `describe`.
        table: float32 [p, T, T] or None if not asked for, NaN where there is none: x along the
            second axis and y along the third.
    """

    mi: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    p_value: NDArray[np.float64]
    statistic: NDArray[np.float64]
    about: NDArray[np.uint8]
    table: NDArray[np.float32] | None = None

    @staticmethod
    def empty(count: int, levels: int) -> PairEstimates:
        """Zeros for `count` pairs, to be filled."""
        return PairEstimates(
            np.zeros(count),
            np.zeros((count, levels)),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.zeros(count, np.uint8),
        )

    def fill(self, where: Any, other: PairEstimates) -> None:
        """Put the estimates of other pairs in the place of some of these, without tables."""
        self.mi[where], self.quantiles[where] = other.mi, other.quantiles
        self.p_value[where], self.statistic[where] = other.p_value, other.statistic
        self.about[where] = other.about

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which pairs have a constant variable, bool [p]; their mi is 0."""
        return np.asarray(self.about & CONSTANT != 0)


_NOT_SEEN = 0.1  # p-value above which a test says nothing of a dependence
_NAMES = {
    Method.NETWORK: "network",
    Method.UNTIED: "network, ties in random order",
    Method.COUNTED: "counts",
    Method.LABEL: "counts in bins, or nearest neighbours of a label",
    Method.NEIGHBOURS: "nearest neighbours of a label",
    Method.SHARED: "counts, shared by categories",
    Method.PARTS: "parts, of a frequent value and the others",
    Method.CONSTANT: "constant",
}
CONSTANT_NOTE = "a variable is constant: mutual information is 0"
REPEATED_NOTE = (
    "rows repeat in both variables, which were taken once each: where they are different "
    "observations, make them differ, by what tells them apart"
)
COPIES_NOTE = (
    "whole rows repeat, and the samples do not tell copies of rows, which say nothing, from a code "
    "that determines the other variable: the interval holds both, and the p-value takes each row "
    "once"
)
UNSURE_NOTE = (
    "there are too few samples for so many different values: the interval says how little is known"
)
CROWDED_NOTE = (
    "samples crowd along an edge or in a corner, where much information may lie below what they "
    "resolve: the interval reaches that far up"
)
_UNTESTED = "no p-value: the model has no null distribution; pass permutations=999, say"


def method_of(about: int) -> str:
    """How the estimate of a pair was made."""
    return _NAMES[Method((about & ~BOUND) >> METHOD_SHIFT)]


def notes_of(
    about: int,
    p_value: float,
    interval: tuple[float, float] | None,
    null: NullDistribution | None,
    n: int,
) -> tuple[str, ...]:
    """Remarks about one pair, one sentence each.

    Args:
        about: see `infonet.pairs.estimates.PairEstimates.about`.
        p_value: NaN if there is none.
        interval: of the estimate, nats.
        null: of the model.
        n: samples used.
    """
    if about & CONSTANT:
        return (CONSTANT_NOTE,)
    notes = []
    method = Method((about & ~BOUND) >> METHOD_SHIFT)
    if about & TIED and method not in (Method.COUNTED, Method.SHARED):
        notes.append(TIES_NOTE)
    if about & REPEATED:
        notes.append(COPIES_NOTE if about & UNSURE else REPEATED_NOTE)
    elif about & UNSURE:
        notes.append(UNSURE_NOTE if about & TIED else CROWDED_NOTE)
    if math.isnan(p_value):
        notes.append(why_no_p_value(null, n))
    elif about & BOUND:
        notes.append(BOUND_NOTE)
    # Under independence the lower end stays well below n**-0.5.
    if interval and n and interval[0] > n**-0.5 and p_value > _NOT_SEEN:
        notes.append(UNSEEN_NOTE)
    return tuple(notes)


def why_no_p_value(null: NullDistribution | None, n: int) -> str:
    """The reason, as a sentence."""
    if null is None:
        return _UNTESTED
    low, high = int(null.n[0]), int(null.n[-1])
    return (
        f"no p-value: the null distribution is known for n from {low} to {high}; "
        "pass permutations=999, say"
    )
