"""The layers of the paper's network as they are exported.

Scales are folded into weights, and matrix products run in a chosen precision. Networks are strongly
typed for TensorRT, so a precision is decided here, by casts in the graph. Sums along residual
paths, normalisation, softmax and all that follows the table stay in float32.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infonet_export.onnx.precision import Precision
from infonet_export.perceiver.network import (
    Attention,
    CrossBlock,
    Embedding,
    Encoder,
    FeedForward,
    QueryGenerator,
    SelfBlock,
)

DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "fp16": torch.float16}


class Product(nn.Module):
    """x float32 [..., a] -> x W + b, float32 [..., b], multiplied in ``dtype``."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> None:
        """weight [b, a] and bias [b], as in ``nn.Linear``."""
        super().__init__()
        self.register_buffer("weight", cast(weight, dtype).T.contiguous())
        self.register_buffer("bias", bias.detach().float().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Values float32 [..., a] -> float32 [..., b]."""
        return (x.to(self.weight.dtype) @ self.weight).float() + self.bias


class Norm(nn.Module):
    """Layer normalisation over the last axis, in float32."""

    weight: Tensor
    bias: Tensor

    def __init__(self, norm: nn.LayerNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.register_buffer("weight", norm.weight.detach().float().clone())
        self.register_buffer("bias", norm.bias.detach().float().clone())

    def forward(self, x: Tensor) -> Tensor:
        """Values float32 [..., d] -> float32 [..., d]."""
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


def product(layer: nn.Linear, dtype: torch.dtype, scale: float = 1.0) -> Product:
    """The product of a linear layer, times ``scale``."""
    return Product(layer.weight.detach() * scale, layer.bias.detach() * scale, dtype)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, k, d] -> [B, heads, k, d / heads]."""
    return x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] // heads).transpose(1, 2)


def attend(scores: Tensor, values: Tensor, dtype: torch.dtype) -> Tensor:
    """Scaled scores float32 [..., q, k], values [..., k, d] in ``dtype`` -> float32 [..., q, d]."""
    return (torch.softmax(scores, -1).to(dtype) @ values).float()


