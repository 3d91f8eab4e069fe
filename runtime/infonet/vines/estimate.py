"""Mutual information of vectors and given conditions, and tests of conditional independence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from infonet.errors import InputError, warn
from infonet.inputs.checks import Missing, check_missing_policy
from infonet.inputs.variables import as_variable
from infonet.model.load import Model
from infonet.pairs.engine import PairEngine
from infonet.pairs.single import estimate_pair
from infonet.result import TIES_NOTE, Estimate, IndependenceTest, Term, Terms
from infonet.vines.answers import Answer, answer_of
from infonet.vines.bounds import MOSTLY_READ, SEEN, Bound, Doubt, interval, largest
from infonet.vines.copula import PairCopulas
from infonet.vines.discrete import (
    count,
    frequent_levels,
    has_conditions,
    is_label,
    levels_of,
)
from infonet.vines.dvine import fit_vine
from infonet.vines.gaussian import LEAST_FOR_EACH, of_one_copula
from infonet.vines.limits import limit_of, limit_of_total, limited, scaled_down
from infonet.vines.order import by_strength
from infonet.vines.regression import Polynomial
from infonet.vines.unseen import unseen
from infonet.vines.variables import (
    FEW_NOTE,
    Group,
    check,
    leave_out_known,
    rank_groups,
    remarks,
    shared_levels,
)

NEIGHBOURS_NOTE = (
    "nearest neighbours found more than the vine of pair copulas, which tends to find too little: "
    "their estimate is given, less what the choice of the larger one makes of chance"
)
DIRECTIONS_NOTE = (
    "functions of several columns, fitted to other samples, tell more than a vine of the columns: "
    "of two lower bounds the larger one is given"
)
TRACE_NOTE = (
    "the condition tells nearly all of x and of y: a trace of it may be left in both, so a small "
    "dependence and its p-value say little"
)
UNKNOWN_EFFECT_NOTE = (
    "samples with nearly the same condition show a trace of it in both x and y, which was taken "
    "off the estimate; the p-value and the low end allow for up to twice as much"
)
GAUSSIAN_NOTE = (
    "nearly all copulas of these columns are Gaussian: the estimate is that of one Gaussian "
    "copula of all of them, and the terms may add up to less"
)
CHANGES_NOTE = (
    "the dependence changes with a condition: it was estimated within pieces of it, and what "
    "changes within a piece is missed"
)
MOSTLY_CHANCE_NOTE = (
    "there are fewer than four samples for each variable: the estimate is mostly chance, so the "
    "interval begins at 0, and only the p-value says whether there is dependence"
)
FEW_IN_CATEGORIES_NOTE = (
    "categories, or numbers that act as such, have few rows, within which a part of a dependence "
    "is seen: the estimate is a lower bound, which may be {:.0%} too low"
)
RARE_NOTE = (
    "categories of {} have few rows: of what they tell among several columns a part is not seen, "
    "so the estimate is a lower bound"
)
UNSEEN_NOTE = (
    "the condition tells much of x or y, and half of the samples show less of what is left: a part "
    "is not seen, so the estimate is a lower bound"
)
_MISSED, _LITTLE = 0.1, 0.01  # share of an estimate, and nats, up to which nothing is said
_MOSTLY_SEEN = 0.9  # share of a dependence from which nothing is said


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
    dropped = rank_groups(groups, engine.seed, threads)
    known = leave_out_known(left, right, condition)
    left_out = dropped.notes(known)
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
        answer = answer_of(engine, first, second, condition, threads, progress, swap)
        p, terms = answer.p_value, answer.terms
        complete = not answer.changing and answer.read < MOSTLY_READ
        sum_of_terms = max(0.0, answer.sum)
        bound = Bound(
            *(sum_of_terms, answer.error, n, "vine"), terms=answer.log_density, complete=complete
        )
        if answer.one_copula is not None:
            bound = Bound(
                *(max(0.0, answer.one_copula), answer.error, n, "gaussian"),
                terms=answer.log_density,
                complete=True,
            )
        # Beside a label that x and y share, functions of it would pass for continuous.
        if (condition is None or not condition.ranks) and shared_levels(left, right) is None:
            bound = largest(PairCopulas(engine), bound, first, second, engine.seed, threads, p)
        limit = limit_of(first, second, condition)
        mi, method, terms = min(bound.mi, limit[0]), bound.method, scaled_down(terms, limit)
        trace = condition is not None and _leaves_a_trace(left, right, condition)
        if trace:
            notes.append(TRACE_NOTE)
        if answer.trace >= 0:
            notes.append(UNKNOWN_EFFECT_NOTE)
        changing = answer.changing and method != "gaussian"
        if changing:
            notes.append(CHANGES_NOTE)
        if bound.functions:
            notes.append(DIRECTIONS_NOTE)
        if method == "gaussian":
            notes.append(GAUSSIAN_NOTE)
        if method == "neighbours":
            notes.append(NEIGHBOURS_NOTE)
        low = changing or method not in ("vine", "gaussian")
        refused = 0.0 if method == "gaussian" else answer.read
        size = sum(len(group.ranks) for group in groups)
        ends = interval(mi, bound.error, p, Doubt(n, size, len(terms), refused, low))
        few = n < LEAST_FOR_EACH * size
        if few:
            notes.append(MOSTLY_CHANCE_NOTE)
        ends = (0.0 if trace or few else max(0.0, ends[0] - max(0.0, answer.trace)), ends[1])
        # Where nothing is seen, halves would show chance.
        missed = unseen(engine, first, second, condition, answer, threads) if p <= SEEN else 0.0
        if missed > _MISSED * mi + _LITTLE:
            notes.append(UNSEEN_NOTE)
        ends = (ends[0], (ends[1] + missed) / answer.seen)
        rare, more = _rare_categories(engine, left, right, condition)
        if rare:
            ends = (ends[0], ends[1] + more)
            notes.append(RARE_NOTE.format(" and ".join(rare)))
        if answer.seen < _MOSTLY_SEEN:
            notes.append(FEW_IN_CATEGORIES_NOTE.format(1 - answer.seen))
        ends = limited(ends, limit)
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
    left_out = rank_groups([group], engine.seed, threads, reduce=False)
    if left_out.copies:
        raise InputError(
            f"{' and '.join(left_out.copies)} repeat another column, which adds its entropy to the "
            "total correlation (of a continuous one, infinity): leave them out"
        )
    notes = [*variable.notes, *left_out.notes([])]
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
    limit, p = limit_of_total(group), answer.p_value
    mi = min(max(0.0, answer.sum if whole is None else whole), limit[0])
    doubt = Doubt(n, len(group.ranks), len(answer.terms), answer.read, answer.changing)
    ends = limited(interval(mi, answer.error, p, doubt), limit)
    return Estimate(
        *(mi, ends, p, n, names, tuple(notes)),
        method="vine" if whole is None else "gaussian",
        terms=Terms(scaled_down(answer.terms, limit)),
    )


def _leaves_a_trace(x: Group, y: Group, given: Group) -> bool:
    """Whether the condition tells nearly all of a column of x and of one of y."""
    # A condition of few levels is taken apart by level, which leaves nothing of it.
    if len(given.ranks) < 2 or levels_of(given, given.ranks[0].size) is not None:
        return False
    polynomial = Polynomial(given.ranks)
    return all(any(map(polynomial.leaves_a_trace, group.ranks)) for group in (x, y))


def _rare_categories(
    engine: PairEngine, x: Group, y: Group, given: Group | None
) -> tuple[list[str], float]:
    """Names of columns of rare categories that a vine of several columns holds, and what they tell
    alone at most, nats: so much may be missed."""
    sides = [len(group.ranks) for group in (x, y)]
    if max(sides) == 1:
        return [], 0.0  # it is counted
    apart = min(sides) == 1 and (given is None or not given.ranks)  # see `answers`
    names, unseen = [], 0.0
    for group, others in ((x, y), (y, x)):
        for place in np.flatnonzero(group.nominal).tolist():
            label = group.only([place])
            if all(map(is_label, frequent_levels(label))) or (apart and has_conditions(label)):
                continue
            names += label.names
            told = [_ends_of_pair(engine, label, others, k) for k in range(len(others.ranks))]
            unseen += max(high for _, high in told)
    return names, unseen


def _ends_of_pair(
    engine: PairEngine, label: Group, others: Group, place: int
) -> tuple[float, float]:
    """The interval of a label and one of other columns, as of two scalars."""
    one, other = label.alone, others.only([place]).alone
    assert one is not None
    assert other is not None
    return estimate_pair(engine, one, other).interval or (0.0, 0.0)


def independence_test(found: Estimate) -> IndependenceTest:
    """The test that goes with an estimate of I(x; y | given)."""
    # Nothing that varies is left: no test can tell such variables from independent ones.
    p = 1.0 if found.p_value is None else found.p_value
    return IndependenceTest(p, 2 * found.n * found.mi, found.mi, found)
