"""What levels can tell at most: their entropy, which no sum of edges may exceed.

Each edge of a vine tells no more than the entropy of its ends, but the sum over the columns of a
side could: what an edge finds too much adds up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from infonet.pairs.counted import Z95, entropy
from infonet.pairs.levels import Levels
from infonet.result import Term
from infonet.vines.discrete import frequent_levels
from infonet.vines.variables import Group

_IN_A_CELL = 5  # samples in the mean from which entropy given levels is known well
Limit = tuple[float, float]  # nats, and its standard error


def limit_of(x: Group, y: Group, given: Group | None) -> Limit:
    """The most that x and y can tell of each other given a condition: the joint entropy of a side
    of levels, given those of the condition where it is of levels, too.

    Args:
        x, y: ranked columns, at least one each.
        given: the condition, None or without columns: there is none.

    Returns:
        Nats, and the standard error; infinity where neither side is of levels.
    """
    found = [(math.inf, 0.0)]
    for side in (x, y):
        if all(side.tied):
            levels = _joint([side])
            found.append(entropy(levels))
            if given is not None and given.ranks and all(given.tied):
                both = _joint([side, given])
                if both.number * _IN_A_CELL <= both.n:
                    known, error = entropy(_joint([given]))
                    of_both, error_of_both = entropy(both)
                    left = max(0.0, of_both - known)
                    found.append((left, math.hypot(error, error_of_both)))
    return min(found)


def limit_of_total(x: Group) -> Limit:
    """The most that columns can tell of each other, their total correlation: the sum of all
    entropies but the largest, which only one may have without end; nats, and the standard error."""
    entropies = [math.inf if levels is None else levels.entropy for levels in frequent_levels(x)]
    if sum(map(math.isinf, entropies)) > 1:
        return math.inf, 0.0
    last = int(np.argmax(entropies))
    others = [
        entropy(_joint([x.only([place])])) for place in range(len(entropies)) if place != last
    ]
    return sum(nats for nats, _ in others), math.hypot(*(error for _, error in others))


def limited(interval: tuple[float, float], limit: Limit) -> tuple[float, float]:
    """An interval cut at a limit and what its own error allows beyond."""
    most = limit[0] + Z95 * limit[1]
    return min(interval[0], most), min(interval[1], most)


def scaled_down(terms: Sequence[Term], limit: Limit) -> list[Term]:
    """Terms of the chain rule, which add up to no more than a limit."""
    found = sum(term.mi for term in terms)
    share = limit[0] / found if found > limit[0] else 1.0
    return [replace(term, mi=share * term.mi) for term in terms] if share < 1 else list(terms)


def _joint(groups: Sequence[Group]) -> Levels:
    """The joint level of all columns, counted."""
    codes = np.zeros(groups[0].columns[0].size, np.int64)
    for group in groups:
        for column in group.columns:
            values, found = np.unique(column, return_inverse=True)
            codes = np.unique(codes * values.size + found.reshape(-1), return_inverse=True)[1]
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return Levels(codes.reshape(-1).astype(np.int64), counts.astype(np.int64))
