"""What is said of an estimate beside its numbers, from the byte that is kept of each pair."""

from __future__ import annotations

import math

from infonet.null import NullDistribution
from infonet.pairs.discrete import Method
from infonet.pairs.engine import BOUND, CONSTANT, METHOD_SHIFT, REPEATED, TIED, UNSURE
from infonet.result import BOUND_NOTE, TIES_NOTE, UNSEEN_NOTE

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
UNSURE_NOTE = (
    "there are too few samples for so many different values: the interval says how little is known"
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
        about: see `infonet.pairs.engine.PairEstimates.about`.
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
        notes.append(REPEATED_NOTE)
    if about & UNSURE:
        notes.append(UNSURE_NOTE)
    if math.isnan(p_value):
        notes.append(why_no_p_value(null, n))
    elif about & BOUND:
        notes.append(BOUND_NOTE)
    # Under independence the lower end stays well below n**-0.5.
    if interval and interval[0] > n**-0.5 and p_value > _NOT_SEEN:
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
