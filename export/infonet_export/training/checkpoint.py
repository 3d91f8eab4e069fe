"""Checkpoints of copula training: written atomically, read without executing anything in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infonet_export.config import CopulaTraining
from infonet_export.config.copula import copula_from_dict
from infonet_export.models.copula import CopulaNet
from infonet_export.training.calibration import IntervalFactors
from infonet_export.training.states import FIX, read_state, write_state

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
    state = {
        "format": FORMAT,
        "config": config.to_dict(),
        "pools": finished,
        "model": net.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    write_state(path, state)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary of a copula checkpoint, loaded without executing anything in it.

    Raises ValueError for a file that is not one.
    """
    return read_state(path, FORMAT, _KEYS, "copula")


@dataclass(frozen=True)
class Trained:
    """The averaged weights of a checkpoint in evaluation mode, its configuration, and the factors
    that calibrate its intervals (1 until training/calibration.py has run)."""

    net: CopulaNet
    config: CopulaTraining
    interval_factors: IntervalFactors


def load_model(path: Path) -> Trained:
    """Read a checkpoint for use. Raises ValueError for a file that is not one."""
    state = read_checkpoint(path)
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