def cast(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A constant of the graph in ``dtype``. ValueError if it does not fit."""
    value = value.detach().to(dtype)
    if not torch.isfinite(value).all():
        raise ValueError("a weight exceeds 65504, the largest float16: export with precision fp32")
    return value


class ExportedFeedForward(nn.Module):
    """[..., d] float32 -> [..., d] float32, with the residual."""

    def __init__(self, source: FeedForward, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = Norm(source.norm)
        self.widen = product(source.widen, dtype)
        self.narrow = product(source.narrow, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Values float32 [..., d] -> float32 [..., d]."""
        result: Tensor = x + self.narrow(F.gelu(self.widen(self.norm(x))))
        return result


class ExportedAttention(nn.Module):
    """x [B, q, d] attends to keys and values -> [B, q, d], without the residual."""

    def __init__(self, source: Attention, dtype: torch.dtype) -> None:
        super().__init__()
        self.heads, self.dtype = source.heads, dtype
        self.query = product(source.query, dtype, head_scale(source))
        self.key = product(source.key, dtype)
        self.value = product(source.value, dtype)
        self.projection = product(source.projection, dtype)

    def read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """source [B, k, s] -> keys and values [B, heads, k, d / heads]."""
        key, value = (
            split_heads(layer(source).to(self.dtype), self.heads)
            for layer in (self.key, self.value)
        )
        return key, value

    def forward(self, x: Tensor, source: tuple[Tensor, Tensor]) -> Tensor:
        """Queries [B, q, d], and what `read` gave of their source -> [B, q, d]."""
        key, value = source
        query = split_heads(self.query(x).to(self.dtype), self.heads)
        mixed = attend((query @ key.transpose(-1, -2)).float(), value, self.dtype)
        result: Tensor = self.projection(mixed.transpose(1, 2).flatten(2))
        return result


class ExportedSelfBlock(nn.Module):
    """x [B, k, d] -> [B, k, d]."""

    def __init__(self, source: SelfBlock, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = Norm(source.norm)
        self.attention = ExportedAttention(source.attention, dtype)
        self.feed_forward = ExportedFeedForward(source.feed_forward, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Latents [B, k, d] -> latents [B, k, d]."""
        normed = self.norm(x)
        x = x + self.attention(normed, self.attention.read(normed))
        result: Tensor = self.feed_forward(x)
        return result


class ExportedDecoder(nn.Module):
    """Any rows of the query [B, r, D], and what was read of the latents -> those rows of the raw
    table [B, r, D]."""

    def __init__(self, source: CrossBlock, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm, self.source_norm = Norm(source.norm), Norm(source.source_norm)
        self.attention = ExportedAttention(source.attention, dtype)
        self.feed_forward = ExportedFeedForward(source.feed_forward, dtype)

    def read(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Latents [B, l, s] -> keys and values [B, heads, l, D / heads]."""
        return self.attention.read(self.source_norm(latents))

    def forward(self, rows: Tensor, source: tuple[Tensor, Tensor]) -> Tensor:
        """Rows of the query [B, r, D], and what `read` gave -> rows of the raw table [B, r, D]."""
        result: Tensor = self.feed_forward(rows + self.attention(self.norm(rows), source))
        return result


def head_scale(attention: Attention) -> float:
    """The factor of the scores, 1 / sqrt(width of a head)."""
    return 1 / math.sqrt(attention.query.out_features // attention.heads)


class ExportedEncoder(nn.Module):
    """Signs s [B, k] and the log of their weights [B, k] (None: equal) -> latents [B, l, d].

    What it reads of the samples is one number each. Layer normalisation of a sample (x, y) gives
    (s, -s) with s = d / sqrt(d^2 + 1e-5), d = (x - y) / 2. Keys and values are affine functions of
    s, so the score of a latent is its slope times s, and a head needs the weighted mean of s alone.
    Everything else is constant and folded here.
    """

    slopes: Tensor
    directions: Tensor
    start: Tensor

    def __init__(self, source: Encoder, dtype: torch.dtype) -> None:
        super().__init__()
        read, attention = source.read, source.read.attention
        heads = attention.heads
        self.eps = read.source_norm.eps
        with torch.no_grad():
            gain = read.source_norm.weight.double() * torch.tensor([1.0, -1.0], dtype=torch.float64)
            offset = read.source_norm.bias.double()
            queries = _apply(attention.query, read.norm(source.latents).double())
            queries = queries.reshape(len(queries), heads, -1).transpose(0, 1)
            keys = (attention.key.weight.double() @ gain).reshape(heads, -1)
            slopes = (queries @ keys[:, :, None])[..., 0] * head_scale(attention)
            values = (attention.value.weight.double() @ gain).reshape(heads, -1)
            outer = attention.projection.weight.double()
            outer = outer.reshape(len(outer), heads, -1)
            directions = torch.einsum("dhw,hw->hd", outer, values)
            constant = _apply(attention.projection, _apply(attention.value, offset))
            start = source.latents.double() + constant
        self.register_buffer("slopes", slopes.float())
        self.register_buffer("directions", directions.float())
        self.register_buffer("start", start.float())
        self.feed_forward = ExportedFeedForward(read.feed_forward, dtype)
        self.process = nn.ModuleList(ExportedSelfBlock(b, dtype) for b in source.process)  # type: ignore[arg-type]

    def signs(self, ranks: Tensor) -> Tensor:
        """ranks [B, n, 2] -> s [B, n]."""
        half = 0.5 * (ranks[..., 0] - ranks[..., 1])
        return half * torch.rsqrt(half * half + self.eps)

    def forward(self, signs: Tensor, log_weights: Tensor | None) -> Tensor:
        """Signs [B, k] and the log of their weights [B, k] (None: equal) -> latents [B, l, d]."""
        x: Tensor
        means = []
        for head in range(self.slopes.shape[0]):
            scores = self.slopes[head, :, None] * signs[:, None]
            if log_weights is not None:
                scores = scores + log_weights[:, None]
            means.append(torch.softmax(scores, -1) @ signs[..., None])
        x = self.start + torch.cat(means, -1) @ self.directions
        x = self.feed_forward(x)
        for block in self.process:
            x = block(x)
        return x


def _apply(layer: nn.Linear, x: Tensor) -> Tensor:
    return x @ layer.weight.double().T + layer.bias.double()


class ExactQuery(nn.Module):
    """ranks [B, n, 2] -> keys and values -> any rows of the query.

    Keys are functions of x alone and values of y alone, computed for every sample. Heads are
    computed one after the other: one head's matrix of attention fits the caches of a processor, and
    that of all heads does not.
    """

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
    """A joint histogram of ranks on G x G nodes from 0 to 1 -> any rows of the query.

    Scores are tabulated at the nodes of a grid of x and values at those of y, once, at export;
    bilinear splatting of the samples onto the grid is then the same as reading both tables linearly
    between their nodes, and the cost no longer grows with the number of samples.
    """

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
        """Coordinates float32 [..., 1] -> embeddings float32 [..., width]."""
        x = F.leaky_relu(self.first(coordinate), 0.01)
        result: Tensor = self.third(F.leaky_relu(self.second(x), 0.01))
        return result


def _queries(source: QueryGenerator) -> Tensor:
    """Projected and scaled tokens, float32 [heads, D, D / heads]: they depend on no sample."""
    attention = source.attention
    with torch.no_grad():
        queries = attention.query(source.token_norm(source.tokens)) * head_scale(attention)
    return split_heads(queries, attention.heads)[0].contiguous()
