"""The query generator as it is exported: exactly, or from a histogram of the samples.

Keys are functions of x alone and values of y alone. Exactly, they are computed for every sample.
From a histogram, scores are tabulated at the nodes of a grid of x and values at those of y, once,
at export; bilinear splatting of the samples onto the grid is then the same as reading both tables
linearly between their nodes, and the cost no longer grows with the number of samples.

Heads are computed one after the other: one head's matrix of attention fits the caches of a
processor, and that of all heads does not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infonet_export.exporting.perceiver.blocks import head_scale
from infonet_export.exporting.perceiver.precision import Norm, attend, cast, product, split_heads
from infonet_export.models.perceiver.network import Embedding, QueryGenerator


class ExactQuery(nn.Module):
    """ranks [B, n, 2] -> keys and values -> any rows of the query."""

    queries: Tensor

    def __init__(self, source: QueryGenerator, dtype: torch.dtype) -> None:
        super().__init__()
        attention = source.attention
        self.heads, self.dtype = attention.heads, dtype
        self.embedding = ExportedEmbedding(source.embedding, dtype)
        self.key_norm, self.value_norm = Norm(source.key_norm), Norm(source.value_norm)
        self.key, self.value = product(attention.key, dtype), product(attention.value, dtype)
        self.projection = product(attention.projection, dtype)
        self.register_buffer("queries", cast(_queries(source), dtype))

    def read(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Keys [B, heads, D / heads, n] and values [B, heads, n, D / heads] of the samples."""
        keys = self.key(self.key_norm(self.embedding(ranks[..., :1]))).to(self.dtype)
        values = self.value(self.value_norm(self.embedding(ranks[..., 1:]))).to(self.dtype)
        return split_heads(keys, self.heads).transpose(2, 3), split_heads(values, self.heads)

    def forward(self, source: tuple[Tensor, Tensor], first: int, last: int) -> Tensor:
        """Rows first .. last - 1 of the query, [B, last - first, D]."""
        keys, values = source
        mixed = [
            attend(
                (self.queries[head, first:last] @ keys[:, head]).float(),
                values[:, head],
                self.dtype,
            )
            for head in range(self.heads)
        ]
        result: Tensor = self.projection(torch.cat(mixed, -1))
        return result


class HistogramQuery(nn.Module):
    """A joint histogram of ranks on G x G nodes from 0 to 1 -> any rows of the query."""

    scores: Tensor
    values: Tensor

    def __init__(self, source: QueryGenerator, grid: int, dtype: torch.dtype) -> None:
        super().__init__()
        attention = source.attention
        self.heads, self.dtype, self.grid = attention.heads, dtype, grid
        with torch.no_grad():
            nodes = torch.linspace(0, 1, grid)[:, None]
            embedded = source.embedding(nodes)
            keys = attention.key(source.key_norm(embedded))[None]
            scores = _queries(source) @ split_heads(keys, self.heads)[0].transpose(1, 2)
            # softmax does not see a row's largest score; without it float16 holds the rest
            scores = scores - scores.amax(-1, keepdim=True)
            values = attention.value(source.value_norm(embedded))
        self.register_buffer("scores", scores)
        self.register_buffer("values", cast(values, dtype))
        self.projection = product(attention.projection, dtype)

    def read(self, histogram: Tensor) -> tuple[Tensor, Tensor]:
        """Shares of the samples [B, G, G], rows for x -> log share at each node of x [B, G] and
        the mean value of the samples there [B, heads, G, D / heads]."""
        share = histogram.sum(2)
        occupied = share > 0
        safe = torch.where(occupied, share, 1.0)
        log_share = torch.where(occupied, torch.log(safe), -1e9)
        values = (histogram / safe[..., None]).to(self.dtype) @ self.values
        return log_share, split_heads(values, self.heads)

    def forward(self, source: tuple[Tensor, Tensor], first: int, last: int) -> Tensor:
        """Rows first .. last - 1 of the query, [B, last - first, D]."""
        log_share, values = source
        mixed = [
            attend(self.scores[head, first:last] + log_share[:, None], values[:, head], self.dtype)
            for head in range(self.heads)
        ]
        result: Tensor = self.projection(torch.cat(mixed, -1))
        return result


class ExportedEmbedding(nn.Module):
    """One coordinate [..., 1] -> [..., width]; the coordinate itself stays in float32."""

    def __init__(self, source: Embedding, dtype: torch.dtype) -> None:
        super().__init__()
        self.first = product(source.first, torch.float32)
        self.second, self.third = product(source.second, dtype), product(source.third, dtype)

    def forward(self, coordinate: Tensor) -> Tensor:
        x = F.leaky_relu(self.first(coordinate), 0.01)
        result: Tensor = self.third(F.leaky_relu(self.second(x), 0.01))
        return result


def _queries(source: QueryGenerator) -> Tensor:
    """Projected and scaled tokens, float32 [heads, D, D / heads]: they depend on no sample."""
    attention = source.attention
    with torch.no_grad():
        queries = attention.query(source.token_norm(source.tokens)) * head_scale(attention)
    return split_heads(queries, attention.heads)[0].contiguous()
