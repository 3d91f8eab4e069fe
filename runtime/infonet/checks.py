"""Checks of columns of samples: what is refused, and what each error says."""

from __future__ import annotations

import operator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError

Column = NDArray[Any]
Missing = Literal["raise", "omit"]
_KINDS = {
    "U": "strings",
    "S": "byte strings",
    "T": "strings",
    "O": "Python objects",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "V": "records",
}
_FIXES = {
    "M": "turn dates into numbers first, the day of the year say",
    "m": "turn durations into numbers first, seconds say",
    "c": "take the real part, the imaginary part or the modulus",
}


def require_real(array: NDArray[Any], label: str) -> NDArray[Any]:
    """Return `array` if it holds real numbers, else refuse it."""
    kind = array.dtype.kind
    if kind in "biuf":
        return array
    fix = _FIXES.get(kind, "convert it to numbers, or leave it out")
    raise InputError(
        f"{label} holds {_KINDS.get(kind, 'values')} (dtype {array.dtype}), only real numbers are "
        f"allowed: {fix}"
    )


def check_missing_policy(nan: str) -> None:
    """Refuse a policy for missing values other than "raise" and "omit"."""
    if nan not in ("raise", "omit"):
        raise InputError(f"nan is {nan!r}, allowed are 'raise' and 'omit'")


def check_length(n: int, n_min: int, label: str) -> None:
    """Refuse fewer samples than the model was made for."""
    if n < n_min:
        raise InputError(
            f"{label} has {n} sample{'' if n == 1 else 's'}, the model needs at least {n_min}: "
            "pass more samples"
        )


def check_finite(values: Column, label: str) -> None:
    """Refuse NaN and infinity; say how many there are and where the first one is."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    bad = np.flatnonzero(~np.isfinite(values))
    nans = int(np.isnan(values).sum())
    counts = [(nans, "NaN"), (bad.size - nans, "infinite")]
    what = " and ".join(f"{count} {kind}" for count, kind in counts if count)
    raise InputError(
        f"{label} has {what} value{'s' if bad.size > 1 else ''} (first at index {bad[0]}), only "
        'finite numbers are allowed: remove them, or pass nan="omit" (--nan omit on the command '
        "line) to leave out such rows"
    )


def finite_rows(*columns: Column) -> NDArray[np.bool_]:
    """Mask [n] of the rows that are finite in every column."""
    keep = np.ones(columns[0].shape, np.bool_)
    for column in columns:
        if column.dtype.kind == "f":
            keep &= np.isfinite(column)
    return keep


def whole(value: Any, name: str, low: int) -> int:
    """`value` as an int; InputError unless it is a whole number from `low`."""
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = low - 1
    if number < low:
        raise InputError(f"{name} is {value!r}, allowed are whole numbers from {low}")
    return number
