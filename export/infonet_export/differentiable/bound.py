"""The Donsker-Varadhan bound of a fixed table of pointwise mutual information, by the ranks."""

from __future__ import annotations

import torch
from torch import Tensor

from infonet_export.differentiable.operators import joint_histogram


def donsker_varadhan(table: Tensor, ranks: Tensor) -> Tensor:
    """E[T] - log E'[exp T] over the samples and over the product of their marginals.

    T is bilinear between cell centres and constant beyond the outer ones. The joint term is the
    mean of T at the samples exactly; the other sums exp T over the cells with the marginals of the
    joint histogram.

    Args:
        table: [B, T, T] in nats, x along axis 1; its cells divide [0, 1] evenly.
        ranks: [B, n, 2] in [0, 1].

    Returns:
        [B] in nats, differentiable by both.
    """
    share = joint_histogram(ranks, table.shape[-1]) / ranks.shape[1]
    joint = (share * table).sum((1, 2))
    product = share.sum(2, keepdim=True) * share.sum(1, keepdim=True)
    top = table.detach().amax((1, 2), keepdim=True)
    return joint - torch.log((product * torch.exp(table - top)).sum((1, 2))) - top[:, 0, 0]
