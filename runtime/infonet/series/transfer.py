"""Transfer entropy: what the past of one series tells of another beyond that one's own past."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infonet.errors import InputError
from infonet.inputs.checks import Missing, as_whole_number
from infonet.inputs.variables import as_variables
from infonet.pairs.engine import PairEngine
from infonet.result import BOUND_NOTE, Estimate
from infonet.series.blocks import block_test
from infonet.series.lagged import block_notes, memory_note
from infonet.series.shifts import check_series, with_past
from infonet.vines.estimate import check_model, estimate_vectors


def transfer_entropy(
    engine: PairEngine,
    source: Any,
    target: Any,
    history: Any,
    lag: Any,
    given: Any,
    nan: Missing,
    names: tuple[str, str],
    permutations: int,
    block: int | None,
    threads: int,
    progress: bool | None,
) -> Estimate:
    """See `Estimator.transfer_entropy`.

    Args:
        engine: with its seed.
    """
    check_model(engine.model)
    history, lag = as_whole_number(history, "history", 1), as_whole_number(lag, "lag", 1)
    cause, effect, condition = as_variables(source, target, given, names)
    n_min = engine.model.n_min
    n = check_series([cause, effect, *([condition] if condition else [])], nan, n_min)
    past = history + lag - 1
    if n - past < n_min:
        raise InputError(
            f"history {history} and lag {lag} leave {max(0, n - past)} of {n} samples, the model "
            f"needs at least {n_min}: use a shorter history or lag, or pass more samples"
        )
    rows = with_past(cause, effect, condition, history, lag)
    if nan == "omit":
        rows = rows.complete()
        if rows.n < n_min:
            raise InputError(
                f"there are {rows.n} samples with a complete past, the model needs at least "
                f"{n_min}: pass more samples, or use a shorter history"
            )
    found = estimate_vectors(
        *(engine, rows.x, rows.y, rows.given),
        names=(f"past of {cause.title}", effect.title),
        threads=threads,
        progress=progress,
    )
    notes = [note for part in (cause, effect, condition) if part for note in part.notes]
    notes += found.notes
    if found.p_value is None:
        return found
    if not permutations:
        steps = f"{history} step{'s' if history > 1 else ''}"
        notes.append(memory_note(f" beyond the history of {steps}"))
        return replace(found, notes=tuple(notes))
    test = block_test(engine, rows, permutations, block, threads)
    notes = [note for note in notes if note != BOUND_NOTE]
    notes += block_notes(permutations, [test])
    return replace(found, p_value=test.p_value, notes=tuple(notes))
