"""What a monitor reports when dependence has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from infonet.result import Estimate, unit_scale

Kind = Literal["appears", "vanishes", "drifts"]


@dataclass(frozen=True)
class Alert:
    """Dependence of one pair has changed.

    Attributes:
        kind: "appears", "vanishes" or "drifts" (it changed in strength).
        pair: names of the two variables.
        row: rows pushed up to and with the newest one of the window.
        time: the time pushed with that row, or None.
        estimate: of this window.
        reference: of the earlier window that is compared with; None where there was none.
    """

    kind: Kind
    pair: tuple[str, str]
    row: int
    time: Any
    estimate: Estimate
    reference: Estimate | None

    def describe(self, unit: str = "nats") -> str:
        """One line for people, in "nats" or "bits"."""
        before = "" if self.reference is None else f", was {_short(self.reference, unit)}"
        return (
            f"dependence of {self.pair[0]} and {self.pair[1]} {self.kind}: "
            f"{_short(self.estimate, unit)} {unit}{before}"
        )

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON if the time is."""
        return {
            "alert": self.kind,
            "pair": list(self.pair),
            "row": self.row,
            "time": self.time,
            "estimate": self.estimate.to_dict(unit),
            "reference": None if self.reference is None else self.reference.to_dict(unit),
        }


def _short(estimate: Estimate, unit: str) -> str:
    return f"{estimate.mi * unit_scale(unit):.4f}"
