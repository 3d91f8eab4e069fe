"""Counts in coarse grids in NumPy; see `kernels/cpu/cells.cpp`."""

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.histograms import check_ranks
from infonet_kernels._twin.ranks import check_length

Floats = NDArray[np.float32]
_FINEST = 32  # cells a side


def chi_squared(
    u: Floats,
    v: Floats,
    n: int,
    shapes: NDArray[np.int64],
    count: int,
    statistics: NDArray[np.float64],
) -> None:
    """See infonet_chi_squared."""
    check_length(n)
    check_ranks(u, "u, ")
    check_ranks(v, "v, ")
    for size in shapes.ravel().tolist():
        if not (1 <= size <= _FINEST and size & (size - 1) == 0):
            raise ValueError(f"shapes: got {size}; allowed are powers of two from 1 to {_FINEST}")
    x, y = (np.minimum((row * np.float32(_FINEST)).astype(np.int64), _FINEST - 1) for row in (u, v))
    finest = np.bincount(x * _FINEST + y, minlength=_FINEST * _FINEST)
    for k, (rows, columns) in enumerate(shapes.tolist()):
        counts = finest.reshape(rows, _FINEST // rows, columns, -1).sum(axis=(1, 3))
        margins = np.outer(counts.sum(axis=1), counts.sum(axis=0)).astype(np.float64)
        squares = counts.astype(np.float64) ** 2
        shares = np.divide(squares, margins, out=np.zeros_like(squares), where=margins > 0)
        statistics[k] = n * (np.add.accumulate(shares.ravel())[-1] - 1.0)
