"""Checkpoint -> ONNX: the files say what PyTorch says, carry what the runtime needs, or are
refused."""

from __future__ import annotations

import hashlib

import infonet
import infonet_kernels
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.checkpoint import load_model, read_checkpoint
from infonet_export.copula.graphs import Core, FromSamples, round_weights
from tiny_models import random_net, tiny_config

OUTPUTS = ("mi", "quantiles", "table", "score")
FACTORS = IntervalFactors((30, 300, 3000), (2.0, 1.5, 1.0), (3.0, 2.0, 1.2))


def _session(path, custom_ops):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    if custom_ops:
        options.register_custom_ops_library(str(infonet_kernels.library_path()))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _reference(checkpoint):
    trained = load_model(checkpoint)
    return FromSamples(Core(round_weights(trained.net), trained.interval_factors)).eval()


def _samples(batch, n, seed=0):
    rng = np.random.default_rng(seed)
    x, e = rng.normal(size=(2, batch, n))
    return np.stack([x, rng.uniform(-1, 1, (batch, 1)) * x + e], 2).astype(np.float32)


def _histograms(batch, grid, n=500, seed=0):
    samples = _samples(batch, n, seed)
    ranks = infonet_kernels.soft_rank(samples.transpose(0, 2, 1).reshape(-1, n))
    return infonet_kernels.joint_histogram(ranks[::2], ranks[1::2], grid)


@pytest.mark.parametrize("kind", ["exported", "default"])
@pytest.mark.parametrize(("batch", "n"), [(1, 20), (1, 777), (4, 50), (7, 333), (2, 5000)])
def test_samples_graph_equals_pytorch(kind, batch, n, request):
    checkpoint, result = request.getfixturevalue(kind)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert infonet.load_model(result.model).checkpoint_sha256 == digest
    samples = _samples(batch, n)
    with torch.no_grad():
        expected = _reference(checkpoint)(torch.from_numpy(samples))
    got = _session(result.model, True).run(OUTPUTS, {"samples": samples})
    for name, a, b in zip(OUTPUTS, got, expected, strict=True):
        assert a.dtype == np.float32
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(a, b.numpy(), atol=1e-4, rtol=1e-4, err_msg=name)
    np.testing.assert_array_equal(got[0], got[1][:, 1])
    assert (got[1] >= 0).all()
    assert (np.diff(got[1], axis=1) >= 0).all()


@pytest.mark.parametrize("kind", ["exported", "default"])
def test_tables_of_the_file_are_log_density_ratios(kind, request):
    """As other programs get them: the mean of exp over independent cells is 1."""
    result = request.getfixturevalue(kind)[1]
    histograms = _histograms(5, infonet.load_model(result.core).histogram_grid, 2000)
    (table,) = _session(result.core, False).run(["table"], {"histogram": histograms})
    side = table.shape[1]
    joint = histograms.reshape(5, side, 2, side, 2).sum((2, 4)) / 2000
    product = joint.sum(2)[:, :, None] * joint.sum(1)[:, None]
    np.testing.assert_allclose((product * np.exp(table)).sum((1, 2)), 1, atol=1e-4)


@pytest.mark.parametrize("kind", ["exported", "default"])
def test_core_graph_equals_the_samples_graph(kind, request):
    _, result = request.getfixturevalue(kind)
    grid = infonet.load_model(result.core).histogram_grid
    whole, core = _session(result.model, True), _session(result.core, False)
    for n in (20, 500, 4000):
        a = whole.run(OUTPUTS, {"samples": _samples(3, n)})
        b = core.run(OUTPUTS, {"histogram": _histograms(3, grid, n)})
        for left, right in zip(a, b, strict=True):
            np.testing.assert_allclose(left, right, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["exported", "default"])
