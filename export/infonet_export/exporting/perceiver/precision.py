"""Matrix products in a chosen precision; everything between them in float32.

Networks are strongly typed for TensorRT, so a precision is decided here, by casts in the graph.
Sums along residual paths, normalisation, softmax and all that follows the table stay in float32.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Precision = Literal["fp32", "fp16"]
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
