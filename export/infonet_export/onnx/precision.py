"""float16 in graphs: weights that are stored in it, and a U-Net that computes in it.

Weights stored in 16 bits and computed in 32 make half the file, at the same speed: ONNX Runtime
folds the casts when it loads the file. They are rounded before anything else is done with them
(`infonet_export.copula.graphs.round_weights`), so PyTorch, the file and the parity report speak of
one model.

`halve` is for those who have a model file and not the checkpoint: the U-Net of the copula model
becomes what ``infonet export --precision fp16`` writes, with casts around it and half weights
within. TensorRT builds networks as they are typed, so ``infonet build --precision fp16`` needs it.
"""

from __future__ import annotations

from typing import Literal

import infonet_kernels
import numpy as np
import onnx
import onnxruntime
from infonet.errors import ModelError
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

Precision = Literal["fp32", "fp16"]
SMALLEST = 256  # tensors below this many elements are not worth a cast
# the parts of `infonet_export.copula.network.CopulaNet` that convolve
BODY = ("fine", "coarse", "encoder", "down", "decoder", "up", "table")
TOLERANCE = 5e-3  # nats of MI, between a graph and its half
_CONVOLUTIONS = ("Conv", "ConvTranspose")
_BETWEEN = ("Add", "Relu", "Resize")
_FLOAT = TensorProto.FLOAT
_SIZES = (20, 129, 1151, 20_000)


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


def halve(content: bytes) -> bytes:
    """The core of a copula model, histogram in, with its U-Net in float16.

    Raises ModelError for another graph, for a weight beyond float16, and if MI changes by more than
    TOLERANCE for one of some known histograms.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    body = _body(graph)
    inside = {name for index in body for name in graph.node[index].output}
    outside = {value.name for value in graph.output}
    for index, node in enumerate(graph.node):
        outside.update(() if index in body else node.input)
    constants = _Constants(graph)
    nodes: list[NodeProto] = []
    made: set[str] = set()
    for index, node in enumerate(graph.node):
        if index not in body:
            nodes.append(node)
            continue
        names = list(node.output)
        for place, name in enumerate(node.input):
            if not name or (node.op_type == "Resize" and place > 0):  # sizes stay float32
                continue
            half = f"{name}.float16"
            if name not in inside and half not in made and not constants.halve(name, half):
                nodes.append(helper.make_node("Cast", [name], [half], to=TensorProto.FLOAT16))
            made.add(half)
            node.input[place] = half
        node.output[:] = [f"{name}.float16" for name in names]
        nodes.append(node)
        for name in outside.intersection(names):
            nodes.append(helper.make_node("Cast", [f"{name}.float16"], [name], to=_FLOAT))
    _replace(graph, nodes)
    result: bytes = model.SerializeToString()
    _check(content, result)
    return result


def _body(graph: onnx.GraphProto) -> set[int]:
    """Places of the U-Net's nodes: its convolutions and what stands between them."""
    found: set[int] = set()
    names: set[str] = set()
    convolutions = 0
    for index, node in enumerate(graph.node):
        convolves = node.op_type in _CONVOLUTIONS and _part(node.input[1]) in BODY
        if convolves or (node.op_type in _BETWEEN and names.intersection(node.input)):
            found.add(index)
            names.update(node.output)
            convolutions += convolves
    if convolutions < len(BODY):
        raise ModelError("the graph is not that of a copula model of this version: export it again")
    return found


class _Constants:
    """Weights: initializers, some of them stored in 16 bits behind a cast."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.stored = {tensor.name: tensor for tensor in graph.initializer}
        self.casts = {n.output[0]: n.input[0] for n in graph.node if n.op_type == "Cast"}

    def halve(self, name: str, half: str) -> bool:
        """Add ``half``, the weight ``name`` in float16; False if it is no weight."""
        tensor = self.stored.get(self.casts.get(name, name))
        if tensor is None:
            return False
        with np.errstate(over="ignore"):
            values = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(values).all():
            raise ModelError(f"{name} exceeds 65504, the largest float16: use precision fp32")
        self.graph.initializer.append(numpy_helper.from_array(values, half))
        return True


def _replace(graph: onnx.GraphProto, nodes: list[NodeProto]) -> None:
    """Other nodes, without casts and weights that nothing reads any more."""
    read = {name for node in nodes for name in node.input} | {v.name for v in graph.output}
    kept = [n for n in nodes if n.op_type != "Cast" or read.intersection(n.output)]
    read = {name for node in kept for name in node.input}
    weights = [tensor for tensor in graph.initializer if tensor.name in read]
    for field, values in ((graph.node, kept), (graph.initializer, weights)):
        copies = [type(value).FromString(value.SerializeToString()) for value in values]
        del field[:]
        field.extend(copies)
    del graph.value_info[:]


def _part(weight: str) -> str:
    """ "net.encoder.0.first.weight" -> "encoder"."""
    _, net, rest = f".{weight}".partition(".net.")
    return rest.split(".")[0] if net else ""


def _check(single: bytes, half: bytes) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    first, second = (
        onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for graph in (single, half)
    )
    source = first.get_inputs()[0]
    for n in _SIZES:
        histogram = _histograms(n, source.shape[-1])
        a, b = (s.run(["mi"], {source.name: histogram})[0] for s in (first, second))
        if not np.abs(a - b).max() <= TOLERANCE:  # also refuses NaN
            raise ModelError(
                f"in float16 the model's MI changes by {np.abs(a - b).max():.1e} nats at n = {n}, "
                f"{TOLERANCE} are allowed: use precision fp32"
            )


def _histograms(n: int, grid: int) -> NDArray[np.float32]:
    """Gaussian and wrapped dependence, weak to strong: [8, grid, grid]."""
    rng = np.random.default_rng(n)
    x, noise = rng.standard_normal((2, 4, n)).astype(np.float32)
    strength = np.array([[0.0], [0.5], [0.95], [0.9999]], np.float32)
    y = strength * x + np.sqrt(1 - strength**2) * noise
    ranks = infonet_kernels.soft_rank(np.concatenate([x, y, x, np.sin(3 * y)]))
    return infonet_kernels.joint_histogram(
        np.concatenate([ranks[:4], ranks[8:12]]), np.concatenate([ranks[4:8], ranks[12:]]), grid
    )
