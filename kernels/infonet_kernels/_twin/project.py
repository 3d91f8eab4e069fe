"""Projections in NumPy; see `kernels/cpu/project.cpp`."""

import numpy as np
from numpy.typing import NDArray

_MOST_SUMS = 1 << 17  # at a time: they stay in the cache over all dimensions


def project(
    values: NDArray[np.float64],
    rows: int,
    columns: int,
    panels: NDArray[np.float64],
    _panel_stride: int,
    count: int,
    _stride: int,
    resume: int,
    out: NDArray[np.float64],
) -> None:
    """See infonet_project; `panels` is [panels, columns, 8] or wider."""
    directions = panels.transpose(0, 2, 1).reshape(
        panels.shape[0] * panels.shape[2], panels.shape[1]
    )
    step = max(1, _MOST_SUMS // max(1, count))
    for begin in range(0, rows, step):
        block = np.ascontiguousarray(values[begin : begin + step].T)  # [columns, rows]
        sums = out[:, begin : begin + step].copy() if resume else np.zeros((count, block.shape[1]))
        for column in range(columns):
            sums += directions[:count, column, None] * block[column]
        out[:, begin : begin + step] = sums
