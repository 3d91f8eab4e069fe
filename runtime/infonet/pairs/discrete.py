"""How a pair with a tied variable is estimated: the rules, in the order in which they are asked.

| the pair                                                          | estimate                     |
|-------------------------------------------------------------------|------------------------------|
| rows that repeat in both of two numbers                           | that of the different rows   |
| a variable that is a function of the other one                    | its entropy                  |
| two discrete variables, `PER_CELL` samples a cell in all levels   | counts (`counted.dense`)     |
| a number one value of which is frequent (rain, claims), or two    | in parts, by the chain rule  |
| that have a frequent value at once (sensors that failed)          |                              |
| a label, of 10 levels at most, and anything else                  | bins or nearest neighbours   |
|                                                                   | (`labels.number_and_label`)  |
| categories without an order, and few labels                       | `shared.sparse`, or counts   |
|                                                                   | that say clearly more        |
| categories without an order, and a number                         | `labels.neighbours`          |
| all other ties                                                    | the network, ties broken     |

Numbers whose values might be codes after all (product, airport) are tried as such: where that says
something else than the network, which takes their order for real, it is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.atoms import beside_common_atom, flags
from infonet.pairs.counted import Z95, Counted, dense
from infonet.pairs.labels import most_levels, neighbours, number_and_label
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.shared import sparse
from infonet.pairs.structure import (
    LEAST,
    RankedVariable,
    Ranks,
    determined,
    is_discrete,
    may_be_codes,
    repeated_levels,
    repeats,
    untied_pair,
)

PER_CELL = 4  # samples for each cell that occurs, on average, from which cells are counted
_CERTAIN = 20  # and from which counts are right whatever the order of the levels
_STEPS = 12  # levels of a number at most that are counted as they are
_FEW = 30  # labels at most that categories share
_PER_LEVEL = 2  # samples for each level, on average, that have neighbours of their own
_PLENTY = 25  # from which it can be told whether the order of the levels means something
_COARSE, _STRONG = 16, 0.3  # levels of steps that the network sees, and nats from which it matters
_ALONE = 0.2  # of the cells that occur, those of a single sample at most, to be counted
_THIN = 10  # samples in thin levels at least that count
_FREQUENT = 0.8  # share of one value from which it is set apart from the others,
_OFTEN = 0.3  # beside a label, for which bins of all ranks would leave few to the others,
_SOME = 0.1  # and beside categories, of which few samples lie among those of the value by chance
_TIMES = 5  # samples of it for each of any other value at least, if it makes less than `_FREQUENT`
_SCATTERED = 0.5  # of which at least so many differ from each other, of all
_TERMS = 1.6  # times the errors of terms are added up, of which several may be below by chance
_BINS = 16  # of a number, in which samples of a code agree or not
_FAR = 0.01  # nats by which one estimate must at least exceed another one to take its place


class Method(IntEnum):
    """How a pair was estimated."""

    NETWORK = 0
    UNTIED = 1
    COUNTED = 2
    LABEL = 3
    NEIGHBOURS = 4
    SHARED = 5
    PARTS = 6
    CONSTANT = 7


@dataclass(frozen=True)
class Found:
    """The estimate of one pair, nats.

    Attributes:
        mi, low, high: estimate and 90 % interval.
        method: how it was made.
        unsure: there are too few samples for the number of levels, and the interval says so.
        statistic: test statistic of the network, ties broken, if it was asked; else NaN.
    """

    mi: float
    low: float
    high: float
    method: Method
    unsure: bool = False
    statistic: float = math.nan


Ask = Callable[[Ranks, Ranks], Found]


def estimate(x: RankedVariable, y: RankedVariable, ask: Ask) -> Found:
    """Estimate a pair.

    Args:
        x, y: the variables; exchanging them changes nothing but the order of ties.
        ask: the network's answer for two columns of ranks without ties.
    """
    if x.constant or y.constant:
        return Found(0.0, 0.0, 0.0, Method.CONSTANT)
    if not (x.tied or y.tied):
        return ask(x.ranks, y.ranks)
    return _bounded(_choose(x, y, ask), x, y)


def _choose(x: RankedVariable, y: RankedVariable, ask: Ask) -> Found:
    cells = Cells.of(x.levels, y.levels) if x.tied and y.tied else None
    if (whole := determined(x, y, cells)) is not None:
        return replace(_found(whole.entropy, Method.COUNTED), unsure=whole.copies)
    if cells is not None and (counted := _counted(cells)) is not None:
        return counted
    label = _label(x, y)
    if (parts := _parts(x, y, ask, _FREQUENT if label is None else _OFTEN)) is not None:
        return parts
    if label is not None:
        return _with_label(label, y if label is x else x, cells)
    if x.nominal or y.nominal:
        return _categories(x, y, cells)
    found = _either_as_codes(_network(x, y, ask), x, y)
    return found if cells is None else _as_lattice(found, x, y, cells)


def _counted(cells: Cells) -> Found | None:
    """Cells that hold samples enough to be counted."""
    if not _countable(cells):
        return None
    few, many = sorted((cells.x.number, cells.y.number))
    nominal = cells.x.nominal or cells.y.nominal
    thin = (nominal or few == 2) and _thin(cells) >= _THIN  # others do better than counts there
    if many <= _STEPS or (cells.x.n >= _CERTAIN * cells.number and not thin):
        return _found(dense(cells), Method.COUNTED)
    # Numbers of many values have an order that the network knows, and bins of a label.
    jagged = nominal or (cells.is_jagged() and cells.turned().is_jagged())
    return _shared_beside_counts(cells) if jagged else None


def _shared_beside_counts(cells: Cells) -> Found:
    """Cells that are shared by categories, or their counts where these say clearly more: the shares
    of a level may be of no kind that `sparse` knows. The interval goes down to that of the counts,
    and up to what they say."""
    counted = _found(dense(cells), Method.COUNTED)
    found = _more(_found(sparse(cells), Method.SHARED), counted)
    return replace(found, low=min(found.low, counted.low), high=max(found.high, counted.mi))


def _with_label(label: RankedVariable, number: RankedVariable, cells: Cells | None) -> Found:
    """A label, and anything else that has an order; or a code that has none, after all."""
    found = _found(number_and_label(number.ranks, number.untied, label.levels), Method.LABEL)
    if cells is None or number.levels.number <= _STEPS or not may_be_codes(number):
        return found
    turned = cells if number.levels is cells.x else cells.turned()
    return _more(found, _found(sparse(cells), Method.SHARED)) if turned.is_jagged() else found


def _as_lattice(found: Found, x: RankedVariable, y: RankedVariable, cells: Cells) -> Found:
    """Two numbers with ties, as codes that have no order, where that finds more."""
    if not (repeats(x) and repeats(y)) or min(cells.x.number, cells.y.number) <= _COARSE:
        return found
    if not (cells.is_jagged() and cells.turned().is_jagged()):
        return found
    codes = _found(sparse(cells), Method.SHARED)
    alone = int((cells.counts == 1).sum())
    if may_be_codes(x) and may_be_codes(y):
        found = _more(found, replace(codes, unsure=2 * alone > x.n))
    unsure = found.unsure or found.method is Method.UNTIED
    return replace(found, high=max(found.high, codes.high), unsure=unsure)


def _more(found: Found, other: Found) -> Found:
    """Another estimate where it is clearly larger."""
    if other.low > found.mi and other.mi > found.mi + _FAR:
        return replace(other, statistic=found.statistic)
    return found


def _countable(cells: Cells) -> bool:
    """Whether cells hold samples enough: many that are alone say that more were not seen."""
    n, alone = cells.x.n, int((cells.counts == 1).sum())
    few, many = sorted((cells.x.number, cells.y.number))
    if n >= PER_CELL * cells.number and alone <= _ALONE * cells.number:
        return True
    full = n >= PER_CELL * few * many and many <= _STEPS
    return full and repeated_levels(cells.x) and repeated_levels(cells.y)


def _thin(cells: Cells) -> int:
    """Samples of levels that have few samples for each of their cells, as a rare label among many
    categories: of these cells more were not seen, however many samples others hold."""
    return max(
        int(levels.counts[levels.counts < PER_CELL * np.bincount(level)].sum())
        for levels, level in ((cells.x, cells.first), (cells.y, cells.second))
    )


def _either_as_codes(found: Found, x: RankedVariable, y: RankedVariable) -> Found:
    """What either variable tells if its order means nothing; the same for them exchanged."""
    told = [
        answer
        for codes, number in ((x, y), (y, x))
        if codes.tied and repeats(codes) and x.n >= _PER_LEVEL * codes.levels.number
        if (answer := _as_codes(found, codes, number)) is not None
    ]
    in_its_place = [other for other, replaces in told if replaces]
    found = max(in_its_place, key=lambda other: (other.mi, -other.low), default=found)
    return replace(found, high=max([found.high, *(other.high for other, _ in told)]))


def _as_codes(
    found: Found, codes: RankedVariable, number: RankedVariable
) -> tuple[Found, bool] | None:
    """What a tied variable tells if its order means nothing, and whether that is the estimate; or
    else it may be the truth, as the interval is to say. None where neither."""
    levels, n = codes.levels.number, codes.n
    coarse = levels <= _COARSE and n >= 4 * _PER_LEVEL * levels
    few = n < _PLENTY * levels  # too few to tell whether the order means something
    replaces = coarse and found.mi > _STRONG
    if not coarse and may_be_codes(codes):
        bins = Levels.of((number.untied * _BINS).astype(np.int64))
        replaces = Cells.of(codes.levels, bins).is_jagged()
    if not (replaces or few):
        return None
    other = _by_neighbours(codes.levels, number)
    # Steps so coarse look weaker to the network than they are, never stronger.
    far = other.mi - found.mi > _FAR or (not coarse and found.mi - other.mi > _FAR)
    replaces = replaces and far
    return (replace(other, statistic=found.statistic), replaces) if replaces or few else None


def _label(x: RankedVariable, y: RankedVariable) -> RankedVariable | None:
    """The label of a pair: the variable of few levels, for the number of samples."""
    most = most_levels(x.n)
    labels = [
        v
        for v, other in ((x, y), (y, x))
        if v.tied and v.levels.number <= most and not other.nominal
        # few amounts of rain, each of its own, are no levels
        if v.levels.number == 2 or repeats(v)
    ]
    # the same one of two labels, whichever comes first
    alike = lambda v: (v.levels.number, v.entropy[0], v.fingerprint)  # noqa: E731
    return min(labels, key=alike) if labels else None


def _categories(x: RankedVariable, y: RankedVariable, cells: Cells | None) -> Found:
    """Categories without an order, and a number, or few labels, or other categories."""
    categories, number = (x, y) if x.nominal else (y, x)
    steps = number.nominal or (number.tied and number.levels.number <= _FEW)
    if cells is not None and steps and is_discrete(number):
        alone = int((cells.counts == 1).sum())
        return replace(_found(sparse(cells), Method.SHARED), unsure=2 * alone > x.n)
    found = _by_neighbours(categories.levels, number)
    if cells is not None and is_discrete(number):  # a code that has no order, perhaps
        codes = _found(sparse(cells), Method.SHARED)
        turned = cells if number.levels is cells.x else cells.turned()
        if not may_be_codes(number):
            return replace(found, high=max(found.high, codes.high), unsure=True)
        if turned.is_jagged():
            return codes
    if 2 * int((categories.levels.counts == 1).sum()) > x.n:  # anything up to the entropy may be
        return replace(found, low=0.0, high=categories.entropy[0], unsure=True)
    return found


def _by_neighbours(categories: Levels, number: RankedVariable) -> Found:
    """Categories, by the nearest neighbours of their samples in a number.

    Samples of a value that is frequent have no order, and a category that has some of them and few
    others would seem to lie everywhere between these. So the value is set apart, by the chain rule:
    whether a sample has it, and what the others tell.
    """
    rest = _rest(number, _SOME)
    count = 0 if rest is None else int(rest.sum())
    if rest is None or count < LEAST:
        return _found(neighbours(number.untied, categories), Method.NEIGHBOURS)
    whether = Cells.of(categories, Levels.of(rest.astype(np.int64)))
    first = _counted(whether) or _found(sparse(whether), Method.SHARED)
    others = neighbours(number.take(rest).untied, categories.take(rest))
    return _sum(number.n, [(number.n, first), (count, _found(others, Method.NEIGHBOURS))])


def _parts(x: RankedVariable, y: RankedVariable, ask: Ask, share: float) -> Found | None:
    """By the chain rule, where a share of a number at least is one value: rain is 0 or an amount.

    With L the variable that says whether X has its frequent value, and M that of Y,

        I(X; Y) = I(L; M) + I(L; Y | M) + I(X; M | L) + I(X; Y | L, M),

    where the conditional terms are 0 where the condition leaves one value.
    """
    rest_x, rest_y = _rest(x, share), _rest(y, share)
    if rest_x is None and rest_y is None:
        rest_x, rest_y = beside_common_atom(x, y) or (None, None)
    if rest_x is None and rest_y is None:
        return None
    if rest_x is None or rest_y is None:
        rest, mixed, other = (rest_y, y, x) if rest_x is None else (rest_x, x, y)
        assert rest is not None
        whether = flags(rest, mixed)
        return _sum(x.n, [(x.n, estimate(whether, other, ask)), _within(rest, x, y, ask)])
    first, second = flags(rest_x, x), flags(rest_y, y)
    return _sum(
        x.n,
        [
            (x.n, estimate(first, second, ask)),
            _within(rest_y, first, y, ask),
            _within(rest_x, x, second, ask),
            _within(rest_x & rest_y, x, y, ask),
        ],
    )


def _rest(v: RankedVariable, share: float) -> NDArray[np.bool_] | None:
    """The samples without the value that such a share has, if there is one and the others are a
    number."""
    if not v.tied or v.nominal or v.constant:
        return None
    levels = v.levels
    second, most = map(int, np.partition(levels.counts, -2)[-2:])
    frequent = most >= share * v.n and (most >= _FREQUENT * v.n or most >= _TIMES * second)
    if not frequent or levels.number - 1 < max(2, min(_STEPS, _SCATTERED * levels.minor)):
        return None
    return np.asarray(levels.codes != int(levels.counts.argmax()))


def _within(
    rows: NDArray[np.bool_], x: RankedVariable, y: RankedVariable, ask: Ask
) -> tuple[int, Found]:
    """Samples, and the estimate for them."""
    count = int(rows.sum())
    if count < LEAST:  # nothing is known of these but that they hold log(count) at most
        return count, Found(0.0, 0.0, math.log(max(count, 1)), Method.NETWORK, unsure=True)
    return count, estimate(x.take(rows), y.take(rows), ask)


def _sum(n: int, terms: list[tuple[int, Found]]) -> Found:
    share = np.array([count / n for count, _ in terms])
    mi, low, high = (
        np.array([getattr(found, name) for _, found in terms]) for name in ("mi", "low", "high")
    )
    total = float(share @ mi)
    # Errors of the terms are independent, for all that is known; but those of terms that may be 0
    # are all upwards.
    above = math.sqrt(float(share**2 @ (high - mi) ** 2))
    below = _TERMS * float(share @ (mi - low))
    # A term in doubt that is a small share of the samples leaves the whole as it is.
    unsure = any(
        found.unsure and part * (found.high - found.low) > _FAR
        for part, (_, found) in zip(share, terms, strict=True)
    )
    return Found(total, max(0.0, total - below), total + above, Method.PARTS, unsure)


def _network(x: RankedVariable, y: RankedVariable, ask: Ask) -> Found:
    return replace(ask(*untied_pair(x, y)), method=Method.UNTIED)


def _found(counted: Counted, method: Method) -> Found:
    return Found(counted.mi, counted.low, counted.high, method)


def _bounded(found: Found, x: RankedVariable, y: RankedVariable) -> Found:
    """No more than the entropy of either variable, as far as that is known."""
    for v in (x, y):
        if v.tied:
            entropy, error = v.entropy
            most = entropy + Z95 * error
            mi = min(found.mi, entropy)
            low = min(found.low, max(0.0, entropy - Z95 * error))
            found = replace(found, mi=mi, low=min(low, mi), high=min(found.high, most))
    return found
