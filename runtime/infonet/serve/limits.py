"""What a request may ask for, and what a request that asks for more is told."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infonet.errors import InfoNetError
from infonet.pairs.backend import Backend, Outputs, Rows

# The test by permutations holds a number for each permutation and projection.
MOST_PROJECTIONS, MOST_PERMUTATIONS = 16_384, 10_000


@dataclass(frozen=True)
class Limits:
    """What the server does for one request, and for how many at a time.

    Attributes:
        megabytes: size of a request, 2^20 bytes each.
        seconds: from the last byte of a request to its answer.
        waiting: requests that are accepted and not yet answered.
        joined: pairs of waiting requests that are estimated together.
        grace: seconds to finish what was accepted, once the server is to stop.
    """

    megabytes: float = 64.0
    seconds: float = 60.0
    waiting: int = 256
    joined: int = 16
    grace: float = 90.0

    @property
    def request_bytes(self) -> int:
        """Size of a request in bytes."""
        return int(self.megabytes * 2**20)


class OutOfTimeError(InfoNetError):
    """A request took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the request took more than {seconds:g} seconds: send fewer samples or pairs at a "
            "time, or start the server with a larger --time-limit"
        )


class BusyError(InfoNetError):
    """There are too many requests at a time."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            f"{waiting} requests are waiting already: try again later, or start the server with "
            "a larger --max-waiting"
        )


class StoppableBackend:
    """A backend whose work can be given up between two passes of the network.

    Sliced estimates and vines are many passes, on a thread that nobody else could end.

    Args:
        backend: what computes.
        stop: set when nobody waits for the answer any more.
    """

    def __init__(self, backend: Backend, stop: threading.Event) -> None:
        self._backend, self._stop = backend, stop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def outputs(self, names: Sequence[str], rows: Rows, pairs: Any) -> Outputs:
        """See `Backend`."""
        if self._stop.is_set():
            raise StoppedError
        return self._backend.outputs(names, rows, pairs)


class StoppedError(Exception):
    """The work was given up; nobody waits for it."""
