"""Mutual information from a look-up table: the Donsker-Varadhan bound of its values (nats).

``MI >= mean_i T(x_i, y_i) - log mean exp T(x, y)`` over the product of the marginals (Donsker &
Varadhan 1983). The published code takes that second mean over five random permutations of y; here
it is taken over all n^2 pairs by default, which has no noise and needs no n^2 work: T is bilinear
between nodes, so all that matters is how the samples spread over the nodes and within the cells.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

Marginal = Literal["all_pairs", "shuffle"]
PERMUTATIONS = 5  # of the published code
_PRIME = 2**31 - 1  # squares of residues fit an int64
_COEFFICIENTS = ((1_103_515_245, 12_345), (69_069, 362_437), (16_807, 521_288_629))


class Position(NamedTuple):
    """Where coordinates lie on an axis of K nodes: node ``cell`` [B, n] (int64, at most K - 2) and
    the share ``part`` [B, n] of the way to the next one."""

    cell: Tensor
    part: Tensor


def mutual_information(
    table: Tensor,
    ranks: Tensor,
    marginal: Marginal = "all_pairs",
    generator: torch.Generator | None = None,
) -> Tensor:
    """Donsker-Varadhan bounds [B] (nats) of tables [B, D, D] at ranks [B, n, 2]; differentiable.

    The table's rows belong to y, its columns to x, its nodes reach from -1 to 1, as published.
    marginal: "all_pairs", or "shuffle" for 5 permutations drawn from ``generator``.
    Raises ValueError for another ``marginal``.
    """
    x, y = (axis_position(ranks[..., axis], table.shape[-1]) for axis in (0, 1))
    joint = look_up(table, x, y).mean(1)
    if marginal == "all_pairs":
        return joint - log_mean_exp_all_pairs(table, x, y)
    if marginal != "shuffle":
        raise ValueError(f"marginal is {marginal!r}, allowed are 'all_pairs' and 'shuffle'")
    n = ranks.shape[1]
    orders = [torch.randperm(n, generator=generator).to(ranks.device) for _ in range(PERMUTATIONS)]
    return joint - log_mean_exp_shuffled(table, x, y, orders)


def axis_position(coordinate: Tensor, nodes: int, first: int = 0) -> Position:
    """Coordinates [B, n] in [-1, 1] on an axis of ``nodes`` nodes from which those before ``first``
    were cut off. Beyond the ends the value at the end counts."""
    place = ((coordinate + 1) * (0.5 * (nodes - 1)) - first).clamp(0, nodes - 1 - first)
    cell = place.detach().floor().clamp(max=nodes - 2 - first)
    return Position(cell.to(torch.int64), place - cell)


def look_up(table: Tensor, x: Position, y: Position) -> Tensor:
    """Bilinear values [B, n] of tables [B, D, D]."""
    columns = table.shape[-1]
    corner = y.cell * columns + x.cell
    flat = table.flatten(1)
    low, high = (
        torch.lerp(flat.gather(1, corner + row), flat.gather(1, corner + row + 1), x.part)
        for row in (0, columns)
    )
    return torch.lerp(low, high, y.part)


def log_mean_exp_all_pairs(table: Tensor, x: Position, y: Position) -> Tensor:
    """log of the mean of exp(T) over all pairs (x_i, y_j), [B].

    Within a cell T is (bi)linear, so exp(T) lies below the interpolation of its values at the
    nodes, by u (1 - u) / 2 times the square of the cell's difference d of T times exp(T) there, and
    terms below 0.01 |d|^3, odd about the cell's middle, so that they average out over samples.
    Tables are smooth: d is a few hundredths.
    """
    size = table.shape[-1]
    (nodes_x, bends_x), (nodes_y, bends_y) = axis_weights(x, size), axis_weights(y, size)
    return log_mean_exp(table, nodes_x, bends_x, nodes_y, bends_y)


def log_mean_exp_shuffled(table: Tensor, x: Position, y: Position, orders: list[Tensor]) -> Tensor:
    """log of the mean of exp(T) over pairs (x_i, y_order(i)), averaged over the orders, [B]."""
    total = torch.zeros_like(x.part[:, 0])
    for order in orders:
        values = look_up(table, x, Position(y.cell[:, order], y.part[:, order]))
        top = values.detach().amax(1, keepdim=True)
        total = total + torch.log(torch.exp(values - top).mean(1)) + top[:, 0]
    return total / len(orders)


def axis_weights(position: Position, nodes: int) -> tuple[Tensor, Tensor]:
    """Share of samples at each node [B, K], and mean of u (1 - u) / 2 in each cell [B, K - 1]."""
    cell, part = position
    shape = (cell.shape[0], nodes)
    share = torch.zeros(shape, dtype=part.dtype, device=part.device)
    share = share.scatter_add(1, cell, 1 - part).scatter_add(1, cell + 1, part)
    bend = torch.zeros((shape[0], nodes - 1), dtype=part.dtype, device=part.device)
    bend = bend.scatter_add(1, cell, 0.5 * part * (1 - part))
    return share / cell.shape[1], bend / cell.shape[1]


def log_mean_exp(
    table: Tensor, nodes_x: Tensor, bends_x: Tensor, nodes_y: Tensor, bends_y: Tensor
) -> Tensor:
    """See `log_mean_exp_all_pairs`; weights from `axis_weights`, rows of the table belong to y."""
    # where no sample is, the table may hold anything, and must not set the scale
    seen = (nodes_y > 0)[:, :, None] & (nodes_x > 0)[:, None]
    top = torch.where(seen, table.detach(), -1e30).amax((1, 2), keepdim=True)
    value = (table - top).clamp(max=0)

    def mean(rows: Tensor, values: Tensor, columns: Tensor) -> Tensor:
        return (rows[:, None] @ values @ columns[..., None])[:, 0, 0]

    step_x = value[:, :, 1:] - value[:, :, :-1]
    step_y = value[:, 1:] - value[:, :-1]
    half_x = torch.exp(0.5 * (value[:, :, 1:] + value[:, :, :-1]))
    half_y = torch.exp(0.5 * (value[:, 1:] + value[:, :-1]))
    middle = torch.sqrt(half_x[:, 1:] * half_x[:, :-1])
    both = (
        0.5 * (step_x[:, 1:] + step_x[:, :-1]) * 0.5 * (step_y[:, :, 1:] + step_y[:, :, :-1])
    ) ** 2
    total = (
        mean(nodes_y, torch.exp(value), nodes_x)
        - mean(nodes_y, step_x * step_x * half_x, bends_x)
        - mean(bends_y, step_y * step_y * half_y, nodes_x)
        + mean(bends_y, both * middle, bends_x)
    )
    return torch.log(total) + top[:, 0, 0]


def permutation(n: int, index: int) -> Tensor:
    """Permutation ``index`` of n samples, int64 [n]: as good as random, and the same at every run.

    Positions are sorted by a hash of them, three rounds of a quadratic map modulo a prime. (Random
    operators of ONNX would give another estimate at every call.)
    """
    key = torch.arange(n, dtype=torch.int64) + (index + 1) * 1_000_003
    for factor, offset in _COEFFICIENTS:
        key = (key * key % _PRIME * factor + key * 7_919 + offset) % _PRIME
    return torch.argsort(key)
