"""Checkpoints of copula training: written atomically, read without executing anything in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from infonet_export.config import CopulaTraining, config_from_dict
from infonet_export.models.copula import CopulaNet
from infonet_export.training.calibration import IntervalFactors

FORMAT = "infonet-copula-1"
_KEYS = {"config", "pools", "average"}
_FIX = "give the model.pt or checkpoint.pt that  infonet train  wrote"


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
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {_FIX}") from error
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key errors
        # its own message advises to load the file unsafely, and is not repeated
        kind = type(error).__name__
        raise ValueError(
            f"{path} is damaged, holds more than weights, or is not a PyTorch file ({kind}): {_FIX}"
        ) from error
    found = state.get("format") if isinstance(state, dict) else type(state).__name__
    if found != FORMAT:
        raise ValueError(f"{path} is not a checkpoint of the copula model ({found!r}): {_FIX}")
    missing = sorted(_KEYS - set(state))
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}: {_FIX}")
    return dict(state)


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
    config = config_from_dict(state["config"], str(path))
    net = CopulaNet(config.model)
    try:
        net.load_state_dict(state["average"])
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} has weights of another model ({reason}): {_FIX}") from error
    factors = state.get("interval_factors")
    return Trained(
        net.eval(),
        config,
        IntervalFactors.from_dict(factors) if factors else IntervalFactors.identity(),
    )
