"""One pair of variables: its ranks, and the table of pointwise mutual information."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.errors import InputError
from infonet.plotting.backend import new_figure, plain
from infonet.result import NO_TABLE_NOTE, Estimate, unit_scale

POINTS = 3000  # beyond, single points hide each other and their density is drawn
DENSITY_CELLS = 64


def plot_estimate(
    estimate: Estimate,
    x: ArrayLike,
    y: ArrayLike,
    unit: str = "nats",
    positions: NDArray[np.floating[Any]] | None = None,
) -> Any:
    """Draw an estimate beside the data that it was made from.

    On the left a scatter plot of the ranks, or for more than 3,000 samples the density of ranks
    relative to independence; on the right the table: what pairs of values at these ranks tell of
    each other, red where a pair is more common than under independence, blue where it is rarer.

    Args:
        estimate: the answer of `Estimator.estimate`.
        x, y: the samples that it was made from, [n] each; rows with a missing value are left out.
        unit: "nats" or "bits".
        positions: `model.table_positions`; None: the table is one of cells that divide [0, 1].

    Returns:
        A `matplotlib.figure.Figure`; write it with `save_figure` or its method `savefig`.

    Raises:
        InputError: the estimate is one of a matrix, which have no tables, or the samples are not
            those of the estimate.
        MissingExtraError: matplotlib is not installed.
    """
    scale = unit_scale(unit)
    if estimate.table is None and NO_TABLE_NOTE not in estimate.notes:
        raise InputError("the estimate has no table: make it with Estimator.estimate(x, y)")
    columns = [np.asarray(values, np.float64).ravel() for values in (x, y)]
    if columns[0].size == columns[1].size:
        whole = np.isfinite(columns[0]) & np.isfinite(columns[1])
        columns = [values[whole] for values in columns]
    if columns[0].size != estimate.n or columns[1].size != estimate.n:
        raise InputError(
            f"x and y have {columns[0].size} and {columns[1].size} complete samples, the estimate "
            f"was made from {estimate.n}: pass the same samples"
        )
    figure = new_figure(10.5, 4.8)
    left, right = figure.subplots(1, 2)
    _draw_ranks(left, *(ranks(values) for values in columns))
    if estimate.table is None:
        note = NO_TABLE_NOTE.replace(": ", ":\n")
        right.text(0.5, 0.5, note, ha="center", va="center", wrap=True)
        right.set(xlim=(0, 1), ylim=(0, 1), xticks=(), yticks=(), title="no table")
    else:
        image = _draw_table(right, estimate.table * scale, positions)
        label = f"pointwise mutual information ({unit})"
        figure.colorbar(image, ax=right, label=label, extend="min")
    for axes in (left, right):
        axes.set_xlabel(plain(f"{estimate.names[0]} (rank / n)"))
        axes.set_ylabel(plain(f"{estimate.names[1]} (rank / n)"))
        axes.set_aspect("equal")
    figure.suptitle(plain(estimate.describe(unit)), fontsize=10)
    return figure


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-ranks over n, within 0 to 1; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    found: NDArray[np.float64] = middle[place] / values.size
    return found


def _draw_ranks(axes: Any, u: NDArray[np.float64], v: NDArray[np.float64]) -> None:
    if u.size <= POINTS:
        size = float(np.clip(4000 / u.size, 2, 25))
        axes.scatter(u, v, s=size, alpha=0.5, linewidths=0, color="#0b5394")
    else:
        counts, _, _ = np.histogram2d(u, v, DENSITY_CELLS, range=((0, 1), (0, 1)))
        relative = counts * (DENSITY_CELLS**2 / u.size)
        axes.imshow(relative.T, origin="lower", extent=(0, 1, 0, 1), cmap="Blues")
    axes.set(xlim=(0, 1), ylim=(0, 1), title=f"ranks of {u.size:,} samples", xmargin=0)


def _draw_table(
    axes: Any, table: NDArray[np.floating[Any]], positions: NDArray[np.floating[Any]] | None
) -> Any:
    size = len(table)
    at = (np.arange(size) + 0.5) / size if positions is None else np.asarray(positions)
    # the table of the paper's network begins at -1, where there are no samples
    inside = at >= -1e-9
    shown = table[np.ix_(inside, inside)]
    half = (at[1] - at[0]) / 2
    low, high = at[inside][0] - half, at[inside][-1] + half
    # the scale is that of what is more common: log ratios of rare pairs go to minus infinity
    limit = max(0.05, float(shown.max()))
    axes.set_title("what a pair of values tells")
    return axes.imshow(
        shown.T,
        origin="lower",
        extent=(low, high, low, high),
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
    )
