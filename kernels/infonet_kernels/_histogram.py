"""Joint histograms of ranks by bilinear splatting."""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import (
    Float,
    as_array,
    as_count,
    as_float,
    as_out,
    as_rows,
    as_threads,
    shown,
)
from infonet_kernels._choice import call


@overload
def joint_histogram(
    x_ranks: ArrayLike, y_ranks: ArrayLike, grid: int, threads: int = 1
) -> NDArray[np.float32]: ...
@overload
def joint_histogram(
    x_ranks: ArrayLike, y_ranks: ArrayLike, grid: int, threads: int = 1, *, dtype: type[Float]
) -> NDArray[Float]: ...
def joint_histogram(
    x_ranks: ArrayLike, y_ranks: ArrayLike, grid: int, threads: int = 1, *, dtype: Any = np.float32
) -> NDArray[Any]:
    """Histogram of the points (x, y) of each row on a grid x grid raster of the unit square.

    A coordinate u lies at p = u * grid - 1/2, clamped to [0, grid - 1], so that whole numbers are
    cell centres; a point is shared by its four neighbours with bilinear weights. Sums are held in
    double precision. The cells of a row sum to n.

    Args:
        x_ranks: [rows, n] in [0, 1], converted to `dtype`; along the first axis of the grid.
        y_ranks: [rows, n] in [0, 1]; along the second axis.
        grid: cells a side, 2 to 4096.
        threads: upper bound of the threads used; results do not depend on it.
        dtype: numpy.float32 or numpy.float64.

    Returns:
        [rows, grid, grid] counts of `dtype`.

    Raises:
        ValueError: NaN or a rank outside [0, 1], with its row and index; shapes that differ.
    """
    kind = as_float(dtype)
    x, y = as_rows("x_ranks", x_ranks, kind), as_rows("y_ranks", y_ranks, kind)
    if x.shape != y.shape:
        raise ValueError(f"x_ranks has shape {x.shape} and y_ranks {y.shape}; they must be equal")
    cells = as_count("grid", grid, 2)
    count = as_threads(threads)
    _check_size(cells)
    histogram = np.empty((x.shape[0], cells, cells), kind)
    name = "infonet_joint_histogram" + ("_f64" if kind is np.float64 else "")
    call(name, x, y, *x.shape, cells, count, histogram)
    return histogram


def pair_histograms(
    ranks: ArrayLike,
    pairs: ArrayLike,
    grid: int,
    threads: int = 1,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Joint histograms (see `joint_histogram`) of pairs of columns that were ranked once.

    Args:
        ranks: [columns, n] in [0, 1], converted to float32: one row per column of the data.
        pairs: [p, 2] integers; a pair (a, b) has column a along the first axis of its grid.
        grid: cells a side, 2 to 4096.
        threads: upper bound of the threads used; results do not depend on it.
        out: C-contiguous float32 [p, grid, grid] array to fill, or None for a new one.

    Returns:
        float32 [p, grid, grid] counts: `out` when it was given.

    Raises:
        ValueError: NaN or a rank outside [0, 1], with its column and index; a pair that names a
            column that is not there; a wrong shape or dtype.
    """
    columns = as_rows("ranks", ranks, np.float32)
    indices = as_array("pairs", pairs)
    if indices.ndim != 2 or indices.shape[1] != 2 or indices.dtype.kind not in "iu":
        raise ValueError(
            f"pairs: got {indices.dtype} of shape {indices.shape}; integers [p, 2] are needed"
        )
    if indices.dtype != np.int64 or not (indices.flags.c_contiguous and indices.flags.aligned):
        indices = np.require(indices, np.int64, ["C_CONTIGUOUS", "ALIGNED"])
    cells = as_count("grid", grid, 2)
    count = as_threads(threads)
    _check_size(cells)
    shape = (indices.shape[0], cells, cells)
    if out is None:
        out = np.empty(shape, np.float32)
    elif as_out(out).shape != shape or out.dtype != np.float32 or not out.flags.carray:
        raise ValueError(
            f"out: got {out.dtype} {out.shape}; a writable C-contiguous float32 array {shape} "
            "is needed"
        )
    call(
        "infonet_pair_histograms", columns, *columns.shape, indices, len(indices), cells, count, out
    )
    return out


def _check_size(grid: int) -> None:
    # Before memory is asked for: a grid of a million cells a side would ask for terabytes.
    if grid > 4096:
        raise ValueError(f"grid: got {shown(grid)}; allowed are 2 to 4096")
