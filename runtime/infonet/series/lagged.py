"""Mutual information of two series at lags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from infonet.errors import InputError
from infonet.inputs.checks import Missing
from infonet.inputs.variables import as_variables
from infonet.pairs.engine import PairEngine
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.single import estimate_pair
from infonet.result import BOUND_NOTE, Estimate
from infonet.series.blocks import Tested, block_test
from infonet.series.profile import LagProfile
from infonet.series.shifts import (
    Rows,
    as_lags,
    at_lag,
    check_series,
)
from infonet.vines.estimate import estimate_vectors

GIVEN_NOTE = "the condition is known at the times of both series"
SHORT_NOTE = (
    "both series remember for longer than a tenth of their length, as trends, seasons and random "
    "walks do, and blocks cannot keep that: p-values may be far too small; pass the time as a "
    "condition, or differences of the series"
)
_FIX = "permutations=199 (--permutations 199 on the command line) tests by blocks"


def memory_note(beyond: str = "") -> str:
    """That the usual p-values and intervals need samples without memory."""
    return f"p-values and intervals assume series without memory{beyond}: {_FIX}"


def block_notes(permutations: int, tests: Iterable[Tested]) -> list[str]:
    """Which tests by blocks there were, and whether blocks are too short for the memory."""
    tests = list(tests)
    shortest, longest = (f(test.block for test in tests) for f in (min, max))
    of = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    notes = [
        f"p-values compare with {permutations} permutations of blocks of {of} samples; intervals "
        "assume series without memory"
    ]
    if any(test.short for test in tests):
        notes.append(SHORT_NOTE)
    return notes


def lagged(
    engine: PairEngine,
    x: Any,
    y: Any,
    lags: Any,
    given: Any,
    nan: Missing,
    names: tuple[str, str],
    permutations: int,
    block: int | None,
    threads: int,
    progress: bool | None,
) -> LagProfile:
    """See `Estimator.lagged`.

    Args:
        engine: with its seed.
    """
    left, right, condition = as_variables(x, y, given, names)
    every = [left, right, *([condition] if condition else [])]
    n_min = engine.model.n_min
    n = check_series(every, nan, n_min)
    steps = as_lags(lags, n, n_min)
    title = (left.title, right.title)
    found: dict[int, Estimate] = {}
    tests: dict[int, Tested] = {}

    def task(lag: int) -> int:
        rows = _rows(at_lag(left, right, condition, lag), nan, n_min, lag)
        early, late = rows.x.alone, rows.y.alone
        if rows.given is None and early is not None and late is not None:
            answer = estimate_pair(engine, early, late)
        else:
            answer = estimate_vectors(
                engine, rows.x, rows.y, rows.given, names=title, progress=False
            )
        if permutations and answer.method != "constant":
            tests[lag] = block_test(engine, rows, permutations, block, threads)
            notes = tuple(note for note in answer.notes if note != BOUND_NOTE)
            answer = replace(answer, p_value=tests[lag].p_value, notes=notes)
        found[lag] = replace(answer, names=title)
        return 1

    with Progress(len(steps), "lag", progress) as bar:
        # A test by blocks spreads its permutations over threads.
        run_tiles((partial(task, lag) for lag in steps), 1 if permutations else threads, bar)
    estimates = tuple(found[lag] for lag in steps)
    notes = [note for variable in every for note in variable.notes]
    notes += [note for e in estimates for note in e.notes]
    if condition is not None:
        notes.append(GIVEN_NOTE)
    if tests:
        notes += block_notes(permutations, tests.values())
    elif any(e.p_value is not None for e in estimates):
        notes.append(memory_note(" beyond the condition" if condition else ""))
    names_given = tuple(condition.names) if condition else ()
    return LagProfile(tuple(steps), estimates, title, names_given, tuple(dict.fromkeys(notes)))


def _rows(rows: Rows, nan: Missing, n_min: int, lag: int) -> Rows:
    if nan == "omit":
        rows = rows.complete()
    if rows.n < n_min:
        raise InputError(
            f"at lag {lag} there are {rows.n} complete samples, the model needs at least {n_min}: "
            "pass more samples, or lags nearer to 0"
        )
    return rows
