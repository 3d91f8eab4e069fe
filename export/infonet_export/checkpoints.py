"""Files of weights: written atomically, read once and without executing anything in them."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

FIX = "give the model.pt or checkpoint.pt that  infonet train  wrote"
_ACCEPTED = "give a model.pt of  infonet train  or a checkpoint of the paper's authors"


@dataclass(frozen=True)
class Checkpoint:
    """A file of weights as it was read.

    Attributes:
        path: the file, for messages.
        state: what it holds; the tensors are on the CPU.
        sha256: of the file, 64 hexadecimal digits.
    """

    path: Path
    state: Any = field(repr=False)
    sha256: str

    @property
    def format(self) -> Any:
        """The entry "format" that a training writes, or the type's name if there are no entries."""
        is_dictionary = isinstance(self.state, dict)
        return self.state.get("format") if is_dictionary else type(self.state).__name__

    def require(self, form: str, needed: set[str], model: str) -> dict[str, Any]:
        """The dictionary that a training of ``model`` wrote with "format" ``form`` and the keys
        ``needed``. Raises ValueError for any other content."""
        if self.format != form:
            raise ValueError(
                f"{self.path} is not a checkpoint of the {model} model ({self.format!r}): {FIX}"
            )
        missing = sorted(needed - set(self.state))
        if missing:
            raise ValueError(f"{self.path} lacks {', '.join(missing)}: {FIX}")
        return dict(self.state)


def open_checkpoint(source: Path | Checkpoint) -> Checkpoint:
    """Read a file of weights; one that was read before is returned as it is.

    Raises ValueError for a file that cannot be read, or that holds more than weights.
    """
    if isinstance(source, Checkpoint):
        return source
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ValueError(f"{source} cannot be read ({error.strerror}): {_ACCEPTED}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are refused anyway
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds: pickle, zip, EOF, key and OS errors
        # its own message advises to load the file unsafely, and is not repeated
        raise ValueError(
            f"{source} is damaged, holds more than weights, or is not a PyTorch file "
            f"({type(error).__name__}): {_ACCEPTED}"
        ) from error
    return Checkpoint(source, state, hashlib.sha256(content).hexdigest())


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Save atomically: an interrupted run keeps the last whole checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
