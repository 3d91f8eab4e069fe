"""Weights stored in 16 bits, computed in 32: half the file, the same speed.

The weights are rounded before anything else is done with them, so PyTorch, the file and the parity
report speak of one model. ONNX Runtime folds the casts when it loads the file.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from infonet_export.models.copula import CopulaNet

SMALLEST = 256  # tensors below this many elements are not worth a cast


def round_weights(net: CopulaNet) -> CopulaNet:
    """A copy whose large weights are representable in float16. ValueError if one overflows."""
    rounded = deepcopy(net)
    with torch.no_grad():
        for name, weight in rounded.named_parameters():
            if weight.numel() >= SMALLEST:
                weight.copy_(weight.half().float())
                if not torch.isfinite(weight).all():
                    raise ValueError(
                        f"{name} exceeds 65504, the largest float16: train with weight decay"
                    )
    return rounded


def store_half(model: onnx.ModelProto) -> None:
    """Replace, in place, large float32 initializers that float16 holds exactly by a cast of it."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if values.size < SMALLEST or not np.array_equal(half.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=TensorProto.FLOAT))
    for node in reversed(casts):
        model.graph.node.insert(0, node)
