"""The answers for one pair of variables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.notebook import html_table
from infonet.units import UNITS, as_correlation, as_json, unit_scale

BOUND_NOTE = "the p-value is an upper bound: the null distribution is not known further out"
UNSEEN_NOTE = (
    "the interval is well above 0, but the test of independence compares another statistic, which "
    "does not see this dependence"
)
TIES_NOTE = "equal values were put in random order"
# Remarks that lines for people leave out: the first is said by "<=", the other is routine.
ROUTINE_NOTES = (BOUND_NOTE, TIES_NOTE)


@dataclass(frozen=True)
class Term:
    """One term of the chain rule: what x and y tell of each other beyond what is given.

    Attributes:
        x, y: names of the two columns.
        given: names of the columns of the condition.
        mi: its share of the mutual information, nats; weak terms may be slightly negative, because
            they are estimated without bias.
        p_value: of independence of x and y given the condition.
    """

    x: str
    y: str
    given: tuple[str, ...]
    mi: float
    p_value: float

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON. `unit` is "nats" or "bits"."""
        return {
            "x": self.x,
            "y": self.y,
            "given": list(self.given),
            "mi": as_json(self.mi * unit_scale(unit)),
            "p_value": as_json(self.p_value),
        }


class Terms(tuple[Term, ...]):
    """Terms of the chain rule, which print as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats") -> str:
        """A table for people, the largest term first, in "nats" or "bits"."""
        scale = unit_scale(unit)
        rows = [
            (t.x, t.y, ", ".join(t.given) or "-", f"{t.mi * scale:.4f}", f"{t.p_value:.2g}")
            for t in sorted(self, key=lambda term: -term.mi)
        ]
        head = ("x", "y", "given", unit, "p")
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mutual information of two variables, estimated from samples.

    Attributes:
        mi: the estimate in nats. The default model gives the median of its belief about the true
            value, never negative; the paper's network a lower bound that may be slightly negative
            for independent data.
        interval: 90 % interval in nats (5 % and 95 % quantiles of that belief), or None from a
            model that gives none.
        p_value: probability of a test statistic at least as large if the variables were
            independent, or None; `notes` then says why. The statistic of the default model is its
            score: estimate, rank correlation and trained log odds of dependence, combined.
        n: number of samples used.
        names: names of the two variables.
        notes: remarks about this estimate, each one sentence.
        table: estimated log p(x, y) / (p(x) p(y)) in nats on a grid of ranks or
            scaled samples, shape [T, T], x along the first axis, float32;
            `model.table_positions` says where its values lie. Cells from 0 to 1 in the default
            model, where the mean of exp(table) is 1 over all cells, over each row and over each
            column; a level of a tied variable fills the ranks that it owns. Nodes from -1 to 1 in
            the paper's network, where samples scaled to 0..1 read the upper half of each axis: as
            published but for a constant, which makes that mean 1 over independent samples. None for
            entries of a pairwise matrix, and where the network's table does not fit the estimate,
            which is made without it.

        method: how the estimate was made: "network", "counts" and others, see the documentation
            of ties, counts and labels; of several variables "vine", "gaussian", "directions" or
            "neighbours".
        given: names of the columns of the condition.
        terms: of several variables, the terms of the chain rule, whose sum is the estimate of the
            vine: they say where the information is, and print as a table.

    Example:
        >>> found = infonet.estimate(x, y)
        >>> f"{found:.3f}", round(found, 2), found.correlation
        ('0.511', 0.51, 0.8000...)
    """

    mi: float
    interval: tuple[float, float] | None
    p_value: float | None
    n: int
    names: tuple[str, str] = ("x", "y")
    notes: tuple[str, ...] = ()
    table: NDArray[np.float32] | None = field(default=None, repr=False)
    method: str = "network"
    given: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)

    @property
    def bits(self) -> float:
        """The estimate in bits."""
        return self.mi * UNITS["bits"]

    @property
    def correlation(self) -> float:
        """Normalised mutual information, 0 to 1; see `as_correlation`."""
        return float(as_correlation(self.mi))

    def __float__(self) -> float:
        return self.mi

    def __round__(self, digits: int | None = None) -> float:
        return round(self.mi, digits)

    def __format__(self, form: str) -> str:
        """The estimate in nats in a format of numbers; `describe` without one."""
        return format(self.mi, form) if form else str(self)

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        interval = self._interval(unit)
        p = self.p_value_text
        parts = [
            f"{self._title} = {self.mi * unit_scale(unit):.4f} {unit}",
            *[f"90 % interval {interval}"] * bool(interval),
            *[f"p {p}"] * bool(p),
            f"n = {self.n}",
        ]
        return ", ".join(parts)

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON, without the table. `unit` is "nats" or "bits"."""
        scale = unit_scale(unit)
        interval = self.interval
        return {
            "x": self.names[0],
            "y": self.names[1],
            "mi": as_json(self.mi * scale),
            "interval": interval and [as_json(bound * scale) for bound in interval],
            "unit": unit,
            "correlation": as_json(self.correlation),
            "p_value": self.p_value,
            "n": self.n,
            "method": self.method,
            "notes": list(self.notes),
            **({"given": list(self.given)} if self.given else {}),
            **({"terms": [term.to_dict(unit) for term in self.terms]} if self.terms else {}),
        }

    @property
    def _title(self) -> str:
        x, y = self.names
        if not y:
            return f"total correlation of {x}"
        middle = ";" if self.given or self.terms else ","
        condition = f" | {', '.join(self.given)}" if self.given else ""
        return f"MI({x}{middle} {y}{condition})"

    def _repr_html_(self) -> str:
        rows = {
            "mutual information": f"{self.mi:.4f} nats",
            "90 % interval": self._interval("nats"),
            "correlation": f"{self.correlation:.4f}",
            "p-value": self.p_value_text.removeprefix("= ").replace("<=", "≤"),
            "samples": f"{self.n:,}",
            "method": self.method,
        }
        return html_table(f"{self.names[0]} and {self.names[1]}", rows, self.notes)

    def _interval(self, unit: str) -> str:
        """ "0.1 to 0.2", or "" if there is none."""
        scale = unit_scale(unit)
        return " to ".join(f"{bound * scale:.4f}" for bound in self.interval or ())

    @property
    def p_value_text(self) -> str:
        """The p-value behind its sign, "= 0.03" or "<= 1e-09" for a bound; "" if there is none."""
        if self.p_value is None:
            return ""
        return f"{'<=' if BOUND_NOTE in self.notes else '='} {self.p_value:.2g}"


class _Table:
    """The attribute `Estimate.table`: it may be given as a function, called when it is looked at.

    Balancing a table takes long beside the rest, and most callers look at the number alone.
    """

    def __get__(self, estimate: Estimate | None, owner: type | None = None) -> Any:
        if estimate is None:
            return None  # the default of the field
        value = vars(estimate)["table"]
        if callable(value):
            value = vars(estimate)["table"] = value()
        return value

    def __set__(self, estimate: Estimate, value: Any) -> None:
        vars(estimate)["table"] = value


Estimate.table = _Table()  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class IndependenceTest:
    """A test of independence of x and y, given others or not.

    Attributes:
        p_value: probability of dependence at least as evident if there is none; 1 where nothing
            that varies is left to test.
        statistic: 2 n times the conditional mutual information, as of a likelihood ratio; the
            p-value comes from the network and from correlations, not from it alone.
        mi: conditional mutual information in nats.
        estimate: all that was estimated, with names, interval, terms and notes.
    """

    p_value: float
    statistic: float
    mi: float
    estimate: Estimate = field(repr=False)

    def __float__(self) -> float:
        return self.p_value

    def __str__(self) -> str:
        x, y = self.estimate.names
        condition = ", ".join(self.estimate.given)
        given = f" given {condition}" if condition else ""
        return (
            f"{x} and {y} independent{given}: p = {self.p_value:.2g}, MI = {self.mi:.4f} nats, "
            f"n = {self.estimate.n}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON. `unit` is "nats" or "bits"."""
        return {"statistic": as_json(self.statistic), **self.estimate.to_dict(unit)}


