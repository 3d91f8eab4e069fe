"""Networks in PyTorch as frozen models, from their checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from infonet_export.checkpoints import open_checkpoint
from infonet_export.copula.checkpoint import load_model
from infonet_export.copula.graphs import Core
from infonet_export.copula.network import CopulaNet
from infonet_export.differentiable.frozen import FrozenModel, Reading, donsker_varadhan
from infonet_export.differentiable.straight_through import (
    differentiable_ranks,
    straight_through_rank,
)
from infonet_export.perceiver import Perceiver, mutual_information
from infonet_export.perceiver.published import is_perceiver, load_perceiver


class TorchCopula(nn.Module):
    """The copula network; unlike the runtime it knows no entropy of tied values."""

    def __init__(self, net: CopulaNet) -> None:
        super().__init__()
        self.core = Core(net).eval().requires_grad_(False)
        self.n_min = net.config.n_min

    def ranks(self, samples: Tensor) -> Tensor:
        """Samples [B, n, 2] -> exact ranks in [0, 1], with a straight-through gradient."""
        return straight_through_rank(samples)

    def read(self, samples: Tensor, ranks: Tensor) -> Reading:
        """Ranks [B, n, 2] -> estimates [B] and tables [B, T, T]; the samples are not needed."""
        histogram = torch.ops.infonet.joint_histogram(ranks.float(), self.core.grid)
        mi, _, table, _ = self.core(histogram)
        return Reading(mi, table)

    def bound(self, table: Tensor, ranks: Tensor) -> Tensor:
        """The Donsker-Varadhan bounds [B] (nats) of tables [B, T, T] at ranks [B, n, 2]."""
        return donsker_varadhan(table, ranks)


class TorchPerceiver(nn.Module):
    """The paper's network."""

    def __init__(self, net: Perceiver) -> None:
        super().__init__()
        self.net = net.eval().requires_grad_(False)
        self.n_min = net.config.n_min

    def ranks(self, samples: Tensor) -> Tensor:
        """Samples [B, n, 2] -> the ranks in [0, 1] that the network was trained with."""
        return differentiable_ranks(samples, self.net.config.eps, self.net.config.normalize)

    def read(self, samples: Tensor, ranks: Tensor) -> Reading:
        """Ranks [B, n, 2] -> estimates [B] and tables [B, D, D]; the samples are not needed."""
        table = self.net(ranks.float()).table
        return Reading(mutual_information(table, ranks.float()), table)

    def bound(self, table: Tensor, ranks: Tensor) -> Tensor:
        """The Donsker-Varadhan bounds [B] (nats) of tables [B, D, D] at ranks [B, n, 2]."""
        return mutual_information(table, ranks)


def open_network(path: Path) -> FrozenModel:
    """The network of a checkpoint; see `open_model`."""
    checkpoint = open_checkpoint(path)
    if is_perceiver(checkpoint.state):
        return TorchPerceiver(load_perceiver(checkpoint))
    return TorchCopula(load_model(checkpoint).net)
