"""What is left of a dependence beyond a strong condition, and not seen: by halves of the samples.

A condition that tells nearly all of x and y leaves of them what is their own and an error of what
was taken out. The error hides a part of the dependence, and how much nothing tells: but it is
larger where samples are fewer. So the estimate is made again from halves of the samples. What they
see less than all of them is extrapolated, as if the error were a share q of the noise, by variance,
that falls by `_RATE` each time that samples double: a correlation r beyond the condition is seen as
r / (1 + q). The error is at most a share of the effect, too, which keeps chance small where the
condition is not so strong. Only the upper end of the interval is moved by it.
"""

from __future__ import annotations

import math

import numpy as np

from infonet.pairs.engine import PairEngine
from infonet.vines.answers import Answer, answer_of
from infonet.vines.discrete import part_of
from infonet.vines.variables import Group

# Nats that the condition must tell of a column; of less, more than nine tenths are seen.
_STRONG = 0.3
_LEAST = 200  # samples, of which halves can be looked at
_RATE, _MOST = 2.0**-0.4, 3.0  # of q: with twice the samples, and at most
_OF_THE_EFFECT = 0.1  # its variance, of which the error has at most so much
_LARGEST = 0.99  # correlation that is extrapolated


def unseen(
    engine: PairEngine, x: Group, y: Group, given: Group | None, answer: Answer, threads: int
) -> float:
    """Nats that the dependence of ranked groups may be larger than the answer; 0 where the
    condition is weak, is taken apart level by level, or samples are few.

    Args:
        engine: with the model, and the seed by which samples are halved.
        x, y: the columns.
        given: the condition.
        answer: from all samples.
        threads: results do not depend on it.
    """
    n = x.ranks[0].size
    if given is None or answer.told < _STRONG or n < _LEAST:
        return 0.0
    order = np.random.default_rng(engine.seed).permutation(n)
    found = []
    for half in (order[: n // 2], order[n // 2 :]):
        rows = np.sort(half)
        some, others = part_of(x, rows), part_of(y, rows)
        if not some.ranks or not others.ranks:
            return 0.0
        found.append(answer_of(engine, some, others, part_of(given, rows), threads, False).sum)
    return beyond(max(0.0, answer.sum), max(0.0, sum(found) / 2), answer.told)


def beyond(whole: float, halves: float, told: float) -> float:
    """Nats beyond those that all samples see, at least 0.

    Args:
        whole, halves: nats that all samples and halves of them see.
        told: nats that the condition tells of a column.
    """
    if whole <= halves:
        return 0.0
    seen, less = (math.sqrt(-math.expm1(-2 * mi)) for mi in (whole, halves))
    room = less / _RATE - seen
    most = min(_MOST, _OF_THE_EFFECT * math.expm1(2 * told))
    q = min((seen - less) / room, most) if room > 0 else most
    whole_of_it = -0.5 * math.log1p(-(min(seen * (1 + q), _LARGEST) ** 2))
    return max(0.0, whole_of_it - whole)
