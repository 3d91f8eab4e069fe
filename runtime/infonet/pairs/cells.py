"""Estimates where the network's grid is at its limit: counts in ever smaller cells of ranks.

The network reads ranks on a grid of 128 x 128 cells, so its errors stop falling where samples are
many: what happens within a cell is lost. Counts have no such limit. The unit square of ranks is
halved again and again, and the sum of what all halvings tell is the mutual information that cells
of so many samples resolve (`kernels.cell_information`; Darbellay & Vajda 1999). What yet smaller
cells would tell is extrapolated from the last halvings, as Richardson's rule does.

Counts are free of the network's bias and have more noise. So the estimate is the network's where
both agree within the noise, and that of the counts where they do not; in between it passes from
one to the other without a jump.

The constants were fitted on training families and on families made for it, never on those that
judge; `python benchmarks/cells.py` shows them at work.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.backend import Rows

Array = NDArray[np.float64]
Pairs = NDArray[np.int64]

LARGE = 20_000  # samples from which cells are counted
_FEWEST = 8  # samples in the smallest cells that are halved
_CLASS = 3  # their class of sizes, from 8 to 15 samples
_DIVISIONS = 400_000  # samples, over all the divisions that the mean is taken of

# What smaller cells would tell, in multiples of what those of 16 to 31 samples told: it falls by a
# ratio from each class to the next. In smooth densities that is 1/2, at edges 1/sqrt 2; `_RATIO` is
# usual. A ratio is known the worse the less there is to tell, which `_PRIOR` over sqrt n sees to.
_USUAL, _LAST, _BEFORE = 1.257, 5.826, 2.844
_RATIO, _PRIOR = 0.68, 3.0
_MOST = 3.0

_NOISE = 0.4  # times n**-0.5, of the counts
_UNSURE = 0.05  # of what cells of 16 to 31 samples told, which the extrapolation may be off
_FAR = 2.0  # errors of the counts, from which the network is wrong rather than they

# The interval: so many times the root of (1.3 (1 - exp(-2 mi)) + 0.1) / n, which the samples leave
# open, of the square of a share of what cells of 16 to 31 samples told, which is extrapolated, and
# of what no number of samples takes away.
_STRONG, _WEAK, _OPEN, _LEFT, _WIDTH = 1.3, 0.1, 0.45, 5e-4, 1.8


def refined(mi: Array, quantiles: Array, rows: Rows, pairs: Pairs) -> tuple[Array, Array]:
    """Estimates of `LARGE` samples or more that are better than the network's.

    Swapping the variables changes nothing, and neither does an increasing or decreasing transform.

    Args:
        mi: float64 [p], nats, as the network gives it.
        quantiles: float64 [p, 3] likewise.
        rows: mid-ranks of columns without many ties, float32 [n] each.
        pairs: int64 [p, 2], first and second column of each pair.

    Returns:
        The same two, every value a float32 number.
    """
    found, interval = np.empty(mi.shape, np.float32), np.empty(quantiles.shape, np.float32)
    for k, (x, y) in enumerate(pairs):
        found[k], interval[k] = _by_cells(float(mi[k]), rows[int(x)], rows[int(y)])
    return found.astype(np.float64), interval.astype(np.float64)


def _by_cells(
    mi: float, x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[float, tuple[float, float, float]]:
    """The estimate of one pair, and its quantiles."""
    n = x.size
    divisions = max(1, min(4, _DIVISIONS // n))
    told = kernels().cell_information(x, y, _FEWEST, divisions)
    counted = extrapolated(told, n)
    open_part = max(0.0, float(told[_CLASS + 1]))
    error = math.hypot(_NOISE / math.sqrt(n), _UNSURE * open_part)
    apart = mi - counted
    found = max(0.0, counted + apart / (1 + (apart / (_FAR * error)) ** 4))
    spread = math.sqrt((_STRONG * -math.expm1(-2 * found) + _WEAK) / n)
    reach = _WIDTH * math.hypot(spread, _OPEN * open_part, _LEFT)
    return found, (max(0.0, found - reach), found, found + reach)


def extrapolated(told: Array, n: int) -> float:
    """Mutual information in nats, from what cells of each class of sizes told of n samples."""
    prior = _PRIOR / math.sqrt(n)
    last, before, first = (max(0.0, float(told[_CLASS + i])) for i in range(3))
    ratios = [
        (smaller + _RATIO * prior) / (larger + prior) - _RATIO
        for smaller, larger in ((last, before), (before, first))
    ]
    times = _USUAL + _LAST * ratios[0] + _BEFORE * ratios[1]
    beyond = min(max(times, 0.0), _MOST) * float(told[_CLASS + 1])
    return float(told[_CLASS:].sum()) + beyond
