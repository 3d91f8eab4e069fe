"""What `Estimator.pairwise` takes beside the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infonet.checks import Missing
from infonet.errors import InputError

LARGEST_TILE = 1024  # columns a side


@dataclass(frozen=True)
class Options:
    """What `Estimator.pairwise` takes beside the data; see there."""

    nan: Missing = "raise"
    seed: int = 0
    memory: int | float | str | None = None
    tile: int | None = None
    output: str | Path | None = None
    resume: bool = True
    engine: str = "threads"
    adjust: str = "fdr_bh"
    layout: str | None = None
    unit: str = "nats"
    progress: bool | None = None


def checked_tile(tile: int | None) -> int | None:
    """Refuse a size of tiles that is not a whole number from 1 to 1024, or None."""
    if tile is None:
        return None
    if (
        isinstance(tile, bool)
        or not isinstance(tile, (int, np.integer))
        or not 1 <= tile <= LARGEST_TILE
    ):
        raise InputError(
            f"tile is {tile!r}, allowed are whole numbers from 1 to 1024 (columns a side), or None"
        )
    return int(tile)
