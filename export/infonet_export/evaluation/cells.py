"""Where the model errs more than KSG: cells of one family, one n and one range of MI."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from infonet_export.evaluation.measure import Measurements
from infonet_export.evaluation.metrics import score
from infonet_export.evaluation.tables import markdown, number

EDGES = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, np.inf)  # nats
FEWEST = 5  # cases in a cell that is judged


@dataclass(frozen=True)
class Cell:
    """rmse of the model and of the rival (nats) over ``count`` cases."""

    family: str
    n: int
    low: float
    high: float
    count: int
    rmse: float
    rival: float

    @property
    def won(self) -> bool:
        return self.rmse < self.rival


def cells(measured: Measurements, rival: str = "KSG") -> list[Cell]:
    """All cells of at least FEWEST cases, by family, n and MI."""
    found = []
    for family, of_family in measured.groups().items():
        for n, part in of_family.by_n().items():
            for low, high in pairwise(EDGES):
                chosen = part.where((part.truth >= low) & (part.truth < high))
                if len(chosen) >= FEWEST:
                    ours = score(chosen.mi, chosen.truth).rmse
                    theirs = score(chosen.baselines[rival], chosen.truth).rmse
                    found.append(Cell(family, n, low, high, len(chosen), ours, theirs))
    return found


def cell_report(found: list[Cell], rival: str = "KSG") -> str:
    """The share of cells won, and a table of the others."""
    if not found:
        return f"No cell has {FEWEST} cases: raise the count."
    lost = [cell for cell in found if not cell.won]
    share = 1 - len(lost) / len(found)
    text = f"RMSE below {rival}'s in {100 * share:.1f} % of {len(found)} cells"
    if not lost:
        return f"{text}."
    head = ["family", "n", "MI", "cases", "RMSE", f"{rival} RMSE"]
    rows = [
        [c.family, f"{c.n:,}", _range(c), str(c.count), number(c.rmse), number(c.rival)]
        for c in sorted(lost, key=lambda c: c.rival / c.rmse)
    ]
    return f"{text}. The others:\n\n{markdown(head, rows)}"


def _range(cell: Cell) -> str:
    return f"above {cell.low:g}" if np.isinf(cell.high) else f"{cell.low:g} to {cell.high:g}"
