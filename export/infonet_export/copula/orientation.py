"""Make an answer blind to the order and the signs of the variables.

Mutual information does not change when x and y change places, or when one of them is read
backwards; a network that was trained under these eight symmetries of the square has learnt that
only roughly. So a histogram is first turned to the one of its eight images that has the largest
inner product with a fixed pattern: all eight give the network the same input, and the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SYMMETRIES = 8  # bit 0 flips x, bit 1 flips y, then bit 2 swaps them


class Orientation(nn.Module):
    """Chooses a symmetry for every histogram, applies it, and takes it back from a table.

    histogram_grid, table_grid: cells a side. cells: those of the pattern; divides histogram_grid.
    """

    patterns: Tensor
    turn_rows: Tensor
    turn_columns: Tensor
    undo_rows: Tensor
    undo_columns: Tensor

    def __init__(self, histogram_grid: int, table_grid: int, cells: int = 32) -> None:
        super().__init__()
        self.factor = histogram_grid // cells
        pattern = torch.randn(cells, cells, generator=torch.Generator().manual_seed(0))
        # <turned histogram, pattern> = <histogram, pattern turned back>
        turned = [_turn(pattern, _inverse(symmetry)) for symmetry in range(SYMMETRIES)]
        self.register_buffer("patterns", torch.stack(turned)[:, None], persistent=False)
        symmetries = list(range(SYMMETRIES))
        parts = _places(symmetries, histogram_grid), _places(map(_inverse, symmetries), table_grid)
        for name, (rows, columns) in zip(("turn", "undo"), parts, strict=True):
            self.register_buffer(f"{name}_rows", rows, persistent=False)
            self.register_buffer(f"{name}_columns", columns, persistent=False)

    def choose(self, histogram: Tensor) -> Tensor:
        """histogram [B, G, G] -> symmetry int64 [B]."""
        coarse = F.avg_pool2d(histogram[:, None], self.factor)
        return F.conv2d(coarse, self.patterns).flatten(1).argmax(1)

    def turn(self, histogram: Tensor, symmetry: Tensor) -> Tensor:
        """histogram [B, G, G] under symmetry [B]."""
        return _pick(histogram, self.turn_rows[symmetry], self.turn_columns[symmetry])

    def undo(self, table: Tensor, symmetry: Tensor) -> Tensor:
        """The table [B, T, T] of a histogram that was turned by symmetry [B], turned back."""
        return _pick(table, self.undo_rows[symmetry], self.undo_columns[symmetry])


def _pick(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Cells rows [B, S] + columns [B, S] of images [B, S, S], counted through each image."""
    index = rows[:, :, None] + columns[:, None, :]
    return image.flatten(1).gather(1, index.flatten(1)).reshape(image.shape)


def _places(symmetries: Iterable[int], side: int) -> tuple[Tensor, Tensor]:
    """Where the cell (i, j) of a turned image stands in the image: rows[s, i] + columns[s, j]."""
    image = torch.arange(side * side).reshape(side, side)
    turned = torch.stack([_turn(image, symmetry) for symmetry in symmetries])
    return turned[:, :, 0], turned[:, 0, :] - turned[:, :1, 0]


def _turn(image: Tensor, symmetry: int) -> Tensor:
    flips = [axis for bit, axis in ((1, 0), (2, 1)) if symmetry & bit]
    image = torch.flip(image, flips) if flips else image
    return image.T if symmetry & 4 else image


def _inverse(symmetry: int) -> int:
    """After a swap the flips act on the other variable."""
    return symmetry if symmetry < 4 else 4 | (symmetry & 1) << 1 | (symmetry & 2) >> 1
