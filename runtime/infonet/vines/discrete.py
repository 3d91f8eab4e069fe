"""Variables with few levels: counted where all have few, and taken apart where a condition has.

A condition with few levels needs no vine: I(X; Y | Z) is the mean of I(X; Y) over the levels of Z,
each estimated from its own samples. Where X and Y have few levels as well, cells are counted, with
the correction of Miller & Madow (1955), and the test is that of the likelihood ratio.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import Column
from infonet.pairs.counted import entropy, log_gamma_tail
from infonet.pairs.levels import Levels
from infonet.pairs.significance import pearson_tail
from infonet.vines.copula import Array, rank
from infonet.vines.variables import Group

_IN_A_CELL = 5  # samples in the mean from which cells are counted
_EXPECTED = 3.0  # samples in each cell under independence, from which chi-squared holds
_DRAWS, _LEAST_DRAWS = 499, 99  # shuffles where it does not, by how many samples there are
_AT_MOST = 1_000_000  # samples in all shuffles
_FAR = 0.1  # p-value up to which they are too few to tell it
# Samples of a value from which it is a level: ranks within fewer would be coarse. Those within a
# category of a condition are coarse, too, but its code is no number that could be used instead.
_FREQUENT, _IN_A_CATEGORY = 20, 5
ALONE = -2  # the code of samples of rarer categories, of which ranks would say nothing
_IN_A_LEVEL = 100  # samples of every level of a condition from which it is taken apart

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class FrequentLevels:
    """The values of a tied column, and the frequent ones among them.

    Attributes:
        values: number of the value of each sample, int64 [n].
        codes: number of the level of each sample, -1 for rare values, int64 [n].
        nominal: whether they have no order.
        entropy: of all values of the column, nats: nothing tells more of it.
    """

    values: Codes
    codes: Codes
    nominal: bool
    entropy: float

    @property
    def some(self) -> bool:
        """Whether there are any."""
        return int(self.codes.max()) >= 0


def joint_codes(group: Group | None, n: int) -> tuple[Codes, int] | None:
    """The joint level of all columns of a group, int64 [n], and how many there are.

    None if a column is continuous, or has so many levels that they could not be counted.
    """
    codes, levels = np.zeros(n, np.int64), 1
    for column, tied in zip(group.columns, group.tied, strict=True) if group else ():
        if not tied:
            return None
        values, found = np.unique(column, return_inverse=True)
        if values.size * levels > n // _IN_A_CELL:
            return None
        joined = codes * values.size + found.reshape(-1)
        values, codes = np.unique(joined, return_inverse=True)
        codes, levels = codes.reshape(-1), values.size
    return codes, levels


def count(
    x: Group, y: Group, given: Group | None, n: int, seed: int = 0
) -> tuple[float, float, float] | None:
    """Conditional mutual information by counting, its standard error and the p-value; nats.

    None where there are too few samples for the cells, or a variable is continuous. `seed` is that
    of the shuffles by which sparse cells are judged.
    """
    coded = [joint_codes(group, n) for group in (x, y, given)]
    if any(found is None for found in coded):
        return None
    (a, of_a), (b, of_b), (c, of_c) = [found for found in coded if found is not None]
    if of_a * of_b * of_c * _IN_A_CELL > n:
        return None
    whole = _Cells.of((c * of_a + a) * of_b + b, n)
    with_a, with_b = _Cells.of(c * of_a + a, n), _Cells.of(c * of_b + b, n)
    alone = _Cells.of(c, n)
    local = np.log(whole.share * alone.share / (with_a.share * with_b.share))
    plain = float(local.mean())
    margins = alone.levels - with_a.levels - with_b.levels
    bias = max(whole.levels + margins, 0) / (2 * n)
    error = float(local.std()) / math.sqrt(n)
    if float((with_a.share * with_b.share / alone.share).min()) * n >= _EXPECTED:
        # Levels of x times levels of y at each level of the condition, less what the margins take.
        places = _places(c, a, b, of_c)
        p = math.exp(log_gamma_tail(n * plain, places / 2)) if places else 1.0
    else:
        # Rare levels: neither is the bias that of Miller & Madow, nor the statistic chi-squared.
        drawn, cells = _shuffled(c * of_a + a, b, c, of_b, np.random.default_rng([seed, n]))
        drawn += plain - float(np.log(whole.share).mean())  # what the margins add
        spread = float(drawn.std())
        if spread == 0:
            return 0.0, error, 1.0
        bias *= max(1.0, float(drawn.mean()) / max((cells.mean() + margins) / (2 * n), 1e-300))
        z = (drawn - drawn.mean()) / spread
        p = (1 + float((drawn >= plain).sum())) / (1 + drawn.size)
        if p < _FAR:  # few draws, or none, lie further out: the tail by three moments
            place = (plain - float(drawn.mean())) / spread
            p = math.exp(pearson_tail(max(place, 0.0), float((z**3).mean())))
    return max(0.0, plain - bias), error, max(p, 1e-300)


def _shuffled(
    known: Codes, b: Codes, c: Codes, of_b: int, random: np.random.Generator
) -> tuple[Array, Array]:
    """Means of the log share of cells, and numbers of cells, after shuffles of b at each level of
    the condition c; `known` are the joint levels of the condition and the other variable."""
    n = b.size
    draws = min(_DRAWS, max(_LEAST_DRAWS, _AT_MOST // n))
    order = np.argsort(c, kind="stable")
    known, b, c = known[order], b[order], c[order]
    means, cells = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        shuffled = b[np.argsort(c + random.random(n))]
        counts = np.bincount(known * of_b + shuffled)
        counts = counts[counts > 0]
        means[draw] = (counts * np.log(counts / n)).sum() / n
        cells[draw] = counts.size
    return means, cells


class _Cells:
    """Share of the samples in the cell of each sample, and the number of cells."""

    def __init__(self, share: Array, levels: int) -> None:
        self.share, self.levels = share, levels

    @staticmethod
    def of(codes: Codes, n: int) -> _Cells:
        values, cell, counts = np.unique(codes, return_inverse=True, return_counts=True)
        return _Cells(counts[cell.reshape(-1)] / n, values.size)


def _places(c: Codes, a: Codes, b: Codes, levels: int) -> int:
    found = 0
    for level in range(levels):
        inside = c == level
        found += (np.unique(a[inside]).size - 1) * (np.unique(b[inside]).size - 1)
    return found


def levels_of(given: Group | None, n: int) -> list[NDArray[np.intp]] | None:
    """Samples of each level of a condition; None if it is not to be taken apart."""
    found = joint_codes(given, n) if given is not None and given.ranks else None
    if found is None or found[1] * _IN_A_LEVEL > n:
        return None
    parts = [np.flatnonzero(found[0] == level) for level in range(found[1])]
    return parts if min(part.size for part in parts) >= _IN_A_LEVEL else None


def frequent_levels(group: Group) -> list[FrequentLevels | None]:
    """The levels of each column; None if its values differ."""
    found: list[FrequentLevels | None] = []
    for column, tied, nominal in zip(group.columns, group.tied, group.nominal, strict=True):
        if not tied:
            found.append(None)
            continue
        levels = _levels_of(column)
        codes = frequent(levels.codes)
        found.append(FrequentLevels(levels.codes, codes, nominal, entropy(levels)[0]))
    return found


def _levels_of(column: Column) -> Levels:
    _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    return Levels(codes.reshape(-1).astype(np.int64), counts.astype(np.int64))


def levels_of_condition(columns: Sequence[FrequentLevels | None]) -> list[Codes | None]:
    """Numbers of the levels within which other columns are ranked, -1 for rare values and `ALONE`
    for rare categories, int64 [n]; None for a column without levels."""
    found: list[Codes | None] = []
    for levels in columns:
        if levels is not None and levels.nominal:
            codes = frequent(levels.values, _IN_A_CATEGORY)
            found.append(np.where(codes < 0, ALONE, codes))
        else:
            found.append(levels.codes if levels is not None and levels.some else None)
    return found


def seen_within(given: Group) -> float:
    """Share of a dependence that is seen where columns are ranked within categories, or frequent
    values of numbers, of so many samples; 1 without them.

    Ranks within m samples follow those of all by about (m - 2) / (m + 1), as Spearman's correlation
    does (Moran 1948); within the rarest categories nothing is seen, and rare numbers are no levels.
    """
    share = 1.0
    for column, tied, nominal in zip(given.columns, given.tied, given.nominal, strict=True):
        if nominal or tied:
            counts = _levels_of(column).counts
            least, rare = (_IN_A_CATEGORY, 0.0) if nominal else (_FREQUENT, 1.0)
            seen = np.where(counts < least, rare, (counts - 2) / (counts + 1))
            share = min(share, float(counts @ seen) / column.size)
    return share


def is_label(levels: FrequentLevels | None) -> bool:
    """Whether every value of a column is a level."""
    return levels is not None and int(levels.codes.min()) >= 0


def check_categories(given: Group) -> None:
    """Refuse a condition that leaves nothing to be seen.

    Raises:
        InputError: of a column of categories, each has too few samples to rank others within it.
    """
    for place, (label, nominal) in enumerate(zip(given.labels, given.nominal, strict=True)):
        if nominal and not has_conditions(given.only([place])):
            raise InputError(
                f"no category of {label} has {_IN_A_CATEGORY} samples, which are needed to say "
                "anything given it: join categories, or leave it out"
            )


def has_conditions(group: Group) -> bool:
    """Whether some category of each column of categories has enough samples to rank others within
    it."""
    levels = frequent_levels(group)
    return all(
        frequent(one.values, _IN_A_CATEGORY).max() >= 0 for one in levels if one and one.nominal
    )


def frequent(codes: NDArray[np.integer[Any]], least: int = _FREQUENT) -> Codes:
    """Numbers from 0 on of the codes of so many samples, -1 for the others and negative ones."""
    values, found, counts = np.unique(codes, return_inverse=True, return_counts=True)
    kept = (counts >= least) & (values >= 0)
    numbers = np.where(kept, np.cumsum(kept) - 1, -1)
    found_numbers: Codes = numbers[found.reshape(-1)].astype(np.int64)
    return found_numbers


def part_of(group: Group, samples: NDArray[np.intp]) -> Group:
    """Some samples of a group, ranked among themselves; what is constant there is left out."""
    part = group.copy()
    part.columns = [column[samples] for column in group.columns]
    part.ranks = [row[samples] for row in group.ranks]
    part.keep([i for i, column in enumerate(part.columns) if (column != column[0]).any()])
    part.ranks = rank(part.ranks) if part.ranks else []
    return part


def fisher(p_values: Sequence[float]) -> float:
    """One p-value from those of independent tests (Fisher 1932)."""
    known = [p for p in p_values if not math.isnan(p)]
    if not known:
        return math.nan
    if len(known) == 1:
        return known[0]
    total = -sum(math.log(max(p, 1e-300)) for p in known)
    return max(math.exp(log_gamma_tail(total, len(known))), 1e-300)
