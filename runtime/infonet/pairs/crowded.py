"""Density that piles up below the network's grid: estimates that are too low, and their upper ends.

Shares that sum to 1, X and X plus a gamma variable of a small shape, sums of heavy tails: along an
edge or in a corner the density grows without a bound, as a power of the distance, and much
information lies in cells that no grid of 128 x 128 ranks tells apart. The network has seen few such
densities, and its interval is too short there.

Three things give them away. The network's interval is wide for so many samples. Two samples of one
cell are in the same quarter of it too often, for cells of the grid or smaller ones. And they are so
as often as for larger cells: a curve with noise looks sharp from afar, too, but not from near by.

Then counts in ever smaller cells (`cells`) say how much information is left. From class to class
of cells it falls by a ratio, and as a power law has no scale, it goes on like that: the rest is a
geometric series. Its sum moves the upper end, and the estimate by a share of that.

The constants were chosen on training and calibration families and on families made for it, all with
truths in closed form, of 1,000 to 100,000 samples: `benchmarks/crowded.py`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels

Array = NDArray[np.float64]
Ranks = NDArray[np.float32]

FEWEST = 1_000  # samples, of which fewer say too little of what is below the grid
WIDE, _WHOLLY_WIDE = 5.0, 6.0  # widths of the network's interval, times the root of n

_FINEST = 512  # cells a side
_MANY = 2_500  # samples, from which cells of 256 a side hold enough pairs of them
_SURE = 1.0  # standard errors, by which cells are more crowded than by chance
_CROWDED = 0.03, 0.09  # powers of 2, by which pairs are too often in one quarter of a cell
_ALIKE = 0.5, 0.7  # that power for small cells, as a share of that for large ones
_LINES = 0.25, 0.35  # nats told by the smallest cells: of more they hold a curve, not a power law

_DIVISIONS = 20_000  # samples, over all the divisions that the mean is taken of
_CLASS = 2  # of the smallest cells that are halved, which have 4 to 7 samples
_PRIOR, _RATIO = 0.15, 0.67  # times n**-0.5, of what two classes tell, and their usual ratio
_MOST = 0.945  # ratio of what one class tells to the next
_HIGH = 1.5  # the rest may be so many times what the series says
SHARE = 0.15  # of what the upper end moves by: by so much the estimate does


def extra(width: float, high: float, x: Ranks, y: Ranks) -> float:
    """By how many nats the upper end of an interval is to be moved, mostly 0.

    Swapping the variables changes nothing, and neither does reversing one.

    Args:
        width: of the network's own interval.
        high: upper end, which may be that of better estimates.
        x, y: mid-ranks without many ties, float32 [n].
    """
    n = x.size
    wide = width * math.sqrt(n)
    if n < FEWEST or wide <= WIDE:
        return 0.0
    sign, power = _signs(x, y)
    sign *= step(wide, WIDE, _WHOLLY_WIDE)
    if sign <= 0:
        return 0.0
    fewest, divisions = 2**_CLASS, max(1, min(4, _DIVISIONS // n))
    told = kernels().cell_information(x, y, fewest, divisions)
    last, *larger = (max(0.0, float(told[_CLASS + i])) for i in range(4))
    sign *= 1 - step(max(last, larger[0]), *_LINES)
    if sign <= 0:
        return 0.0
    prior = _PRIOR / math.sqrt(n)
    ratio = math.sqrt((last + larger[0] + _RATIO * prior) / (larger[1] + larger[2] + prior))
    # Of an edge where density is the distance to the power of `edge` - 1.
    edge = max((1 - power) / 2, 0.0)
    ratio = min(ratio, 2 ** (-edge / (1 + edge)), _MOST)
    rest = _HIGH * last * ratio / (1 - ratio)
    return sign * max(0.0, float(told[_CLASS:].sum()) + rest - high)


def _signs(x: Ranks, y: Ranks) -> tuple[float, float]:
    """From 0 to 1, whether samples crowd below the grid as they do above it; and by which power of
    2 pairs in one small cell share a quarter of it more often than by chance."""
    n, pairs = x.size, _pairs(x, y)
    fine, coarse = ((128, 256), (32, 64)) if n >= _MANY else ((64, 128), (32,))

    def chance(side: int) -> float:
        """That of two samples in one cell both are in the same quarter. Ranks are spread evenly, so
        that along one axis it is less than a half."""
        return max((n / (2 * side) - 1) / (n / side - 1), 0.1) ** 2

    def compare(sides: tuple[int, ...]) -> tuple[float, float]:
        expected = 1 + sum(pairs[side] * chance(side) for side in sides)
        power = math.log2((1 + sum(pairs[2 * side] for side in sides)) / expected)
        return max(0.0, power), expected

    power, expected = compare(fine)
    if power <= _CROWDED[0]:
        return 0.0, power
    large, _ = compare(coarse)
    error = _SURE / (math.log(2) * math.sqrt(expected))
    return step(power - error, *_CROWDED) * step(power / (large + 0.02), *_ALIKE), power


def _pairs(x: Ranks, y: Ranks) -> dict[int, float]:
    """How many pairs of samples lie in one cell, by the number of cells a side."""
    n = x.size
    a, b = (np.rint(ranks.astype(np.float64) * (2 * n)) - n for ranks in (x, y))
    # Turned so that reversing a column changes nothing: some samples lie between two cells.
    turned = (-a if a @ (b * b) < 0 else a, -b if b @ (a * a) < 0 else b)
    first, second = (
        _SPREAD[((ranks + n) * (_FINEST / (2 * n))).astype(np.int64)] for ranks in turned
    )
    codes = (first << 1) | second  # a cell of twice the width is a code without its last two bits
    codes.sort()
    found, side = {}, _FINEST
    while side >= 32:
        ends = np.flatnonzero(codes[1:] != codes[:-1])
        counts = np.diff(ends, prepend=-1, append=n - 1)
        found[side] = (float(counts @ counts) - n) / 2
        codes >>= 2
        side //= 2
    return found


def _spread_bits() -> NDArray[np.int32]:
    """Whole numbers below `_FINEST`, with a 0 between any two of their bits."""
    number = np.arange(_FINEST, dtype=np.int32)
    spread = np.zeros_like(number)
    for bit in range(_FINEST.bit_length() - 1):
        spread |= ((number >> bit) & 1) << (2 * bit)
    return spread


_SPREAD = _spread_bits()


def step(value: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, and without a corner in between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3 - 2 * t)
