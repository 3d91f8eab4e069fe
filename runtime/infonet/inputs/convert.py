"""Turn values of any kind into real numbers, NaN where missing.

Python objects, which pandas and lists are full of, are unboxed. Categories become codes: positions
of ordered ones, numbers by frequency for the others.

Mutual information does not depend on the order of categories, the network's estimate a little. An
order by frequency is measured to be as good as any that does not look at the other variable, and it
does not depend on what the categories are called: a column and its translation get equal codes.

Numbers keep their type and are not copied where that can be avoided. Times become whole numbers of
ticks of their own unit, so that their order is exact. Categories become codes.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import Column, Remark, require_real
from infonet.inputs.csv_rows import parse_numbers
from infonet.inputs.meanings import is_gap, missing_remark, of_levels
from infonet.inputs.numbers import EXACT, exact_numbers, with_gaps

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
    return marks if among and all(map(is_gap, marks)) else Counter()


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


MOST_LEVELS = 65_536  # more categories than these are text, whatever the number of rows
_FEW_LEVELS = 20  # so many may be numbers and words mixed


def encode(
    codes: NDArray[np.integer[Any]],
    levels: Sequence[Any],
    ordered: bool,
    label: str,
    declared: bool = False,
) -> tuple[Column, tuple[Remark, ...]]:
    """Return (numbers [n], NaN where missing; remarks) for a column of text or categories.

    Args:
        codes: position of each row's category in `levels`, negative where it is missing, [n].
        levels: names of the categories; some may occur in no row, some twice, None is missing.
        ordered: whether the order of `levels` means something.
        label: how to call the column in a message.
        declared: whether the type of the column says that it holds categories, and not just text.
            Without an order they are codes then, also where their names are numbers or dates.

    Raises:
        InputError: without an order and too many categories: an identifier, or free text; text
            among many numbers; or numbers that may be read in two ways.
    """
    levels = [_text(level) for level in levels]
    if declared and not ordered:
        return encode_names(codes, levels, label, declared)
    position, present, counts = _present(codes, levels)
    names = [levels[i] for i in present.tolist()]
    ranks = np.arange(present.size), (Remark("ordered", _count(names)),)
    found = ranks if ordered else _values(names, counts, label)
    if found is None:
        return encode_names(codes, levels, label)
    values, remarks = found
    return _spread(position, present, values, len(levels)), remarks


def encode_names(
    codes: NDArray[np.integer[Any]], levels: Sequence[Any], label: str, declared: bool = False
) -> tuple[Column, tuple[Remark, ...]]:
    """As `encode`, of names that mean nothing else and have no order.

    Raises:
        InputError: too many categories, or text among many numbers.
    """
    position, present, counts = _present(codes, levels)
    names = [str(levels[i]) for i in present.tolist()]
    rows = int(counts.sum())
    mixed = "" if declared else _mixed(names)
    if mixed and len(names) > _FEW_LEVELS:
        raise InputError(
            f"{label} holds numbers mixed with text such as {mixed[:40]!r}, allowed are numbers or "
            "categories: make those cells empty, make it a categorical column, or leave it out"
        )
    if too_many := crowded_out(len(names), rows):
        if declared:
            raise InputError(
                f"{label} holds {len(names)} categories in {rows} rows, allowed are categories "
                "that repeat: leave it out, give them an order, write it as numbers, or as fewer "
                "categories"
            )
        words = [name for name in names if parse_numbers([name]) is None]
        raise crowded(too_many, (words or names)[0], label)
    values = np.empty(present.size, np.int64)
    values[sorted(range(len(names)), key=lambda i: (-counts[i], names[i]))] = np.arange(len(names))
    remarks = [Remark("coded", _count(names))]
    if mixed:
        remarks.append(Remark("mixed", f"such as {mixed[:40]!r}"))
    if marks := [name for name in names if is_gap(name)]:
        remarks.append(Remark("mark", ", ".join(map(repr, sorted(marks)))))
    return _spread(position, present, values, len(levels)), tuple(remarks)


def crowded_out(levels: int, rows: int) -> str:
    """What a column with so many categories is called, or "" if it is acceptable."""
    if levels > max(2, min(rows / 2, MOST_LEVELS)):
        return f"text with {levels} different values in {rows} rows"
    return ""


def crowded(what: str, example: str, label: str) -> InputError:
    """The error for a column of too many categories, which is called `what`."""
    return InputError(
        f"{label} holds {what}, allowed are numbers, times and categories that repeat, not "
        f"text such as {example[:40]!r}: leave it out, write it as numbers, or as fewer categories"
    )


def _text(level: Any) -> Any:
    return level.decode(errors="backslashreplace") if isinstance(level, bytes) else level


def _count(names: Sequence[Any]) -> str:
    return f"{len(names)} categories"


def _present(
    codes: NDArray[np.integer[Any]], levels: Sequence[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (level of each row, -1 where missing; levels that occur; rows of each of these)."""
    first: dict[Any, int] = {}
    same = np.array(
        [-1 if _is_absent(level) else first.setdefault(level, i) for i, level in enumerate(levels)],
        np.int64,
    )
    position = same[codes] if len(levels) else np.full(codes.shape, -1)
    position = np.where(codes < 0, -1, position)
    counts = np.bincount(position[position >= 0], minlength=len(levels))
    present = np.flatnonzero(counts)
    return position, present, counts[present]


