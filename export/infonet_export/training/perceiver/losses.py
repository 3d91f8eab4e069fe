"""Losses of the paper's network: minus the Donsker-Varadhan bound of its tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from infonet_export.config.perceiver import PerceiverTraining
from infonet_export.models.perceiver.read_out import mutual_information


def bounds(
    tables: nn.Module, reading: Tensor, scoring: Tensor, config: PerceiverTraining, step: int
) -> Tensor:
    """Bounds [B] (nats) that the tables read from ``reading`` give on ``scoring``, both [B, n, 2].

    Permutations are a function of (seed, step), so that every process uses the same ones.
    """
    generator = torch.Generator().manual_seed(config.training.seed * 1_000_003 + step)
    return mutual_information(tables(reading), scoring, config.training.marginal, generator)
