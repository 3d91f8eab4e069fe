"""Turn what users push into rows of float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import require_real
from infonet.errors import InputError
from infonet.inputs import as_columns

_EXACT = 2**53  # whole numbers up to here are float64


def as_row(row: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """One row [d]: a sequence, or a mapping from names to numbers."""
    if isinstance(row, Mapping):
        missing = [name for name in names if name not in row]
        if missing:
            raise InputError(f"the row lacks {', '.join(missing)}: give a number for each variable")
        row = [row[name] for name in names]
    values = _as_float(row, "the row")
    if values.shape != (len(names),):
        raise InputError(
            f"the row has shape {list(values.shape)}, allowed is [{len(names)}], one number for "
            f"each of {', '.join(names)}: use extend for many rows"
        )
    return values


def as_rows(rows: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Rows [m, d]: an array, a list of rows, or a data frame or mapping with columns by name."""
    if isinstance(rows, (np.ndarray, list, tuple)):
        values = _as_float(rows, "rows") if len(rows) else np.empty((0, len(names)))
    else:
        columns = as_columns(rows, list(names), only_numbers=True)[1]
        values = np.stack([_as_float(column, "a column") for column in columns], axis=1)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InputError(
            f"rows have shape {list(values.shape)}, allowed is [m, {len(names)}], one column for "
            f"each of {', '.join(names)}"
        )
    return values


def _as_float(values: Any, label: str) -> NDArray[np.float64]:
    if isinstance(values, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(values)
        whole = _as_float(np.asarray(values.data), label)
        return np.where(gaps, np.nan, whole)
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        raise InputError(f"{label} is a ragged list, allowed are rows of one length") from None
    if array.dtype == np.float64:
        return array
    require_real(array, label)
    wide = array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size > 0
    if wide and max(-int(array.min()), int(array.max())) > _EXACT:
        raise InputError(
            f"{label} holds whole numbers beyond 2**53, which would be rounded: subtract an offset "
            "first"
        )
    return array.astype(np.float64)
