"""The smoothing of tables as it is exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from infonet_export.models.perceiver.network import smoothing_matrix

BLOCK = 128  # rows of a table that are smoothed at once


class Smoothing(nn.Module):
    """Convolution of tables [B, D, D] with the kernel [1, 1, k, k], zeros outside.

    Two products with a banded matrix, a block of rows at a time: ONNX Runtime is slow at large
    convolutions of one channel.
    """

    matrix: Tensor

    def __init__(self, kernel: Tensor, size: int) -> None:
        super().__init__()
        self.size, self.reach = size, kernel.shape[-1] // 2
        self.register_buffer("matrix", smoothing_matrix(kernel, size))

    def forward(self, raw: Tensor, first: int = 0, wanted: int = 0) -> Tensor:
        """From raw nodes ``first`` on [B, R, R], the smoothed nodes ``wanted`` on, of both axes.

        ``first`` is the kernel's reach before ``wanted``, or 0.
        """
        blocks = [
            (start, max(first, start - self.reach), start + BLOCK + self.reach)
            for start in range(wanted, self.size, BLOCK)
        ]
        table = torch.cat(
            [
                self.matrix[start : start + BLOCK, low:high] @ raw[:, low - first : high - first]
                for start, low, high in blocks
            ],
            1,
        )
        return torch.cat(
            [
                table[..., low - first : high - first]
                @ self.matrix[start : start + BLOCK, low:high].T
                for start, low, high in blocks
            ],
            2,
        )
