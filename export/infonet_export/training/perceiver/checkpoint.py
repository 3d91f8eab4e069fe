"""Checkpoints of the training of the paper's network, read without executing anything in them.

A dictionary: "format", "config" (plain values, all sections) and "model" (the state dictionary of
models.perceiver.Perceiver: of the moving average in a final model.pt), which is what
models/perceiver/checkpoint.py loads. A checkpoint to resume from also has "average", "optimizer",
"scaler" and "step".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infonet_export.config.perceiver import PerceiverTraining
from infonet_export.models.perceiver import Perceiver
from infonet_export.models.perceiver.checkpoint import FORMAT
from infonet_export.training.states import read_state, write_state

_NEEDED = {"config", "model", "average", "optimizer", "scaler", "step"}
# settings that change no weight
_FREE: dict[str, tuple[str, ...]] = {"data": ("workers",), "training": ("threads",)}


def write_checkpoint(path: Path, config: PerceiverTraining, net: Perceiver, **rest: Any) -> None:
    """Save atomically; ``rest``: what a resumable checkpoint holds beside the weights."""
    state = {"format": FORMAT, "config": config.to_dict(), "model": net.state_dict(), **rest}
    write_state(path, state)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The dictionary of a checkpoint to resume from. Raises ValueError for any other file."""
    return read_state(path, FORMAT, _NEEDED, "perceiver")


def same_training(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether two configurations (as dictionaries) lead to the same weights step by step.

    How the work is spread and watched does not matter, nor how long it goes on where the learning
    rate does not depend on it.
    """
    return _essence(a) == _essence(b)


def _essence(config: dict[str, Any]) -> dict[str, Any]:
    free = dict(_FREE)
    if config["training"]["schedule"] == "step":
        free["training"] = (*free["training"], "epochs")
    return {
        section: {k: v for k, v in config[section].items() if k not in free.get(section, ())}
        for section in ("model", "data", "training")
    }
