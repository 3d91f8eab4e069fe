"""Checkpoints of copula training: written atomically, read without executing anything in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infonet_export.config import CopulaTraining, config_from_dict
from infonet_export.models.copula import CopulaNet

FORMAT = "infonet-copula-1"


def write_checkpoint(
    path: Path,
    net: CopulaNet,
    average: CopulaNet,
    optimizer: torch.optim.Optimizer,
    config: CopulaTraining,
    finished: int,
) -> None:
    state = {
        "format": FORMAT,
        "config": config.to_dict(),
        "pools": finished,
        "model": net.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    write_state(path, state)


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Save atomically: an interrupted run keeps the last whole checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary of a copula checkpoint, loaded without executing anything in it.

    Raises ValueError for a file that is not one.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key errors
        raise ValueError(f"{path} is not a readable PyTorch checkpoint: {error}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(
            f"{path} is not a checkpoint of 'infonet train' (format {FORMAT!r} expected)"
        )
    return state


@dataclass(frozen=True)
class Trained:
    """The averaged weights of a checkpoint in evaluation mode, its configuration, and the factor
    that calibrates its intervals (1 until training/calibration.py has run)."""

    net: CopulaNet
    config: CopulaTraining
    interval_factor: float


def load_model(path: Path) -> Trained:
    """Read a checkpoint for use. Raises ValueError for a file that is not one."""
    state = read_checkpoint(path)
    config = config_from_dict(state["config"], str(path))
    net = CopulaNet(config.model)
    net.load_state_dict(state["average"])
    return Trained(net.eval(), config, float(state.get("interval_factor", 1.0)))
