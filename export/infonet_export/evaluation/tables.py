"""Measurements as Markdown tables; RMSE, bias and width in nats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from infonet_export.evaluation.measure import Array, Measurements
from infonet_export.evaluation.metrics import coverage, order_accuracy, score

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
