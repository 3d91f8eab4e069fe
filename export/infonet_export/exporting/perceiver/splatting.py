"""Samples onto the nodes of axes, in the two ways that a graph can say it.

"scatter" adds each sample to its two (or four) nodes: little work, any n. TensorRT has no scatter
that adds, so for it "dense" compares every sample with every node: the weight of a node is the hat
1 - |place - node|, where that is positive, and a joint histogram is a matrix product of hats.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from infonet_export.models.perceiver.read_out import Position, axis_weights

Splat = Literal["scatter", "dense"]


def node_weights(position: Position, nodes: int, splat: Splat) -> tuple[Tensor, Tensor]:
    """Share of samples at each node [B, K], and mean of u (1 - u) / 2 in each cell [B, K - 1]."""
    if splat == "scatter":
        return axis_weights(position, nodes)
    offset = _offsets(position, nodes)
    inside = offset[..., :-1]  # from the lower node of each cell
    return F.relu(1 - offset.abs()).mean(1), F.relu(0.5 * inside * (1 - inside)).mean(1)


def joint_histogram(x: Position, y: Position, grid: int, splat: Splat) -> Tensor:
    """Shares of the samples on grid x grid nodes, rows for x, by bilinear splatting; sum 1."""
    batch, n = x.cell.shape
    if splat == "dense":
        hats_x, hats_y = (F.relu(1 - _offsets(p, grid).abs()) for p in (x, y))
        return hats_x.transpose(1, 2) @ hats_y / n
    flat = torch.zeros(batch, grid * grid, dtype=x.part.dtype)
    corner = x.cell * grid + y.cell
    for step_x, weight_x in ((0, 1 - x.part), (1, x.part)):
        for step_y, weight_y in ((0, 1 - y.part), (1, y.part)):
            flat = flat.scatter_add(1, corner + (step_x * grid + step_y), weight_x * weight_y)
    return flat.view(batch, grid, grid) / n


def _offsets(position: Position, nodes: int) -> Tensor:
    """Place of every sample minus every node, [B, n, K]; exact."""
    place = position.cell.to(position.part.dtype) + position.part
    return place[..., None] - torch.arange(nodes, dtype=position.part.dtype)
