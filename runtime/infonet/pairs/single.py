"""The estimate of one pair of variables, from what users pass to what they get."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn
from infonet.inputs.checks import Missing, check_finite, check_length, finite_rows
from infonet.inputs.open import as_column
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet.pairs.estimates import BOUND, method_of, notes_of
from infonet.result import NO_TABLE_NOTE, Estimate


def estimate_pair(
    engine: PairEngine,
    x: Any,
    y: Any,
    nan: Missing,
    names: tuple[str, str],
    permutations: int,
) -> Estimate:
    """See `Estimator.estimate`; of two single columns, without a condition.

    Args:
        engine: with the model and the seed.
        x, y: n samples each.
        nan: "raise" or "omit".
        names: how to call variables that have no names of their own.
        permutations: 0, or how many the p-value comes from.

    Raises:
        InputError: not real numbers, not finite, of unequal lengths, or too few samples.
    """
    x_column, y_column = as_column(x, names[0]), as_column(y, names[1])
    (x_name, x_values), (y_name, y_values) = x_column[:2], y_column[:2]
    if x_values.size != y_values.size:
        raise InputError(
            f"{x_name} and {y_name} differ in length ({x_values.size} and {y_values.size}): "
            "pass one y for each x"
        )
    label = x_name
    if nan == "omit":
        keep = finite_rows(x_values, y_values)
        if not keep.all():
            x_values, y_values = x_values[keep], y_values[keep]
            label = f"{x_name} with {y_name}, missing values left out,"
    check_length(x_values.size, engine.model.n_min, label)
    check_finite(x_values, x_name)
    check_finite(y_values, y_name)
    pair = (x_name, y_name)
    nominal = np.array([x_column.nominal, y_column.nominal])
    found = _estimate(engine, pair, x_values, y_values, nominal, permutations)
    return replace(found, notes=(*x_column.notes, *y_column.notes, *found.notes))


def _estimate(
    engine: PairEngine,
    names: tuple[str, str],
    x: NDArray[Any],
    y: NDArray[Any],
    nominal: NDArray[np.bool_],
    permutations: int,
) -> Estimate:
    ranked = engine.prepare((x, y)).with_nominal(nominal)
    if ranked.constant.any():
        constant = [name for name, flag in zip(names, ranked.constant, strict=True) if flag]
        note = f"{' and '.join(constant)} constant: mutual information is 0"
        warn(note)
        flat = np.zeros((engine.model.table_grid,) * 2, np.float32)
        exact = (0.0, 0.0) if engine.model.quantile_levels else None
        return Estimate(0.0, exact, None, x.size, names, (note,), flat, method="constant")
    found = engine.estimate(ranked, ONE_PAIR, table=True)
    mi, quantiles, about = float(found.mi[0]), found.quantiles[0], int(found.about[0])
    interval = (float(quantiles[0]), float(quantiles[-1])) if quantiles.size else None
    p = float(found.p_value[0])
    if permutations:
        p = engine.permutation_p_value(ranked, found, permutations)
        about &= ~BOUND
    notes = notes_of(about, p, interval, engine.model.null, x.size)
    table = None if found.table is None or np.isnan(found.table[0, 0, 0]) else found.table[0]
    if table is None:
        notes = (*notes, NO_TABLE_NOTE)
    return Estimate(
        *(mi, interval, None if math.isnan(p) else p, x.size, names, notes, table),
        method=method_of(about),
    )