def test_core_graph_gives_identical_bytes_for_every_batch_size(kind, request):
    _, result = request.getfixturevalue(kind)
    session = _session(result.core, False)
    histograms = _histograms(16, infonet.load_model(result.core).histogram_grid)
    single = [session.run(OUTPUTS, {"histogram": h[None]}) for h in histograms]
    for size in (2, 3, 8, 16):
        for start in range(0, 16 - size + 1, size):
            together = session.run(OUTPUTS, {"histogram": histograms[start : start + size]})
            for i in range(size):
                for name, a, b in zip(OUTPUTS, together, single[start + i], strict=True):
                    assert a[i].tobytes() == b[0].tobytes(), (name, size, start + i)


def test_metadata_is_what_the_runtime_reads(exported):
    checkpoint, result = exported
    config = load_model(checkpoint).config.model
    for path, graph in ((result.model, "samples"), (result.core, "core")):
        model = infonet.load_model(path)
        assert model.graph == graph
        assert model.architecture == "copula"
        assert (model.eps, model.normalize) == (0.0, "midrank")
        assert model.histogram_grid == config.histogram_grid
        assert model.table_grid == config.histogram_grid // 2
        assert model.quantile_levels == (0.05, 0.5, 0.95)
        assert (model.n_min, model.n_max) == (config.n_min, config.n_max)
        assert model.precision == "fp32"
        assert model.version == infonet.__version__
        assert model.checkpoint_sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
        weights = read_checkpoint(checkpoint)["average"].values()
        assert model.parameters == sum(weight.numel() for weight in weights)
        assert model.null.n.tolist() == [20, 100, 600]
        stored = {p.key: p.value for p in onnx.load(path).metadata_props}
        assert stored == model.metadata
        assert set(stored) == {
            f"infonet.{name}"
            for name in [
                "format_version",
                "architecture",
                "graph",
                "network",
                "preprocessing",
                "histogram_grid",
                "table_grid",
                "quantile_levels",
                "n_min",
                "n_max",
                "test_statistic",
                "precision",
                "parameters",
                "null_distribution",
                "version",
                "checkpoint_sha256",
                "content_sha256",
            ]
        }


def test_the_runtime_answers_as_pytorch_does(exported):
    checkpoint, result = exported
    samples = _samples(5, 300)
    with torch.no_grad():
        mi, quantiles, *_ = _reference(checkpoint)(torch.from_numpy(samples))
    estimator = infonet.Estimator(model=result.model, threads=1)
    np.testing.assert_allclose(estimator.mi(samples), mi.numpy(), atol=1e-4)
    np.testing.assert_allclose(estimator.quantiles(samples), quantiles.numpy(), atol=1e-4)
    one = estimator.estimate(samples[0, :, 0], samples[0, :, 1])
    assert one.mi == pytest.approx(mi[0].item(), abs=1e-4)
    assert one.p_value is not None


@pytest.mark.parametrize("kind", ["exported", "default"])
def test_graphs_are_standard_apart_from_our_two_operators(kind, request):
    _, result = request.getfixturevalue(kind)
    whole, core = onnx.load(result.model), onnx.load(result.core)
    assert {e.domain: e.version for e in whole.opset_import} == {"": 18, "infonet": 1}
    assert {e.domain: e.version for e in core.opset_import if e.domain} == {}
    assert [e.version for e in core.opset_import] == [18]
    assert whole.ir_version == core.ir_version <= 8  # ONNX Runtime 1.17 reads 8 and older
    custom = [node.op_type for node in whole.graph.node if node.domain == "infonet"]
    assert custom == ["SoftRank", "JointHistogram"]
    assert not any(node.domain for node in core.graph.node)
    assert not whole.functions
    assert not core.functions
    onnx.checker.check_model(core, full_check=True)
    assert [i.name for i in core.graph.input] == ["histogram"]
    assert [i.name for i in whole.graph.input] == ["samples"]
    for model in (whole, core):
        assert [o.name for o in model.graph.output] == list(OUTPUTS)


def test_axes_are_named(exported):
    def axes(value):
        shape = value.type.tensor_type.shape.dim
        return [d.dim_param or d.dim_value for d in shape]

    whole, core = (onnx.load(path).graph for path in (exported[1].model, exported[1].core))
    assert axes(whole.input[0]) == ["batch", "n", 2]
    assert axes(core.input[0]) == ["batch", 32, 32]
    for graph in (whole, core):
        assert [axes(o) for o in graph.output] == [
            ["batch"],
            ["batch", 3],
            ["batch", 16, 16],
            ["batch"],
        ]


