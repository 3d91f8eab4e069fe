"""Mutual information by counts in ever smaller cells, in NumPy; see `kernels/cpu/halving.cpp`."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.histograms import check_ranks
from infonet_kernels._twin.ranks import check_length, running_sum

Ranks = NDArray[np.float32]
Doubles = NDArray[np.float64]
_PARTS = ((4, 5), (5, 4), (6, 7), (7, 6))
_MOST_PARTS = 7
_TABLED, _MOST_BITS = 512, 13


def cell_information(
    x: Ranks, y: Ranks, n: int, fewest: int, divisions: int, information: Doubles
) -> None:
    """See infonet_cell_information."""
    check_length(n)
    if n == 0:
        raise ValueError("n: got 0; at least 1")
    if fewest < 2:
        raise ValueError(f"fewest: got {fewest}; at least 2")
    if not 1 <= divisions <= len(_PARTS):
        raise ValueError(f"divisions: got {divisions}; allowed are 1 to {len(_PARTS)}")
    check_ranks(x, "x, ")
    check_ranks(y, "y, ")
    first, second = _oriented(x, y)
    bits = 1
    while bits < _MOST_BITS and _MOST_PARTS << (bits + 1) <= n:
        bits += 1
    information[:] = 0
    for parts in _PARTS[:divisions]:
        both = []
        for columns in ((first, second), (second, first)):
            told = np.zeros_like(information)
            _divide(columns, bits, parts, fewest, told)
            both.append(told)
        information += both[0] + both[1]
    information /= 2.0 * divisions * n


def _oriented(x: Ranks, y: Ranks) -> tuple[Doubles, Doubles]:
    """Twice the ranks, reversed where that makes a moment positive."""
    n = x.size
    first, second = (np.rint(ranks.astype(np.float64) * (2.0 * n)) for ranks in (x, y))
    a, b = first - n, second - n
    if running_sum(a * (b * b)) < 0:
        first = 2.0 * n - first
    if running_sum(b * (a * a)) < 0:
        second = 2.0 * n - second
    return first, second


def _divide(
    columns: tuple[Doubles, Doubles],
    bits: int,
    parts: tuple[int, int],
    fewest: int,
    information: Doubles,
) -> None:
    """Into parts, then by halves, the first column first."""
    n = columns[0].size
    places = []
    for ranks, count in zip(columns, parts, strict=True):
        most = math.ldexp(count, bits)
        place = (ranks * (most / (2.0 * n))).astype(np.uint64)
        places.append(np.minimum(place, np.uint64(most - 1)))
    within = np.uint64((1 << bits) - 1)
    part = (places[0] >> np.uint64(bits)) * np.uint64(parts[1]) + (places[1] >> np.uint64(bits))
    codes = part << np.uint64(2 * bits)
    codes |= (_spread(places[0] & within) << np.uint64(1)) | _spread(places[1] & within)
    codes.sort()

    count = parts[0] * parts[1]
    ends = np.searchsorted(codes, np.arange(count + 1, dtype=np.uint64) << np.uint64(2 * bits))
    told = 0.0
    for held in np.diff(ends).tolist():
        if held:
            told += held * (math.log(held) - math.log(n) + math.log(count))
        told -= 0.5 * (1.0 - held * parts[0] / n) * (1.0 - held * parts[1] / n)
    information[n.bit_length() - 1] += told

    begin, end = ends[:-1], ends[1:]
    for level in range(2 * bits):
        enough = end - begin >= fewest
        begin, end = begin[enough], end[enough]
        if not begin.size:
            break
        in_column = n * math.ldexp(1.0 / parts[level % 2], -(level // 2))
        bit = np.uint64(1 << (2 * bits - 1 - level))
        middle = np.searchsorted(codes, (codes[begin] & ~(np.uint64(2) * bit - np.uint64(1))) | bit)
        m, lower, upper = end - begin, middle - begin, end - middle
        logs = _logs(m) - math.log(2.0)
        halves = lower * (_logs(lower) - logs)
        halves += upper * (_logs(upper) - logs)
        halves -= _by_chance(m) * (1.0 - np.minimum(m / in_column, 1.0))
        np.add.at(information, np.frexp(m.astype(np.float64))[1] - 1, halves)  # one by one
        begin, end = np.stack([begin, middle], 1).ravel(), np.stack([middle, end], 1).ravel()


def _spread(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Their bits with a 0 between any two."""
    for shift, mask in ((16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    for shift, mask in ((2, 0x3333333333333333), (1, 0x5555555555555555)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def _logs(counts: NDArray[np.int64]) -> Doubles:
    """Logarithms as the C library has them, which NumPy's may differ from; 0 of 0."""
    different, place = np.unique(counts, return_inverse=True)
    return np.array([math.log(k) if k else 0.0 for k in different.tolist()])[place]


def _by_chance(counts: NDArray[np.int64]) -> Doubles:
    few = _table()[np.minimum(counts, _TABLED)]
    return np.where(counts <= _TABLED, few, 0.5 + 0.25 / counts)


@functools.cache
def _table() -> Doubles:
    """Mean of sum c log(2 c / m) where each of m samples falls into either half by chance."""
    log = [0.0, *map(math.log, range(1, _TABLED + 1))]
    found = np.zeros(_TABLED + 1)
    for m in range(1, _TABLED + 1):
        c = np.arange(1.0, m + 1)
        chance = np.cumprod(np.concatenate([[math.ldexp(1.0, -m)], (m - c + 1) / c]))[1:]
        told = running_sum(chance * (c * np.array(log[1 : m + 1])))
        found[m] = 2.0 * told - m * (log[m] - log[2])
    return found
