"""Exported files of the paper's network: any batch and length, odd data, metadata, refusals."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

import infonet
import infonet_kernels
import numpy as np
import onnx
import perceiver_twin as twin
import pytest
import torch
from exported_perceivers import EXPORTED, exported, run, session
from infonet_export import soft_rank
from infonet_export.onnx.trace import trace
from infonet_export.perceiver import mutual_information
from infonet_export.perceiver.graphs import PerceiverCore, PerceiverFromSamples
from infonet_export.perceiver.published import load_perceiver
from infonet_export.perceiver.read_out import PERMUTATIONS, permutation
from random_perceivers import ODD, SMALL, fixture_file, random_net

KINDS = ["published", "random"]


def _samples(batch, n, seed=0):
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(2, batch, n))
    return np.stack([x, x**2 + noise], 2).astype(np.float32)


def _network(kind, samples):
    """(mi, table) of PyTorch."""
    net = load_perceiver(exported(kind).checkpoint)
    with torch.no_grad():
        ranks = soft_rank(torch.from_numpy(samples), net.config.eps, net.config.normalize)
        table = net(ranks).table
        return mutual_information(table, ranks).numpy(), table.numpy()


def _agree(got, expected, error=2e-6):
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=error * max(1, np.abs(b).max(initial=0)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("batch", "n"), [(1, 1), (3, 2), (3, 20), (2, 129), (1, 1151), (3, 1151), (1, 5000)]
)
def test_any_batch_and_length_in_one_file(kind, batch, n):
    samples = _samples(batch, n)
    got = run(exported(kind).model, samples)
    size = {"published": 64, "random": 15}[kind]
    assert got[0].shape == (batch,)
    assert got[1].shape == (batch, size, size)
    _agree(got, _network(kind, samples), 5e-6)


@pytest.mark.parametrize("kind", ["published", "histogram", "random"])
def test_pairs_of_a_batch_do_not_touch_each_other(kind):
    samples = np.concatenate([_samples(1, 300), 1e6 * _samples(1, 300, 1), _samples(1, 300)])
    mi, table = run(exported(kind).model, samples)
    for b in range(3):
        _agree(run(exported(kind).model, samples[b : b + 1]), (mi[b : b + 1], table[b : b + 1]))
    assert abs(mi[0] - mi[1]) > 1e-6


@pytest.mark.parametrize("kind", ["published", "histogram", "random"])
def test_nothing_in_a_batch_of_none(kind):
    mi, table = run(exported(kind).model, np.zeros((0, 50, 2)))
    assert mi.shape == (0,)
    assert table.shape[0] == 0


@pytest.mark.parametrize("kind", ["published", "histogram", "fp16", "random"])
def test_switch_of_the_table(kind):
    samples = _samples(2, 300)
    mi, table = run(exported(kind).model, samples)
    on = run(exported(kind).model, samples, with_table=True)
    off = run(exported(kind).model, samples, with_table=False)
    assert np.array_equal(on[0], mi)
    assert np.array_equal(on[1], table)
    assert off[0].tobytes() == mi.tobytes()
    assert off[1].shape == (0, 0, 0)
    again = run(exported(kind).model, samples)
    assert again[1].tobytes() == table.tobytes()


def _cauchy(rng, n):
    return np.tan(np.pi * (rng.random((n, 2)) - 0.5)) * 1e10


def _duplicates(rng, n):
    pairs = rng.normal(size=(n // 4, 2))
    return np.repeat(pairs + pairs[:, :1], 4, 0)


def _discrete(rng, n):
    return rng.integers(0, 3, (n, 2)).astype(float)


def _outlier(rng, n):
    pairs = rng.normal(size=(n, 2))
    pairs[3] = 3e38, -3e38
    return pairs


def _constant(rng, n):
    return np.stack([rng.normal(size=n), np.full(n, 7.0)], 1)


def _both_constant(rng, n):
    return np.full((n, 2), -0.0)


def _equal(rng, n):
    return np.repeat(rng.normal(size=(n, 1)), 2, 1)


DATA = [_cauchy, _duplicates, _discrete, _outlier, _constant, _both_constant, _equal]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", KINDS)
def test_awkward_data(kind, data):
    samples = data(np.random.default_rng(0), 200).astype(np.float32)[None]
    expected = _network(kind, samples)
    got = run(exported(kind).model, samples)
    assert np.isfinite(got[0]).all()
    _agree(got, expected, 5e-6)
    if data is _both_constant:
        assert got[0][0] == pytest.approx(0, abs=1e-4)  # one point, all n^2 pairs are the same


@pytest.mark.parametrize("data", DATA)
def test_awkward_data_from_a_histogram(data):
    samples = data(np.random.default_rng(0), 200).astype(np.float32)[None]
    net = load_perceiver(fixture_file("upstream_softrank_branch.ckpt"))
    exact = run(exported("published").model, samples)
    got = _form(net, samples, 64, "fp32")
    np.testing.assert_allclose(got[0], exact[0], atol=2e-4)
    np.testing.assert_allclose(got[1], exact[1], atol=2e-3)


def _form(net, samples, grid, precision):
    """(mi, table) of the module that is traced, in PyTorch."""
    whole = PerceiverFromSamples(
        PerceiverCore(net, grid, precision), net.config.eps, net.config.normalize
    )
    with torch.no_grad():
        return [output.numpy() for output in whole.eval()(torch.from_numpy(samples))]


# (kind, grid, precision, largest error of MI, of the table); matrices of float16 are multiplied in
# another order by ONNX Runtime
FORMS = [("histogram", 64, "fp32", 5e-6, 5e-6), ("fp16", 0, "fp16", 2e-4, 2e-3)]


@pytest.mark.parametrize(("kind", "grid", "precision", "mi_error", "table_error"), FORMS)
@pytest.mark.parametrize("data", [*DATA, lambda rng, n: _samples(1, 5000)[0]])
def test_a_file_is_the_form_that_was_traced(data, kind, grid, precision, mi_error, table_error):
    samples = data(np.random.default_rng(0), 200).astype(np.float32)[None]
    mi, table = _form(load_perceiver(exported(kind).checkpoint), samples, grid, precision)
    got = run(exported(kind).model, samples)
    _agree(got[:1], [mi], mi_error)
    _agree(got[1:], [table], table_error)


@pytest.mark.parametrize("kind", ["histogram", "fp16"])
def test_the_runtime_answers_as_the_file(kind):
    samples = _samples(3, 300)
    mi, table = run(exported(kind).model, samples)
    estimator = infonet.Estimator(exported(kind).model, threads=1)
    np.testing.assert_allclose(estimator.mi(samples), mi, atol=2e-5)
    for b in range(3):
        found = estimator.estimate(*samples[b].T)
        assert found.mi == pytest.approx(mi[b], abs=2e-5)
        difference = found.table - table[b].T  # a constant: see infonet.pairs.pmi
        np.testing.assert_allclose(difference, difference.mean(), atol=2e-5)
        assert found.interval is None


@pytest.mark.parametrize("data", DATA)
def test_awkward_data_through_the_runtime(data):
    samples = data(np.random.default_rng(0), 200)
    estimator = infonet.Estimator(exported("random").model, threads=1)
    if "constant" in data.__name__:
        with pytest.warns(infonet.InfoNetWarning, match="constant"):
            assert estimator.estimate(*samples.T).mi == 0
        return
    found = estimator.estimate(*samples.T)
    mi, table = _network("random", samples.astype(np.float32)[None])
    entropies = [np.unique(column, return_counts=True)[1] / 200 for column in samples.T]
    entropy = min(-(p * np.log(p)).sum() for p in entropies)
    assert found.mi == pytest.approx(min(float(mi[0]), entropy), abs=1e-5)
    difference = found.table - table[0].T  # a constant: see infonet.pairs.pmi
    np.testing.assert_allclose(difference, difference.mean(), atol=1e-5)


def test_runtime_refuses_fewer_samples_than_the_minimum():
    estimator = infonet.Estimator(exported("random").model, threads=1)
    x, y = np.random.default_rng(0).normal(size=(2, 5))
    assert np.isfinite(estimator.estimate(x, y).mi)
    with pytest.raises(infonet.InputError, match=r"4 .*5"):
        estimator.estimate(x[1:], y[1:])
    with pytest.raises(infonet.ModelError, match="is the core of a perceiver"):
        infonet.Estimator(exported("random").core)


@pytest.mark.parametrize("n", [1, 2, 129, 5000])
def test_core_is_the_whole_from_ranks_on(n):
    samples = _samples(3, n)
    rows = samples.transpose(0, 2, 1).reshape(-1, n)
    ranks = infonet_kernels.soft_rank(rows, EXPORTED.eps, EXPORTED.normalize)
    ranks = np.ascontiguousarray(ranks.reshape(3, 2, n).transpose(0, 2, 1))
    core = session(exported("random").core, custom_ops=False)
    got = core.run(["mi", "table"], {"ranks": ranks})
    _agree(got, run(exported("random").model, samples), 1e-6)


def test_core_has_standard_operators_alone():
    graph = onnx.load(exported("random").core)
    assert {opset.domain for opset in graph.opset_import} <= {"", "ai.onnx"}
    assert {node.domain for node in graph.graph.node} == {""}
    not_for_tensorrt = {"If", "ScatterElements", "ScatterND"}
    assert not_for_tensorrt.isdisjoint(node.op_type for node in graph.graph.node)
    onnx.checker.check_model(graph, full_check=True)


@pytest.mark.parametrize("kind", ["published", "histogram", "random"])
def test_whole_file(kind):
    model = onnx.load(exported(kind).model)
    assert model.ir_version == 8
    assert {opset.domain: opset.version for opset in model.opset_import}[""] == 18
    custom = [node for node in model.graph.node if node.domain]
    assert [(node.domain, node.op_type) for node in custom] == [("infonet", "SoftRank")]
    assert [value.name for value in model.graph.input] == ["samples", "with_table"]
    assert [value.name for value in model.graph.output] == ["mi", "table"]
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in shape] == ["batch", "n", 2]
    content = exported(kind).model.read_bytes()
    for private in (b"infonet_export", b"/work", b"site-packages", b".py"):
        assert private not in content


PREPROCESSING = {
    "published": {"eps": 0.1, "normalize": "minmax"},
    "random": {"eps": 0.0, "normalize": "over_n"},
    "histogram": {"eps": 0.1, "normalize": "minmax"},
    "fp16": {"eps": 0.1, "normalize": "minmax"},
}


@pytest.mark.parametrize("kind", ["published", "histogram", "fp16", "random"])
def test_metadata(kind):
    made = exported(kind)
    net = load_perceiver(made.checkpoint)
    graphs = {"samples": made.model} | ({"core": made.core} if kind == "random" else {})
    for graph, path in graphs.items():
        entries = {p.key: p.value for p in onnx.load(path).metadata_props}
        assert len(entries) == len(onnx.load(path).metadata_props)
        digits = entries.pop("infonet.content_sha256").encode()
        content = path.read_bytes().replace(digits, b"0" * 64)
        assert hashlib.sha256(content).hexdigest().encode() == digits
        assert entries == {
            "infonet.format_version": "1",
            "infonet.architecture": "perceiver",
            "infonet.graph": graph,
            "infonet.preprocessing": json.dumps(PREPROCESSING[kind]),
            "infonet.histogram_grid": "0",
            "infonet.attention_grid": "64" if kind == "histogram" else "0",
            "infonet.table_grid": str(net.config.table_grid),
            "infonet.table_layout": '{"first_axis": "y", "low": -1.0, "high": 1.0}',
            "infonet.quantile_levels": "[]",
            "infonet.n_min": "5" if kind == "random" else "20",
            "infonet.n_max": "5000" if kind == "published" else "500",
            "infonet.precision": "fp16" if kind == "fp16" else "fp32",
            "infonet.parameters": str(sum(p.numel() for p in net.parameters())),
            "infonet.null_distribution": "",
            "infonet.core_inputs": '["ranks"]',
            "infonet.marginal": "all_pairs",
            "infonet.version": version("infonet"),
            "infonet.checkpoint_sha256": hashlib.sha256(made.checkpoint.read_bytes()).hexdigest(),
        }
    model = infonet.load_model(made.model)
    assert (model.eps, model.normalize) == tuple(PREPROCESSING[kind].values())


class _Orders(torch.nn.Module):
    def forward(self, ranks):
        return tuple(permutation(ranks.shape[1], index) for index in range(PERMUTATIONS))


def test_permutations_of_onnx_runtime_are_those_of_pytorch(tmp_path):
    names = tuple("abcde")
    example = torch.rand(2, 50, 2)
    model = trace(_Orders(), example, {0: "batch", 1: "n"}, "ranks", names)
    onnx.save(model, tmp_path / "orders.onnx")
    for n in (1, 2, 1151, 50_000):
        ranks = np.zeros((1, n, 2), np.float32)
        found = session(tmp_path / "orders.onnx", custom_ops=False).run(names, {"ranks": ranks})
        for got, expected in zip(found, _Orders()(torch.from_numpy(ranks)), strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("config", [SMALL, ODD])
def test_shuffled_marginal(config):
    """The bound of the exported form by hand, with its own permutations."""
    net = random_net(config)
    ranks = torch.rand(1, 60, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mi, table = PerceiverCore(net, marginal="shuffle")(ranks)
    (x, y), values = ranks[0].numpy().T, table[0].numpy().astype(np.float64)
    means = [
        np.log(np.exp(twin.bilinear(values, x, y[permutation(60, k).numpy()])).mean())
        for k in range(5)
    ]
    assert float(mi) == pytest.approx(twin.bilinear(values, x, y).mean() - np.mean(means), abs=1e-5)
