"""Checkpoints of copula training: written atomically, read without executing anything in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infonet_export.checkpoints import FIX, Checkpoint, open_checkpoint, write_state
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.config import CopulaTraining, copula_from_dict
from infonet_export.copula.network import CopulaNet

FORMAT = "infonet-copula-1"
_KEYS = {"config", "pools", "average"}


def is_copula(state: Any) -> bool:
    """Whether a loaded file is a checkpoint of the copula model."""
    return isinstance(state, dict) and state.get("format") == FORMAT


def write_checkpoint(
    path: Path,
    net: CopulaNet,
    average: CopulaNet,
    optimizer: torch.optim.Optimizer,
    config: CopulaTraining,
    finished: int,
) -> None:
    """Save atomically what a training needs to go on after ``finished`` pools.

    average: the moving average of the weights of ``net``, which is what will be exported.
    """
    state = {
        "format": FORMAT,
        "config": config.to_dict(),
        "pools": finished,
        "model": net.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    write_state(path, state)


def read_checkpoint(source: Path | Checkpoint) -> dict[str, Any]:
    """The dictionary of a copula checkpoint, loaded without executing anything in it.

    Raises ValueError for a file that is not one.
    """
    return open_checkpoint(source).require(FORMAT, _KEYS, "copula")


@dataclass(frozen=True)
class Trained:
    """The averaged weights of a checkpoint in evaluation mode, its configuration, and the factors
    that calibrate its intervals (1 until copula/calibration.py has run)."""

    net: CopulaNet
    config: CopulaTraining
    interval_factors: IntervalFactors


def load_model(source: Path | Checkpoint) -> Trained:
    """Build the model of a checkpoint for use. Raises ValueError for a file that is not one."""
    checkpoint = open_checkpoint(source)
    state, path = read_checkpoint(checkpoint), checkpoint.path
    config = copula_from_dict(state["config"], str(path))
    net = CopulaNet(config.model)
    try:
        net.load_state_dict(state["average"])
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} has weights of another model ({reason}): {FIX}") from error
    factors = state.get("interval_factors")
    return Trained(
        net.eval(),
        config,
        IntervalFactors.from_dict(factors) if factors else IntervalFactors.identity(),
    )


@torch.no_grad()
def start_from(net: CopulaNet, path: Path) -> CopulaNet:
    """Copy the averaged weights of the checkpoint at ``path`` into ``net``, in place.

    Layers that the checkpoint lacks keep their random weights; where ``net`` reads further inputs,
    behind those of the checkpoint, their weights are 0, so that ``net`` begins with its answers.

    Raises ValueError for a file that is missing or of another kind, or weights that do not fit.
    """
    if not path.exists():
        raise ValueError(
            f"training.start_from is {path}, which does not exist: run the training that writes it "
            "first, or take the key out of the configuration to start on random weights"
        )
    weights = read_checkpoint(path)["average"]
    target = net.state_dict()
    foreign = sorted(weights.keys() - target.keys())
    if foreign:
        raise ValueError(f"{path} holds {foreign[0]}, which this model lacks: start from another")
    for name, value in weights.items():
        own = target[name]
        if own.ndim != value.ndim or any(
            a < b if axis == 1 else a != b
            for axis, (a, b) in enumerate(zip(own.shape, value.shape, strict=True))
        ):
            raise ValueError(
                f"{path} has {name} of shape {list(value.shape)}, the model {list(own.shape)}: "
                "give the model section of the configuration the sizes of that checkpoint"
            )
        own.zero_()
        own[tuple(slice(size) for size in value.shape)] = value
    return net
