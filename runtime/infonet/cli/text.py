"""Matrices and lists of pairs as text for a terminal."""

from __future__ import annotations

import math

import numpy as np

from infonet.checks import Column
from infonet.pairwise import PairwiseResult
from infonet.result import unit_scale

_WIDEST, _LONGEST = 12, 50  # columns and rows that fit a terminal


def format_matrix(result: PairwiseResult, unit: str = "nats", normalized: bool = False) -> str:
    """The matrix (of correlations, if normalized) as aligned text, or a hint if it is too large."""
    rows, columns = len(result.row_names), len(result.column_names)
    if columns > _WIDEST or rows > _LONGEST:
        size = "wide" if columns > _WIDEST else "long"
        return f"{rows} x {columns} matrix: too {size} to print, use -o FILE.csv or --json."
    labels, heads = [
        [name if len(name) <= 16 else name[:15] + "…" for name in names]
        for names in (result.row_names, result.column_names)
    ]
    left = max(map(len, labels))
    widths = [max(len(head), 7) for head in heads]
    lines = [" " * left + "".join(f"  {hd:>{w}}" for hd, w in zip(heads, widths, strict=True))]
    values = result.correlation if normalized else result.mi * unit_scale(unit)
    for label, row in zip(labels, values, strict=True):
        cells = ("-" if math.isnan(value) else f"{value:.3f}" for value in row)
        lines.append(
            f"{label:<{left}}" + "".join(f"  {c:>{w}}" for c, w in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)


def format_strongest(
    result: PairwiseResult, unit: str = "nats", k: int = 10, normalized: bool = False
) -> str:
    """The strongest pairs, one a line, with intervals and p-values where there are any."""
    scale = unit_scale(unit)
    strongest = result.strongest(k)
    left = max((len(" - ".join(pair.names)) for pair in strongest), default=0)
    lines = ["Strongest pairs:"]
    for pair in strongest:
        line = f"  {' - '.join(pair.names):<{left}}  {pair.mi * scale:.3f} {unit}"
        more = [f"correlation {pair.correlation:.3f}"] * normalized
        if pair.interval is not None:
            low, high = (bound * scale for bound in pair.interval)
            more.append(f"90 % interval {low:.3f} to {high:.3f}")
        if pair.p_value is not None:
            more.append(f"p {pair.p_value_text}")
        lines.append(line + (f"  ({', '.join(more)})" if more else ""))
    return "\n".join(lines)


def pearson(x: Column, y: Column) -> float:
    """Pearson correlation."""
    return float(np.corrcoef(x, y)[0, 1])
