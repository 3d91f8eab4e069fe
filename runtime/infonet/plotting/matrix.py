"""The matrix of all pairs as a heat map."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from infonet.errors import InputError
from infonet.pairwise import PairwiseResult
from infonet.plotting.backend import new_figure, plain
from infonet.plotting.clustering import cluster_order
from infonet.result import as_correlation, unit_scale

LABELLED = 80  # names beside a picture that can be read; of more, every k-th is shown

NUMBERED = 15
CLUSTERED = 500
Order = Literal["clustered", "given"]


def plot_matrix(
    result: PairwiseResult,
    unit: str = "nats",
    order: Order = "clustered",
    normalized: bool = False,
) -> Any:
    """Draw the matrix of a pairwise estimate.

    Args:
        result: the answer of `Estimator.pairwise`, square or of columns against targets.
        unit: "nats" or "bits".
        order: "clustered" puts variables that depend on each other side by side (see
            `cluster_order`; matrices that are not symmetric, or of more than 500 columns, stay as
            given); "given" keeps the order of the columns.
        normalized: draw normalised mutual information, from 0 to 1, in the place of `unit`; see
            `Estimate.correlation`.

    Returns:
        A `matplotlib.figure.Figure`. Cells without an estimate are grey; beyond 80 rows or columns
        every second, third, ... is named.

    Raises:
        InputError: another order or unit.
        MissingExtraError: matplotlib is not installed.
    """
    if order not in ("clustered", "given"):
        raise InputError(f"order is {order!r}, allowed are 'clustered' and 'given'")
    scale = unit_scale(unit)
    values = as_correlation(result.mi) if normalized else result.mi * scale
    rows, columns = list(result.row_names), list(result.column_names)
    if order == "clustered" and rows == columns and len(rows) <= CLUSTERED:
        place = cluster_order(values)
        values = values[np.ix_(place, place)]
        rows = columns = [rows[i] for i in place]
    width = float(np.clip(3.2 + 0.32 * len(columns), 5.0, 16.0))
    height = float(np.clip(2.2 + 0.32 * len(rows), 4.0, 16.0))
    figure = new_figure(width, height)
    axes = figure.add_subplot(1, 1, 1)
    axes.set_facecolor("0.85")
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    top = 1.0 if normalized else max(largest, 1e-3)
    image = axes.imshow(values, cmap="viridis", vmin=0.0, vmax=top, aspect="auto")
    label = "normalised mutual information" if normalized else f"mutual information ({unit})"
    figure.colorbar(image, ax=axes, label=label)
    axes.set_xticks(*_named(columns), rotation=45, ha="right", fontsize=8)
    axes.set_yticks(*_named(rows), fontsize=8)
    if max(len(rows), len(columns)) <= NUMBERED:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "black" if value > 0.6 * top else "white"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)
    return figure


def _named(names: list[str]) -> tuple[range, list[str]]:
    """Places and names of ticks: all, or every k-th in equal steps from the middle of the first."""
    step = -(-len(names) // LABELLED)
    places = range((step - 1) // 2, len(names), max(step, 1))
    return places, [plain(names[i]) for i in places]
