"""Mutual information of two series at many lags: the answer, its peak, table and picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.matrix.frames import adjust
from infonet.notebook import html_matrix
from infonet.result import Estimate
from infonet.units import unit_scale

Array = NDArray[np.float64]
_SHOWN = 12  # lags that a table shows unless more are asked for


@dataclass(frozen=True, eq=False, repr=False)
class LagProfile:
    """Mutual information of x at t and y at t + lag, for each of L lags.

    At a positive lag x leads: what x is now tells of what y will be. `numpy.asarray(profile)` is
    `mi`, and `profile[3]` the Estimate at lag 3.

    Attributes:
        steps: the lags, whole numbers, in the order in which they were asked for.
        estimates: the Estimate at each lag, with its interval, p-value, table and notes.
        names: names of x and y.
        given: names of the columns of the condition, which is known at t and at t + lag.
        notes: remarks, each one sentence.

    Example:
        >>> profile = infonet.lagged(frame["rain"], frame["river"], lags=range(-10, 11))
        >>> profile.peak, profile[profile.peak].mi, profile.adjusted().min()
    """

    steps: tuple[int, ...]
    estimates: tuple[Estimate, ...]
    names: tuple[str, str] = ("x", "y")
    given: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def lags(self) -> NDArray[np.int64]:
        """The lags in steps of the series, int64 [L]."""
        return np.array(self.steps, np.int64)

    @cached_property
    def mi(self) -> Array:
        """Estimates in nats, float64 [L]."""
        return self._each(lambda found: found.mi)

    @property
    def low(self) -> Array:
        """Lower bounds of the 90 % intervals in nats, float64 [L]; NaN where there is none."""
        return self._each(lambda found: found.interval[0] if found.interval else math.nan)

    @property
    def high(self) -> Array:
        """Upper bounds of the 90 % intervals in nats, float64 [L]; NaN where there is none."""
        return self._each(lambda found: found.interval[1] if found.interval else math.nan)

    @property
    def p_value(self) -> Array:
        """p-values of independence at each lag, float64 [L]; NaN where there is none."""
        return self._each(lambda found: math.nan if found.p_value is None else found.p_value)

    @property
    def n(self) -> NDArray[np.int64]:
        """Samples used at each lag, int64 [L]."""
        return np.array([found.n for found in self.estimates], np.int64)

    def adjusted(self, method: str = "fdr_bh") -> Array:
        """p-values adjusted for the number of lags, float64 [L].

        Args:
            method: "bonferroni", "holm", "fdr_bh" (Benjamini & Hochberg 1995) or "fdr_by".

        Raises:
            InputError: another method.
        """
        return adjust(self.p_value, method)

    @property
    def peak(self) -> int:
        """The lag of the largest mutual information; of equal ones the nearest to 0."""
        return min(self.steps, key=lambda lag: (-self[lag].mi, abs(lag)))

    @property
    def peak_estimate(self) -> Estimate:
        """The estimate at the peak."""
        return self[self.peak]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, lag: int) -> Estimate:
        """The estimate at a lag.

        Raises:
            InputError: a lag that was not asked for.
        """
        if lag not in self.steps:
            raise InputError(
                f"lag {lag!r} was not estimated: choose from {min(self.steps)} to "
                f"{max(self.steps)}, as in `lags`"
            )
        return self.estimates[self.steps.index(lag)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The estimates `mi`."""
        wanted = np.dtype(np.float64 if dtype is None else dtype)
        if copy is False and wanted != self.mi.dtype:
            raise ValueError(f"values of float64 cannot be {wanted} without a copy: copy=None")
        return self.mi.astype(wanted, copy=bool(copy))

    def __repr__(self) -> str:
        return f"LagProfile({self._title}, {self._range}, peak at {self.peak})"

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats", most: int | None = _SHOWN) -> str:
        """The peak in one line, then a table for people.

        Args:
            unit: "nats" or "bits".
            most: lags of the table, those of the largest estimates; None for all.
        """
        head = (f"{self._title} is largest at lag {self.peak}: {self._leads}",)
        columns, rows = self._table(unit, most)
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in (columns, *rows)
        ]
        rest = len(self) - len(rows)
        return "\n".join([*head, *lines, *[f"and {rest} lags with less"] * bool(rest)])

    def _repr_html_(self) -> str:
        columns, rows = self._table("nats", _SHOWN)
        title = f"{self._title} in nats, {self._range}, largest at lag {self.peak}"
        cells = [row[1:] for row in rows]
        return html_matrix(title, [row[0] for row in rows], columns[1:], cells, self.notes)

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON: NaN becomes None. `unit` is "nats" or "bits"."""
        scale = unit_scale(unit)
        return {
            "x": self.names[0],
            "y": self.names[1],
            "given": list(self.given),
            "unit": unit,
            "peak": self.peak,
            "lags": list(self.steps),
            "mi": _plain(self.mi * scale),
            "low": _plain(self.low * scale),
            "high": _plain(self.high * scale),
            "p_value": _plain(self.p_value),
            "p_adjusted": _plain(self.adjusted()),
            "n": self.n.tolist(),
            "notes": list(self.notes),
        }

    def _each(self, value: Callable[[Estimate], float]) -> Array:
        return np.array([value(found) for found in self.estimates], np.float64)

    @property
    def _title(self) -> str:
        condition = f" | {', '.join(self.given)}" if self.given else ""
        return f"MI({self.names[0]}; {self.names[1]}{condition})"

    @property
    def _range(self) -> str:
        count = len(self)
        if count == 1:
            return f"lag {self.steps[0]}"
        return f"{count} lags from {min(self.steps)} to {max(self.steps)}"

    @property
    def _leads(self) -> str:
        first, second = self.names if self.peak > 0 else self.names[::-1]
        if not self.peak:
            return "neither leads"
        steps = abs(self.peak)
        return f"{first} leads {second} by {steps} step{'s' if steps > 1 else ''}"

    def _table(self, unit: str, most: int | None) -> tuple[list[str], list[list[str]]]:
        """Heads and cells, in the order of lags."""
        scale, adjusted = unit_scale(unit), self.adjusted()
        order = sorted(range(len(self)), key=lambda k: -self.mi[k])[:most]
        rows = []
        for k in sorted(order, key=lambda k: self.steps[k]):
            values = (self.mi[k] * scale, self.low[k] * scale, self.high[k] * scale)
            rows.append(
                [
                    str(self.steps[k]),
                    *("-" if math.isnan(value) else f"{value:.4f}" for value in values),
                    *("-" if math.isnan(p) else f"{p:.2g}" for p in (self.p_value[k], adjusted[k])),
                    str(self.n[k]),
                ]
            )
        return ["lag", unit, "5 %", "95 %", "p", "adjusted p", "n"], rows


def _plain(values: Array) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]
