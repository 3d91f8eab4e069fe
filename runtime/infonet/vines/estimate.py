"""Mutual information of vectors and given conditions, and tests of conditional independence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from infonet.errors import InputError, warn
from infonet.inputs.checks import Missing, check_missing_policy
from infonet.inputs.variables import as_variable
from infonet.model.load import Model
from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.engine import PairEngine
from infonet.pairs.significance import combined
from infonet.pairs.single import estimate_pair
from infonet.result import TIES_NOTE, Estimate, IndependenceTest, Term, Terms
from infonet.vines.bounds import Bound, Doubt, interval, largest
from infonet.vines.conditioning import Continuous, take_out
from infonet.vines.copula import PairCopulas, Ranks
from infonet.vines.discrete import (
    count,
    fisher,
    frequent_levels,
    is_label,
    levels_of,
    part_of,
    seen_within,
)
from infonet.vines.dvine import Edge, Vine, fit_vine
from infonet.vines.gaussian import of_one_copula
from infonet.vines.order import by_strength
from infonet.vines.regression import Polynomial
from infonet.vines.variables import (
    FEW_NOTE,
    Group,
    check,
    leave_out_known,
    left_out_notes,
    rank_groups,
    remarks,
)

NEIGHBOURS_NOTE = (
    "nearest neighbours found more than the vine of pair copulas: of two lower bounds the larger "
    "one is given"
)
DIRECTIONS_NOTE = (
    "functions of several columns, fitted to other samples, tell more than a vine of the columns: "
    "of two lower bounds the larger one is given"
)
TRACE_NOTE = (
    "the condition tells nearly all of x and of y: a trace of it may be left in both, so a small "
    "dependence and its p-value say little"
)
GAUSSIAN_NOTE = (
    "nearly all copulas of these many columns are Gaussian: the estimate is that of one Gaussian "
    "copula of all of them, and the terms may add up to less"
)
CHANGES_NOTE = (
    "the dependence changes with a condition: it was estimated within pieces of it, and what "
    "changes within a piece is missed"
)
FEW_IN_CATEGORIES_NOTE = (
    "categories of the condition have few rows, within which a part of a dependence is seen: the "
    "estimate is a lower bound, which may be {:.0%} too low"
)
_MOSTLY_SEEN = 0.9  # share of a dependence from which nothing is said


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
    """

    sum: float
    error: float
    terms: list[Term]
    p_value: float
    changing: bool
    read: float
    one_copula: float | None = None

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
            float(vine.log_density.std()) / math.sqrt(n),
            terms,
            _p_value(vine.edges, n),
            any(edge.leaves > 1 for edge in vine.edges),
            vine.read,
        )


def check_model(model: Model) -> None:
    """Refuse models that read values rather than ranks, or give no p-values.

    Raises:
        InputError: such a model.
    """
    if model.architecture != "copula" or model.eps != 0 or model.null is None:
        raise InputError(
            f"{model.path.name} cannot answer for several variables or conditions, which needs a "
            "model of ranks with a null distribution: use the model in the package"
        )


def estimate_vectors(
    engine: PairEngine,
    x: Any,
    y: Any,
    given: Any = None,
    *,
    nan: Missing = "raise",
    names: tuple[str, str] = ("x", "y"),
    threads: int = 1,
    progress: bool | None = None,
) -> Estimate:
    """Mutual information of x and y, of one or several columns each, given further columns.

    Args and errors are those of `Estimator.estimate`.
    """
    check_model(engine.model)
    check_missing_policy(nan)
    read = [as_variable(x, names[0]), as_variable(y, names[1])]
    if given is not None:
        read.append(as_variable(given, "given"))
    left, right, condition, *_ = *map(Group.of, read), None
    groups = [group for group in (left, right, condition) if group is not None]
    n = check(groups, nan, engine.model.n_min)
    constant, copies = rank_groups(groups, engine.seed, threads)
    known = leave_out_known(left, right, condition)
    left_out = left_out_notes(constant, copies, known)
    notes = [*(note for variable in read for note in variable.notes), *left_out]
    common: dict[str, Any] = {
        "names": (read[0].title, read[1].title),
        "given": tuple(name for variable in read[2:] for name in variable.names),
    }
    if not left.ranks or not right.ranks:
        if not known:
            warn(left_out[0])
        return Estimate(0.0, (0.0, 0.0), None, n, notes=tuple(notes), method="constant", **common)
    one, other = left.alone, right.alone
    if one is not None and other is not None and (condition is None or not condition.ranks):
        found = estimate_pair(engine, one, other)
        return replace(found, notes=(*notes, *found.notes), **common)
    notes += remarks(groups, n)
    swap = right.key < left.key  # so that x and y may be exchanged
    first, second = (right, left) if swap else (left, right)
    counted = count(first, second, condition, n, engine.seed)
    if counted is not None:
        mi, error, p = counted
        a, b = common["names"]
        term = Term(a, b, common["given"], mi, p)
        ends = interval(mi, error, p)
        notes = [note for note in notes if note not in (TIES_NOTE, FEW_NOTE)]
        method, terms = "counts", [term]
    else:
        answer = _answer(engine, first, second, condition, threads, progress, swap)
        p, terms = answer.p_value, answer.terms
        bound = Bound(max(0.0, answer.sum), answer.error, n, "vine")
        if answer.one_copula is not None:
            bound = replace(bound, mi=max(0.0, answer.one_copula), method="gaussian")
        if condition is None or not condition.ranks:
            rows, tied = (first.ranks, second.ranks), any(first.tied) or any(second.tied)
            bound = largest(PairCopulas(engine), bound, *rows, tied, engine.seed, threads)
        mi, method = bound.mi, bound.method
        trace = condition is not None and _leaves_a_trace(left, right, condition)
        if trace:
            notes.append(TRACE_NOTE)
        if answer.changing:
            notes.append(CHANGES_NOTE)
        if bound.functions:
            notes.append(DIRECTIONS_NOTE)
        if method == "gaussian":
            notes.append(GAUSSIAN_NOTE)
        if method == "neighbours":
            notes.append(NEIGHBOURS_NOTE)
        low = answer.changing or method not in ("vine", "gaussian")
        size = sum(len(group.ranks) for group in groups)
        ends = interval(mi, bound.error, p, Doubt(n, size, len(terms), answer.read, low))
        if trace:
            ends = (0.0, ends[1])
        if condition is not None and levels_of(condition, n) is None:
            seen = seen_within(condition)
            ends = (ends[0], ends[1] / max(seen, 1 / n))
            if seen < _MOSTLY_SEEN:
                notes.append(FEW_IN_CATEGORIES_NOTE.format(1 - seen))
    return Estimate(
        *(float(mi), ends, p, n), notes=tuple(notes), method=method, terms=Terms(terms), **common
    )


