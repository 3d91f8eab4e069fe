"""Which of the network's estimates are refined, and what becomes of them.

The grid of 128 x 128 ranks that the network reads is at its limit in three places: where samples
are many (`cells`), where dependence is so sharp that the grid cannot tell 4 nats from 8 (`sharp`),
and where density piles up in corners and along edges (`crowded`). Of many samples dependence is too
sharp for cells, too, where the smallest ones still tell much: a function of many branches and
little noise. All other estimates stay the network's, to the byte. Nothing jumps: of sharp
dependence the other estimate comes in step by step.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.pairs import crowded
from infonet.pairs.backend import Rows
from infonet.pairs.cells import by_cells
from infonet.pairs.sharp import beyond_the_grid

Array = NDArray[np.float64]
Pairs = NDArray[np.int64]

LARGE = 20_000  # samples from which cells are counted
SHARP = 3.5  # nats from which dependence is too sharp for the grid
_WHOLLY = 4.25  # from which the network's estimate is left out
_ENOUGH = 2_000  # samples, below which the network's experience is worth more
# Nats that cells of 16 to 31 samples told: from the first on cells are too coarse, from the second
# on they are left out. Chosen on training and calibration families of 20,000 to 100,000 samples.
_OPEN, _WIDE_OPEN = 0.08, 0.16
_MUCH = 0.5  # of the width of an interval, by which its upper end moves, to be told


def refined(
    mi: Array, quantiles: Array, rows: Rows, pairs: Pairs
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Better estimates than the network's, where its grid is at its limit.

    Swapping the variables changes nothing, and neither does an increasing or decreasing transform.

    Args:
        mi: float64 [p], nats, as the network gives it.
        quantiles: float64 [p, 3] likewise.
        rows: mid-ranks of columns without many ties, float32 [n] each.
        pairs: int64 [p, 2], first and second column of each pair, at least one.

    Returns:
        The same two, every value a float32 number, and which upper ends were moved by much because
        samples crowd below the grid, bool [p].
    """
    n = len(rows[int(pairs[0, 0])])
    widths = quantiles[:, 2] - quantiles[:, 0]
    doubtful = (widths * math.sqrt(n) > crowded.WIDE) & (n >= crowded.FEWEST)
    much = np.zeros(len(mi), np.bool_)
    # Ranks are asked for where they are needed only: they may have to be fetched from a GPU.
    needed = (n >= LARGE) | (mi > SHARP) | doubtful
    found, interval = mi.astype(np.float32), quantiles.astype(np.float32)
    for k in np.flatnonzero(needed):
        x, y = (rows[int(column)] for column in pairs[k])
        value, ends, left_open = float(mi[k]), quantiles[k], 0.0
        if x.size >= LARGE:
            value, ends, left_open = by_cells(value, x, y)
        strong = _smooth_step((value - SHARP) / (_WHOLLY - SHARP))
        coarse = _smooth_step((left_open - _OPEN) / (_WIDE_OPEN - _OPEN))
        share = max(strong, coarse)
        if share > 0 and x.size >= _ENOUGH:
            other, other_ends = beyond_the_grid(x, y)
            # Cells that are too coarse may still be nearer to the truth: both intervals hold.
            both = np.array([min(ends[0], other_ends[0]), other, max(ends[2], other_ends[2])])
            other_ends = other_ends + coarse * (1 - strong) * (both - other_ends)
            value = (1 - share) * value + share * other
            ends = (1 - share) * ends + share * other_ends
        if doubtful[k]:
            extra = crowded.extra(float(widths[k]), float(ends[2]), x, y)
            much[k] = extra > _MUCH * (ends[2] - ends[0])
            value += crowded.SHARE * extra
            ends = ends + extra * np.array([0.0, crowded.SHARE, 1.0])
        found[k], interval[k] = value, ends
    return found.astype(np.float64), interval.astype(np.float64), much


def _smooth_step(t: float) -> float:
    """0 below 0, 1 above 1, and without a corner in between."""
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)
