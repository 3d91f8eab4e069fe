"""Files of weights, read without executing anything in them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

_FIX = "give a model.pt of  infonet train  or a checkpoint of the paper's authors"


def read_file(path: Path) -> Any:
    """What ``torch.load`` finds on the CPU, weights only. Raises ValueError for all else."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {_FIX}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are refused anyway
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key and OS errors
        # its own message advises to load the file unsafely, and is not repeated
        raise ValueError(
            f"{path} is damaged, holds more than weights, or is not a PyTorch file "
            f"({type(error).__name__}): {_FIX}"
        ) from error
