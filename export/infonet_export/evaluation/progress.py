"""A progress bar on a terminal, and silence elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType

from tqdm import tqdm


class Progress:
    """Counts what is done of ``total`` (None: not known) on standard error if it is a terminal."""

    def __init__(self, title: str, total: int | None = None) -> None:
        self._bar = tqdm(
            desc=title,
            total=total,
            leave=False,
            disable=not sys.stderr.isatty(),
        )

    def add(self, amount: int) -> None:
        self._bar.update(amount)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
