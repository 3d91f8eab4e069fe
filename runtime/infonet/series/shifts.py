"""Series side by side at different times: which samples of each stand in one row."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from infonet.errors import InputError
from infonet.inputs.checks import (
    Missing,
    as_whole_number,
    check_finite,
    check_length,
    check_missing_policy,
    finite_rows,
)
from infonet.inputs.variables import NamedColumn, NamedColumns

_EXAMPLE = "pass range(-24, 25), or [3] for a single lag"


@dataclass(frozen=True)
class Rows:
    """Columns of x, y and the condition that stand side by side, of equal lengths; `given` is None
    without a condition."""

    x: NamedColumns
    y: NamedColumns
    given: NamedColumns | None

    def complete(self) -> Rows:
        """The same without the rows in which a value is missing."""
        parts = [part for part in (self.x, self.y, self.given) if part is not None]
        keep = finite_rows(*(column.values for part in parts for column in part.columns))
        if keep.all():
            return self
        given = None if self.given is None else _taken(self.given, keep)
        return Rows(_taken(self.x, keep), _taken(self.y, keep), given)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.x.columns[0].values.size)


def check_series(series: Sequence[NamedColumns], nan: Missing, n_min: int) -> int:
    """Check that series have the same times, enough of them, and values where they must.

    Returns:
        The number of times.

    Raises:
        InputError: they differ in length, are too short, or have values that are not finite.
    """
    check_missing_policy(nan)
    every = [column for variable in series for column in variable.columns]
    first, n = every[0].name, every[0].values.size
    for column in every:
        if column.values.size != n:
            raise InputError(
                f"{first} and {column.name} differ in length ({n} and {column.values.size}): pass "
                "a value of each series for every time"
            )
    check_length(n, n_min, first)
    for column in every if nan == "raise" else ():
        check_finite(column.values, column.name)
    return int(n)


def _taken(series: NamedColumns, rows: Any) -> NamedColumns:
    """Some rows of every column."""
    columns = [column._replace(values=column.values[rows]) for column in series.columns]
    return replace(series, columns=tuple(columns))


def _between(series: NamedColumns, start: int, stop: int, time: str = "") -> list[NamedColumn]:
    """The columns at times start .. stop - 1; `time` is put after their names."""
    return [
        column._replace(name=f"{column.name}{time}", values=column.values[start:stop], notes=())
        for column in series.columns
    ]


def _side(name: str, columns: Sequence[NamedColumn]) -> NamedColumns:
    """A variable of these columns, whose notes were said of the whole series."""
    if len(columns) == 1:
        return NamedColumns(columns[0].name, tuple(columns), (columns[0].name,), named=True)
    labels = tuple(f"column {column.name!r} of {name}" for column in columns)
    return NamedColumns(name, tuple(columns), labels, named=True)


def check_block(permutations: Any, block: Any, seed: Any) -> tuple[int, int | None, int]:
    """The options of the test by blocks, as whole numbers.

    Raises:
        InputError: another value, or a length of blocks without permutations.
    """
    count = as_whole_number(permutations, "permutations", 0)
    length = None if block is None else as_whole_number(block, "block", 1)
    if length is not None and not count:
        raise InputError(
            f"block is {length} without permutations, which it is for: pass permutations=199, say"
        )
    return count, length, as_whole_number(seed, "seed", 0)


def as_lags(lags: Any, n: int, n_min: int) -> list[int]:
    """Lags as whole numbers, in the order given.

    Args:
        lags: an iterable of whole numbers.
        n: number of times.
        n_min: samples that must be left.

    Raises:
        InputError: not whole numbers, none, one twice, or one that leaves too few samples.
    """
    if not isinstance(lags, Iterable):
        raise InputError(f"lags is {lags!r}, allowed are several whole numbers: {_EXAMPLE}")
    found = list(_whole(islice(lags, 2 * n + 1)))  # of more, one is too far or there twice
    if not found:
        raise InputError(f"lags is empty, allowed is one whole number or more: {_EXAMPLE}")
    farthest = max(found, key=abs)
    if n - abs(farthest) < n_min:
        most = n - n_min
        raise InputError(
            f"lag {farthest} leaves {max(0, n - abs(farthest))} of {n} samples, the model needs at "
            f"least {n_min}: use lags from {-most} to {most}, or pass more samples"
        )
    if len(set(found)) < len(found):
        twice = next(lag for lag in found if found.count(lag) > 1)
        raise InputError(f"lags holds {twice} twice: pass each lag once")
    return found


def _whole(lags: Iterable[Any]) -> Iterator[int]:
    for lag in lags:
        try:
            if isinstance(lag, bool):
                raise TypeError
            yield operator.index(lag)
        except TypeError:
            raise InputError(
                f"lags holds {lag!r}, allowed are whole numbers of steps: {_EXAMPLE}"
            ) from None


def at_lag(x: NamedColumns, y: NamedColumns, given: NamedColumns | None, lag: int) -> Rows:
    """x at t beside y at t + lag, and the condition at both times."""
    n = x.columns[0].values.size
    early, late = max(0, -lag), max(0, lag)
    of_x, of_y = (early, n - late), (late, n - early)
    condition = None
    if given is not None:
        columns = _between(given, *of_x, "(t)")
        columns += _between(given, *of_y, _time(lag)) if lag else []
        condition = _side("given", columns)
    return Rows(_side("x", _between(x, *of_x)), _side("y", _between(y, *of_y)), condition)


def with_past(
    source: NamedColumns, target: NamedColumns, given: NamedColumns | None, history: int, lag: int
) -> Rows:
    """The past of the source from `lag` on beside the target at t, with the target's own past.

    Raises:
        InputError: a series of the condition that is called as the target.
    """
    n, start = target.columns[0].values.size, history + lag - 1
    condition: list[NamedColumn] = []
    past: list[NamedColumn] = []
    for k in range(history):
        condition += _between(target, start - 1 - k, n - 1 - k, _time(-1 - k))
        past += _between(source, start - lag - k, n - lag - k, _time(-lag - k))
    if given is not None:
        common = sorted(set(given.names) & set(target.names))
        if common:
            raise InputError(
                f"given and the target both have a series {common[0]!r}: the target's past is "
                "given already, so leave it out or rename it"
            )
        for k in range(history):
            condition += _between(given, start - lag - k, n - lag - k, _time(-lag - k))
    now = _between(target, start, n, "(t)")
    return Rows(_side("source", past), _side("target", now), _side("given", condition))


def _time(steps: int) -> str:
    return f"(t{steps:+d})"
