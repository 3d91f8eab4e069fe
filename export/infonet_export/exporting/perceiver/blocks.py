"""The blocks of the network as they are exported: scales folded, products in one precision."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infonet_export.exporting.perceiver.precision import Norm, attend, product, split_heads
from infonet_export.models.perceiver.layers import Attention, CrossBlock, FeedForward, SelfBlock


class ExportedFeedForward(nn.Module):
    """[..., d] float32 -> [..., d] float32, with the residual."""

    def __init__(self, source: FeedForward, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = Norm(source.norm)
        self.widen = product(source.widen, dtype)
        self.narrow = product(source.narrow, dtype)

    def forward(self, x: Tensor) -> Tensor:
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
        return self.attention.read(self.source_norm(latents))

    def forward(self, rows: Tensor, source: tuple[Tensor, Tensor]) -> Tensor:
        result: Tensor = self.feed_forward(rows + self.attention(self.norm(rows), source))
        return result


def head_scale(attention: Attention) -> float:
    """The factor of the scores, 1 / sqrt(width of a head)."""
    return 1 / math.sqrt(attention.query.out_features // attention.heads)
