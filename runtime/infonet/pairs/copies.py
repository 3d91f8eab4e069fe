"""Rows that may be copies of each other, and what is said of a pair that has them.

Where all rows were written about equally often, the counts of the cells say so, and the copies are
left out: different rows that are equal stay. Other copies of rows (a bootstrap sample, an
oversampled minority, weights, a join that fans out, values that are held) look like codes that
determine the other variable: each value goes with one value of the other one, again and again.
Where values occur a few times each, rows are taken once. Where they occur more often, the different
rows are the evidence that does not depend on which of both it is:

| the different rows show               | estimate, and what the interval reaches                |
|---------------------------------------|--------------------------------------------------------|
| a function                            | as of all rows: nothing is in doubt                    |
| dependence, half of all that there is | that of all rows, down to that of the different rows   |
| less, or that of two numbers          | that of the different rows, up to that of all rows     |
| none                                  | that of all rows, down to 0: it may be a code, or not  |

The p-value is that of the different rows in all cases but the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.discrete import Ask, Found, estimate
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.structure import LEAST, SHOWN, RankedVariable, determined, differing

_TIMES = 3  # that a row occurs on average at most, for its repetitions to be no codes
_REPEATED = 0.95  # of the rows equal in one variable that are equal in the other one too
_EXCEPT = 0.1  # of the other values that one would meet by chance, which copies meet at most
_FEW = 0.02  # of the values, with which so many others are too few to tell what they are
_FILLED = 0.5  # of the rows of a kind on average, that other values have: noise has a single one
_ATOM = 0.75  # of the rows beyond the first of their kind, which are of one kind at most
_PROOF = 20  # cells more, of which chance leaves each a multiple of a number in one case of two
_FULL = 0.8  # of all pairs of levels that occur, from which a design may have made their counts
_CERTAIN = 15.0  # nats of likelihood, from which thin cells that are missing are no accident
_DEPENDENT = 0.01  # p-value of the different rows below which they show a dependence
_MOST = 0.5  # of an entropy, from which an estimate is nearly that of a function


Test = Callable[[RankedVariable, RankedVariable, Found], tuple[float, bool]]


class _Copies(NamedTuple):
    """Rows that repeat.

    Attributes:
        rows: the first row of each kind, int64 [m].
        certain: whether they are copies; else they may be codes that determine a variable.
        each_other: whether both are numbers, each of which has one value for each of the other's.
        often: whether there are more than `_TIMES` rows for each value.
        evenly: whether all rows were written about equally often. Then `rows` holds one copy of
            each, and different rows that are equal are all there.
    """

    rows: NDArray[np.int64]
    certain: bool
    each_other: bool
    often: bool
    evenly: bool = False


class Answer(NamedTuple):
    """What is said of a pair.

    Attributes:
        x, y: the samples that it is said of: all of them, or one row of each kind.
        found: the estimate.
        repeated: whether rows repeat that may be copies.
        tested: p-value, and whether it is only a bound; None where it was not asked for.
    """

    x: RankedVariable
    y: RankedVariable
    found: Found
    repeated: bool
    tested: tuple[float, bool] | None


def _repeated_rows(x: RankedVariable, y: RankedVariable) -> _Copies | None:
    """One row of each kind where whole rows repeat that perhaps should not, else None.

    One variable at least is a number of many values, each of which occurs with one value of the
    other variable, where chance would have shown several. A text that has as many values names the
    rows, and its repetitions belong to the data.
    """
    if not (x.tied and y.tied):
        return None
    if (written := _written_again(x, y)) is not None:
        return written
    few = max(LEAST, 2 * math.sqrt(x.n))
    numbers = [v for v in (x, y) if not v.nominal and v.levels.number >= few]
    if not numbers:
        return _one_by_one(x, y)
    cells = Cells.of(x.levels, y.levels)
    again, most = x.n - cells.number, max(v.levels.number for v in numbers)
    # rows of one kind are no copies of others, but a value that is frequent in both variables
    if int(cells.counts.max()) - 1 > _ATOM * again or _is_monotone(cells):
        return None
    each_other = len(numbers) == 2 and (
        min(v.levels.number for v in numbers) >= _REPEATED * cells.number
    )
    often = x.n > _TIMES * most
    rows = _first_rows(cells, np.ones_like(cells.counts))
    if again >= _REPEATED * (x.n - most) and any(_is_even(v.levels) for v in numbers):
        exact = len(numbers) == 2 and min(v.levels.number for v in numbers) == cells.number
        if not often or exact:
            return _Copies(rows, True, each_other, often)
    named = any(v.nominal and v.levels.number >= _REPEATED * cells.number for v in (x, y))
    turned = cells.turned()
    either = ((x, cells), (y, turned))
    if named or not any(_has_one_partner(c) for v, c in either if any(v is w for w in numbers)):
        return None
    return _Copies(rows, False, each_other, often)


def _written_again(x: RankedVariable, y: RankedVariable) -> _Copies | None:
    """One of the copies of each row where all rows were written about equally often, else None.

    Rows that were all written k times, as by a join, leave only multiples of k in the cells. A
    count that chance made is a multiple of k in half the cases at most, so that many cells prove
    the copies. Where all counts are equal, a design may have made them so.
    """
    if min(int(v.levels.counts.min()) for v in (x, y)) < 2:  # so most pairs cost nothing here
        return None
    cells = Cells.of(x.levels, y.levels)
    counts = cells.counts
    # Where a design made the levels of a variable equally frequent, the last one is not free.
    designed = sum(v.number - 1 for v in (cells.x, cells.y) if _is_equal(v.counts))
    full = counts.size > _FULL * cells.x.number * cells.y.number
    if int(counts.min()) < 2 or (_is_equal(counts) and (designed or full)):
        return None
    times = float(np.gcd.reduce(counts)) if counts.size - 1 - designed >= _PROOF else 1.0
    if times == 1 and not full:
        times = _times_of_thin(cells)
    if times == 1:
        return None
    once = np.maximum(1, np.floor(counts / times + 0.5).astype(np.int64))
    return _Copies(_first_rows(cells, once), True, False, False, evenly=True)


def _times_of_thin(cells: Cells) -> float:
    """How often rows were written on average, where some of them once more than others; 1 where the
    cells do not show that they were.

    Counts that chance made are Poisson variables, each of some mean, so that k! times the expected
    number N(k) of cells of k samples is the k-th moment of a measure. By the inequality of Cauchy
    and Schwarz N(k)^2 k / (k + 1) <= N(k - 1) N(k + 1): many cells of k samples have others beside
    them. Of rows that were written twice or three times, say, there are none of one sample, and
    few of four.
    """
    least = int(cells.counts.min())
    if least > _TIMES or cells.number * _REPEATED < max(cells.x.number, cells.y.number):
        return 1.0
    held = np.bincount(cells.counts, minlength=least + 3)
    if max(_surprise(held[k - 1 : k + 2], k) for k in (least, least + 1)) < _CERTAIN:
        return 1.0
    # In cells of so few samples there is a single row, and its copies.
    return float(cells.counts[cells.counts < 2 * least].mean())


def _surprise(held: NDArray[np.int64], k: int) -> float:
    """How far numbers of cells of k - 1, k and k + 1 samples are from obeying the inequality, in
    nats of likelihood: from the likeliest expected numbers that do, below + m, at - 2 m, above + m.
    """
    below, at, above = map(float, held)
    share = k / (k + 1)
    constant = share * at**2 - below * above
    if constant <= 0:
        return 0.0
    linear = 4 * share * at + below + above
    m = 2 * constant / (linear + math.sqrt(linear**2 - 4 * (4 * share - 1) * constant))
    pairs = ((below, below + m), (at, at - 2 * m), (above, above + m))
    return sum(
        expected - seen + (seen * math.log(seen / expected) if seen else 0.0)
        for seen, expected in pairs
    )


def _one_by_one(x: RankedVariable, y: RankedVariable) -> _Copies | None:
    """Rows of two numbers, where each of not so many values goes with one of the other number, all
    equally often: these may be copies, or codes that a design repeats."""
    number = x.levels.number
    if x.nominal or y.nominal or number != y.levels.number or number < LEAST:
        return None
    if not (_is_equal(x.levels.counts) and _is_equal(y.levels.counts)):
        return None
    cells = Cells.of(x.levels, y.levels)
    if cells.number > number or _is_monotone(cells):
        return None
    return _Copies(_first_rows(cells, np.ones_like(cells.counts)), False, True, True)


def _first_rows(cells: Cells, often: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first rows of each cell, so many of each [C], in their order."""
    order = np.argsort(cells.of_sample, kind="stable")
    starts = np.repeat(cells.counts.cumsum() - cells.counts, cells.counts)
    place = np.arange(order.size) - starts
    return np.sort(order[place < np.repeat(often, cells.counts)])


