"""Files of weights: written atomically, read without executing anything in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from infonet_export.weight_files import read_file

FIX = "give the model.pt or checkpoint.pt that  infonet train  wrote"


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Save atomically: an interrupted run keeps the last whole checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def read_state(path: Path, form: str, needed: set[str], model: str) -> dict[str, Any]:
    """The dictionary that a training of ``model`` wrote with "format" ``form`` and the keys
    ``needed``, loaded on the CPU.

    Raises ValueError for any other file.
    """
    state = read_file(path)
    found = state.get("format") if isinstance(state, dict) else type(state).__name__
    if found != form:
        raise ValueError(f"{path} is not a checkpoint of the {model} model ({found!r}): {FIX}")
    missing = sorted(needed - set(state))
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}: {FIX}")
    return dict(state)
