"""float16 in an exported float32 graph: what the exporter would have written."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from core_graphs import copula_core, perceiver_core
from infonet.errors import InputError, ModelError
from infonet_export.engines.model_files import load_core
from infonet_export.onnx import precision
from infonet_export.onnx.precision import halve
from onnx import numpy_helper


def _run(content, histograms):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"histogram": histograms})


def test_it_is_the_exporter_s_graph():
    content = halve(copula_core("fp32").read_bytes())
    model, exported = onnx.load_from_string(content), onnx.load(copula_core("fp16"))
    onnx.checker.check_model(model, full_check=True)
    counts = [Counter(node.op_type for node in m.graph.node) for m in (model, exported)]
    assert counts[0] == counts[1]
    weights = [Counter((t.data_type, *t.dims) for t in m.graph.initializer if len(t.dims) == 4)
               for m in (model, exported)]  # fmt: skip
    assert weights[0] == weights[1]
    histograms = np.random.default_rng(0).poisson(1.0, (5, 32, 32)).astype(np.float32)
    got, expected = _run(content, histograms), _run(exported.SerializeToString(), histograms)
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-3)


def _changed(name, value):
    model = onnx.load(copula_core("fp32"))
    (tensor,) = (t for t in model.graph.initializer if t.name == name)
    values = numpy_helper.to_array(tensor).copy()
    values.flat[0] = value
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    return model.SerializeToString()


def test_what_cannot_be_halved_is_refused(monkeypatch):
    with pytest.raises(ModelError, match=r"encoder\.0\.first\.bias exceeds 65504"):
        halve(_changed("net.encoder.0.first.bias", 1e5))
    with pytest.raises(ModelError, match="not that of a copula model"):
        halve(perceiver_core("perceiver_rank").read_bytes())
    monkeypatch.setattr(precision, "TOLERANCE", 1e-9)
    with pytest.raises(ModelError, match=r"MI changes by .* nats at n = 20"):
        halve(copula_core("fp32").read_bytes())


def test_a_float32_model_gives_a_float16_core():
    path = copula_core("fp32")
    single, half = load_core(path, None), load_core(path, "fp16")
    assert (single.model.precision, half.model.precision) == ("fp32", "fp16")
    assert half.model.metadata["infonet.precision"] == "fp16"
    # simulated in float32, which does not hold for the score in float16
    assert (half.model.null, half.model.metadata["infonet.null_distribution"]) == (None, "")
    assert half.sha256 == single.sha256
    assert half.content != single.content
    for other, wanted in (
        (copula_core("fp16"), "fp32"),
        (perceiver_core("perceiver_rank"), "fp32"),
    ):
        with pytest.raises(InputError, match=r"is fp16, and fp32 was asked for: export it with"):
            load_core(other, wanted)
