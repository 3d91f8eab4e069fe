"""The kernels as PyTorch operators: ``torch.ops.infonet.soft_rank`` and ``joint_histogram``.

They run the same compiled kernels as the runtime, so a traced model and its export see the same
ranks and the same histograms to the last bit.
"""

from __future__ import annotations

from typing import Any

import infonet_kernels
import torch
from torch import Tensor


@torch.library.custom_op("infonet::soft_rank", mutates_args=(), device_types="cpu")
def soft_rank(samples: Tensor, eps: float, normalize: str) -> Tensor:
    """samples float32 [B, n, d] -> soft ranks along axis 1, float32 [B, n, d].

    eps: regularization strength, 0 for average ranks. normalize: 'midrank', 'over_n' or 'minmax'.
    """
    kind: Any = normalize  # an operator's schema knows no literals; the kernel checks it
    batch, n, d = samples.shape
    rows = samples.transpose(1, 2).reshape(batch * d, n).contiguous()
    ranks = infonet_kernels.soft_rank(rows.numpy(), eps=eps, normalize=kind)
    return torch.from_numpy(ranks).view(batch, d, n).transpose(1, 2).contiguous()


@soft_rank.register_fake
def _(samples: Tensor, eps: float, normalize: str) -> Tensor:
    return torch.empty_like(samples, memory_format=torch.contiguous_format)


@torch.library.custom_op("infonet::joint_histogram", mutates_args=(), device_types="cpu")
def joint_histogram(ranks: Tensor, grid: int) -> Tensor:
    """ranks float32 [B, n, 2] in [0, 1] -> bilinearly splatted counts float32 [B, grid, grid]."""
    x, y = (ranks[:, :, axis].contiguous().numpy() for axis in (0, 1))
    return torch.from_numpy(infonet_kernels.joint_histogram(x, y, grid))


@joint_histogram.register_fake
def _(ranks: Tensor, grid: int) -> Tensor:
    return ranks.new_empty(ranks.shape[0], grid, grid)
