"""The last rows of a stream, in memory that does not grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Window:
    """The last `size` rows of d variables, oldest first, as contiguous columns.

    Rows are appended to a buffer of twice the size; when it is full, the newest `size` move to its
    front. That copies each row once on average, so a push costs O(1) amortised.

    No sorted structure is kept. The histogram that the network reads needs the rank of every row of
    the window, so an evaluation takes O(size) whatever is kept between evaluations, and the radix
    sort of the kernels takes O(size) too: for 5,000 rows, a tenth of the time of the network.
    """

    def __init__(self, size: int, d: int) -> None:
        self.size = size
        self.rows = 0  # appended so far
        self._buffer = np.empty((d, 2 * size))
        self._end = 0

    def push(self, row: NDArray[np.float64]) -> None:
        """Append a row [d]."""
        if self._end == self._buffer.shape[1]:
            self._move_to_front()
        self._buffer[:, self._end] = row
        self._end += 1
        self.rows += 1

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows [m, d], m at most `size`."""
        m = len(rows)
        if self._end + m > self._buffer.shape[1]:
            self._move_to_front()
        self._buffer[:, self._end : self._end + m] = rows.T
        self._end += m
        self.rows += m

    def resume(self, columns: NDArray[np.float64], rows: int) -> None:
        """Take over the columns of another window to which `rows` rows have been appended."""
        self.extend(columns.T)
        self.rows = rows

    def columns(self) -> NDArray[np.float64]:
        """The window, float64 [d, rows]: a view that the next push may overwrite."""
        return self._buffer[:, max(self._end - self.size, 0) : self._end]

    def _move_to_front(self) -> None:
        kept = self.columns()
        self._buffer[:, : kept.shape[1]] = kept  # NumPy copies first if the two overlap
        self._end = kept.shape[1]
