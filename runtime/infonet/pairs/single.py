"""The estimate of one pair of variables, from what users pass to what they get."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn
from infonet.inputs.checks import Missing, check_finite, check_length, finite_rows
from infonet.inputs.variables import NamedColumn
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet.pairs.estimates import BOUND, method_of, notes_of
from infonet.pairs.permutations import permutation_p_value
from infonet.pairs.pmi import balanced, has_plain_margins
from infonet.pairs.ranking import RankedColumns
from infonet.result import Estimate

ONE_OF_THE_OTHER_NOTE = (
    "each variable is a monotone function of the other: if both are continuous, their mutual "
    "information is infinite, and the estimate only says what so many samples show"
)

Ranks = NDArray[np.float32]


def estimate_pair(
    engine: PairEngine,
    x: NamedColumn,
    y: NamedColumn,
    nan: Missing = "raise",
    permutations: int = 0,
) -> Estimate:
    """See `Estimator.estimate`; of two single columns, without a condition.

    Args:
        engine: with the model and the seed.
        x, y: n samples each; their notes are said of the estimate, too.
        nan: "raise" or "omit".
        permutations: 0, or how many the p-value comes from.

    Raises:
        InputError: not finite, of unequal lengths, or too few samples.
    """
    if x.values.size != y.values.size:
        raise InputError(
            f"{x.name} and {y.name} differ in length ({x.values.size} and {y.values.size}): "
            "pass one y for each x"
        )
    label = x.name
    if nan == "omit":
        keep = finite_rows(x.values, y.values)
        if not keep.all():
            x, y = x._replace(values=x.values[keep]), y._replace(values=y.values[keep])
            label = f"{x.name} with {y.name}, missing values left out,"
    check_length(x.values.size, engine.model.n_min, label)
    check_finite(x.values, x.name)
    check_finite(y.values, y.name)
    nominal = np.array([x.nominal, y.nominal])
    notes = (*x.notes, *y.notes)
    return _estimate(engine, (x.name, y.name), x.values, y.values, nominal, permutations, notes)


def _estimate(
    engine: PairEngine,
    names: tuple[str, str],
    x: NDArray[Any],
    y: NDArray[Any],
    nominal: NDArray[np.bool_],
    permutations: int,
    known: tuple[str, ...],
) -> Estimate:
    ranked = engine.prepare((x, y)).with_nominal(nominal)
    if ranked.constant.any():
        constant = [name for name, flag in zip(names, ranked.constant, strict=True) if flag]
        note = f"{' and '.join(constant)} constant: mutual information is 0"
        warn(note)
        flat = np.zeros((engine.model.table_grid,) * 2, np.float32)
        exact = (0.0, 0.0) if engine.model.quantile_levels else None
        return Estimate(0.0, exact, None, x.size, names, (*known, note), flat, method="constant")
    # Tables of continuous variables are balanced when somebody looks at them.
    later = has_plain_margins(engine.model) and not ranked.tied.any()
    found = engine.estimate(ranked, ONE_PAIR, table=True, balanced=not later)
    mi, quantiles, about = float(found.mi[0]), found.quantiles[0], int(found.about[0])
    interval = (float(quantiles[0]), float(quantiles[-1])) if quantiles.size else None
    p = float(found.p_value[0])
    if permutations:
        p = permutation_p_value(engine, ranked, found, permutations)
        about &= ~BOUND
    notes = notes_of(about, p, interval, engine.model.null, x.size)
    table: Any = None if found.table is None or np.isnan(found.table[0, 0, 0]) else found.table[0]
    if table is not None and later:
        table = partial(balanced, table)
    if _determine_each_other(ranked):
        notes = (*notes, ONE_OF_THE_OTHER_NOTE)
    return Estimate(
        *(mi, interval, None if math.isnan(p) else p, x.size, names, (*known, *notes), table),
        method=method_of(about),
    )


def _determine_each_other(ranked: RankedColumns) -> bool:
    """Whether two columns without ties have the same ranks, or the mirrored ones."""
    x, y = ranked.rows[:2]
    # Ranks are multiples of 1 / n, rounded to float32. The first samples tell most pairs apart.
    near, first = 0.25 / x.size, (float(x[0]), float(y[0]))
    if abs(first[0] - first[1]) >= near and abs(first[0] + first[1] - 1) >= near:
        return False
    if np.isfinite(ranked.entropy).any():  # ties: what they tell of each other is finite
        return False
    return any(bool((apart(x, y) < near).all()) for apart in (_difference, _mirrored))


def _difference(x: Ranks, y: Ranks) -> Ranks:
    return np.asarray(np.abs(x - y))


def _mirrored(x: Ranks, y: Ranks) -> Ranks:
    return np.asarray(np.abs(x + y - 1))
