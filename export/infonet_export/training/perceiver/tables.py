"""The paper's network as training runs it: the same tables, only the part that samples reach."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from infonet_export.config.perceiver import Precision
from infonet_export.models.perceiver.network import KERNEL_SIZE, Perceiver, smoothing_matrix

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_REACH = KERNEL_SIZE // 2


class Tables(nn.Module):
    """ranks float32 [B, n, 2] in [0, 1] -> smoothed tables float32 [B, D, D].

    Ranks fall into one quarter of a table. The rows that neither hold it nor reach it by smoothing
    change no estimate and get no gradient, so they are not computed; their answers are zeros.
    The network runs in ``precision`` by autocast, the smoothing always in float32: as products with
    a banded matrix, because the kernel is separable and an autocast or direct convolution of one
    channel is slow.
    """

    smoothing: Tensor

    def __init__(self, net: Perceiver, precision: Precision = "fp32") -> None:
        super().__init__()
        self.net = net
        self.precision = precision
        nodes = net.config.table_grid
        self.first = (nodes - 1) // 2  # node left of rank 0
        self.first_read = max(0, self.first - _REACH)
        self.register_buffer("smoothing", smoothing_matrix(net.kernel, nodes), persistent=False)

    def forward(self, ranks: Tensor) -> Tensor:
        dtype = _DTYPES.get(self.precision)
        with torch.autocast(ranks.device.type, dtype, enabled=dtype is not None):
            raw = self.net.decoder(self.queries(ranks), self.net.encoder(ranks))
        with torch.autocast(ranks.device.type, enabled=False):
            rows = self.smoothing[self.first :, self.first_read :]
            return F.pad(rows @ raw.float() @ self.smoothing.T, (0, 0, self.first, 0))

    def queries(self, ranks: Tensor) -> Tensor:
        """What QueryGenerator gives for the rows from ``first_read`` on."""
        query = self.net.query
        tokens = query.token_norm(query.tokens[:, self.first_read :])
        keys = query.key_norm(query.embedding(ranks[..., :1]))
        values = query.value_norm(query.embedding(ranks[..., 1:]))
        answer: Tensor = query.attention(tokens.expand(ranks.shape[0], -1, -1), keys, values)
        return answer
