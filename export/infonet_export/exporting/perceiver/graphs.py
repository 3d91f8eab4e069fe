"""The modules that are traced: ranks to tables and MI, and the same from raw samples."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

import infonet_export.custom_ops  # noqa: F401  registers torch.ops.infonet
from infonet_export.exporting.perceiver.blocks import ExportedDecoder
from infonet_export.exporting.perceiver.encoder import ExportedEncoder
from infonet_export.exporting.perceiver.precision import DTYPES, Precision
from infonet_export.exporting.perceiver.query import ExactQuery, HistogramQuery
from infonet_export.exporting.perceiver.shuffles import permutation
from infonet_export.exporting.perceiver.smoothing import Smoothing
from infonet_export.exporting.perceiver.splatting import Splat, joint_histogram, node_weights
from infonet_export.models.perceiver.network import KERNEL_SIZE, Perceiver
from infonet_export.models.perceiver.read_out import (
    PERMUTATIONS,
    Marginal,
    axis_position,
    log_mean_exp,
    log_mean_exp_shuffled,
    look_up,
)

Rewrite = Literal["exact", "histogram"]
SIGN_NODES = 1025  # of the histogram of the encoder's only input, from -1 to 1


class PerceiverCore(nn.Module):
    """ranks float32 [B, n, 2] -> mi [B] (nats) and table [B, D, D], by standard operators alone.

    ``mi`` needs the nodes from the middle of the table on and those that are smoothed into them,
    hardly more than half of the rows. They are computed apart from the others, so that a program
    that wants ``mi`` alone can do without those (table_switch.py).

    grid: nodes of the histogram that the query generator reads; 0 for all samples, exactly.
    marginal: "all_pairs", or "shuffle" for five permutations as published (but always the same).
    splat: how samples are counted at nodes (splatting.py).
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
        ranks = torch.ops.infonet.soft_rank(samples, self.eps, self.normalize)
        result: tuple[Tensor, Tensor] = self.core(ranks)
        return result
