"""Turn what users push into rows of float64."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import require_real
from infonet.errors import InputError
from infonet.inputs import as_columns
from infonet.tables.arrays import is_records
from infonet.tables.exact import EXACT
from infonet.tables.objects import unbox


def as_row(row: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """One row [d]: a sequence, or a mapping from names to numbers; None and NA are missing."""
    if isinstance(row, Mapping):
        row = _picked(row, names, "the row")
    values = _as_float(row, "the row")
    if values.shape != (len(names),):
        raise InputError(
            f"the row has shape {list(values.shape)}, allowed is [{len(names)}], one number for "
            f"each of {', '.join(names)}: use extend for many rows"
        )
    return values


def as_rows(rows: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Rows [m, d]: an array, a list of rows or of mappings, or a data frame or mapping by name."""
    if is_records(rows):
        rows = [_picked(row, names, f"row {i}") for i, row in enumerate(rows, 1)]
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


def _picked(row: Mapping[Any, Any], names: Sequence[str], label: str) -> list[Any]:
    """Values of a mapping in the order of `names`."""
    missing = [name for name in names if name not in row]
    if missing:
        raise InputError(
            f"{label} lacks {', '.join(missing)}: give a number for each variable, or None where "
            "one is missing"
        )
    return [row[name] for name in names]


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
    if array.dtype == object:
        array = _unboxed(array, label)
    require_real(array, label)
    wide = array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size > 0
    if wide and max(-int(array.min()), int(array.max())) > EXACT:
        raise _rounded(label)
    return array.astype(np.float64)


def _rounded(label: str) -> InputError:
    return InputError(
        f"{label} holds whole numbers beyond 2**53, which would be rounded: subtract an offset "
        "first"
    )


def _unboxed(array: NDArray[Any], label: str) -> NDArray[Any]:
    """Numbers of an array of objects: None, NA and NaN are missing; Decimals become floats."""
    objects = array.ravel()
    if any(not isinstance(v, float) and _is_long(v) for v in objects.tolist()):
        raise _rounded(label)
    present, missing, remarks = unbox(objects)
    if present is None or present.dtype.kind not in "biuf" or remarks:
        raise InputError(
            f"{label} holds Python objects, only real numbers, and None where one is missing, are "
            "allowed: convert it to numbers"
        )
    numbers = np.full(array.size, np.nan)
    numbers[~missing] = present
    return numbers.reshape(array.shape)


def _is_long(value: Any) -> bool:
    if isinstance(value, Decimal) and value.is_nan():
        return False
    return isinstance(value, (int, Decimal, Fraction)) and not -EXACT <= value <= EXACT
