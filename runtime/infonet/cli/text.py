"""Matrices and lists of pairs as text for a terminal."""

from __future__ import annotations

import math

import numpy as np

from infonet.checks import Column
from infonet.matrix import PairwiseResult
from infonet.result import UNITS

_WIDEST = 12  # columns that fit a terminal


def format_matrix(result: PairwiseResult, unit: str = "nats") -> str:
    """The matrix as aligned text, or a hint if it is too wide."""
    d = len(result.names)
    if d > _WIDEST:
        return f"{d} x {d} matrix: too wide to print, use -o FILE.csv or --json."
    labels = [name if len(name) <= 16 else name[:15] + "…" for name in result.names]
    left = max(map(len, labels))
    widths = [max(len(label), 7) for label in labels]
    lines = [" " * left + "".join(f"  {lb:>{w}}" for lb, w in zip(labels, widths, strict=True))]
    for label, row in zip(labels, result.mi * UNITS[unit], strict=True):
        cells = ("-" if math.isnan(value) else f"{value:.3f}" for value in row)
        lines.append(
            f"{label:<{left}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def format_strongest(result: PairwiseResult, unit: str = "nats", k: int = 10) -> str:
    """The strongest pairs, one a line."""
    strongest = result.strongest(k)
    left = max((len(" - ".join(pair.names)) for pair in strongest), default=0)
    lines = ["Strongest pairs:"]
    for pair in strongest:
        line = f"  {' - '.join(pair.names):<{left}}  {pair.mi * UNITS[unit]:.3f} {unit}"
        if pair.interval is not None:
            low, high = (bound * UNITS[unit] for bound in pair.interval)
            line += f"  (90 % interval {low:.3f} to {high:.3f})"
        lines.append(line)
    return "\n".join(lines)


def pearson(x: Column, y: Column) -> float:
    """Pearson correlation."""
    return float(np.corrcoef(x, y)[0, 1])
