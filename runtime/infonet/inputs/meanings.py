"""What text means where it is more than names: numbers, truth values, amounts and times.

Dates, moments, times of the day and durations become exact ticks.

Read are ISO 8601 (dates also with slashes, months, quarters and weeks; moments with offsets, which
become UTC; durations), days before months and years between dots, and what pandas, PostgreSQL and
Python write of the same things.

One reading for all text: of CSV files, of frames, of arrays and lists, and of categories.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column, Remark
from infonet.inputs.csv_rows import is_missing, parse_numbers
from infonet.inputs.numbers import (
    Amounts,
    exact_numbers,
    join_numbers,
    long_numbers,
    with_gaps,
)

_FRACTION = r"(?:[.,]\d{1,9})?"
_PLAIN = re.compile(r"\d{4}([-/])\d\d\1\d\d([ T]\d\d:\d\d(:\d\d(?:[.,]\d{1,6})?)?)?Z?", re.ASCII)
_DAY = (
    r"(?:(?P<day_first>\d\d?)\.(?P<month_next>\d\d?)\.(?P<year_last>\d{4})|(?P<year>\d{4}|[+-]\d{4,6})(?:"
    r"(?P<mark>[-/]?)(?P<month>\d\d)(?:(?P=mark)(?P<day>\d\d))?"
    r"|-?Q(?P<quarter>[1-4])|-?W(?P<week>\d\d)(?:-?(?P<weekday>[1-7]))?))"
)
_CLOCK = rf"(?P<hour>\d\d|\d(?=:))(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d{_FRACTION}))?)?"
_OFFSET = (
    r"\s?(?P<offset>Z|UTC|GMT|[+-](?P<oh>\d\d)(?::?(?P<om>\d\d)(?::?(?P<os>\d\d))?)?)"
    r"(?:\[[\w/+-]+\])?"
)
_MOMENT = re.compile(rf"{_DAY}(?:(?:T|\s+){_CLOCK}(?:{_OFFSET})?)?", re.ASCII | re.IGNORECASE)
_OF_DAY = re.compile(
    rf"(?P<sign>[+-]?)(?P<hour>\d{{1,6}}):(?P<minute>\d\d)(?::(?P<second>\d\d{_FRACTION}))?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?",
    re.ASCII,
)
_DAYS = re.compile(
    r"(?P<days>[+-]?\d{1,9})\s+days?(?:,?\s+(?P<sign>[+-]?)"
    rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d):(?P<second>\d\d{_FRACTION}))?",
    re.ASCII,
)
_NUMBER = r"[+-]?\d{1,12}" + _FRACTION
_PERIOD = re.compile(
    rf"(?P<sign>[+-]?)P(?=[\dT+-])(?:(?P<Y>{_NUMBER})Y)?(?:(?P<M>{_NUMBER})M)?(?:(?P<W>{_NUMBER})W)?"
    rf"(?:(?P<D>{_NUMBER})D)?(?:T(?=[\d+-])(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?"
    rf"(?:(?P<s>{_NUMBER})S)?)?",
    re.ASCII,
)
_MONTH = 2_629_746  # seconds of a twelfth of the mean year of the calendar, 365.2425 days
_SECONDS = {"Y": 12 * _MONTH, "M": _MONTH, "W": 604_800, "D": 86_400, "h": 3600, "m": 60, "s": 1}
_GIGA = 10**9
_EPOCH = date(1970, 1, 1).toordinal()

Ticks = NDArray[np.int64]


class Times:
    """Texts that all say moments, or all say times of the day or durations; added in parts."""

    def __init__(self) -> None:
        self._readers: list[Callable[[Sequence[str]], Parts | None]] = [_moments, _spans]
        self._parts: list[Parts] = []
        self._naive = self._aware = False

    def add(self, cells: Sequence[str]) -> bool:
        """Add texts without blanks around them; False if they or earlier ones say something else.

        After that, this object is of no use.
        """
        for read in list(self._readers):
            part = read(cells)
            if part is not None:
                self._readers = [read] if cells else self._readers
                self._naive |= part.naive
                self._aware |= part.aware
                self._parts.append(part)
                return True
        return False

    def finish(self) -> tuple[Column, tuple[Remark, ...]]:
        """Ticks of a microsecond, or of a nanosecond where that is needed, [n], and remarks.

        Moments count from 1970 in UTC. Where int64 is too short for nanoseconds, the values are
        those of `exact_numbers`.
        """
        micros = np.concatenate([part.micros for part in self._parts])
        nanos = np.concatenate([part.nanos for part in self._parts])
        said = "times without an offset are taken as UTC" if self._naive and self._aware else ""
        remarks = (Remark("time", said),)
        if not nanos.any():
            return micros, remarks
        if micros.size and max(-int(micros.min()), int(micros.max())) < 2**63 // 1000 - 1000:
            return micros * 1000 + nanos, remarks
        ticks = [m * 1000 + n for m, n in zip(micros.tolist(), nanos.tolist(), strict=True)]
        column, more = exact_numbers(ticks)
        return column, remarks + more


class Parts:
    """Ticks of some texts: microseconds, and the nanoseconds beyond them (0 to 999)."""

    def __init__(self, micros: Ticks, nanos: Ticks, naive: bool = False, aware: bool = False):
        self.micros, self.nanos, self.naive, self.aware = micros, nanos, naive, aware


def _moments(cells: Sequence[str]) -> Parts | None:
    if all(map(_PLAIN.fullmatch, cells)):  # by NumPy, which is faster
        plain = [cell.rstrip("Z").replace("/", "-").replace(",", ".") for cell in cells]
        aware = any(cell[-1] == "Z" for cell in cells)
        naive = any(cell[-1] != "Z" and len(cell) > len("2020-01-01") for cell in cells)
        try:
            micros = np.array(plain, "M8[us]").view(np.int64)
        except ValueError:  # the 30th of February, or 24:00
            pass
        else:
            return Parts(micros, np.zeros(len(cells), np.int64), naive, aware)
    ticks, naive, aware = [], False, False
    for cell in cells:
        found = _MOMENT.fullmatch(cell)
        tick = None if found is None else _moment(found)
        if found is None or tick is None:
            return None
        aware |= found["offset"] is not None
        naive |= found["hour"] is not None and found["offset"] is None
        ticks.append(tick)
    return _split(ticks, naive, aware)


def _moment(found: re.Match[str]) -> int | None:
    """Nanoseconds since 1970, or None of a date or a time that does not exist."""
    year = int(found["year"] or found["year_last"])
    if found["month"] and not found["mark"] and not (found["day"] and found["hour"]):
        return None  # 20200101T07 is a moment, 20200101 a number
    try:
        if found["week"]:
            day = date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
            days = day.toordinal() - _EPOCH
        else:
            month = int(found["month"] or found["month_next"] or 3 * int(found["quarter"]) - 2)
            shift = (year - 1) // 400 if not 1 <= year <= 9999 else 0  # the calendar repeats
            day = date(year - 400 * shift, month, int(found["day"] or found["day_first"] or 1))
            days = day.toordinal() - _EPOCH + 146_097 * shift
    except ValueError:
        return None
    seconds = _clock(found)
    if seconds is None or seconds > 86_400 * _GIGA + _GIGA:
        return None
    offset = 0
    if found["oh"]:
        hours, minutes, rest = (int(found[part] or 0) for part in ("oh", "om", "os"))
        if hours > 23 or minutes > 59 or rest > 59:
            return None
        offset = (hours * 60 + minutes) * 60 + rest
        offset = -offset if found["offset"][0] == "-" else offset
    return (days * 86_400 - offset) * _GIGA + seconds


def _clock(found: re.Match[str]) -> int | None:
    """Nanoseconds of a match's hour, minute and second; None of a minute or second above 59.

    A second of 60 is a leap second.
    """
    hour, minute = int(found["hour"] or 0), int(found["minute"] or 0)
    second = _nanoseconds(found["second"] or "0")
    if minute > 59 or second >= 61 * _GIGA:
        return None
    return (hour * 60 + minute) * 60 * _GIGA + second


def _nanoseconds(text: str) -> int:
    whole, _, fraction = text.replace(",", ".").partition(".")
    return int(whole) * _GIGA + int(fraction.ljust(9, "0") or 0)


def _spans(cells: Sequence[str]) -> Parts | None:
    ticks: list[int] = []
    for cell in cells:
        tick = _span(cell)
        if tick is None:
            return None
        ticks.append(tick)
    return _split(ticks)


def _span(cell: str) -> int | None:
    """Nanoseconds of a time of the day or a duration, or None of another text."""
    if found := _OF_DAY.fullmatch(cell):
        ticks = _clock(found)
        if found["half"] and ticks is not None:
            hour = int(found["hour"])
            if not 1 <= hour <= 12 or found["sign"]:
                return None
            ticks += ((hour % 12) + 12 * (found["half"] in "Pp") - hour) * 3600 * _GIGA
        return ticks if ticks is None or found["sign"] != "-" else -ticks
    if found := _DAYS.fullmatch(cell):
        ticks = _clock(found)
        if ticks is None:
            return None
        ticks = -ticks if found["sign"] == "-" else ticks
        return int(found["days"]) * 86_400 * _GIGA + ticks
    if found := _PERIOD.fullmatch(cell):
        total = sum(
            Fraction(found[part].replace(",", ".")) * seconds * _GIGA
            for part, seconds in _SECONDS.items()
            if found[part]
        )
        return round(-total if found["sign"] == "-" else total)
    return None


def _split(ticks: list[int], naive: bool = False, aware: bool = False) -> Parts | None:
    """Parts of nanoseconds; None if there are more than int64 holds microseconds of."""
    micros = [tick // 1000 for tick in ticks]
    if any(not -(2**63) < tick < 2**63 for tick in micros):
        return None
    nanos = [tick - 1000 * micro for tick, micro in zip(ticks, micros, strict=True)]
    return Parts(np.array(micros, np.int64), np.array(nanos, np.int64), naive, aware)


# Among numbers and times these are no values; among other text they may be.
_TEXTS = (
    "? - -- --- \u2013 \u2014 . .. ... \u2026 * n.a. n.a (null) #na #null! #value! #div/0! #ref! "
    "#name? #num! 1.#qnan -1.#qnan 1.#ind -1.#ind"
)
_MARKS = frozenset(_TEXTS.split())
_TRUTH = {"true": 1.0, "false": 0.0}
_SHOWN = 3  # marks in a remark


class Meanings:
    """Texts that all mean something of one kind, added in parts.

    Those that say that a value is missing are left out before.
    """

    def __init__(self) -> None:
        self._numbers: list[NDArray[np.float64]] | None = []
        self._truth: list[NDArray[np.float64]] | None = []
        self._amounts: Amounts | None = Amounts()
        self._times: Times | None = Times()
        self._any = False

    def add(self, cells: Sequence[str]) -> None:
        """Add texts without blanks around them."""
        if not cells:
            return
        self._any = True
        if self._numbers is not None:
            numbers = parse_numbers(cells)
            if numbers is None:
                self._numbers = None
            else:
                self._numbers.append(long_numbers(cells, numbers))
        if self._truth is not None:
            truth = [_TRUTH.get(cell.lower()) for cell in cells]
            self._truth = None if None in truth else [*self._truth, np.array(truth, np.float64)]
        if self._amounts is not None and not self._amounts.add(cells):
            self._amounts = None
        if self._times is not None and not self._times.add(cells):
            self._times = None

    @property
    def decimal(self) -> str:
        """The decimal mark that these texts prove: "." or ",", or "" if they prove none."""
        return "" if self._amounts is None else self._amounts.decimal

    def finish(
        self, label: str, decimal: str = ""
    ) -> tuple[Column, tuple[Remark, ...], bool] | None:
        """Numbers [n], remarks, and whether all texts are plain numbers; None if they are names.

        Args:
            label: how to call the column in a message.
            decimal: the decimal mark of the file, or "" where nothing tells.

        Raises:
            InputError: numbers with marks that may separate decimals or thousands.
        """
        if not self._any:
            return None
        if self._numbers is not None and not (self._amounts is not None and decimal == ","):
            return *join_numbers(self._numbers), True
        if self._truth is not None:
            return np.concatenate(self._truth), (Remark("truth"),), False
        if self._amounts is not None:
            return *self._amounts.finish(label, decimal), False
        if self._times is not None:
            return *self._times.finish(), False
        return None


def is_mark(cell: str) -> bool:
    """Whether a text, with no blanks around it, says among numbers that there is no value."""
    return cell.lower() in _MARKS


def is_gap(text: str) -> bool:
    """Whether a text says, in files or among numbers, that there is no value."""
    return is_missing(text) or is_mark(text.strip())


def missing_remark(marks: Counter[str]) -> tuple[Remark, ...]:
    """What is said of texts that are taken as missing: texts, and in how many rows each is."""
    shown = [f"{str(mark)!r} in {count} rows" for mark, count in marks.most_common(_SHOWN)]
    more = ", …" if len(marks) > _SHOWN else ""
    return (Remark("missing", ", ".join(shown) + more),) if marks else ()


def of_levels(
    levels: Sequence[str], counts: Sequence[int], label: str
) -> tuple[Column, tuple[Remark, ...]] | None:
    """A number for each of `levels`, NaN for those that say missing, and remarks.

    None if the levels are names. So are finite numbers of which two are equal ("1" and "1.0"),
    but for "-0" and "0". Infinite ones ("inf", "1e400") are numbers, to be refused as such.

    Args:
        levels: different texts.
        counts: rows of each.
        label: how to call the column in a message.

    Raises:
        InputError: as `Meanings.finish`.
    """
    texts = [level.strip() for level in levels]
    gaps = np.fromiter(map(is_gap, texts), np.bool_, len(texts))
    meanings = Meanings()
    meanings.add([text for text, gap in zip(texts, gaps, strict=True) if not gap])
    found = meanings.finish(label)
    if found is None:
        return None
    numbers, remarks, plain = found
    if plain:
        # -0.0 is what numbers near 0 are rounded to, and no code.
        minus = [text.startswith("-") for text, gap in zip(texts, gaps, strict=True) if not gap]
        zero = np.array(minus, np.bool_) & (numbers == 0)
        others = numbers[~zero] if zero.sum() == 1 else numbers
        others = others[np.isfinite(others)]
        if np.unique(others).size < others.size:
            return None
        remarks = (Remark("numbered", f"{numbers.size} different"), *remarks)
    marks = {text: n for text, n, gap in zip(levels, counts, gaps, strict=True) if gap}
    if not marks:
        return numbers, remarks
    whole = np.zeros(len(levels), numbers.dtype)
    whole[~gaps] = numbers
    return with_gaps(whole, gaps), (*remarks, *missing_remark(Counter(marks)))
