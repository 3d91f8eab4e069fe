"""Tiny configurations and untrained, but not trivial, models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from infonet_export.copula.checkpoint import write_checkpoint
from infonet_export.copula.config import CopulaTraining, DataConfig, TrainingConfig
from infonet_export.copula.network import CopulaConfig, CopulaNet

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def tiny_config(**training) -> CopulaTraining:
    """Trains in seconds: one chunk a pool, a 32 x 32 histogram, two levels. Drawing distributions
    is what takes time, so each gives eight pairs."""
    return CopulaTraining(
        model=CopulaConfig(histogram_grid=32, channels=(16, 16), hidden=16, n_min=20, n_max=500),
        data=DataConfig(pool_size=256, passes=1, replicates=8, scoring_samples=512, workers=0),
        training=replace(
            TrainingConfig(pools=3, batch_size=64, warmup_steps=2, ema_decay=0.5), **training
        ),
    )


def random_net(config: CopulaConfig, seed: int = 0) -> CopulaNet:
    """A network whose every weight matters (a fresh one's residual pairs are the identity)."""
    torch.manual_seed(seed)
    net = CopulaNet(config)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
        net.head[-1].bias[1] += 1.0  # away from 0, where answers are clipped
    return net.eval()


def save_checkpoint(path: Path, config: CopulaTraining, seed: int = 0) -> Path:
    """A checkpoint of random weights, as a training would leave it."""
    net = random_net(config.model, seed)
    write_checkpoint(path, net, net, torch.optim.AdamW(net.parameters()), config, 0)
    return path
