"""The U-Net of the copula model in float16; everything before and after it stays in float32.

Networks are strongly typed for TensorRT, so a precision is decided here, by casts in the graph.
Densities, their logarithms, the Donsker-Varadhan functional, statistics and heads are float32.
"""

from __future__ import annotations

from copy import deepcopy

import torch

from infonet_export.models.copula import CopulaNet

BODY = ("fine", "coarse", "encoder", "down", "decoder", "up", "table")


def half_body(net: CopulaNet) -> CopulaNet:
    """A copy that convolves in float16. ValueError if a weight or bias overflows."""
    copy = deepcopy(net)
    for part in BODY:
        copy.get_submodule(part).half()
    for name, weight in copy.named_parameters():
        if not torch.isfinite(weight).all():
            raise ValueError(
                f"{name} exceeds 65504, the largest float16: export with precision fp32"
            )
    return copy
