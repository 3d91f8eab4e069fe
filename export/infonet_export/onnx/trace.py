"""A module in PyTorch as an ONNX graph, with the kernels as nodes of the domain ``infonet``."""

from __future__ import annotations

import logging
import warnings

import onnx
import torch
from torch import nn

from infonet_export.onnx.translations import OPSET, translation_table

IR_VERSION = 8  # what ONNX Runtime 1.17, the oldest supported, reads


def trace(
    module: nn.Module,
    example: torch.Tensor,
    dynamic: dict[int, str],
    name: str,
    outputs: tuple[str, ...],
) -> onnx.ModelProto:
    """Run torch.onnx.export with our operators, the pinned opset and named dynamic axes.

    Args:
        module: what is traced, in evaluation mode; it has one input.
        example: an input of the shape and dtype that the graph is for.
        dynamic: axis of the input -> its name, for the axes that differ from call to call.
        name: of the input.
        outputs: names of the outputs, in the module's order.

    Returns:
        The graph without stack traces and paths.
    """
    shapes = ({axis: torch.export.Dim(label, min=1) for axis, label in dynamic.items()},)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[name],
            output_names=list(outputs),
            dynamic_shapes=shapes,
            custom_translation_table=translation_table(),
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    model.ir_version = IR_VERSION
    strip_traces(model)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("", 0) != OPSET:
        raise RuntimeError(
            f"torch wrote opset {opsets.get('')}, {OPSET} was asked for: pin torch 2.13"
        )
    return model


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove, in place, the stack traces and file paths that torch notes at nodes and values."""
    graph = model.graph
    parts = [graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for part in [*parts, *model.functions]:
        del part.metadata_props[:]
        part.ClearField("doc_string")