def total_correlation(
    engine: PairEngine,
    x: Any,
    *,
    nan: Missing = "raise",
    threads: int = 1,
    progress: bool | None = None,
) -> Estimate:
    """Total correlation of the columns of x: the sum over all edges of a vine."""
    check_model(engine.model)
    check_missing_policy(nan)
    variable = as_variable(x, "x")
    group = Group.of(variable)
    n = check([group], nan, engine.model.n_min)
    constant, copies = rank_groups([group], engine.seed, threads)
    if copies:
        raise InputError(
            f"{' and '.join(copies)} repeat another column, which adds its entropy to the total "
            "correlation (of a continuous one, infinity): leave them out"
        )
    notes = [*variable.notes, *left_out_notes(constant, [], [])]
    names = (variable.title, "")
    if len(group.ranks) < 2:
        return Estimate(0.0, (0.0, 0.0), None, n, names, tuple(notes), method="constant")
    notes += remarks([group], n)
    group.keep(by_strength(group.ranks, group.ranks)[0])
    levels = frequent_levels(group)
    vine = fit_vine(
        *(PairCopulas(engine), group.ranks, lambda i, j: True, (), levels, threads, progress)
    )
    answer = Answer.of(vine, group.names)
    if answer.changing:
        notes.append(CHANGES_NOTE)
    whole = of_one_copula(vine, group.ranks, [1] * len(group.ranks))
    if whole is not None:
        notes.append(GAUSSIAN_NOTE)
    mi, p = max(0.0, answer.sum if whole is None else whole), answer.p_value
    doubt = Doubt(n, len(group.ranks), len(answer.terms), answer.read, answer.changing)
    ends = interval(mi, answer.error, p, doubt)
    return Estimate(
        *(mi, ends, p, n, names, tuple(notes)),
        method="vine" if whole is None else "gaussian",
        terms=Terms(answer.terms),
    )


def _answer(
    engine: PairEngine,
    x: Group,
    y: Group,
    given: Group | None,
    threads: int,
    progress: bool | None,
    swap: bool,
) -> Answer:
    n = x.ranks[0].size
    levels = levels_of(given, n)
    if given is None or levels is None:
        return _of_vine(engine, x, y, given, threads, progress, swap)
    answers, shares = [], []
    for samples in levels:
        in_x, in_y = part_of(x, samples), part_of(y, samples)
        if in_x.ranks and in_y.ranks:
            shares.append(samples.size / n)
            answers.append(_of_vine(engine, in_x, in_y, None, threads, progress, swap))
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
    )


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
    if given and z:
        both = take_out(Continuous(engine, given), [*rows_x, *rows_y], threads, progress)
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
    vine = fit_vine(*(copulas, order, lambda i, j: i < middle <= j, z, levels, threads, progress))
    answer = Answer.of(vine, names, given.names if given else (), swap)
    if z:
        return answer
    return replace(answer, one_copula=of_one_copula(vine, order, [middle, len(rows_y)]))


def _leaves_a_trace(x: Group, y: Group, given: Group) -> bool:
    """Whether the condition tells nearly all of a column of x and of one of y."""
    # A condition of few levels is taken apart by level, which leaves nothing of it.
    if len(given.ranks) < 2 or levels_of(given, given.ranks[0].size) is not None:
        return False
    polynomial = Polynomial(given.ranks)
    return all(any(map(polynomial.leaves_a_trace, group.ranks)) for group in (x, y))


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


def independence_test(found: Estimate) -> IndependenceTest:
    """The test that goes with an estimate of I(x; y | given)."""
    # Nothing that varies is left: no test can tell such variables from independent ones.
    p = 1.0 if found.p_value is None else found.p_value
    return IndependenceTest(p, 2 * found.n * found.mi, found.mi, found)
