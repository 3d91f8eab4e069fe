"""The matrix of all pairs as a heat map."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from infonet.errors import InputError
from infonet.pairwise import PairwiseResult
from infonet.plotting.backend import new_figure
from infonet.plotting.clustering import cluster_order
from infonet.result import UNITS

LABELLED = 80  # rows or columns beyond which names cannot be read
NUMBERED = 15
CLUSTERED = 500
Order = Literal["clustered", "given"]


def plot_matrix(result: PairwiseResult, unit: str = "nats", order: Order = "clustered") -> Any:
    """Draw the matrix of a pairwise estimate.

    Args:
        result: the answer of `Estimator.pairwise`, square or of columns against targets.
        unit: "nats" or "bits".
        order: "clustered" puts variables that depend on each other side by side (see
            `cluster_order`; matrices that are not symmetric, or of more than 500 columns, stay as
            given); "given" keeps the order of the columns.

    Returns:
        A `matplotlib.figure.Figure`. Cells without an estimate are grey.

    Raises:
        InputError: another order.
        MissingExtraError: matplotlib is not installed.
    """
    if order not in ("clustered", "given"):
        raise InputError(f"order is {order!r}, allowed are 'clustered' and 'given'")
    values = result.mi * UNITS[unit]
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
    image = axes.imshow(values, cmap="viridis", vmin=0.0, vmax=max(largest, 1e-3), aspect="auto")
    figure.colorbar(image, ax=axes, label=f"mutual information ({unit})")
    if len(columns) <= LABELLED:
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    if len(rows) <= LABELLED:
        axes.set_yticks(range(len(rows)), rows, fontsize=8)
    if max(len(rows), len(columns)) <= NUMBERED:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "black" if value > 0.6 * largest else "white"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)
    return figure
