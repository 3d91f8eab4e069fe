"""float16 where matrices are multiplied, and nowhere else; close to float32 all the same."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from exported_perceivers import AFFINE, exported
from infonet_export.perceiver.graphs import PerceiverCore
from infonet_export.perceiver.published import load_perceiver
from onnx import TensorProto, helper, numpy_helper, shape_inference
from random_perceivers import ODD, SMALL, fixture_file, random_net

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT
SINGLE = {
    "Softmax", "LayerNormalization", "Exp", "Log", "Sqrt", "ReduceMax", "ReduceMean", "ReduceSum",
    "Erf", "Gelu", "Sub", "Div", "ScatterElements", "GatherElements", "LeakyRelu",
}  # fmt: skip


def _typed_nodes(path):
    """[(node, element types of its inputs)] of the graph and of its branches.

    Types are inferred by onnx, for which SoftRank becomes an Identity: it has the same types.
    """
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type == "SoftRank":
            identity = helper.make_node("Identity", node.input, node.output)
            node.CopyFrom(identity)
    model = shape_inference.infer_shapes(model, strict_mode=True)
    types, nodes = {}, []

    def walk(graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            types[value.name] = value.type.tensor_type.elem_type
        types.update({value.name: value.data_type for value in graph.initializer})
        for node in graph.node:
            nodes.append(node)
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    walk(attribute.g)

    walk(model.graph)
    return [(node, [types[name] for name in node.input if name]) for node in nodes]


def test_types_of_the_operators():
    nodes = _typed_nodes(exported("fp16").model)
    seen = set()
    for node, inputs in nodes:
        if node.op_type in SINGLE:
            seen.add(node.op_type)
            assert HALF not in inputs, node
    assert {"Softmax", "LayerNormalization", "Exp", "Log"} <= seen
    products = [inputs for node, inputs in nodes if node.op_type in ("MatMul", "Gemm")]
    assert all(len(set(inputs)) == 1 for inputs in products)
    half = sum(inputs[0] == HALF for inputs in products)
    # blocks of 6 layers and 2 products of attention; read 2 layers of its own; embeddings, keys and
    # values 6; 2 halves of the query: its heads twice, 1 layer; decoder: 2 layers, and for 2 halves
    # 4 layers and twice attention
    blocks, heads = AFFINE.blocks, AFFINE.query_heads
    assert half == blocks * (6 + 2) + 2 + 6 + 2 * (heads * 2 + 1) + 2 + 2 * (4 + 2)


def test_float32_files_hold_no_float16():
    for node, inputs in _typed_nodes(exported("published").model):
        assert HALF not in inputs
        if node.op_type == "Cast":
            assert helper.get_attribute_value(node.attribute[0]) != HALF


def test_weights_are_stored_in_float16():
    """The file holds the constants of its form, and those of the published form are mostly half."""
    made = exported("fp16")
    stored = {FLOAT: [], HALF: []}
    for constant in onnx.load(made.model).graph.initializer:
        if constant.data_type in stored:
            stored[constant.data_type].append(numpy_helper.to_array(constant).size)
    sizes = _sizes(load_perceiver(made.checkpoint))
    assert sum(size for size in stored[HALF] if size > 1) == sum(sizes[torch.float16])
    assert sum(stored[FLOAT]) < 2 * sum(sizes[torch.float32])  # parts of the smoothing twice
    sizes = _sizes(load_perceiver(fixture_file("upstream_softrank_branch.ckpt")))
    assert sum(sizes[torch.float16]) > 8 * sum(sizes[torch.float32])


def _sizes(net):
    """Numbers of elements of the constants of a network's form in float16, by type."""
    found = {torch.float16: [], torch.float32: []}
    form = PerceiverCore(net, precision="fp16")
    for constant in (*form.parameters(), *form.buffers()):
        found[constant.dtype].append(constant.numel())
    return found


@pytest.mark.parametrize("grid", [0, 256])
@pytest.mark.parametrize("config", [SMALL, ODD])
def test_half_is_close_in_pytorch(config, grid):
    net = random_net(config)
    ranks = torch.from_numpy(np.random.default_rng(0).random((2, 300, 2)).astype(np.float32))
    with torch.no_grad():
        exact, half = (PerceiverCore(net, grid, p)(ranks) for p in ("fp32", "fp16"))
    assert half[0].dtype == half[1].dtype == torch.float32
    torch.testing.assert_close(half[0], exact[0], rtol=0, atol=5e-3)
    torch.testing.assert_close(half[1], exact[1], rtol=0, atol=2e-2)
    assert float((half[1] - exact[1]).abs().max()) > 1e-5  # so it was in another precision


@pytest.mark.parametrize("layer", ["decoder.feed_forward.narrow", "query.attention.key"])
def test_weights_beyond_float16_are_refused(layer):
    net = random_net(SMALL)
    with torch.no_grad():
        net.get_submodule(layer).weight[0, 0] = 7e4
    PerceiverCore(net)
    with pytest.raises(ValueError, match="exceeds 65504, .* precision fp32"):
        PerceiverCore(net, precision="fp16")


@pytest.mark.parametrize("grid", [0, 64])
def test_tabulated_values_beyond_float16_are_refused(grid):
    """No weight is large, but what is folded from them is."""
    net = random_net(SMALL)
    with torch.no_grad():
        attention = net.query.attention
        (attention.value if grid else attention.query).bias.fill_(3e5)
    with pytest.raises(ValueError, match="float16"):
        PerceiverCore(net, grid, "fp16")
