"""Joint histograms in NumPy; see `kernels/cpu/histogram.cpp`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.ranks import check_length

_CHUNK = 1 << 16  # points at a time, which bounds memory


def joint_histogram(
    x: NDArray[Any],
    y: NDArray[Any],
    rows: int,
    n: int,
    grid: int,
    _threads: int,
    histogram: NDArray[Any],
) -> None:
    """See infonet_joint_histogram."""
    check_length(n)
    check_grid(grid)
    for row in range(rows):
        check_ranks(x[row], f"x row {row}, ")
        check_ranks(y[row], f"y row {row}, ")
        histogram[row] = _histogram(x[row], y[row], grid)


def pair_histograms(
    ranks: NDArray[np.float32],
    columns: int,
    n: int,
    pairs: NDArray[np.int64],
    count: int,
    grid: int,
    _threads: int,
    histogram: NDArray[np.float32],
) -> None:
    """See infonet_pair_histograms."""
    check_length(n)
    check_grid(grid)
    absent = (pairs < 0) | (pairs >= columns)
    if absent.any():
        at = int(np.argmax(absent))
        raise ValueError(
            f"pairs: column {pairs.flat[at]} at pair {at // 2}; there are {columns} columns, "
            "counted from 0"
        )
    for column in range(columns):
        check_ranks(ranks[column], f"column {column}, ")
    for pair in range(count):
        histogram[pair] = _histogram(ranks[pairs[pair, 0]], ranks[pairs[pair, 1]], grid)


def check_grid(grid: int) -> None:
    """Refuse a number of cells that is not allowed."""
    if not 2 <= grid <= 4096:
        raise ValueError(f"grid: got {grid}; allowed are 2 to 4096")


def check_ranks(ranks: NDArray[Any], where: str) -> None:
    """Refuse what is not in [0, 1]; `where` names the row."""
    inside = (ranks >= 0) & (ranks <= 1)
    if inside.all():
        return
    at = int(np.argmin(inside))
    got = "NaN" if np.isnan(ranks[at]) else f"{ranks[at]:.6f}"
    raise ValueError(
        f"ranks: {got} at {where}index {at}; ranks must be in [0, 1] (soft_rank gives such)"
    )


def _histogram(x: NDArray[Any], y: NDArray[Any], grid: int) -> NDArray[np.float64]:
    """Each point shared by its four cells, point after point, so that every sum has its order."""
    cells = np.zeros(grid * grid)
    for begin in range(0, x.size, _CHUNK):
        row, right = _locate(x[begin : begin + _CHUNK], grid)
        column, upper = _locate(y[begin : begin + _CHUNK], grid)
        left, lower = 1.0 - right, 1.0 - upper
        first = row * grid + column
        weights = (left * lower, left * upper, right * lower, right * upper)
        # No point has a cell twice, so the four may be added one after the other, where those of
        # other points do not come between: here they would.
        places = np.stack([first, first + 1, first + grid, first + grid + 1], axis=1)
        np.add.at(cells, places.reshape(-1), np.stack(weights, axis=1).reshape(-1))
    return cells.reshape(grid, grid)


def _locate(ranks: NDArray[Any], grid: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The lower of the two cells of each rank, and what the upper one gets."""
    position = np.clip(ranks.astype(np.float64) * float(grid) - 0.5, 0.0, float(grid - 1))
    cell = np.minimum(position.astype(np.int64), grid - 2)
    return cell, position - cell
