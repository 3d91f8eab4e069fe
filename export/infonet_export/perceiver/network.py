"""The network of the InfoNet paper (Hu et al., ICML 2024, arXiv 2402.10158), to the last detail:
a Perceiver (Jaegle et al., ICML 2021) that gives a look-up table.

Three facts of the published code that look like slips are kept, because its weights were trained
with them:

- the embedding of x also embeds y (a second one is in the checkpoints, and unused);
- LayerNorm over the two coordinates of a sample leaves hardly more than the sign of x - y, so the
  encoder sees nothing else;
- ranks in [0, 1] are looked up in a table over [-1, 1], of which one quarter is used.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infonet_export.perceiver.sizes import PerceiverConfig

KERNEL_SIZE, KERNEL_REACH = 15, 3  # cells, and standard deviations from its centre to its edge


class PerceiverOutput(NamedTuple):
    """latents [B, latents, latent_dim]; query, raw_table and table [B, D, D].

    ``table`` is the smoothed ``raw_table``: nats, rows for y and columns for x, nodes from -1 to 1.
    """

    latents: Tensor
    query: Tensor
    raw_table: Tensor
    table: Tensor


class Attention(nn.Module):
    """Multi-head attention: queries [B, q, d], keys' and values' sources [B, k, s] -> [B, q, d]."""

    def __init__(self, width: int, source: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(source, width)
        self.value = nn.Linear(source, width)
        self.projection = nn.Linear(width, width)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Queries [B, q, d], sources of keys and of values [B, k, s] -> [B, q, d]."""
        split = [
            layer(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, queries), (self.key, keys), (self.value, values))
        ]
        mixed = F.scaled_dot_product_attention(*split)
        result: Tensor = self.projection(mixed.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    """[..., d] -> [..., d]: normalise, widen, GELU, narrow."""

    def __init__(self, width: int, widening: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, widening * width)
        self.narrow = nn.Linear(widening * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Values [..., d] -> values [..., d], without the residual."""
        result: Tensor = self.narrow(F.gelu(self.widen(self.norm(x))))
        return result


class CrossBlock(nn.Module):
    """x [B, q, d] attends to source [B, k, s]; then a feed-forward layer. Both are residual."""

    def __init__(self, width: int, source: int, heads: int, widening: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.source_norm = nn.LayerNorm(source)
        self.attention = Attention(width, source, heads)
        self.feed_forward = FeedForward(width, widening)

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """Latents or queries [B, q, d] and what they attend to [B, k, s] -> [B, q, d]."""
        source = self.source_norm(source)
        x = x + self.attention(self.norm(x), source, source)
        result: Tensor = x + self.feed_forward(x)
        return result


class SelfBlock(nn.Module):
    """x [B, k, d] attends to itself; then a feed-forward layer. Both are residual."""

    def __init__(self, width: int, heads: int, widening: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, width, heads)
        self.feed_forward = FeedForward(width, widening)

    def forward(self, x: Tensor) -> Tensor:
        """Latents [B, k, d] -> latents [B, k, d]."""
        normed = self.norm(x)
        x = x + self.attention(normed, normed, normed)
        result: Tensor = x + self.feed_forward(x)
        return result


class Encoder(nn.Module):
    """ranks [B, n, 2] -> latents [B, latents, latent_dim]."""

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        width = config.latent_dim
        self.latents = nn.Parameter(torch.randn(config.latents, width))
        self.read = CrossBlock(width, 2, config.read_heads, config.widening)
        self.process = nn.ModuleList(
            SelfBlock(width, config.process_heads, config.widening) for _ in range(config.blocks)
        )

    def forward(self, ranks: Tensor) -> Tensor:
        """Ranks [B, n, 2] in [0, 1] -> latents [B, latents, latent_dim]."""
        x: Tensor = self.read(self.latents.expand(ranks.shape[0], -1, -1), ranks)
        for block in self.process:
            x = block(x)
        return x


class Embedding(nn.Module):
    """One coordinate [..., 1] -> [..., width]."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(1, hidden)
        self.second = nn.Linear(hidden, width)
        self.third = nn.Linear(width, width)

    def forward(self, coordinate: Tensor) -> Tensor:
        """Coordinates [..., 1] -> embeddings [..., width]."""
        x = F.leaky_relu(self.first(coordinate), 0.01)
        result: Tensor = self.third(F.leaky_relu(self.second(x), 0.01))
        return result


class QueryGenerator(nn.Module):
    """ranks [B, n, 2] -> one query for each row of the table [B, D, D].

    Learnt tokens attend to the samples: keys come from x alone, values from y alone.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        grid, width = config.table_grid, config.embedding[1]
        self.tokens = nn.Parameter(torch.randn(1, grid, grid))
        self.embedding = Embedding(*config.embedding)
        self.token_norm = nn.LayerNorm(grid)
        self.key_norm = nn.LayerNorm(width)
        self.value_norm = nn.LayerNorm(width)
        self.attention = Attention(grid, width, config.query_heads)

    def forward(self, ranks: Tensor) -> Tensor:
        """Ranks [B, n, 2] in [0, 1] -> a query for each row of the table, [B, D, D]."""
        tokens = self.token_norm(self.tokens).expand(ranks.shape[0], -1, -1)
        keys = self.key_norm(self.embedding(ranks[..., :1]))
        values = self.value_norm(self.embedding(ranks[..., 1:]))
        result: Tensor = self.attention(tokens, keys, values)
        return result


class Perceiver(nn.Module):
    """ranks float32 [B, n, 2] in [0, 1] -> PerceiverOutput.

    Ranks are those of ``infonet_export.soft_rank`` with ``config.eps`` and ``config.normalize``.
    """

    kernel: Tensor

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.query = QueryGenerator(config)
        self.decoder = CrossBlock(
            config.table_grid, config.latent_dim, config.decode_heads, config.widening
        )
        self.register_buffer("kernel", smoothing_kernel())

    def forward(self, ranks: Tensor) -> PerceiverOutput:
        """Ranks float32 [B, n, 2] in [0, 1] -> the table and all that leads to it."""
        latents = self.encoder(ranks)
        query = self.query(ranks)
        raw = self.decoder(query, latents)
        return PerceiverOutput(latents, query, raw, self.smooth(raw))

    def smooth(self, table: Tensor) -> Tensor:
        """Convolve tables [B, D, D] with the kernel, zeros outside."""
        return F.conv2d(table[:, None], self.kernel, padding=KERNEL_SIZE // 2)[:, 0]


def smoothing_kernel() -> Tensor:
    """float32 [1, 1, 15, 15], sum 1: the root of the normal distribution's mass in square cells."""
    width = (2 * KERNEL_REACH + 1) / KERNEL_SIZE
    edges = torch.linspace(
        -KERNEL_REACH - width / 2, KERNEL_REACH + width / 2, KERNEL_SIZE + 1, dtype=torch.float64
    )
    mass = torch.diff(0.5 * torch.erfc(-edges / math.sqrt(2)))
    root = torch.outer(mass, mass).sqrt()
    return (root / root.sum()).float()[None, None]


def smoothing_matrix(kernel: Tensor, nodes: int) -> Tensor:
    """S float32 [D, D] with S T S^T = T convolved with ``kernel`` [1, 1, 15, 15], zeros outside.

    The kernel is the outer product of its row sums with themselves, as every published one is.
    Raises ValueError for one that is not.
    """
    line = kernel[0, 0].double().sum(1).cpu()
    if not torch.allclose(torch.outer(line, line), kernel[0, 0].double().cpu(), atol=1e-7):
        raise ValueError(
            "the smoothing kernel (mild.kernel) is no outer product of a vector of sum 1 with "
            "itself, as published kernels are"
        )
    reach = len(line) // 2
    offset = torch.arange(nodes) - torch.arange(nodes)[:, None] + reach
    inside = (offset >= 0) & (offset < len(line))
    return torch.where(inside, line[offset.clamp(0, len(line) - 1)], 0.0).float()
