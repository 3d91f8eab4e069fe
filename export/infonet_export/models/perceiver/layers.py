"""Attention and feed-forward blocks of a Perceiver (Jaegle et al., ICML 2021)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


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
        normed = self.norm(x)
        x = x + self.attention(normed, normed, normed)
        result: Tensor = x + self.feed_forward(x)
        return result
