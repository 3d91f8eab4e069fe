"""Lower bounds of mutual information beside that of the vine, and the interval around the answer.

The vine, a vine of functions that are fitted to other samples, and nearest neighbours all tend to
find too little, each for reasons of its own. The largest is given, if it is larger than that of the
vine by more than chance makes it. Neighbours are noisy: to take them whenever they find more would
be to take them when they are wrong. So they must find more by some standard errors of the
difference, by fewer where copulas are seen to be of kinds that a vine misses a part of, and what
they add is shrunk by what the choice makes of chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.neighbours import (
    MOST_DIMENSIONS,
    MOST_SAMPLES,
    neighbour_terms,
    terms_of_scores,
)
from infonet.vines.copula import Array, PairCopulas, Ranks
from infonet.vines.directions import Directions, directions
from infonet.vines.dvine import fit_vine
from infonet.vines.linear import linear_directions
from infonet.vines.variables import Group

# Nats by which functions must find more, beside chance: both bounds are noisy.
_MORE, _CHANCE = 0.005, 0.7
# Standard errors of the difference by which neighbours must find more, where the copulas are
# Gaussian and where not; and the share of it that is taken off is the square of half so many over
# those that were found (the garrote of Breiman, 1995). Where the vine sees no dependence,
# neighbours must find that much more than they do of shuffled samples, too.
_EVIDENT, _LIKELY = 3.0, 1.0
MOSTLY_READ = 0.3  # share of copulas that are not Gaussian, from which a vine may well miss a part
_SHUFFLES, _SHUFFLED = 30, 2000  # how many, and samples of them
# Share of a bound that the correlations of functions must reach before a vine joins them.
_PROMISING = 0.85
_QUANTILE = 1.6449  # of the normal distribution at 95 %
# Shares of an estimate by which the method is off either way, of Gaussian copulas and of those that
# the network reads in addition; by which it is low for each root of columns for a sample; and the
# standard error of what is read of a pair, nats times samples. They were set on the families of
# benchmarks/vector_families.py, and benchmarks/refit.py bounds fits them again.
_METHOD, _NETWORK = 0.02, 0.02
_READ, _CHANGING = 1.3, 3.5
_WEAK = 4.0
SEEN = 0.05  # p-value up to which dependence counts as seen


@dataclass(frozen=True)
class Bound:
    """A lower bound of mutual information.

    Attributes:
        mi, error: the bound and its standard error of chance, nats.
        n: number of samples that it is from.
        method: "vine", "gaussian", "directions" or "neighbours".
        functions: whether it is from functions of x and y rather than from their columns.
        terms: what each sample adds, [n]; None where that is not known.
        complete: whether copulas are Gaussian and do not change, so that a vine misses nothing.
    """

    mi: float
    error: float
    n: int
    method: str
    functions: bool = False
    terms: Array | None = None
    complete: bool = False


def largest(
    copulas: PairCopulas,
    vine: Bound,
    x: Group,
    y: Group,
    seed: int,
    threads: int,
    p_value: float,
) -> Bound:
    """The vine's bound, or a larger one of x and y without a condition.

    Args:
        copulas: what fits one copula.
        vine: the bound of the vine.
        x, y: ranked columns.
        seed: of samples and their order.
        threads: results do not depend on it.
        p_value: of independence, by the vine.
    """
    # Where ties were broken, distances are without meaning.
    found, tied = vine, any(x.tied) or any(y.tied)
    if not tied and 2 < len(x.ranks) + len(y.ranks) <= MOST_DIMENSIONS:
        nearest = _of_neighbours(x.ranks, y.ranks, seed, threads)
        found = _or_neighbours(found, nearest, (x.ranks, y.ranks), seed, p_value)
    functions = directions(x.ranks, y.ranks, seed)
    if functions is not None and functions.mi >= _PROMISING * found.mi:
        found = _or_of_functions(copulas, found, functions, tied, seed, threads, p_value)
    linear = linear_directions(x, y, seed)
    if linear is not None:
        found = _or_of_functions(copulas, found, linear, tied, seed, threads, p_value)
    return found


def _or_of_functions(
    copulas: PairCopulas,
    known: Bound,
    functions: Directions,
    tied: bool,
    seed: int,
    threads: int,
    p_value: float,
) -> Bound:
    """A known bound, or a larger one of functions."""
    found = _larger(known, _of_functions(copulas, functions, threads))
    # Functions gather in few dimensions what many columns tell: there neighbours are near.
    few = 2 < len(functions.x) + len(functions.y) <= MOST_DIMENSIONS
    if found is not known and not tied and few:
        nearest = replace(_of_neighbours(functions.x, functions.y, seed, threads), functions=True)
        found = _or_neighbours(found, nearest, (functions.x, functions.y), seed, p_value)
    return found


def _or_neighbours(
    known: Bound, nearest: Bound, sides: tuple[list[Ranks], list[Ranks]], seed: int, p_value: float
) -> Bound:
    """A known bound, or that of neighbours of the same ranks, where it is evidently larger."""
    error = math.hypot(known.error, nearest.error)
    if known.terms is not None and nearest.terms is not None and known.n == nearest.n:
        difference = nearest.terms - known.terms
        error = float(difference.std()) / math.sqrt(difference.size)
    more, evident = nearest.mi - known.mi, _EVIDENT if known.complete else _LIKELY
    if more <= _MORE + evident * error:
        return known
    if p_value > SEEN and not _beyond_shuffles(*sides, seed):
        return known
    mi = known.mi + more * (1 - (evident / 2 * error / more) ** 2)
    return replace(nearest, mi=mi, error=max(nearest.error, known.error))


def _beyond_shuffles(x: Sequence[Ranks], y: Sequence[Ranks], seed: int) -> bool:
    """Whether neighbours find evidently more than in samples of which y is shuffled."""
    random = np.random.default_rng([seed, x[0].size])
    some = random.permutation(x[0].size)[:_SHUFFLED]
    left, right = (np.stack([kernels().normal_scores(row) for row in rows], 1) for rows in (x, y))
    left, right = left[some], right[some]
    drawn = [
        float(terms_of_scores(left, right[random.permutation(some.size)]).mean())
        for _ in range(_SHUFFLES)
    ]
    found = float(terms_of_scores(left, right).mean())
    return found > float(np.mean(drawn)) + _EVIDENT * float(np.std(drawn, ddof=1))


def _larger(known: Bound, other: Bound) -> Bound:
    return other if other.mi > known.mi + _MORE + _CHANCE / math.sqrt(other.n) else known


def _of_functions(copulas: PairCopulas, functions: Directions, threads: int) -> Bound:
    columns, middle = [*reversed(functions.x), *functions.y], len(functions.x)
    levels = [*reversed(functions.levels_x), *functions.levels_y]
    vine = fit_vine(
        *(copulas, columns, lambda i, j: i < middle <= j, (), levels), threads, progress=False
    )
    mi = sum(edge.mi for edge in vine.edges)
    found = _bound(mi, vine.log_density, "directions")
    # That of labels that were counted is added, as it is in an answer of columns.
    error = math.hypot(found.error, *(edge.error for edge in vine.edges))
    return replace(found, error=error, functions=True)


def _of_neighbours(x: Sequence[Ranks], y: Sequence[Ranks], seed: int, threads: int) -> Bound:
    n = x[0].size
    if n > MOST_SAMPLES:
        some = np.random.default_rng(seed).permutation(n)[:MOST_SAMPLES]
        some.sort()
        x, y = ([row[some] for row in rows] for rows in (x, y))
    terms = neighbour_terms(x, y, threads)
    return _bound(float(terms.mean()), terms, "neighbours")


def _bound(mi: float, terms: Array, method: str) -> Bound:
    """From what each sample adds, [n]."""
    error = float(terms.std()) / math.sqrt(terms.size)
    return Bound(mi, error, terms.size, method, terms=terms)


@dataclass(frozen=True)
class Doubt:
    """What makes the estimate of a vine doubtful beside chance.

    Attributes:
        n: number of samples.
        columns: of x, y and the condition.
        pairs: number of copulas that are summed up.
        read: share of the copulas that are not Gaussian: the network read them.
        low: whether copulas were seen to change, or another bound found more than the vine.
    """

    n: int
    columns: int
    pairs: int
    read: float
    low: bool


def interval(
    mi: float, error: float, p_value: float, doubt: Doubt | None = None
) -> tuple[float, float]:
    """90 % interval; from 0 on where no dependence is seen, since the error is that of what is.

    Lower bounds are low by more, the fewer samples there are for each column: where the network
    reads copulas, each is smoothed, and where copulas change, pieces cannot be small.

    Args:
        mi, error: the estimate and its standard error of chance, nats.
        p_value: of independence.
        doubt: None if there is no vine.
    """
    method, above = _METHOD, 0.0
    if doubt is not None:
        # What is read of a weak dependence varies more than its density does.
        error = math.hypot(error, _WEAK * math.sqrt(doubt.read * doubt.pairs) / doubt.n)
        method += _NETWORK * doubt.read
        above = _READ * doubt.read + _CHANGING * doubt.low
        above *= math.sqrt(doubt.columns / doubt.n)
    width = math.hypot(_QUANTILE * error, method * mi)
    below = max(0.0, mi - width) if p_value <= SEEN else 0.0
    return below, mi + width + above * mi
