"""The core of a model of fake_perceiver.py."""

import fake_perceiver
import onnx


def write_core(path):
    """Write X.core.onnx beside X.onnx, made without a switch: from ranks on."""
    model = onnx.load(path)
    model.graph.node.remove(model.graph.node[0])  # SoftRank
    model.graph.input[0].name = "r"
    model.graph.output[1].type.tensor_type.shape.dim[1].dim_value = fake_perceiver.GRID
    next(entry for entry in model.metadata_props if entry.key == "infonet.graph").value = "core"
    core = path.with_name(f"{path.stem}.core.onnx")
    onnx.save(model, core)
    return core
