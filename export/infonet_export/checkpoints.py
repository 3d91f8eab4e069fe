"""Files of weights: written atomically, read without executing anything in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

FIX = "give the model.pt or checkpoint.pt that  infonet train  wrote"
_ACCEPTED = "give a model.pt of  infonet train  or a checkpoint of the paper's authors"


def read_file(path: Path) -> Any:
    """What ``torch.load`` finds on the CPU, weights only. Raises ValueError for all else."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {_ACCEPTED}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key and OS errors
        # its own message advises to load the file unsafely, and is not repeated
        raise ValueError(
            f"{path} is damaged, holds more than weights, or is not a PyTorch file "
            f"({type(error).__name__}): {_ACCEPTED}"
        ) from error


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
