"""Pictures of estimates, drawn with matplotlib (the extra `infonet[plot]`).

Figures are made on Agg, without a display or pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.errors import InputError, MissingExtraError
from infonet.matrix import PairwiseResult
from infonet.result import Estimate
from infonet.series.profile import LagProfile
from infonet.units import as_correlation, unit_scale

__all__ = [
    "cluster_order",
    "new_figure",
    "plot_estimate",
    "plot_lags",
    "plot_matrix",
    "require_matplotlib",
    "save_figure",
]

DPI = 150


def require_matplotlib(what: str) -> None:
    """Raise MissingExtraError, whose subject is `what`, if matplotlib cannot be imported."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(what, "infonet[plot]") from error


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure of so many inches; it belongs to no window and is not kept.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    require_matplotlib("drawing")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """Text for a picture, with names of columns in it: dollar signs begin no formula, and what no
    font has a picture for is a blank."""
    shown = "".join(c if c == "\n" or c.isprintable() else " " for c in text)
    return shown.replace("$", r"\$")


def check_picture_path(path: str | Path) -> Path:
    """The path of a picture to write.

    Raises:
        InputError: another ending than .png, .pdf or .svg.
    """
    path = Path(path)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise InputError(f"{path} ends in {path.suffix!r}, allowed are .png, .pdf and .svg")
    return path


def save_figure(figure: Any, path: str | Path) -> Path:
    """Write a figure as .png, .pdf or .svg and return the path.

    The same figure gives the same bytes: no date is written.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    path = check_picture_path(path)
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        figure.savefig(path, metadata=undated.get(path.suffix.lower()))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return path


def cluster_order(similarity: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Order the variables of a symmetric matrix of similarities by average linkage.

    Clusters of the largest mean similarity are merged first (UPGMA: Sokal & Michener 1958), and
    of the four ways to join two ordered clusters that is taken whose touching ends are most
    similar. O(d^3) in numpy: a second for 500 variables.

    Args:
        similarity: [d, d], symmetric; NaN counts as no similarity, the diagonal is not read.

    Returns:
        A permutation of 0..d-1.
    """
    given = np.nan_to_num(np.asarray(similarity, np.float64), nan=0.0)
    d = len(given)
    if d < 3:
        return np.arange(d)
    means = given.copy()
    np.fill_diagonal(means, -np.inf)
    members: list[list[int]] = [[i] for i in range(d)]
    sizes = np.ones(d)
    for _ in range(d - 1):
        a, b = sorted(int(k) for k in np.unravel_index(np.argmax(means), means.shape))
        members[a] = _joined(members[a], members[b], given)
        merged = (sizes[a] * means[a] + sizes[b] * means[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        means[a], means[:, a] = merged, merged
        means[a, a] = -np.inf
        means[b], means[:, b] = -np.inf, -np.inf
        members[b] = []
    return np.array(max(members, key=len), np.int64)


def _joined(left: list[int], right: list[int], given: NDArray[np.float64]) -> list[int]:
    ways = [(p, q) for p in (left, left[::-1]) for q in (right, right[::-1])]
    p, q = max(ways, key=lambda way: given[way[0][-1], way[1][0]])
    return p + q


LABELLED = 80  # names beside a picture that can be read; of more, every k-th is shown

NUMBERED = 15
CLUSTERED = 500
TITLE = 40  # characters of the names of a condition that stand above a small matrix
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
        every second, third, ... is named. The title says what the matrix is given.

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
    if result.given:
        axes.set_title(plain(f"given {_listed(result.given)}"), fontsize=9)
    figure.colorbar(image, ax=axes, label=label)
    axes.set_xticks(*_named(columns), rotation=45, ha="right", fontsize=8)
    axes.set_yticks(*_named(rows), fontsize=8)
    if max(len(rows), len(columns)) <= NUMBERED:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "black" if value > 0.6 * top else "white"
                axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=7)
    return figure


def _listed(names: Sequence[str]) -> str:
    """Names of a condition as far as there is room for them."""
    few = ", ".join(names)
    return few if len(few) <= TITLE else f"{len(names)} columns"


def _named(names: list[str]) -> tuple[range, list[str]]:
    """Places and names of ticks: all, or every k-th in equal steps from the middle of the first."""
    step = -(-len(names) // LABELLED)
    places = range((step - 1) // 2, len(names), max(step, 1))
    return places, [plain(names[i]) for i in places]


POINTS = 3000  # beyond, single points hide each other and their density is drawn
DENSITY_CELLS = 64
_NO_TABLE = (
    "Pairs of a matrix have no table, and neither\nhas an estimate that the table of the network\n"
    "does not fit, which is made without it."
)


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
        InputError: the samples are not those of the estimate.
        MissingExtraError: matplotlib is not installed.
    """
    scale = unit_scale(unit)
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
        right.text(0.5, 0.5, _NO_TABLE, ha="center", va="center", wrap=True)
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


SEEN = 0.05  # adjusted p-value up to which a lag is filled


def plot_lags(profile: LagProfile, unit: str = "nats") -> Any:
    """Draw mutual information at lags with its 90 % intervals.

    Points are filled where the p-value, adjusted for the number of lags (Benjamini & Hochberg
    1995), is at most 0.05; a line marks the peak.

    Args:
        profile: the answer of `Estimator.lagged`.
        unit: "nats" or "bits".

    Returns:
        A `matplotlib.figure.Figure`; write it with `save_figure` or its method `savefig`.

    Raises:
        InputError: another unit.
        MissingExtraError: matplotlib is not installed.
    """
    scale, order = unit_scale(unit), np.argsort(profile.lags)
    lags, mi, low, high = (
        values[order] for values in (profile.lags, profile.mi, profile.low, profile.high)
    )
    seen = profile.adjusted()[order] <= SEEN
    figure = new_figure(8.0, 4.0)
    axes = figure.add_subplot(1, 1, 1)
    axes.fill_between(lags, low * scale, high * scale, color="#0b5394", alpha=0.2, linewidth=0)
    axes.plot(lags, mi * scale, color="#0b5394", linewidth=1)
    for chosen, face in ((seen, "#0b5394"), (~seen, "white")):
        axes.scatter(
            *(lags[chosen], mi[chosen] * scale, 18),
            facecolor=face, edgecolor="#0b5394", linewidth=0.8, zorder=3,
        )  # fmt: skip
    axes.axvline(profile.peak, color="0.4", linestyle=":", linewidth=1)
    x, y = profile.names
    condition = f" given {', '.join(profile.given)}" if profile.given else ""
    axes.set_title(plain(f"{x} and {y}{condition}, largest at lag {profile.peak}"), fontsize=10)
    axes.set_xlabel(plain(f"lag in steps: right of 0 {x} leads, left of it {y}"))
    axes.set_ylabel(f"mutual information ({unit})")
    axes.set_ylim(bottom=0.0)
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
