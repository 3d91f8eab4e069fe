"""Means and sums of products in NumPy; see `kernels/cpu/vine.cpp`."""

import math

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._library import Rows
from infonet_kernels._twin.ranks import check_length

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_LANES = 8
_DEGREES, _PAIRS = 3, 9
_BLOCK = 256  # points whose products are summed before they are added to the others


def moments(
    u: Floats,
    v: Floats,
    w: Rows,
    count: int,
    n: int,
    pair: Doubles,
    square: Doubles,
    triple: Doubles,
) -> None:
    """See infonet_moments."""
    check_length(n)
    scale = 1.0 / n
    products = (_legendre(u)[:, None] * _legendre(v)).reshape(_PAIRS, n)
    pair[:] = _sums(products) * scale
    square[:] = 0.0
    for p in range(_PAIRS if count else 0):
        square[p, p:] = _sums(products[p] * products[p:]) * scale
        square[p:, p] = square[p, p:]
    for k, row in enumerate(w.arrays):
        for c, values in enumerate(_legendre(row)):
            triple[k, c] = _sums(products * values) * scale


def products(rows: Doubles, count: int, n: int, sums: Doubles) -> None:
    """See infonet_products."""
    check_length(n)
    for place in range(count):
        sums[place, place:] = _sums(rows[place] * rows[place:])
        sums[place:, place] = sums[place, place:]


def _legendre(ranks: Floats) -> Doubles:
    """[3, n]: the orthonormal polynomials of degrees 1 to 3."""
    t = 2.0 * ranks.astype(np.float64) - 1.0
    square = t * t
    one, two, three = (math.sqrt(2 * degree + 1) for degree in range(1, _DEGREES + 1))
    return np.stack([one * t, two * (1.5 * square - 0.5), three * (2.5 * square - 1.5) * t])


def _sums(values: Doubles) -> Doubles:
    """The sum of each row [rows, n]: of blocks, one after the other, each in eight partial sums."""
    rows, n = values.shape
    whole = n - n % _BLOCK
    blocks = values[:, :whole].reshape(rows, -1, _BLOCK)
    sums = [block_sums(blocks), block_sums(values[:, None, whole:])]
    found: Doubles = np.add.accumulate(np.concatenate(sums, axis=1), axis=1)[:, -1]
    return found


def block_sums(blocks: Doubles) -> Doubles:
    """The sums of [..., points] in eight partial sums, then what is left over."""
    whole = blocks.shape[-1] - blocks.shape[-1] % _LANES
    part = np.zeros((*blocks.shape[:-1], _LANES))
    for i in range(0, whole, _LANES):
        part += blocks[..., i : i + _LANES]
    found = _joined(part)
    for i in range(whole, blocks.shape[-1]):
        found = found + blocks[..., i]
    return found


def _joined(part: Doubles) -> Doubles:
    """Eight partial sums [..., 8] added as the kernels add them."""
    a, b, c, d, e, f, g, h = np.moveaxis(part, -1, 0)
    found: Doubles = ((a + e) + (c + g)) + ((b + f) + (d + h))
    return found
