"""What vines say of x and y given a condition: the terms of the chain rule, their error and test.

A condition of few levels is taken apart: the answer is the mean of those within its levels. So is a
label among several columns of x or y: I(L, X; Y) = I(L; Y) + I(X; Y | L). And one that both share:
I(L, X; L, Y) = H(L) + I(X; Y | L).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.engine import PairEngine
from infonet.pairs.significance import combined
from infonet.pairs.single import estimate_pair
from infonet.result import Term
from infonet.vines.condition import prepare, take_out, untraced
from infonet.vines.copula import WIDTH, Array, PairCopulas, Ranks
from infonet.vines.discrete import (
    fisher,
    frequent_levels,
    has_conditions,
    is_label,
    levels_of,
    part_of,
    seen_within,
)
from infonet.vines.dvine import Edge, Vine, fit_vine
from infonet.vines.gaussian import of_one_copula
from infonet.vines.order import by_strength
from infonet.vines.shuffled import FEW, shuffled_p_value
from infonet.vines.variables import Group, shared_levels


@dataclass(frozen=True)
class Answer:
    """What a vine says of X and Y given Z.

    Attributes:
        sum: of the terms, in nats; negative by chance where there is little.
        error: standard error of chance, nats.
        terms: of the chain rule.
        p_value: of independence, NaN if there is no term.
        changing: whether a copula changes with a condition.
        one_copula: the sum by one Gaussian copula of all columns, where they have one.
        read: share of the copulas that are not Gaussian.
        seen: share of the dependence that is seen; less than 1 within categories of few rows.
        told: nats that a condition tells at least of a column, the largest of all columns.
        trace: nats of the sum that may be a trace of the condition in both x and y; -1 where none
            was seen.
        log_density: the sum of the terms at the samples, [n]; None where it is of several vines.
    """

    sum: float
    error: float
    terms: list[Term]
    p_value: float
    changing: bool
    read: float
    one_copula: float | None = None
    seen: float = 1.0
    told: float = 0.0
    trace: float = -1.0
    log_density: Array | None = None

    @staticmethod
    def of(
        vine: Vine, names: Sequence[str], given: Sequence[str] = (), swap: bool = False
    ) -> Answer:
        """Of the edges of a vine that were asked for.

        Args:
            vine: fitted.
            names: of its columns, in their order.
            given: of the columns of a condition, in addition to those between two ends.
            swap: whether x and y were exchanged.
        """
        terms = []
        for edge in vine.edges:
            ends = names[edge.first], names[edge.second]
            between = (*names[edge.first + 1 : edge.second], *given)
            a, b = reversed(ends) if swap else ends
            terms.append(Term(a, b, between, edge.mi, edge.p_value))
        n = vine.log_density.size
        return Answer(
            sum(edge.mi for edge in vine.edges),
            math.hypot(
                float(vine.log_density.std()) / math.sqrt(n), *(edge.error for edge in vine.edges)
            ),
            terms,
            _p_value(vine.edges, n),
            any(edge.leaves > 1 for edge in vine.edges),
            vine.read,
            log_density=vine.log_density,
        )


def answer_of(
    engine: PairEngine,
    x: Group,
    y: Group,
    given: Group | None,
    threads: int = 1,
    progress: bool | None = None,
    swap: bool = False,
) -> Answer:
    """What vines say of two ranked groups, given a third.

    Args:
        engine: with the model and the seed.
        x, y: at least one column each.
        given: the condition, None or without columns: there is none.
        threads: results do not depend on it.
        progress: show a progress bar; None: if standard error is a terminal.
        swap: whether x and y were exchanged, which terms are not.
    """
    n = x.ranks[0].size
    if given is None or not given.ranks:
        apart = _shared_apart(engine, x, y, threads, progress, swap)
        apart = apart or _label_apart(engine, x, y, threads, progress, swap)
        if apart is not None:
            return apart
    levels = levels_of(given, n)
    if given is None or levels is None:
        answer = _of_vine(engine, x, y, given, threads, progress, swap)
        return (
            replace(answer, seen=max(answer.seen * seen_within(given), 1 / n)) if given else answer
        )
    answers, shares = [], []
    for samples in levels:
        in_x, in_y = part_of(x, samples), part_of(y, samples)
        if in_x.ranks and in_y.ranks:
            shares.append(samples.size / n)
            answers.append(answer_of(engine, in_x, in_y, None, threads, progress, swap))
    terms: dict[tuple[str, str, tuple[str, ...]], list[tuple[float, float]]] = {}
    for answer, share in zip(answers, shares, strict=True):
        for term in answer.terms:
            key = term.x, term.y, (*term.given, *given.names)
            terms.setdefault(key, []).append((share * term.mi, term.p_value))
    return Answer(
        # What is negative by chance in one level counts in the sum over all.
        sum(share * answer.sum for answer, share in zip(answers, shares, strict=True)),
        math.hypot(*(share * a.error for a, share in zip(answers, shares, strict=True))),
        [
            Term(*key, sum(mi for mi, _ in found), fisher([p for _, p in found]))
            for key, found in terms.items()
        ],
        fisher([answer.p_value for answer in answers]),
        any(answer.changing for answer in answers),
        sum(share * answer.read for answer, share in zip(answers, shares, strict=True)),
        seen=min((answer.seen for answer in answers), default=1.0),
    )


def _shared_apart(
    engine: PairEngine, x: Group, y: Group, threads: int, progress: bool | None, swap: bool
) -> Answer | None:
    """Of a column of levels that x and y share, and others; None where they share none."""
    shared = shared_levels(x, y)
    if shared is None or len(x.ranks) + len(y.ranks) < 3:
        return None
    label, other = x.only([shared[0]]), y.only([shared[1]])
    one, again = label.alone, other.alone
    assert one is not None
    assert again is not None
    told = estimate_pair(engine, one, again)
    low, high = told.interval or (told.mi, told.mi)
    p = math.nan if told.p_value is None else told.p_value
    names = (label.names[0], other.names[0])
    a, b = reversed(names) if swap else names
    term, error = Term(a, b, (), told.mi, p), (high - low) / WIDTH
    rest = [
        group.only([place for place in range(len(group.ranks)) if place != at])
        for group, at in zip((x, y), shared, strict=True)
    ]
    if not rest[0].ranks or not rest[1].ranks:
        return Answer(told.mi, error, [term], p, False, 0.0)
    more = answer_of(engine, rest[0], rest[1], label, threads, progress, swap)
    return replace(
        more,
        sum=told.mi + max(0.0, float(more.sum)),
        error=math.hypot(error, more.error),
        terms=[term, *more.terms],
        p_value=fisher([p, more.p_value]),
        log_density=None,
    )


def _label_apart(
    engine: PairEngine, x: Group, y: Group, threads: int, progress: bool | None, swap: bool
) -> Answer | None:
    """Of categories and other columns on one side, and one column on the other.

    The categories are counted as they are in a pair, and the other columns are looked at within
    them: in a vine they would stand as numbers in random order. None for all other x and y.
    """
    for group, other in ((x, y), (y, x)):
        places = [place for place, nominal in enumerate(group.nominal) if nominal]
        number = other.alone
        if not places or len(group.ranks) < 2 or number is None:
            continue
        # Of several labels the one of most categories, for which a vine has least use.
        most = max(places, key=lambda place: np.unique(group.columns[place]).size)
        label = group.only([most])
        rest = group.only([place for place in range(len(group.ranks)) if place != most])
        categories = label.alone
        if categories is None or not has_conditions(label):
            continue
        told = estimate_pair(engine, categories, number)
        low, high = told.interval or (told.mi, told.mi)
        ends = (rest, other) if group is x else (other, rest)
        more = answer_of(engine, *ends, label, threads, progress, swap)
        p = math.nan if told.p_value is None else told.p_value
        names = (label.names[0], other.names[0])
        a, b = names if (group is x) != swap else reversed(names)
        beyond = max(0.0, float(more.sum))
        mi = told.mi + beyond
        return replace(
            more,
            sum=mi,
            error=math.hypot((high - low) / WIDTH, more.error),
            terms=[Term(a, b, (), told.mi, p), *more.terms],
            p_value=fisher([p, more.p_value]),
            seen=mi / (told.mi + beyond / more.seen) if mi > 0 else more.seen,
            log_density=None,
        )
    return None


def _of_vine(
    engine: PairEngine,
    x: Group,
    y: Group,
    given: Group | None,
    threads: int,
    progress: bool | None,
    swap: bool,
) -> Answer:
    copulas = PairCopulas(engine)
    rows_x, rows_y = x.ranks, y.ranks
    z: list[Ranks] = given.ranks if given else []
    told, condition = 0.0, None
    if given and z:
        values = [*x.columns, *y.columns]
        condition = prepare(engine, given)
        both = take_out(condition, [*rows_x, *rows_y], values, threads, progress)
        told = max(map(_told, [*rows_x, *rows_y], both))
        rows_x, rows_y = both[: len(rows_x)], both[len(rows_x) :]
    in_x, in_y = by_strength(rows_x, rows_y)
    of_x, of_y = frequent_levels(x), frequent_levels(y)
    # Labels before numbers: they are exact as conditions, which are taken apart by level.
    in_x.sort(key=lambda place: not is_label(of_x[place]))
    in_y.sort(key=lambda place: not is_label(of_y[place]))
    # The strongest of x and of y stand in the middle, side by side.
    order = [*reversed([rows_x[i] for i in in_x]), *[rows_y[i] for i in in_y]]
    names = [*reversed([x.names[i] for i in in_x]), *[y.names[i] for i in in_y]]
    levels = [*reversed([of_x[i] for i in in_x]), *[of_y[i] for i in in_y]]
    levels += frequent_levels(given) if given else []
    middle = len(rows_x)

    def vine_of(columns: list[Ranks]) -> Vine:
        asked = partial(_joins, middle)
        return fit_vine(*(copulas, columns, asked, z, levels, threads, progress))

    def answer_of_vine(vine: Vine) -> Answer:
        return Answer.of(vine, names, given.names if given else (), swap)

    vine = vine_of(order)
    answer = answer_of_vine(vine)
    if len(order) > 2 and order[0].size < FEW * (len(order) + len(z)):
        answer = replace(answer, p_value=shuffled_p_value(rows_x, rows_y, engine.seed))
    if not condition:
        values = [*reversed([x.columns[i] for i in in_x]), *[y.columns[i] for i in in_y]]
        whole = of_one_copula(vine, order, [middle, len(rows_y)], values)
        return replace(answer, one_copula=whole)
    if len(order) == 2:
        found = untraced(condition, order[0], order[1], answer.p_value, levels[:2])
        if found:
            likely, least = (
                answer_of_vine(vine_of([order[0], v])) for v in (found.likely, found.most)
            )
            trace = max(0.0, likely.sum - least.sum)
            answer = replace(likely, p_value=least.p_value, trace=trace)
    return replace(answer, told=told, seen=condition.seen)


def _joins(middle: int, i: int, j: int) -> bool:
    """Whether an edge joins an x with a y."""
    return i < middle <= j


def _told(column: Ranks, left: Ranks) -> float:
    """Nats that a condition tells of a column at least, when so much of it is left, by the
    correlation of both (Spearman's)."""
    rows = np.stack([column, left]).astype(np.float64) - 0.5
    products = kernels().products(rows)
    share = float(products[0, 1] ** 2 / (products[0, 0] * products[1, 1]))
    return -0.5 * math.log(max(share, 1e-300))


def _p_value(edges: Sequence[Edge], n: int) -> float:
    """Of independence: each edge was tested, and their squared correlations are summed up besides,
    which sees weak dependence that is spread over many edges."""
    if not edges:
        return math.nan
    logs = [math.log(max(edge.p_value, 1e-300)) for edge in edges]
    if len(edges) == 1:
        return edges[0].p_value
    squares = sum(edge.correlation**2 for edge in edges) * n
    together = math.log(max(combined(logs), 1e-300))
    return combined([together, log_gamma_tail(squares / 2, len(edges) / 2)])
