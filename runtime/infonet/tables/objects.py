"""Columns of Python objects, which pandas and lists are full of."""

from __future__ import annotations

import datetime
import decimal
import fractions
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.csv_file import is_missing
from infonet.tables.exact import EXACT, exact_numbers
from infonet.tables.meanings import is_mark, missing_remark
from infonet.tables.remarks import Remark

_SPANS = (datetime.time, datetime.timedelta, np.timedelta64)
_DATES = (datetime.date, np.datetime64)  # datetime is a date
_WHOLE = (bool, np.bool_, int, np.integer)
_LONG = (decimal.Decimal, fractions.Fraction)
_NUMBERS = (int, np.integer, float, np.floating, *_LONG)
_ABSENT = ("NAType", "NaTType")  # of pandas, which may not be installed
_TICKS = {  # of units of one length, from the finest
    unit: 1000**i for i, unit in enumerate(("as", "fs", "ps", "ns", "us", "ms", "s"))
}
_TICKS |= {"m": 60 * _TICKS["s"], "h": 3600 * _TICKS["s"], "D": 86_400 * _TICKS["s"]}
_TICKS["W"] = 7 * _TICKS["D"]

Unboxed = tuple[NDArray[Any] | None, NDArray[np.bool_], tuple[Remark, ...]]


def unbox(array: NDArray[Any]) -> Unboxed:
    """Return (the values that are not missing, which rows are missing, remarks) of objects [n].

    The values are an object array of str or bytes, or have a numeric or time dtype; None if they
    are not all of one kind. None, NaN, NaT and NA are missing.
    """
    listed = array.tolist()
    missing = np.fromiter(map(_is_absent, listed), np.bool_, len(listed))
    present = [value for value, gap in zip(listed, missing, strict=True) if not gap]
    marks = _marks(present)
    if marks:
        missing |= np.fromiter((isinstance(value, str) for value in listed), np.bool_, len(listed))
        present = [value for value in present if not isinstance(value, str)]
    types = {type(value) for value in present}

    def all_are(*kinds: type) -> bool:
        return all(issubclass(kind, kinds) for kind in types)

    if not types:
        return np.empty(0), missing, ()
    if all_are(str) or all_are(bytes):
        return array[~missing], missing, ()
    remarks: tuple[Remark, ...] = ()
    found: NDArray[Any] | None = None
    if all_are(bool, np.bool_):
        found = np.array(present)
    elif all_are(*_SPANS) or (all_are(*_DATES) and not (datetime.date in types and len(types) > 1)):
        found = _ticks(list(map(_as_time, present)))
        remarks = (Remark("time"),)
    elif all_are(*_WHOLE) or all_are(*_NUMBERS):
        found, remarks = _numbers(present, types)
    return found, missing, (*remarks, *missing_remark(marks))


def _marks(present: list[Any]) -> Counter[str]:
    """Texts beside values that are no texts, if each of them says that a value is missing."""
    marks = Counter(value for value in present if isinstance(value, str))
    among = len(present) > marks.total()
    absent = all(is_missing(mark) or is_mark(mark.strip()) for mark in marks)
    return marks if among and absent else Counter()


def _numbers(present: list[Any], types: set[type]) -> tuple[NDArray[Any], tuple[Remark, ...]]:
    """Numbers in the simplest type that tells them apart."""
    if not any(issubclass(kind, _LONG) for kind in types):
        if all(issubclass(kind, (float, np.floating)) for kind in types):
            return np.array(present), ()
        if all(-EXACT < value < EXACT for value in present):  # not as floats, which overflow
            return np.array(present, np.int64 if _whole(types) else np.float64), ()
    return exact_numbers(present)


def _whole(types: set[type]) -> bool:
    return all(issubclass(kind, _WHOLE) for kind in types)


def _ticks(times: list[Any]) -> NDArray[Any] | None:
    """Times of NumPy as an array; NumPy itself wraps around where units differ."""
    kinds = {time.dtype for time in times}
    if len(kinds) == 1:
        return np.array(times, kinds.pop())
    ticks = []
    for value in times:
        if np.datetime_data(value.dtype)[0] in "YM" and value.dtype.kind == "M":
            days = value.astype("M8[D]")
            value = days if days.astype(value.dtype) == value else value
        unit, count = np.datetime_data(value.dtype)
        if unit not in _TICKS:
            return None
        ticks.append(int(value.astype(np.int64)) * count * _TICKS[unit])
    return exact_numbers(ticks)[0]


def _as_time(value: Any) -> Any:
    """A time of Python or pandas as one that NumPy takes without loss; in UTC if it has a zone."""
    if hasattr(value, "to_numpy"):  # of pandas, to the nanosecond
        return value.to_numpy()
    if isinstance(value, datetime.time):
        clock = value.hour, value.minute, value.second
        seconds = (clock[0] * 60 + clock[1]) * 60 + clock[2]
        return np.timedelta64(seconds * 10**6 + value.microsecond, "us")
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return np.datetime64(value)
    return np.timedelta64(value) if isinstance(value, datetime.timedelta) else value


def _is_absent(value: Any) -> bool:
    if value is None or type(value).__name__ in _ABSENT:
        return True
    if isinstance(value, decimal.Decimal):
        return value.is_nan()  # a signalling one is not to be compared
    if isinstance(value, (float, np.floating, np.datetime64, np.timedelta64)):
        return bool(value != value)
    return False
