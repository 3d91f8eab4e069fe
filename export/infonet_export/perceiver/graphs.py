"""The modules that are traced: ranks to tables and MI, and the same from raw samples."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import infonet_export.torch_ops.registered  # noqa: F401  registers torch.ops.infonet
from infonet_export.onnx.precision import Precision
from infonet_export.perceiver.exported_layers import (
    DTYPES,
    ExactQuery,
    ExportedDecoder,
    ExportedEncoder,
    HistogramQuery,
)
from infonet_export.perceiver.network import KERNEL_SIZE, Perceiver, smoothing_matrix
from infonet_export.perceiver.read_out import (
    PERMUTATIONS,
    Marginal,
    Position,
    axis_position,
    axis_weights,
    log_mean_exp,
    log_mean_exp_shuffled,
    look_up,
    permutation,
)

Rewrite = Literal["exact", "histogram"]
Splat = Literal["scatter", "dense"]
SIGN_NODES = 1025  # of the histogram of the encoder's only input, from -1 to 1
BLOCK = 128  # rows of a table that are smoothed at once


class PerceiverCore(nn.Module):
    """ranks float32 [B, n, 2] -> mi [B] (nats) and table [B, D, D], by standard operators alone.

    ``mi`` needs the nodes from the middle of the table on and those that are smoothed into them,
    hardly more than half of the rows. They are computed apart from the others, so that a program
    that wants ``mi`` alone can do without those (onnx/table_switch.py).

    grid: nodes of the histogram that the query generator reads; 0 for all samples, exactly.
    marginal: "all_pairs", or "shuffle" for five permutations as published (but always the same).
    splat: how samples are counted at nodes (`node_weights`).
    """

    def __init__(
        self,
        net: Perceiver,
        grid: int = 0,
        precision: Precision = "fp32",
        marginal: Marginal = "all_pairs",
        splat: Splat = "scatter",
    ) -> None:
        super().__init__()
        self.marginal: Marginal = marginal
        self.splat: Splat = splat
        dtype = DTYPES[precision]
        self.size = net.config.table_grid
        self.middle = (self.size - 1) // 2  # the last node at or below rank 0
        self.first = max(0, self.middle - KERNEL_SIZE // 2)
        self.encoder = ExportedEncoder(net.encoder, dtype)
        self.query = (
            HistogramQuery(net.query, grid, dtype) if grid else ExactQuery(net.query, dtype)
        )
        self.decoder = ExportedDecoder(net.decoder, dtype)
        self.smoothing = Smoothing(net.kernel, self.size)

    def forward(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Ranks float32 [B, n, 2] in [0, 1] -> MI [B] and tables [B, D, D], both in nats."""
        samples = self.query.read(self._source(ranks))
        latents = self.decoder.read(self._latents(ranks))
        raw = self.decoder(self.query(samples, self.first, self.size), latents)
        used = self.smoothing(raw[..., self.first :], self.first, self.middle)
        if self.first:
            rest = self.decoder(self.query(samples, 0, self.first), latents)
            raw = torch.cat([rest, raw], 1)
        return self._mi(used, ranks), self.smoothing(raw)

    def _latents(self, ranks: Tensor) -> Tensor:
        signs = self.encoder.signs(ranks)
        if isinstance(self.query, ExactQuery):
            result: Tensor = self.encoder(signs, None)
            return result
        nodes = torch.linspace(-1, 1, SIGN_NODES)
        share, _ = node_weights(axis_position(signs, SIGN_NODES), SIGN_NODES, self.splat)
        log_share = torch.where(share > 0, torch.log(torch.where(share > 0, share, 1.0)), -1e9)
        result = self.encoder(nodes.expand(ranks.shape[0], -1), log_share)
        return result

    def _source(self, ranks: Tensor) -> Tensor:
        if isinstance(self.query, ExactQuery):
            return ranks
        x, y = (axis_position(2 * ranks[..., axis] - 1, self.query.grid) for axis in (0, 1))
        return joint_histogram(x, y, self.query.grid, self.splat)

    def _mi(self, table: Tensor, ranks: Tensor) -> Tensor:
        """``table``: the nodes from the middle on."""
        x, y = (axis_position(ranks[..., axis], self.size, self.middle) for axis in (0, 1))
        joint = look_up(table, x, y).mean(1)
        if self.marginal == "all_pairs":
            nodes = self.size - self.middle
            of_x, of_y = (node_weights(axis, nodes, self.splat) for axis in (x, y))
            return joint - log_mean_exp(table, *of_x, *of_y)
        orders = [permutation(ranks.shape[1], index) for index in range(PERMUTATIONS)]
        return joint - log_mean_exp_shuffled(table, x, y, orders)


class PerceiverFromSamples(nn.Module):
    """samples float32 [B, n, 2] -> the outputs of the core."""

    def __init__(self, core: PerceiverCore, eps: float, normalize: str) -> None:
        super().__init__()
        self.core, self.eps, self.normalize = core, eps, normalize

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Samples float32 [B, n, 2] -> MI [B] and tables [B, D, D], both in nats."""
        ranks = torch.ops.infonet.soft_rank(samples, self.eps, self.normalize)
        result: tuple[Tensor, Tensor] = self.core(ranks)
        return result


class Smoothing(nn.Module):
    """Convolution of tables [B, D, D] with the kernel [1, 1, k, k], zeros outside.

    Two products with a banded matrix, a block of rows at a time: ONNX Runtime is slow at large
    convolutions of one channel.
    """

    matrix: Tensor

    def __init__(self, kernel: Tensor, size: int) -> None:
        super().__init__()
        self.size, self.reach = size, kernel.shape[-1] // 2
        self.register_buffer("matrix", smoothing_matrix(kernel, size))

    def forward(self, raw: Tensor, first: int = 0, wanted: int = 0) -> Tensor:
        """From raw nodes ``first`` on [B, R, R], the smoothed nodes ``wanted`` on, of both axes.

        ``first`` is the kernel's reach before ``wanted``, or 0.
        """
        blocks = [
            (start, max(first, start - self.reach), start + BLOCK + self.reach)
            for start in range(wanted, self.size, BLOCK)
        ]
        table = torch.cat(
            [
                self.matrix[start : start + BLOCK, low:high] @ raw[:, low - first : high - first]
                for start, low, high in blocks
            ],
            1,
        )
        return torch.cat(
            [
                table[..., low - first : high - first]
                @ self.matrix[start : start + BLOCK, low:high].T
                for start, low, high in blocks
            ],
            2,
        )


def node_weights(position: Position, nodes: int, splat: Splat) -> tuple[Tensor, Tensor]:
    """Share of samples at each node [B, K], and mean of u (1 - u) / 2 in each cell [B, K - 1].

    A graph can say it in two ways. "scatter" adds each sample to its two nodes: little work, any n.
    TensorRT has no scatter that adds, so for it "dense" compares every sample with every node: the
    weight of a node is the hat 1 - |place - node|, where that is positive, and a joint histogram
    is a matrix product of hats.
    """
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
