"""Mutual information of vectors and given conditions, and tests of conditional independence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from infonet.errors import InputError, warn
from infonet.inputs.checks import Missing, check_missing_policy
from infonet.model.load import Model
from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.engine import PairEngine
from infonet.pairs.significance import combined
from infonet.result import TIES_NOTE, Estimate, IndependenceTest, Term, Terms
from infonet.vines.conditioning import Condition
from infonet.vines.copula import Array, PairCopulas, Ranks
from infonet.vines.discrete import count, fisher, levels_of, part_of
from infonet.vines.dvine import Edge, Vine, fit_vine
from infonet.vines.neighbours import (
    MOST_DIMENSIONS,
    MOST_SAMPLES,
    neighbour_terms,
)
from infonet.vines.order import by_strength
from infonet.vines.variables import Variable, check, rank_variables, read

NEIGHBOURS_NOTE = (
    "nearest neighbours found more than the vine of pair copulas: of two lower bounds the larger "
    "one is given"
)
CHANGES_NOTE = (
    "the dependence changes with a condition: it was estimated within pieces of it, and what "
    "changes within a piece is missed"
)
FEW_NOTE = "there are few samples for so many variables: the estimate may be far off"
SHARED_NOTE = "x and y share a column: the mutual information of continuous ones is infinite"

_QUANTILE = 1.6449  # of the normal distribution at 95 %
# Shares of an estimate by which the method itself is off in the mean over held-out tasks, and by
# which it may be low where the copula changes with a condition.
_METHOD, _CHANGING = 0.04, 0.1
_SEEN = 0.05  # p-value up to which dependence counts as seen
# Nats by which neighbours must find more, beside chance: both are noisy.
_MORE, _CHANCE = 0.005, 0.7
_ROOM = 10  # samples for each pair of variables below which there are few


@dataclass(frozen=True)
class Answer:
    """What a vine says of X and Y given Z.

    Attributes:
        mi: nats, not negative.
        error: standard error of chance, nats.
        edges: with names of their variables.
        p_value: of independence, NaN if there is no edge.
        changing: whether a copula changes with a condition.
    """

    mi: float
    error: float
    edges: list[Term]
    p_value: float
    changing: bool

    @property
    def sum(self) -> float:
        """Of the terms, which may be negative."""
        return sum(term.mi for term in self.edges)


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
    left, right = read(x, names[0]), read(y, names[1])
    condition = None if given is None else read(given, "given")
    variables = [left, right, *([condition] if condition else [])]
    n = check(variables, nan, engine.model.n_min)
    shown = (_title(left), _title(right))
    given_names = tuple(condition.names) if condition else ()
    constant, copies = rank_variables(variables, engine.seed, threads)
    notes = _notes(constant, copies, variables, n)
    known = _without_known(left, right, condition)
    if known:
        notes.append(f"{' and '.join(known)} given: known already, so left out")
    common: dict[str, Any] = {"n": n, "names": shown, "given": given_names}
    if not left.ranks or not right.ranks:
        if not known:
            warn(notes[0])
        return Estimate(0.0, (0.0, 0.0), None, notes=tuple(notes), method="constant", **common)
    if set(map(_key, left.ranks)) & set(map(_key, right.ranks)):
        notes.append(SHARED_NOTE)
    swap = right.key < left.key  # so that x and y may be exchanged
    first, second = (right, left) if swap else (left, right)
    counted = count(first, second, condition, n)
    if counted is not None:
        mi, error, p = counted
        return Estimate(
            *(mi, _interval(mi, error, False, p), p),
            notes=tuple(note for note in notes if note not in (TIES_NOTE, FEW_NOTE)),
            method="counts",
            **common,
        )
    answer = _answer(engine, first, second, condition, threads, progress, swap)
    mi, error, method = answer.mi, answer.error, "vine"
    if answer.changing:
        notes.append(CHANGES_NOTE)
    nearest = _neighbours(first, second, condition, engine.seed, threads)
    if nearest is not None:
        terms = nearest
        found = float(terms.mean())
        if found > mi + _MORE + _CHANCE / math.sqrt(n):
            mi, method = found, "neighbours"
            error = float(terms.std()) / math.sqrt(terms.size)
            notes.append(NEIGHBOURS_NOTE)
    interval = _interval(mi, error, answer.changing or method == "neighbours", answer.p_value)
    return Estimate(
        mi,
        interval,
        answer.p_value,
        notes=tuple(notes),
        method=method,
        terms=Terms(answer.edges),
        **common,
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
    variable = read(x, "x")
    n = check([variable], nan, engine.model.n_min)
    shown = (_title(variable), "")
    constant, copies = rank_variables([variable], engine.seed, threads)
    notes = _notes(constant, copies, [variable], n)
    if copies:
        raise InputError(
            f"{' and '.join(copies)} repeat another column: the total correlation is infinite; "
            "leave them out"
        )
    if len(variable.ranks) < 2:
        return Estimate(
            0.0, (0.0, 0.0), None, n, names=shown, notes=tuple(notes), method="constant"
        )
    order = by_strength(variable.ranks, variable.ranks)[0]
    variable.keep(order)
    vine = fit_vine(PairCopulas(engine), variable.ranks, lambda i, j: True, (), threads, progress)
    terms = [
        Term(variable.names[e.first], variable.names[e.second],
             tuple(variable.names[e.first + 1 : e.second]), e.mi, e.p_value)
        for e in vine.edges
    ]  # fmt: skip
    changing = any(edge.leaves > 1 for edge in vine.edges)
    if changing:
        notes.append(CHANGES_NOTE)
    mi = max(0.0, sum(edge.mi for edge in vine.edges))
    p = _p_value(vine.edges, n)
    interval = _interval(mi, _error(vine.log_density), changing, p)
    return Estimate(
        mi, interval, _p_value(vine.edges, n), n,
        names=shown, notes=tuple(notes), method="vine", terms=Terms(terms),
    )  # fmt: skip


def _answer(
    engine: PairEngine,
    x: Variable,
    y: Variable,
    given: Variable | None,
    threads: int,
    progress: bool | None,
    swap: bool,
) -> Answer:
    parts = levels_of(given, x.ranks[0].size)
    if given is None or parts is None:
        return _of_vine(engine, x, y, given, threads, progress, swap)
    answers, shares = [], []
    for samples in parts:
        in_x, in_y = part_of(x, samples), part_of(y, samples)
        shares.append(samples.size / x.ranks[0].size)
        if not in_x.ranks or not in_y.ranks:
            answers.append(Answer(0.0, 0.0, [], math.nan, False))
            continue
        answers.append(_of_vine(engine, in_x, in_y, None, threads, progress, swap))
    terms: dict[tuple[str, str, tuple[str, ...]], list[tuple[float, float]]] = {}
    for answer, share in zip(answers, shares, strict=True):
        for term in answer.edges:
            key = term.x, term.y, (*term.given, *given.names)
            terms.setdefault(key, []).append((share * term.mi, term.p_value))
    return Answer(
        # Weak terms are without bias, so what is negative by chance in one level counts in another.
        max(0.0, sum(share * a.sum for a, share in zip(answers, shares, strict=True))),
        math.sqrt(sum((share * a.error) ** 2 for a, share in zip(answers, shares, strict=True))),
        [
            Term(*key, sum(mi for mi, _ in found), fisher([p for _, p in found]))
            for key, found in terms.items()
        ],
        fisher([answer.p_value for answer in answers]),
        any(answer.changing for answer in answers),
    )


def _of_vine(
    engine: PairEngine,
    x: Variable,
    y: Variable,
    given: Variable | None,
    threads: int,
    progress: bool | None,
    swap: bool,
) -> Answer:
    copulas = PairCopulas(engine)
    rows_x, rows_y = x.ranks, y.ranks
    z: list[Ranks] = given.ranks if given else []
    if z:
        condition = Condition(copulas, z)
        both = condition.out_of_all([*rows_x, *rows_y], threads, progress)
        rows_x, rows_y = both[: len(rows_x)], both[len(rows_x) :]
    in_x, in_y = by_strength(rows_x, rows_y)
    # The strongest of x and of y stand in the middle, side by side.
    order = [*reversed([rows_x[i] for i in in_x]), *[rows_y[i] for i in in_y]]
    names = [*reversed([x.names[i] for i in in_x]), *[y.names[i] for i in in_y]]
    middle = len(rows_x)
    vine: Vine = fit_vine(copulas, order, lambda i, j: i < middle <= j, z, threads, progress)
    conditions = tuple(given.names) if given else ()
    terms = []
    for edge in vine.edges:
        ends = (names[edge.first], names[edge.second])
        between = (*names[edge.first + 1 : edge.second], *conditions)
        a, b = reversed(ends) if swap else ends
        terms.append(Term(a, b, between, edge.mi, edge.p_value))
    mi = max(0.0, sum(edge.mi for edge in vine.edges))
    n = order[0].size
    changing = any(edge.leaves > 1 for edge in vine.edges)
    return Answer(mi, _error(vine.log_density), terms, _p_value(vine.edges, n), changing)


def _neighbours(
    x: Variable, y: Variable, given: Variable | None, seed: int, threads: int
) -> Array | None:
    """Terms of the estimate by nearest neighbours, where it may be the better bound."""
    dimensions = len(x.ranks) + len(y.ranks)
    if (given and given.ranks) or not 2 < dimensions <= MOST_DIMENSIONS:
        return None
    if any(x.tied) or any(y.tied):
        return None
    rows_x, rows_y = x.ranks, y.ranks
    n = rows_x[0].size
    if n > MOST_SAMPLES:
        some = np.random.default_rng(seed).permutation(n)[:MOST_SAMPLES]
        some.sort()
        rows_x, rows_y = ([row[some] for row in rows] for rows in (rows_x, rows_y))
    return neighbour_terms(rows_x, rows_y, threads)


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


def _interval(mi: float, error: float, low: bool, p_value: float) -> tuple[float, float]:
    """90 % interval; from 0 on where no dependence is seen, since the error is that of what is."""
    width = _QUANTILE * math.hypot(error, _METHOD * mi / _QUANTILE)
    below = max(0.0, mi - width) if p_value <= _SEEN else 0.0
    return below, mi + width + _CHANGING * mi * low


def _error(log_density: Array) -> float:
    return float(log_density.std()) / math.sqrt(log_density.size)


def _notes(
    constant: list[str], copies: list[str], variables: Sequence[Variable], n: int
) -> list[str]:
    notes = []
    if constant:
        notes.append(f"{' and '.join(constant)} constant: left out, as it tells nothing")
    if copies:
        notes.append(f"{' and '.join(copies)} left out: a copy of another column")
    if any(tied for variable in variables for tied in variable.tied):
        notes.append(TIES_NOTE)
    size = sum(len(variable.ranks) for variable in variables)
    if n < _ROOM * size * (size - 1) / 2:
        notes.append(FEW_NOTE)
    return notes


def _without_known(x: Variable, y: Variable, given: Variable | None) -> list[str]:
    """Leave out columns of x and y that are given; their names."""
    if given is None:
        return []
    known = set(map(_key, given.ranks))
    found = []
    for variable in (x, y):
        places = [i for i, row in enumerate(variable.ranks) if _key(row) not in known]
        found += [variable.names[i] for i in range(len(variable.ranks)) if i not in places]
        if len(places) < len(variable.ranks):
            variable.keep(places)
            if not places:
                variable.ranks = []
    return found


def _key(ranks: Ranks) -> bytes:
    return ranks.tobytes()


def _title(variable: Variable) -> str:
    if len(variable.names) == 1:
        return variable.names[0]
    named = variable.names != variable.labels
    return ", ".join(variable.names) if named and len(variable.names) <= 6 else variable.name


def independence_test(found: Estimate) -> IndependenceTest:
    """The test that goes with an estimate of I(x; y | given)."""
    # Nothing that varies is left: no test can tell such variables from independent ones.
    p = 1.0 if found.p_value is None else found.p_value
    return IndependenceTest(p, 2 * found.n * found.mi, found.mi, found)