def answered(
    x: RankedVariable, y: RankedVariable, ask: Ask, p_value: Test, test: bool = True
) -> Answer:
    """The estimate of a pair with a tied variable, whether rows repeat or not.

    Args:
        x, y: the variables.
        ask: see `discrete.estimate`.
        p_value: that of an estimate of two variables, and whether it is only a bound.
        test: whether it is asked for.
    """
    copies = _repeated_rows(x, y)
    u, v = (x, y) if copies is None else (x.take(copies.rows), y.take(copies.rows))
    if copies is None or copies.certain:
        once = estimate(u, v, ask)
        tested = p_value(u, v, once) if test else None
        doubt = copies is not None and not copies.evenly and once.mi >= _MOST * _entropy(u, v)
        if doubt and not _is_function(u, v):
            # rounded numbers repeat, too, of which the rows are no copies: functions show that
            high = max(once.high, estimate(x, y, ask).high)
            once = replace(once, high=high, unsure=True)
        return Answer(u, v, once, copies is not None, tested)
    whole = estimate(x, y, ask)
    if _is_function(u, v):
        return Answer(x, y, whole, False, p_value(x, y, whole) if test else None)
    once = estimate(u, v, ask)
    tested = p_value(u, v, once)
    found = _weighed(copies, once, tested[0], whole, _entropy(u, v))
    if found.mi == once.mi:
        x, y = u, v
    return Answer(x, y, found, True, tested)


