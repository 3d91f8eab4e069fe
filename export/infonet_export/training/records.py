"""What a training run keeps as it goes: ``log.jsonl``, TensorBoard events, averaged weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn


class Records:
    """Rows appended to OUTPUT/log.jsonl; numbers of them also go to OUTPUT/tensorboard.

    restart: forget the rows of an earlier run in the same folder.
    """

    def __init__(self, output: Path, restart: bool) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.log = output / "log.jsonl"
        if restart:
            self.log.unlink(missing_ok=True)
        self.writer: Any = SummaryWriter(str(output / "tensorboard"))

    def add(self, row: dict[str, Any], scalars: dict[str, float]) -> None:
        """Append ``row``; ``scalars`` are shown at row["step"]."""
        with self.log.open("a") as file:
            file.write(json.dumps(row) + "\n")
        for name, value in scalars.items():
            self.writer.add_scalar(name, value, row["step"])

    def close(self) -> None:
        """Write what TensorBoard still holds back."""
        self.writer.close()


@torch.no_grad()
def update_average(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move every parameter of ``average`` towards that of ``net``, by a share of 1 - decay."""
    for mean, value in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)


def warmed_up(decay: float, step: int) -> float:
    """The decay at ``step``: small at first, so that the initial weights are soon forgotten."""
    return min(decay, (step + 1) / (step + 10))
