"""Dependence that is sharper than the network's grid: x against x and little noise, functions.

A grid of ranks levels off near 4 nats. Two estimates have none: counts in ever smaller cells
(`cells`), here down to cells of 4 samples, and nearest neighbours on normal scores (`neighbours`).
Where both are at their own limits the counts are too high, because they are extrapolated, and the
neighbours too low, because the nearest ones lie further away than the noise is wide. So their mean
is the estimate, and the interval grows with what they differ by.

No sample of n tells more than about log n nats. Where the smallest cells still tell as much as
larger ones, the truth may be anything beyond, and the interval ends at log n.

`benchmarks/refit.py sharp` fits the constants again, on the families that calibrate intervals, made
sharp.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.cells import extrapolated
from infonet.pairs.neighbours import terms_of_scores

Ranks = NDArray[np.float32]

_FEWEST = 4  # samples in the smallest cells that are halved
_CLASS = 2  # their class of sizes, from 4 to 7 samples
_TIMES = (1.052, 4.5, 4.0)  # see `extrapolated`
_MOST_SAMPLES = 50_000  # with neighbours: of more, counts alone are near the truth, and faster
_DIVISIONS = 400_000  # samples, over all the divisions that the mean is taken of

_WIDTH = 1.6449  # standard errors, of 1 / sqrt n each
_APART, _SCALE = 0.5, 0.01  # shares of what the two differ by, and of the estimate
_EXTRAPOLATED = 0.5  # share of what cells of 8 to 15 samples told
_OPEN, _WHOLLY_OPEN = 0.5, 0.9  # of log 2, that halving cells of 8 to 15 samples tells


def beyond_the_grid(x: Ranks, y: Ranks) -> tuple[float, NDArray[np.float64]]:
    """Mutual information in nats of two columns of ranks [n], and its quantiles, float64 [3]."""
    n = x.size
    told = kernels().cell_information(x, y, _FEWEST, max(1, min(4, _DIVISIONS // n)))
    counted = extrapolated(told, n, _CLASS, _TIMES)
    near = counted
    if n <= _MOST_SAMPLES:
        near = float(terms_of_scores(_scores(x), _scores(y)).mean())
    found = max(0.0, (counted + near) / 2)
    last = max(0.0, float(told[_CLASS + 1]))
    reach = math.hypot(_WIDTH / math.sqrt(n), _APART * (counted - near))
    reach += _SCALE * found + _EXTRAPOLATED * last
    still = last / math.log(2)
    beyond = min(max((still - _OPEN) / (_WHOLLY_OPEN - _OPEN), 0.0), 1.0)
    high = (1 - beyond) * (found + reach) + beyond * max(found, math.log(n))
    return found, np.array([max(0.0, found - reach), found, high])


def _scores(ranks: Ranks) -> NDArray[np.float64]:
    """Normal scores, float64 [n, 1]. Reversing the column changes their signs and nothing else: of
    points near a diagonal, distances along x and y are often equal, and rounding must not choose.
    """
    twice = np.rint(ranks.astype(np.float64) * (2 * ranks.size))
    below = np.minimum(twice, 2 * ranks.size - twice) / (2 * ranks.size)
    scores = kernels().normal_scores(below.astype(np.float32))
    found: NDArray[np.float64] = np.where(twice > ranks.size, -scores, scores)[:, None]
    return found
