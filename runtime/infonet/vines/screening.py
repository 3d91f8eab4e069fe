"""Whether two columns of ranks depend on each other, by counts in coarse grids.

A vine asks this many times, mostly of columns that do not: residuals of a fit, and columns that a
condition was taken out of. Counts cost a small part of a pass of the network, and see nearly all
that it sees there. So the network is asked only where the counts, too, look like dependence.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.significance import combined

# Squares for what is smooth, and strips for what moves fast along one of the two.
_GRIDS = ((4, 4), (8, 8), (16, 16), (4, 32), (32, 4))
_LEAST = 3  # samples in a cell, in the mean: with fewer, the tail of chi-squared is another
_LOOKED_AT = tuple(_LEAST * rows * columns for rows, columns in _GRIDS)
FEWEST = _LOOKED_AT[1]  # samples with which squares of 8 x 8 cells are looked at
_FAR = 8.0  # standard deviations; all beyond is evident


def cells_p_value(u: NDArray[np.float32], v: NDArray[np.float32]) -> float:
    """Of independence of two columns of ranks, by Pearson's chi-squared in each grid.

    It is for deciding what to do next: correct to some thousandths, and not below 1e-15.

    Args:
        u, v: mid-ranks [n] without ties, n at least `FEWEST`.
    """
    grids = [grid for grid, n in zip(_GRIDS, _LOOKED_AT, strict=True) if n <= u.size]
    found = kernels().chi_squared(u, v, grids).tolist()
    return combined(
        [
            _log_tail(value, (rows - 1) * (columns - 1))
            for value, (rows, columns) in zip(found, grids, strict=True)
        ]
    )


def _log_tail(value: float, freedom: int) -> float:
    """log P(chi-squared >= value): its cube root is almost normal (Wilson & Hilferty 1931)."""
    spread = 2 / (9 * freedom)
    z = ((max(value, 0.0) / freedom) ** (1 / 3) - 1 + spread) / math.sqrt(spread)
    return math.log(math.erfc(min(z, _FAR) / math.sqrt(2)) / 2)
