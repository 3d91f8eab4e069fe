"""Columns of Python objects, which pandas and lists are full of."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPANS = (datetime.time, datetime.timedelta, np.timedelta64)
_DATES = (datetime.date, np.datetime64)  # datetime is a date
_WHOLE = (bool, np.bool_, int, np.integer)
_NUMBERS = (int, np.integer, float, np.floating, decimal.Decimal)
_ABSENT = ("NAType", "NaTType")  # of pandas, which may not be installed


def unbox(array: NDArray[Any]) -> tuple[NDArray[Any] | None, NDArray[np.bool_]]:
    """Return (the values that are not missing, which rows are missing) of an object array [n].

    The values are an object array of str, or have a numeric or time dtype; None if they are not all
    of one kind. None, NaN, NaT and NA are missing.
    """
    listed = array.tolist()
    missing = np.fromiter(map(_is_absent, listed), np.bool_, len(listed))
    present = [value for value, gap in zip(listed, missing, strict=True) if not gap]
    types = {type(value) for value in present}

    def all_are(kinds: tuple[type, ...]) -> bool:
        return all(issubclass(kind, kinds) for kind in types)

    if all_are((str,)) and types:
        return array[~missing], missing
    found = None
    if all_are(_SPANS):
        found = np.array(list(map(_as_time, present)), "timedelta64")
    elif all_are(_DATES) and not (datetime.date in types and len(types) > 1):
        found = np.array(list(map(_as_time, present)), "datetime64")
    elif all_are(_WHOLE):
        found = np.array(present)
    elif all_are(_NUMBERS):
        found = np.array(present, np.float64)
    if not types:
        found = np.empty(0)
    return (found if found is not None and found.dtype.kind in "biufMm" else None), missing


def _as_time(value: Any) -> Any:
    """A time of Python or pandas as one that NumPy takes without loss; in UTC if it has a zone."""
    if hasattr(value, "to_numpy"):  # of pandas, to the nanosecond
        return value.to_numpy()
    if isinstance(value, datetime.time):
        clock = value.hour, value.minute, value.second
        return datetime.timedelta(0, (clock[0] * 60 + clock[1]) * 60 + clock[2], value.microsecond)
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def _is_absent(value: Any) -> bool:
    if value is None or type(value).__name__ in _ABSENT:
        return True
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64, decimal.Decimal)):
        return bool(value != value)
    return False
