"""What a training run leaves to look at: ``log.jsonl`` and TensorBoard events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


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
        self.writer.close()
