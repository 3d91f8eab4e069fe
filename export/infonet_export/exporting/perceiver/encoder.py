"""The encoder as it is exported: what it reads of the samples is one number each.

Layer normalisation of a sample (x, y) gives (s, -s) with s = d / sqrt(d^2 + 1e-5), d = (x - y) / 2.
Keys and values are affine functions of s, so the score of a latent is its slope times s, and a head
needs the weighted mean of s alone. Everything else is constant and folded here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from infonet_export.exporting.perceiver.blocks import (
    ExportedFeedForward,
    ExportedSelfBlock,
    head_scale,
)
from infonet_export.models.perceiver.network import Encoder


class ExportedEncoder(nn.Module):
    """Signs s [B, k] and the log of their weights [B, k] (None: equal) -> latents [B, l, d]."""

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
