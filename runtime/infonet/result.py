"""The answers for one pair of variables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2.0)}

BOUND_NOTE = "the p-value is an upper bound: the null distribution is not known further out"
UNSEEN_NOTE = (
    "the interval is well above 0, but the test of independence compares another statistic, which "
    "does not see this dependence"
)
TIES_NOTE = "for the p-value, equal values were put in random order"


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
            model; nodes from -1 to 1 in the paper's network, as published, where samples scaled to
            0..1 read the upper half of each axis. None for entries of a pairwise matrix.
    """

    mi: float
    interval: tuple[float, float] | None
    p_value: float | None
    n: int
    names: tuple[str, str] = ("x", "y")
    notes: tuple[str, ...] = ()
    table: NDArray[np.float32] | None = field(default=None, repr=False)

    @property
    def bits(self) -> float:
        """The estimate in bits."""
        return self.mi * UNITS["bits"]

    def __float__(self) -> float:
        return self.mi

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        scale = UNITS[unit]
        sign = "<=" if BOUND_NOTE in self.notes else "="
        p = "" if self.p_value is None else f", p {sign} {self.p_value:.2g}"
        interval = ""
        if self.interval is not None:
            low, high = (bound * scale for bound in self.interval)
            interval = f", 90 % interval {low:.4f} to {high:.4f}"
        return (
            f"MI({self.names[0]}, {self.names[1]}) = {self.mi * scale:.4f} {unit}"
            f"{interval}{p}, n = {self.n}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON, without the table. `unit` is "nats" or "bits"."""
        scale = UNITS[unit]
        interval = self.interval
        return {
            "x": self.names[0],
            "y": self.names[1],
            "mi": _number(self.mi * scale),
            "interval": interval and [_number(bound * scale) for bound in interval],
            "unit": unit,
            "p_value": self.p_value,
            "n": self.n,
            "notes": list(self.notes),
        }


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

    def __str__(self) -> str:
        return self.describe()

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        scale = UNITS[unit]
        error = "" if math.isnan(self.standard_error) else f" ± {self.standard_error * scale:.4f}"
        many = "projection" if self.projections == 1 else "projections"
        p = "" if self.p_value is None else f", p = {self.p_value:.2g}"
        return (
            f"SMI({self.names[0]}; {self.names[1]}) = {self.mean * scale:.4f}{error} {unit} over "
            f"{self.projections} {many}, largest {self.max * scale:.4f}{p}, n = {self.n}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON, without arrays. `unit` is "nats" or "bits"."""
        scale = UNITS[unit]
        return {
            "x": self.names[0],
            "y": self.names[1],
            "mean": _number(self.mean * scale),
            "standard_error": _number(self.standard_error * scale),
            "max": _number(self.max * scale),
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


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
