"""The answer for one pair of variables."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2.0)}

BOUND_NOTE = "the p-value is an upper bound: the table of the null distribution ends there"


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mutual information of two variables, estimated from samples.

    Attributes:
        mi: the estimate in nats, never negative: the median of the network's belief about the
            true value.
        interval: 90 % interval in nats (5 % and 95 % quantiles of that belief).
        p_value: probability of an estimate at least as large if the variables were independent,
            or None; `notes` then says why.
        n: number of samples used.
        names: names of the two variables.
        notes: remarks about this estimate, each one sentence.
        table: estimated log p(x, y) / (p(x) p(y)) in nats on a grid of ranks, shape [T, T],
            x along the first axis, float32; None for entries of a pairwise matrix.
    """

    mi: float
    interval: tuple[float, float]
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
        low, high = (bound * scale for bound in self.interval)
        sign = "<=" if BOUND_NOTE in self.notes else "="
        p = "" if self.p_value is None else f", p {sign} {self.p_value:.2g}"
        return (
            f"MI({self.names[0]}, {self.names[1]}) = {self.mi * scale:.4f} {unit}, "
            f"90 % interval {low:.4f} to {high:.4f}{p}, n = {self.n}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON, without the table. `unit` is "nats" or "bits"."""
        scale = UNITS[unit]
        return {
            "x": self.names[0],
            "y": self.names[1],
            "mi": _number(self.mi * scale),
            "interval": [_number(bound * scale) for bound in self.interval],
            "unit": unit,
            "p_value": self.p_value,
            "n": self.n,
            "notes": list(self.notes),
        }


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
