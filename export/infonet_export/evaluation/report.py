"""Measurements as Markdown: tables of scores, and the cells where the model errs more than a rival.

RMSE, bias and width are in nats. A cell is one family, one n and one range of MI.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from infonet_export.evaluation.measure import Array, Measurements, coverage, order_accuracy, score

EDGES = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, np.inf)  # nats
FEWEST = 5  # cases in a cell that is judged
Rows = Sequence[tuple[str, Measurements]]


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """First column to the left, the others to the right; columns without any entry are left out."""
    kept = [i for i in range(len(head)) if i == 0 or any(row[i] for row in rows)]
    lines = ["| " + " | ".join(head[i] for i in kept) + " |", "|---|" + "---:|" * (len(kept) - 1)]
    lines += ["| " + " | ".join(row[i] for i in kept) + " |" for row in rows]
    return "\n".join(lines)


def score_table(first: str, rows: Rows, *, relative: bool = False) -> str:
    """One line for each part: the model, the oracle and the baselines.

    relative: errors in per cent of the truth instead of nats.
    """
    names = list(rows[0][1].baselines) if rows else []
    head = [first, "cases", "mean MI", "RMSE", "oracle", "RMSE / oracle", "bias", "90 % coverage"]
    head += ["width", "order", *(f"{name} RMSE" for name in names), "KSG order"]
    return markdown(head, [[name, *_scores(part, relative)] for name, part in rows])


def _scores(part: Measurements, relative: bool) -> list[str]:
    unit = part.truth if relative else np.ones(len(part))
    form = percent if relative else number

    def rmse(estimates: Array) -> float:
        return score(estimates / unit, part.truth / unit).rmse

    ours, oracle = rmse(part.mi), rmse(part.oracle)
    bias = score(part.mi / unit, part.truth / unit).bias
    return [
        str(len(part)),
        number(float(part.truth.mean()) if len(part) else np.nan, 3),
        form(ours),
        form(oracle),
        number(ours / oracle if oracle > 0 else np.nan, 2),
        form(bias, sign=True),
        percent(coverage(part.low, part.high, part.truth)),
        number(float((part.high - part.low).mean()) if len(part) else np.nan),
        percent(order(part, part.mi)),
        *(form(rmse(values)) for values in part.baselines.values()),
        percent(order(part, part.baselines["KSG"])) if "KSG" in part.baselines else "",
    ]


def order(part: Measurements, estimates: Array) -> float:
    """Order accuracy; NaN where a case has no rival."""
    if (part.rival < 0).any():
        return float("nan")
    return order_accuracy(estimates, part.truth, part.rival)


def with_total(parts: dict[str, Measurements], everything: Measurements) -> Rows:
    """The parts and, where there are several, a line of all."""
    return [*parts.items()] + ([("all", everything)] if len(parts) > 1 else [])


def number(value: float, digits: int = 4, *, sign: bool = False) -> str:
    """Empty for NaN."""
    return "" if np.isnan(value) else f"{value:{'+' if sign else ''}.{digits}f}"


def percent(value: float, digits: int = 1, *, sign: bool = False) -> str:
    """A share as per cent; empty for NaN."""
    return "" if np.isnan(value) else f"{100 * value:{'+' if sign else ''}.{digits}f} %"


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
        """Whether the model errs less than the rival."""
        return self.rmse < self.rival


def cells(measured: Measurements, rival: str = "KSG", edges: Sequence[float] = EDGES) -> list[Cell]:
    """All cells of at least FEWEST cases, by family, n and MI between neighbours of ``edges``."""
    found = []
    for family, of_family in measured.groups().items():
        for n, part in of_family.by_n().items():
            for low, high in pairwise(edges):
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
