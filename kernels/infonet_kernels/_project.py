"""Projections of samples onto directions: a matrix product whose rounding is fixed."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import as_count, as_out, as_rows, shown
from infonet_kernels._choice import call

_PANEL = 8  # kPanel of project.hpp


class Directions:
    """Directions laid out for `project`; may be shared by threads.

    Args:
        directions: [count, dimensions], converted to float64.

    Raises:
        ValueError: not numeric, or not two-dimensional.
    """

    def __init__(self, directions: ArrayLike) -> None:
        rows = as_rows("directions", directions, np.float64)
        self.count, self.dimensions = rows.shape
        panels = -(-self.count // _PANEL)
        whole = np.zeros((panels, _PANEL, self.dimensions))
        whole.reshape(panels * _PANEL, self.dimensions)[: self.count] = rows
        # [panels, dimensions, 8]
        self.panels: NDArray[np.float64] = np.ascontiguousarray(whole.transpose(0, 2, 1))


def project(
    values: ArrayLike,
    directions: Directions,
    out: NDArray[np.float64] | None = None,
    first: int = 0,
) -> NDArray[np.float64]:
    """Project samples onto directions: the product [count, dimensions] x [dimensions, rows].

    Every sum is taken in double precision, one term after the other from the first dimension on,
    without fused multiply-add. So the result for a sample and a direction depends on those two
    alone: not on their places, on the number of others, on threads or on the machine, as it does in
    a product by BLAS. Equal samples have equal projections.

    Args:
        values: [rows, columns], converted to float64: dimensions `first` to `first + columns` of
            the samples.
        directions: the directions.
        out: float64 [count, rows] to write to, last axis contiguous: a slice of a larger array
            will do. Needed if `first` is not 0: it holds the sums over the dimensions before, and
            blocks of columns in order give the bytes of all columns at once.
        first: the first of the dimensions.

    Returns:
        `out`, or a new array.

    Raises:
        ValueError: a wrong shape, dtype or layout.
    """
    if not isinstance(directions, Directions):
        raise TypeError(f"directions: got {shown(directions)}; an object of Directions is needed")
    first = as_count("first", first, -(2**63))
    block = as_rows("values", values, np.float64)
    rows, columns = block.shape
    shape = (directions.count, rows)
    if first < 0 or first + columns > directions.dimensions:
        raise ValueError(
            f"values: got columns {shown(first)} to {shown(first + columns)}; the directions have "
            f"{directions.dimensions} dimensions"
        )
    if out is None:
        if first > 0:
            raise ValueError(f"out: got None; the sums before dimension {first} are needed")
        out = np.empty(shape)
    fits = as_out(out).dtype == np.float64 and out.shape == shape
    fits = fits and out.flags.writeable and out.flags.aligned
    if fits and out.size == 0:
        return out
    if not fits or (rows > 1 and out.strides[1] != 8) or out.strides[0] < 0:
        raise ValueError(
            f"out: got {out.dtype} {out.shape}, strides {out.strides}; writeable float64 {shape} "
            "with contiguous rows is needed"
        )
    panels = directions.panels[:, first:]
    stride = out.strides[0] // 8 if directions.count > 1 else rows
    call(
        *("infonet_project", block, rows, columns, panels, directions.dimensions * _PANEL),
        *(directions.count, stride, int(first > 0), out),
    )
    return out
