"""Which pairs are counted, since one or both of their variables have few levels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.discrete import PER_CELL, Counted, plug_in
from infonet.labels import most_levels, number_and_label
from infonet.ranking import is_tied


def count_pairs(
    rows: Sequence[NDArray[np.float32]] | NDArray[np.float32],
    entropy: NDArray[np.float64],
    pairs: NDArray[np.int64],
) -> dict[int, Counted]:
    """Estimates of those of `pairs` [p, 2] that have few levels, by position.

    Args:
        rows: mid-ranks in (0, 1), [n] of each column.
        entropy: of each column in nats, infinite without ties.
        pairs: first and second column of each pair.
    """
    # The entropy of k levels is at most log k + (k - 1) / 2n, with its Miller-Madow correction, and
    # is that of k even ones: most pairs need no closer look.
    least, both = entropy[pairs].min(axis=1), entropy[pairs].sum(axis=1)
    if not np.isfinite(least).any():
        return {}
    n = len(rows[0])
    levels = _Levels(rows)
    found = {}
    most = most_levels(n)
    highest = math.log(most) + most / (2 * n) if most else -math.inf
    few, label_like = both <= math.log(n / PER_CELL) + 1 / (2 * PER_CELL), least <= highest
    for k in np.flatnonzero(few | label_like):
        i, j = map(int, pairs[k])
        if few[k] and levels.number(i) * levels.number(j) * PER_CELL <= n:
            found[int(k)] = plug_in(_table(levels, i, j))
            continue
        if not label_like[k]:
            continue
        # a label has few levels, not just low entropy, as a number that is mostly 0 has
        near = [c for c in (i, j) if entropy[c] <= highest]
        # the same one of two labels, whichever comes first
        label = min(near, key=lambda c: (levels.number(c), entropy[c]))
        if levels.number(label) <= most:
            number = j if label == i else i
            found[int(k)] = number_and_label(
                rows[number],
                bool(is_tied(entropy[number], n)),
                levels.codes(label),
                levels.number(label),
            )
    return found


class _Levels:
    """Codes of the levels of columns, each found once."""

    def __init__(self, rows: Sequence[NDArray[np.float32]] | NDArray[np.float32]) -> None:
        self._rows = rows
        self._known: dict[int, tuple[NDArray[np.intp], int]] = {}

    def codes(self, column: int) -> NDArray[np.intp]:
        if column not in self._known:
            values, codes = np.unique(self._rows[column], return_inverse=True)
            self._known[column] = codes.reshape(-1), len(values)
        return self._known[column][0]

    def number(self, column: int) -> int:
        self.codes(column)
        return self._known[column][1]


def _table(levels: _Levels, i: int, j: int) -> NDArray[np.intp]:
    width, height = levels.number(i), levels.number(j)
    cells = levels.codes(i) * height + levels.codes(j)
    return np.bincount(cells, minlength=width * height).reshape(width, height)
