"""float16 in the convolutions of the copula model's U-Net, and nowhere else."""

from __future__ import annotations

import infonet
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from core_graphs import copula_core
from infonet.cli import main
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.graphs import Core, half_body
from onnx import TensorProto, shape_inference
from tiny_models import random_net, tiny_config

HALF, FLOAT = TensorProto.FLOAT16, TensorProto.FLOAT
SINGLE = {"AveragePool", "Log", "Exp", "Sqrt", "Softplus", "ReduceMax", "Div", "ArgMax"}


def _histograms(batch, grid=32, n=400):
    rng = np.random.default_rng(0)
    x, e = rng.random((2, batch, n))
    y = (x + rng.random((batch, 1)) * e) % 1
    cells = [np.histogram2d(a, b, grid, ((0, 1), (0, 1)))[0] for a, b in zip(x, y, strict=True)]
    return np.stack(cells).astype(np.float32)


def test_types_of_the_operators():
    model = shape_inference.infer_shapes(onnx.load(copula_core("fp16")), strict_mode=True)
    graph = model.graph
    types = {t.name: t.data_type for t in graph.initializer}
    values = (*graph.input, *graph.output, *graph.value_info)
    types |= {v.name: v.type.tensor_type.elem_type for v in values}
    seen, half = set(), []
    for node in graph.node:
        inputs = [types[name] for name in node.input if name]
        if node.op_type in SINGLE:
            seen.add(node.op_type)
            assert HALF not in inputs, node
        if node.op_type in ("Conv", "ConvTranspose"):
            assert len(set(inputs)) == 1
            half.append(inputs[0] == HALF)
    assert {"AveragePool", "Log", "Exp", "ArgMax"} <= seen
    # stem 2, two levels of residual pairs 4, down 1, up 1, decoder 2, table 1
    assert sum(half) == 11
    assert all(types[v.name] == FLOAT for v in (*graph.input, *graph.output))
    single = onnx.load(copula_core("fp32")).graph
    casts = [n for n in single.node if n.op_type == "Cast" and n.attribute[0].i == HALF]
    assert not casts


def test_half_is_close_in_onnx_runtime_and_in_pytorch():
    histograms = _histograms(16)
    single, half = (
        onnxruntime.InferenceSession(
            str(copula_core(precision)), providers=["CPUExecutionProvider"]
        ).run(None, {"histogram": histograms})
        for precision in ("fp32", "fp16")
    )
    for a, b, limit in zip(half, single, (5e-3, 5e-3, 5e-2, 5e-2), strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=limit)
    assert np.abs(half[2] - single[2]).max() > 1e-6  # so it was in another precision
    net = random_net(tiny_config().model)
    with torch.no_grad():
        exact, rounded = (Core(n).eval()(torch.from_numpy(histograms)) for n in
                          (net, half_body(net)))  # fmt: skip
    torch.testing.assert_close(rounded[0], exact[0], rtol=0, atol=5e-3)


def test_the_network_is_copied_and_overflow_is_refused():
    net = random_net(tiny_config().model)
    half = half_body(net)
    assert {p.dtype for p in net.parameters()} == {torch.float32}
    assert half.table.weight.dtype == torch.float16
    assert {p.dtype for p in (*half.head.parameters(), *half.test.parameters())} == {torch.float32}
    with torch.no_grad():
        net.encoder[0].first.bias[0] = 1e5
    with pytest.raises(ValueError, match=r"encoder\.0\.first\.bias .*65504.* precision fp32"):
        half_body(net)


def test_the_command(checkpoint, tmp_path):
    output = tmp_path / "m.onnx"
    arguments = [str(checkpoint), "-o", str(output), "--null-draws", "0", "--precision", "fp16"]
    result = CliRunner().invoke(main, ["export", *arguments])
    assert result.exit_code == 0, result.output
    for path in (output, tmp_path / "m.core.onnx"):
        assert infonet.load_model(path).precision == "fp16"
    samples = np.random.default_rng(0).normal(size=(2, 100, 2)).astype(np.float32)
    assert np.isfinite(infonet.Estimator(model=output).mi(samples)).all()


def test_unknown_precision(checkpoint, tmp_path):
    with pytest.raises(ValueError, match="'fp8', allowed are 'fp32' and 'fp16'"):
        export_checkpoint(checkpoint, tmp_path / "m.onnx", precision="fp8")
