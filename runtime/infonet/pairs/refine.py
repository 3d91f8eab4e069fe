"""Which of the network's estimates are refined, and what becomes of them.

The grid of 128 x 128 ranks that the network reads is at its limit in three places: where samples
are many (`cells`), where dependence is so sharp that the grid cannot tell 4 nats from 8 (`sharp`),
and where density piles up in corners and along edges (`crowded`). And it was trained on few
mixtures of many small clusters, which look like a sharp dependence to it: there the estimate of
sharp dependence is lower. Of many samples dependence is too sharp for cells, too, where the
smallest ones still tell much: a function of many branches and little noise. All other estimates
stay the network's, to the byte. Nothing jumps: other estimates come in step by step.
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
# Widths of the network's interval times the root of n, and samples, from which other estimates are
# asked whether the network took clusters of points for a sharp dependence; and shares of its
# estimate that these are lower by, where its lower end and where itself moves to them. On families
# of training and calibration they are lower by a tenth in no more than one wide pair in fifty.
_WIDE, _ENOUGH_FOR_CLUSTERS = 8.0, 2_500
_BELOW, _FAR_BELOW = (0.03, 0.08), (0.06, 0.12)
_LEAST = 1e-6  # nats, of which a share can be taken
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
        if n >= LARGE:
            value, ends, left_open = by_cells(value, x, y)
        strong = crowded.step(value, SHARP, _WHOLLY)
        coarse = crowded.step(left_open, _OPEN, _WIDE_OPEN)
        share = max(strong, coarse)
        wide = widths[k] * math.sqrt(n) > _WIDE and _ENOUGH_FOR_CLUSTERS <= n < LARGE
        if wide or (share > 0 and n >= _ENOUGH):
            other, other_ends = beyond_the_grid(x, y)
        if wide:
            below = 1 - other / max(value, _LEAST)
            ends = ends.copy()
            ends[0] += crowded.step(below, *_BELOW) * (min(ends[0], other_ends[0]) - ends[0])
            value += crowded.step(below, *_FAR_BELOW) * (other - value)
            ends[1] = value
        if share > 0 and n >= _ENOUGH:
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
