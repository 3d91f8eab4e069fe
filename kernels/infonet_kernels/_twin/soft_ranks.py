"""Soft ranks and their gradient in NumPy; see `kernels/cpu/soft_rank.cpp`.

Only pooling loops over values. No packaged model needs it: theirs are average ranks or so smooth
that all values are pooled into one block.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.pooling import Block, pool, ranks_of_blocks
from infonet_kernels._twin.ranks import (
    MIDRANK,
    MINMAX,
    OVER_N,
    average_rank,
    check_length,
    refuse,
    running_sum,
)

Values = NDArray[Any]
Doubles = NDArray[np.float64]


def soft_rank(
    values: Values, rows: int, n: int, eps: float, normalize: int, _threads: int, ranks: Values
) -> None:
    """See infonet_soft_rank."""
    _check(n, eps)
    for row in range(rows if n else 0):
        where = f"row {row}"
        if eps == 0.0:
            average_rank(values[row], normalize, where, ranks[row])
            continue
        scaled, width = _scaled(values[row], eps, where)
        if width == 0.0:
            ranks[row] = (n + 1) / (2 * n) if normalize == OVER_N else 0.5
        elif _is_one_block(n, eps):
            ranks[row] = _affine(scaled, eps, normalize)
        else:
            order = np.argsort(values[row], kind="stable")
            soft = ranks_of_blocks(scaled[order], eps, pool(scaled[order], eps))
            shift, scale = _normalizer(normalize, soft)
            ranks[row][order] = (soft + shift) / scale


def soft_rank_backward(
    values: Values,
    by: Values,
    rows: int,
    n: int,
    eps: float,
    normalize: int,
    _threads: int,
    gradient: Values,
) -> None:
    """See infonet_soft_rank_backward."""
    _check(n, eps)
    for row in range(rows if n else 0):
        scaled, width = _scaled(values[row], eps, f"row {row}")
        given = by[row].astype(np.float64)
        # an infinite gradient gives NaN, as the C function does, which is no surprise
        with np.errstate(invalid="ignore", over="ignore"):
            if width == 0.0:
                gradient[row] = 0
            elif _is_one_block(n, eps):
                if normalize != MINMAX:
                    given = (given - running_sum(given) / n) / (eps * n)
                gradient[row] = _unscaled(given, scaled, width)
            else:
                order = np.argsort(values[row], kind="stable")
                found = _pooled_gradient(given[order], scaled[order], eps, normalize)
                gradient[row][order] = _unscaled(found, scaled[order], width)


def _check(n: int, eps: float) -> None:
    check_length(n)
    if not 0.0 <= eps < math.inf:
        raise ValueError(f"eps: got {eps:.6f}; it must be finite and at least 0 (0: average ranks)")


def _scaled(values: Values, eps: float, where: str) -> tuple[Doubles, float]:
    """A row scaled to [0, 1], and the width of its range; 0 for eps 0, which needs no range.

    Raises:
        ValueError: NaN, or an infinity where eps is not 0.
    """
    reach = np.finfo(values.dtype).max if eps > 0.0 else math.inf
    bad = ~(np.abs(values) <= reach)
    got = "NaN" if np.isnan(values[np.argmax(bad)]) else "an infinity"
    fix = "with eps > 0 every value must be finite"
    refuse(bad, where, got, fix if eps > 0.0 else "NaN has no rank: remove or replace it first")
    if eps == 0.0:
        return np.zeros(values.size), 0.0
    low = float(values.min())
    width = float(values.max()) - low
    if width == math.inf:
        raise ValueError(
            f"values: {where}, the largest less the smallest exceeds the largest double; "
            "with eps > 0 halve the values first"
        )
    return (values.astype(np.float64) - low) / (width or 1.0), width


def _is_one_block(n: int, eps: float) -> bool:
    return n * eps >= 2.0


def _affine(scaled: Doubles, eps: float, normalize: int) -> Doubles:
    """Ranks of a row that is pooled into one block: scaled values / eps plus a constant."""
    if normalize == MINMAX:
        return scaled
    n = scaled.size
    middle = n / 2 if normalize == MIDRANK else (n + 1) / 2
    scale = 1.0 / (eps * n)
    return scaled * scale + (middle / n - running_sum(scaled) / n * scale)


def _normalizer(normalize: int, soft: Doubles) -> tuple[float, float]:
    """What is added to soft ranks in ascending order, and what they are divided by."""
    if normalize == MINMAX:
        least, most = float(soft[0]), float(soft[-1])
        return -least, most - least
    return (-0.5 if normalize == MIDRANK else 0.0), float(soft.size)


def _pooled_gradient(given: Doubles, scaled: Doubles, eps: float, normalize: int) -> Doubles:
    """The gradient by scaled values in ascending order, from that by their ranks."""
    blocks, divisor = pool(scaled, eps), eps * scaled.size
    if normalize == MINMAX:
        soft, divisor = ranks_of_blocks(scaled, eps, blocks), eps
        width = float(soft[-1]) - float(soft[0])
        given = _unscaled(given, (soft - soft[0]) / width, width)
    return _gradient_of_blocks(given, divisor, blocks)


def _gradient_of_blocks(gradient: Doubles, divisor: float, blocks: list[Block]) -> Doubles:
    """A block's ranks are values / eps plus what keeps their mean: its gradient loses its mean."""
    found = np.empty_like(gradient)
    for block in blocks:
        part = gradient[block.first : block.first + block.count]
        mean = running_sum(part) / block.count
        found[block.first : block.first + block.count] = (part - mean) / divisor
    return found


def _unscaled(gradient: Doubles, scaled: Doubles, width: float) -> Doubles:
    """Through the scaling to [0, 1]: values tied at an end share its part evenly."""
    low, high = scaled == 0.0, scaled == 1.0
    of_low = running_sum(gradient * (scaled - 1.0)) / np.count_nonzero(low)
    of_high = running_sum(-(gradient * scaled)) / np.count_nonzero(high)
    found = np.where(low, gradient + of_low, gradient)
    found = np.where(high, found + of_high, found)
    result: Doubles = found / width
    return result