def _weighed(copies: _Copies, once: Found, p_value: float, whole: Found, entropy: float) -> Found:
    """The answer where rows are copies or codes, as the table at the top says.

    Args:
        copies: of which the rows are not certainly copies.
        once, p_value: of the different rows.
        whole: of all rows.
        entropy: the smaller one of the two variables, of the different rows, nats.
    """
    high, dependent = max(once.high, whole.high), p_value < _DEPENDENT
    low = min(once.low, whole.low) if dependent else 0.0
    as_whole = once.mi >= _MOST * entropy if dependent else copies.often and not copies.each_other
    return replace(whole if as_whole else once, low=low, high=high, unsure=True)


def _is_function(x: RankedVariable, y: RankedVariable) -> bool:
    """Whether different rows show that a variable is a function of the other one."""
    cells = Cells.of(x.levels, y.levels) if x.tied and y.tied else None
    found = determined(x, y, cells)
    return found is not None and not found.copies


def _entropy(x: RankedVariable, y: RankedVariable) -> float:
    """The smaller entropy of two variables, nats: no more can be told."""
    return min(x.entropy[0], y.entropy[0])


def _is_even(levels: Levels) -> bool:
    """Whether the values of a number occur about as often as one another, and not often."""
    times = levels.n / levels.number
    if times > _TIMES:
        return _is_equal(levels.counts)
    return int(levels.counts.max()) <= max(10, 4 * times)


def _is_equal(counts: NDArray[np.int64]) -> bool:
    """Whether all values occur equally often."""
    return bool((counts == counts[0]).all())


def _is_monotone(cells: Cells) -> bool:
    """Whether the cells go up, or down, from each to the next."""
    steps = np.diff(cells.second)
    return bool((steps >= 0).all() or (steps <= 0).all())


def _has_one_partner(cells: Cells) -> bool:
    """Whether each value of the first variable occurs with one value of the second, but for a few
    that different rows share, which then repeat as others do."""
    x, y = cells.x, cells.y
    if differing(y) * (x.n - x.number) < SHOWN:
        return False
    others = cells.number - x.number
    if not others:
        return True
    if others > _EXCEPT * _expected_others(x, y):
        return False
    largest = np.zeros(x.number, np.int64)
    np.maximum.at(largest, cells.first, cells.counts)
    beside = x.n - int(largest.sum())  # samples; many, where a frequent value is no copy
    filled = others <= _FEW * x.number or beside >= _FILLED * others * x.n / cells.number
    return filled and beside <= _EXCEPT * differing(y) * x.n


def _expected_others(x: Levels, y: Levels) -> float:
    """Values of y beside one that the values of x would meet if they were independent."""
    counts, times = np.unique(x.counts, return_counts=True)
    sizes, alike = np.unique(y.counts, return_counts=True)
    met = (1 - (1 - sizes / y.n) ** counts[:, None]) @ alike
    return float(times @ (met - 1))
