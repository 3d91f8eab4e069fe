"""Checkpoint -> ONNX: the files say what PyTorch says, carry what the runtime needs, or are
refused."""

from __future__ import annotations

import hashlib
from functools import partial

import infonet
import infonet_kernels
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet_export.checkpoints import write_state
from infonet_export.configuration import load_config
from infonet_export.copula import export as copula_export
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.checkpoint import load_model, read_checkpoint
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.graphs import Core, FromSamples, round_weights
from infonet_export.copula.null_distribution import simulate_null
from infonet_export.onnx.verify import ParityError
from infonet_export.onnx.write import core_path
from tiny_models import CONFIGS, random_net, save_checkpoint, tiny_config

FACTORS = IntervalFactors((30, 300, 3000), (2.0, 1.5, 1.0), (3.0, 2.0, 1.2))
OUTPUTS = ("mi", "quantiles", "table", "score")


def _checkpoint_with_factors(folder, config):
    path = save_checkpoint(folder / "checkpoint.pt", config)
    write_state(path, {**read_checkpoint(path), "interval_factors": FACTORS.to_dict()})
    return path


def _export(folder, config, sizes):
    checkpoint = _checkpoint_with_factors(folder, config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copula_export, "simulate_null", partial(simulate_null, sizes=sizes))
        result = export_checkpoint(checkpoint, folder / "new" / "tiny.onnx", null_draws=100)
    return checkpoint, result


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return _export(tmp_path_factory.mktemp("tiny"), tiny_config(), (20, 100, 600))


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The shipped architecture with random weights."""
    config = load_config(CONFIGS / "copula" / "stage3.yaml")
    return _export(tmp_path_factory.mktemp("default"), config, (20, 40))


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


@pytest.mark.usefixtures("_traced_once")
@pytest.mark.parametrize("error", [0.5, float("nan")])
@pytest.mark.parametrize("target", ["samples", "core"])
def test_a_file_that_differs_from_pytorch_is_refused_and_removed(
    tmp_path, checkpoint, monkeypatch, target, error
):
    save = onnx.save_model

    def perturb(model, path):
        graph = {p.key: p.value for p in model.metadata_props}["infonet.graph"]
        if graph == target:
            name = next(t.name for t in model.graph.initializer if "head.4.bias" in t.name)
            for tensor in model.graph.initializer:
                if tensor.name == name:
                    values = onnx.numpy_helper.to_array(tensor).copy() + np.float32(error)
                    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
        save(model, path)

    monkeypatch.setattr(onnx, "save_model", perturb)
    with pytest.raises(ParityError, match=r"export refused.*allowed: mi 0\.0001"):
        export_checkpoint(checkpoint, tmp_path / "bad.onnx", null_draws=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_traced_once")
def test_a_failure_midway_leaves_nothing_behind(tmp_path, checkpoint, monkeypatch):
    inner, calls = copula_export.trace, []

    def second_fails(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return inner(*arguments)

    monkeypatch.setattr(copula_export, "trace", second_fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        export_checkpoint(checkpoint, tmp_path / "half.onnx", null_draws=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_traced_once")
def test_a_refused_export_keeps_the_older_files(tmp_path, exported, checkpoint, monkeypatch):
    old = tmp_path / "model.onnx"
    for source, target in ((exported[1].model, old), (exported[1].core, core_path(old))):
        target.write_bytes(source.read_bytes())

    def refuse(*_):
        raise ParityError("export refused")

    monkeypatch.setattr(copula_export, "check_parity", refuse)
    with pytest.raises(ParityError):
        export_checkpoint(checkpoint, old, null_draws=0)
    assert old.read_bytes() == exported[1].model.read_bytes()
    assert core_path(old).read_bytes() == exported[1].core.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_null_distribution_the_entry_is_empty(tmp_path, exported):
    checkpoint, first = exported
    result = export_checkpoint(checkpoint, tmp_path / "m.onnx", null_draws=0)
    assert core_path(result.model) == result.core == tmp_path / "m.core.onnx"
    assert infonet.load_model(result.model).null is None
    assert infonet.load_model(result.model).metadata["infonet.null_distribution"] == ""
    estimate = infonet.Estimator(model=result.model).estimate(*_samples(1, 100)[0].T)
    assert estimate.p_value is None
    # exporting again gives the same graph, to the byte
    for a, b in ((result.model, first.model), (result.core, first.core)):
        graphs = [onnx.load(path).graph.SerializeToString(deterministic=True) for path in (a, b)]
        assert graphs[0] == graphs[1]


def test_null_distribution_against_independent_simulations(exported):
    _, result = exported
    null = infonet.load_model(result.model).null
    assert null.statistic == "score"
    assert null.quantiles.shape == (3, null.probabilities.size)
    assert (np.diff(null.quantiles, axis=1) >= 0).all()
    # other random numbers, real values, the runtime instead of the exporter
    engine = PairEngine(CpuBackend(infonet.load_model(result.model)))
    rng = np.random.default_rng(77)
    for n, row in zip(null.n.astype(int), null.quantiles, strict=True):
        scores = [
            float(engine.run(engine.prepare(rng.normal(size=(2, n))), ONE_PAIR).statistic[0])
            for _ in range(600)
        ]
        for probability, quantile in zip(null.probabilities, row, strict=True):
            # share below the stored quantile: errors of 200 stored and 600 fresh draws
            error = np.sqrt(probability * (1 - probability) * (1 / 200 + 1 / 600))
            share = np.mean(np.array(scores) <= quantile)
            assert share == pytest.approx(probability, abs=5 * error + 0.01), (n, probability)


def test_null_distribution_of_a_known_statistic():
    """An exponential one: its quantiles, and an exponential tail of scale 1."""
    rng = np.random.default_rng(0)
    draw = lambda histogram: rng.standard_exponential(len(histogram))  # noqa: E731
    null = simulate_null(draw, 16, sizes=(20, 50, 10_000, 40_000), draws=20_000)
    for row in null["quantiles"]:
        exact = -np.log1p(-np.array(null["probabilities"]))
        # error of a quantile: sqrt(p (1 - p) / draws) / density
        error = np.sqrt(np.array(null["probabilities"]) / (1 - np.array(null["probabilities"])))
        assert (np.abs(row - exact) < 5 * error / 100).all()
    assert null["tail"]["shape"] < 0.1
    np.testing.assert_allclose(null["tail"]["scales"], 1, atol=0.3)


def test_the_same_draws_give_the_same_table():
    core = Core(random_net(tiny_config().model)).eval()

    def statistic(histogram):
        with torch.no_grad():
            return core(torch.from_numpy(histogram))[3].numpy()

    first = simulate_null(statistic, 32, sizes=(20,), draws=1)
    assert np.isfinite(first["quantiles"]).all()
    assert simulate_null(statistic, 32, sizes=(20,), draws=1) == first


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_file_that_is_no_checkpoint_is_refused_before_anything_is_written(tmp_path, content):
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="infonet train"):
        export_checkpoint(path, tmp_path / "out" / "x.onnx")
    assert not (tmp_path / "out").exists()


def test_no_file_holds_paths_or_stack_traces(exported):
    _, result = exported
    for path in (result.model, result.core):
        model = onnx.load(path)
        assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
        assert b".py" not in path.read_bytes()