@dataclass(frozen=True, eq=False)
class SlicedEstimate:
    """Sliced mutual information of two variables of any dimensions, estimated from samples.

    Attributes:
        mean: mean of the mutual information over random projections, nats.
        standard_error: standard error of that mean over projections, nats; it falls as one over
            the square root of their number. It does not cover what other samples would give, and
            is NaN for a single projection.
        max: largest mutual information of a projection, nats.
        values: mutual information of each projection, float64 [projections], nats.
        projections: number of projections.
        n: number of samples used.
        seed: seed of the directions.
        scale: None, or "minmax" if each dimension was scaled to 0..1 first.
        names: names of the two variables.
        notes: remarks about this estimate, each one sentence.
        directions: theta [dx] and phi [dy] of the largest value, float64, of unit length: the
            pair is (x @ theta, y @ phi), of dimensions scaled to 0..1 if `scale` is "minmax".
        tolerance: largest standard error that was accepted, nats, or None for any.
        tolerance_reached: whether it was; None without a tolerance.
        p_value: of the permutation test of independence, or None if there was none: probability of
            a mean at least as large, over the first `permutation_projections`, if the variables
            were independent; the mean of the estimates, or of the scores of a model that has them.
            Never below 1 / (1 + permutations).
        permutations: number of permutations, 0 for no test.
        permutation_projections: number of projections that the test used.
    """

    mean: float
    standard_error: float
    max: float
    values: NDArray[np.float64] = field(repr=False)
    projections: int
    n: int
    seed: int
    scale: str | None = None
    names: tuple[str, str] = ("x", "y")
    notes: tuple[str, ...] = ()
    directions: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(
        default=None, repr=False
    )
    tolerance: float | None = None
    tolerance_reached: bool | None = None
    p_value: float | None = None
    permutations: int = 0
    permutation_projections: int = 0

    @property
    def bits(self) -> float:
        """The mean in bits."""
        return self.mean * UNITS["bits"]

    def __float__(self) -> float:
        return self.mean

    def __round__(self, digits: int | None = None) -> float:
        return round(self.mean, digits)

    def __format__(self, form: str) -> str:
        """The mean in nats in a format of numbers; `describe` without one."""
        return format(self.mean, form) if form else str(self)

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        p = "" if self.p_value is None else f", p = {self.p_value:.2g}"
        return (
            f"SMI({self.names[0]}; {self.names[1]}) = {self._mean(unit)} over {self._count()}, "
            f"largest {self.max * unit_scale(unit):.4f}{p}, n = {self.n}"
        )

    def _repr_html_(self) -> str:
        p = "" if self.p_value is None else f"{self.p_value:.2g}"
        rows = {
            "mean mutual information": self._mean("nats"),
            "over": self._count(),
            "largest": f"{self.max:.4f} nats",
            "p-value": p and f"{p} ({self.permutations:,} permutations)",
            "samples": f"{self.n:,}",
        }
        return html_table(f"{self.names[0]} and {self.names[1]}", rows, self.notes)

    def _mean(self, unit: str) -> str:
        scale = unit_scale(unit)
        error = "" if math.isnan(self.standard_error) else f" ± {self.standard_error * scale:.4f}"
        return f"{self.mean * scale:.4f}{error} {unit}"

    def _count(self) -> str:
        return f"{self.projections} projection{'' if self.projections == 1 else 's'}"

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON, without arrays. `unit` is "nats" or "bits"."""
        scale = unit_scale(unit)
        return {
            "x": self.names[0],
            "y": self.names[1],
            "mean": as_json(self.mean * scale),
            "standard_error": as_json(self.standard_error * scale),
            "max": as_json(self.max * scale),
            "unit": unit,
            "projections": self.projections,
            "n": self.n,
            "tolerance": self.tolerance and self.tolerance * scale,
            "tolerance_reached": self.tolerance_reached,
            "p_value": self.p_value,
            "permutations": self.permutations,
            "permutation_projections": self.permutation_projections,
            "seed": self.seed,
            "scale": self.scale,
            "notes": list(self.notes),
        }