def test_large_weights_are_stored_in_half_and_small_ones_are_not(default):
    checkpoint, result = default
    for path in (result.model, result.core):
        stored = onnx.load(path).graph.initializer
        half = [t for t in stored if t.data_type == onnx.TensorProto.FLOAT16]
        elements = sum(int(np.prod(t.dims)) for t in half)
        weights = read_checkpoint(checkpoint)["average"].values()
        assert elements == sum(w.numel() for w in weights if w.numel() >= 256)
        assert all(np.prod(t.dims) >= 256 for t in half)
        total = sum(w.numel() for w in weights)
        # two bytes a weight, the patterns of the orientation, the position plane, the graph
        assert path.stat().st_size < 2.1 * total + 350_000


def test_rounding_keeps_the_original_and_refuses_overflow():
    net = random_net(tiny_config().model)
    before = [p.clone() for p in net.parameters()]
    rounded = round_weights(net)
    for old, weight, new in zip(before, net.parameters(), rounded.parameters(), strict=True):
        assert torch.equal(old, weight)
        expected = weight.detach().numpy().astype(np.float16).astype(np.float32)
        big = weight.numel() >= 256
        np.testing.assert_array_equal(new.detach().numpy(), expected if big else weight.detach())
    with torch.no_grad():
        net.encoder[0].first.weight[0, 0, 0, 0] = 1e5
    with pytest.raises(ValueError, match=r"encoder\.0\.first\.weight.*65504"):
        round_weights(net)


def test_factors_stretch_the_interval_about_the_median():
    config = tiny_config().model
    net = random_net(config)
    plain, stretched = Core(net).eval(), Core(net, FACTORS).eval()
    with torch.no_grad():
        net.head[-1].bias.add_(torch.tensor([-3.0, 1.0, -3.0]))  # away from the clip at 0
    for n, low, high in (
        (20, 2.0, 3.0),
        (30, 2.0, 3.0),
        (300, 1.5, 2.0),
        (95, 1.75, 2.5),  # halfway in log n
        (500, None, None),
    ):
        histogram = torch.from_numpy(_histograms(2, 32, n))
        with torch.no_grad():
            raw, new = plain(histogram)[1], stretched(histogram)[1]
        assert (raw > 0).all()
        torch.testing.assert_close(new[:, 1], raw[:, 1])
        if low is None:  # between 300 and 3000
            share = np.log(500 / 300) / np.log(10)
            low, high = 1.5 - 0.5 * share, 2.0 - 0.8 * share
        torch.testing.assert_close(
            (new[:, 1] - new[:, 0]) / (raw[:, 1] - raw[:, 0]),
            torch.full((2,), float(low)),
            rtol=5e-3,
            atol=0,
        )
        torch.testing.assert_close(
            (new[:, 2] - new[:, 1]) / (raw[:, 2] - raw[:, 1]),
            torch.full((2,), float(high)),
            rtol=5e-3,
            atol=0,
        )


def test_negative_quantiles_are_clipped():
    net = random_net(tiny_config().model)
    with torch.no_grad():
        net.head[-1].bias[1] -= 100
        mi, quantiles, *_ = Core(net).eval()(torch.from_numpy(_histograms(3, 32)))
    assert (quantiles == 0).all()
    assert (mi == 0).all()


def test_the_report_is_within_its_tolerances(exported):
    parity = exported[1].parity
    assert parity.pairs >= 20
    for value in (parity.mi, parity.quantiles, parity.core_mi):
        assert 0 <= value <= 1e-4
    assert 0 <= parity.table <= 1e-2
    assert 0 <= parity.score <= 1e-2
    assert "nats" in str(parity)


def test_no_file_holds_paths_or_stack_traces(exported):
    _, result = exported
    for path in (result.model, result.core):
        model = onnx.load(path)
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert b".py" not in path.read_bytes()
