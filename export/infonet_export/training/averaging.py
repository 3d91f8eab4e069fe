"""Moving average of weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move every parameter of ``average`` towards that of ``net``, by a share of 1 - decay."""
    for mean, value in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)


def warmed_up(decay: float, step: int) -> float:
    """The decay at ``step``: small at first, so that the initial weights are soon forgotten."""
    return min(decay, (step + 1) / (step + 10))