def _spread(
    position: NDArray[np.int64], present: NDArray[np.int64], values: Column, levels: int
) -> Column:
    """The value of each row's level, NaN where there is none."""
    table = np.zeros(levels + 1, values.dtype)
    table[present] = values
    column: Column = table[position]
    missing = position < 0
    return with_gaps(column, missing) if missing.any() else column


def _values(
    names: list[Any], counts: NDArray[np.int64], label: str
) -> tuple[Column, tuple[Remark, ...]] | None:
    """What the names say: numbers or times; None if nothing."""
    if all(isinstance(name, str) for name in names):
        return of_levels(names, counts.tolist(), label)
    return None


def _mixed(names: Sequence[str]) -> str:
    """The first of some words among more numbers, or ""."""
    names = [name for name in names if not is_gap(name)]
    words = [name for name in names if parse_numbers([name]) is None]
    return words[0] if words and len(words) < len(names) / 2 else ""


Values = tuple[Column, tuple[Remark, ...]]


def from_array(array: NDArray[Any], label: str) -> Values:
    """Numbers and remarks for an array [n] of any dtype.

    Raises:
        InputError: not of a kind that becomes numbers.
    """
    if isinstance(array, np.ma.MaskedArray):
        values, remarks = from_array(np.asarray(array.data), label)
        gaps = np.ma.getmaskarray(array)
        return (with_gaps(values, gaps) if gaps.any() else values), remarks
    kind = array.dtype.kind
    if kind in "Mm":
        ticks, missing = split_times(array)
        return (with_gaps(ticks, missing) if missing.any() else ticks), (Remark("time"),)
    if kind in "UST" and array.ndim == 1:
        if kind == "U" and array.size and _code_points(array).max() > sys.maxunicode:
            raise InputError(f"{label} holds text that is not Unicode: write it again")
        return _from_text(array.tolist(), label)
    if kind == "O" and array.ndim == 1:
        return _from_objects(array, label)
    return require_real(array, label), ()


def split_times(array: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (ticks of times or durations, which are missing)."""
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    return native.view(np.int64), np.isnat(array)


def _code_points(array: NDArray[np.str_]) -> NDArray[np.uint32]:
    """Of all characters; files hold any numbers, of which Python makes texts that break it."""
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return native.view(np.uint32) if native.dtype.itemsize else np.zeros(1, np.uint32)


def _from_objects(array: NDArray[Any], label: str) -> Values:
    """Python objects that are all of one kind; None, NaN, NaT and NA are missing."""
    present, missing, remarks = unbox(array)
    if present is None and _is_mixture(array[~missing]):
        values = zip(array.tolist(), missing.tolist(), strict=True)
        return _from_text([None if gap else str(value) for value, gap in values], label)
    if present is None:
        return require_real(array, label), ()
    if present.dtype.kind == "O":
        texts = array.copy()
        texts[missing] = None
        return _from_text(texts.tolist(), label)
    numbers, more = from_array(present, label)
    remarks = remarks or more
    if not missing.any():
        return numbers, remarks
    whole = np.zeros(array.size, numbers.dtype)
    whole[~missing] = numbers
    return with_gaps(whole, missing), remarks


def _is_mixture(present: NDArray[Any]) -> bool:
    """Whether all of these objects are numbers or text, as pandas makes of long CSV files: then
    the column is what it would be in the file."""
    return all(isinstance(value, (str, *_NUMBERS)) for value in present.tolist())


def _from_text(texts: list[Any], label: str) -> Values:
    """Categories from a list of str or bytes, None where missing."""
    seen: dict[Any, int] = {}
    codes = np.fromiter(
        (-1 if text is None else seen.setdefault(text, len(seen)) for text in texts),
        np.int64,
        len(texts),
    )
    return encode(codes, list(seen), False, label)
