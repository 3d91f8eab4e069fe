"""Isotonic regression by pooling, in whole numbers; see `kernels/shared/convex.hpp`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A run of neighbours in ascending order that share one fitted value.

    Attributes:
        first: the place of its first value.
        count: its length.
        excess: sum over the block of (value - value of the first) / eps.
    """

    first: int
    count: int
    excess: float


@dataclass(frozen=True)
class _Vertex:
    """Where a block begins while pooling goes on: the sums of z up to there and one value on."""

    at: int
    sum: int
    second: int


def pool(values: Doubles, eps: float) -> list[Block]:
    """The blocks of the fit of values / eps - place, for ascending values in [0, 1].

    Sums are whole numbers of 1 / unit, so that every decision is exact.
    """
    n = values.size
    unit = 2 ** (63 - n.bit_length())
    steps = np.minimum(np.diff(values) / eps, float(n)) * float(unit)
    vertices: list[_Vertex] = []
    at, total, value = 0, 0, 0
    for place, step in enumerate([0.0, *steps.tolist()]):
        value += int(step)
        vertex = _Vertex(at, total, total + value - (place + 1) * unit)
        at, total = at + 1, vertex.second
        # the last vertex is none of the lower convex hull: its block and this one are pooled
        while vertices and _at_least(vertices[-1], vertex, at, total):
            vertex = vertices.pop()
        vertices.append(vertex)
    blocks = []
    for vertex in reversed(vertices):
        count = at - vertex.at
        # less the first value of the block, and the ranks after its first
        excess = (total - vertex.sum) - (vertex.second - vertex.sum) * count
        excess += count * (count - 1) // 2 * unit
        blocks.append(Block(vertex.at, count, 0.0 if count == 1 else _as_float(excess) / unit))
        at, total = vertex.at, vertex.sum
    return blocks[::-1]


def _at_least(left: _Vertex, middle: _Vertex, at: int, total: int) -> bool:
    """Whether the mean of z before the middle one is at least the mean after it."""
    before, after = middle.sum - left.sum, total - middle.sum
    return before * (at - middle.at) >= after * (middle.at - left.at)


def _as_float(value: int) -> float:
    """Of 128 bits, rounded in two halves as the kernels do."""
    return float(value >> 64) * 18446744073709551616.0 + float(value & (2**64 - 1))


def ranks_of_blocks(values: Doubles, eps: float, blocks: list[Block]) -> Doubles:
    """Soft ranks of ascending values: values / eps less the fit."""
    first = np.array([block.first for block in blocks])
    count = np.array([block.count for block in blocks])
    excess = np.array([block.excess for block in blocks])
    offset = first + (count.astype(np.float64) + 1) / 2 - excess / count
    found: Doubles = (values - np.repeat(values[first], count)) / eps + np.repeat(offset, count)
    return found
