"""Estimates of many samples: counts in ever smaller cells of ranks.

The network reads ranks on a grid of 128 x 128 cells, so its errors stop falling where samples are
many: what happens within a cell is lost. Counts have no such limit. The unit square of ranks is
halved again and again, and the sum of what all halvings tell is the mutual information that cells
of so many samples resolve (`kernels.cell_information`; Darbellay & Vajda 1999). What yet smaller
cells would tell is extrapolated from the last halvings, as Richardson's rule does.

Counts are free of the network's bias and have more noise. So the estimate is the network's where
both agree within the noise, and that of the counts where they do not; in between it passes from
one to the other without a jump.

The constants were fitted on training families and on families made for it, never on those that
judge. `benchmarks/refit.py cells` fits them again, on the families that calibrate intervals.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels

Array = NDArray[np.float64]

_FEWEST = 8  # samples in the smallest cells that are halved
_CLASS = 3  # their class of sizes, from 8 to 15 samples
_DIVISIONS = 400_000  # samples, over all the divisions that the mean is taken of

# What smaller cells would tell, in multiples of what those of 16 to 31 samples told: it falls by a
# ratio from each class to the next. In smooth densities that is 1/2, at edges 1/sqrt 2; `_RATIO` is
# usual. A ratio is known the worse the less there is to tell, which `_PRIOR` over sqrt n sees to.
_TIMES = (1.257, 5.826, 2.844)
_RATIO, _PRIOR = 0.68, 3.0
_MOST = 3.0

_NOISE = 0.4  # times n**-0.5, of the counts
_UNSURE = 0.05  # of what cells of 16 to 31 samples told, which the extrapolation may be off
_FAR = 2.0  # errors of the counts, from which the network is wrong rather than they

# The interval: so many times the root of (1.3 (1 - exp(-2 mi)) + 0.1) / n, which the samples leave
# open, of the square of a share of what cells of 16 to 31 samples told, which is extrapolated, and
# of what no number of samples takes away.
_STRONG, _WEAK, _OPEN, _LEFT, _WIDTH = 1.3, 0.1, 0.45, 5e-4, 1.8


def by_cells(
    mi: float, x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[float, Array, float]:
    """The estimate of one pair in nats, its quantiles, float64 [3], and what is left open: the nats
    that cells of 16 to 31 samples told, by which what smaller ones would tell is extrapolated.

    Args:
        mi: the network's estimate.
        x, y: mid-ranks without many ties, float32 [n].
    """
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
    return found, np.array([max(0.0, found - reach), found, found + reach]), open_part


def extrapolated(
    told: Array, n: int, smallest: int = _CLASS, times: tuple[float, float, float] = _TIMES
) -> float:
    """Mutual information in nats, with what cells that are yet smaller would tell.

    Args:
        told: what cells of each class of sizes told; see `infonet_kernels.cell_information`.
        n: samples.
        smallest: class of the smallest cells.
        times: in how many multiples of what the class above it told the rest is to be told where
            ratios are usual, and how that grows with the last ratio and with the one before.
    """
    prior = _PRIOR / math.sqrt(n)
    last, before, first = (max(0.0, float(told[smallest + i])) for i in range(3))
    ratios = [
        (smaller + _RATIO * prior) / (larger + prior) - _RATIO
        for smaller, larger in ((last, before), (before, first))
    ]
    beyond = times[0] + times[1] * ratios[0] + times[2] * ratios[1]
    beyond = min(max(beyond, 0.0), _MOST) * float(told[smallest + 1])
    return float(told[smallest:].sum()) + beyond
