"""`infonet export --portable`: files of standard operators for both architectures."""

from __future__ import annotations

from dataclasses import replace

import infonet
import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from exported_perceivers import EXPORTED, copy_of, exported
from infonet.cli import main
from infonet.model.load import load_model
from infonet.model.portable import write_portable
from infonet_export.deploy import portable as deploy
from infonet_export.deploy.portable import check_portable, export_portable
from infonet_export.onnx.verify import ParityError, session
from infonet_export.perceiver import export as perceiver_export
from random_perceivers import random_net, write_trained

RUNNER = CliRunner()


def _export(*arguments):
    return RUNNER.invoke(main, ["export", *map(str, arguments)])


def _samples(n, batch=2):
    samples = np.random.default_rng(n).standard_normal((batch, n, 2)).astype(np.float32)
    samples[..., 1] += samples[..., 0]
    return samples


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Long columns are compared in the tests of the model in the package."""
    monkeypatch.setattr(deploy, "SIZES", (20, 129, 1151))


@pytest.fixture(scope="module")
def perceivers():
    """Random networks of the paper: exact ranks over n, and values scaled to [0, 1]."""
    return {"rank": exported("random").checkpoint, "affine": exported("histogram").checkpoint}


def test_a_checkpoint_of_the_copula_model(checkpoint, tmp_path):
    path = tmp_path / "new" / "tiny.onnx"
    result = _export(checkpoint, "-o", path, "--portable", "--null-draws", 0)
    assert result.exit_code == 0, result.output
    assert "parity with the runtime on 27 sets" in result.output
    assert list(path.parent.iterdir()) == [path]
    found = load_model(path)
    assert (found.graph, found.precision, found.histogram_grid) == ("portable", "fp32", 32)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [value.name for value in model.graph.output] == ["mi", "quantiles", "score", "tied"]


def test_a_copula_model_that_convolves_in_float16(checkpoint, tmp_path):
    path = tmp_path / "half.onnx"
    report = export_portable(checkpoint, path, table=True, null_draws=0, precision="fp16")
    assert report.worst < 5e-3
    assert load_model(path).precision == "fp16"
    casts = [node for node in onnx.load(path).graph.node if node.op_type == "Cast"]
    assert any(node.attribute[0].i == onnx.TensorProto.FLOAT16 for node in casts)
    x, y = _samples(300)[0].T
    found = infonet.Estimator(model=path, threads=1).estimate(x, y)
    assert np.isfinite(found.table).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [("rank", {"rewrite": "exact"}), ("affine", {"rewrite": "histogram", "grid": 64})],
)
def test_the_networks_of_the_paper(perceivers, tmp_path, kind, options):
    path = tmp_path / "portable.onnx"
    report = export_portable(perceivers[kind], path, table=True, **options)
    assert report.worst < 1e-5
    model = onnx.load(path)
    assert {node.domain for node in model.graph.node} == {""}
    assert "ScatterND" not in {node.op_type for node in model.graph.node}
    assert [value.name for value in model.graph.output] == ["mi", "table", "tied"]
    samples = _samples(200)
    found = infonet.Estimator(model=path, threads=1).mi(samples)
    got = session(path, custom_ops=False).run(["mi"], {"samples": samples})[0]
    np.testing.assert_allclose(found, got, atol=1e-5)


def test_soft_ranks_that_are_no_ranks_are_refused(tmp_path, monkeypatch):
    """The network of `exported` with other soft ranks: only their node differs."""
    path, traces = tmp_path / "portable.onnx", list(exported("random").traces)
    soft = {"eps": 0.01, "normalize": "minmax"}
    checkpoint = write_trained(tmp_path / "soft.pt", random_net(replace(EXPORTED, **soft)))

    def trace(*_):
        model = copy_of(traces.pop(0))
        for node in (node for node in model.graph.node if node.op_type == "SoftRank"):
            del node.attribute[:]
            node.attribute.extend(onnx.helper.make_attribute(*entry) for entry in soft.items())
        return model

    monkeypatch.setattr(perceiver_export, "trace", trace)
    result = _export(checkpoint, "-o", path, "--portable")
    assert result.exit_code == 1
    assert "soft ranks with eps = 0.01 and 'minmax' have no portable form" in result.stderr
    assert not path.exists()
    assert not traces


def test_a_file_that_differs_from_the_runtime_is_refused(tmp_path):
    path = tmp_path / "portable.onnx"
    write_portable(path)
    assert check_portable(path, load_model())[2] < 1e-5
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name.startswith("samples.") and (onnx.numpy_helper.to_array(tensor) == 0.5).all():
            # the shift of half a cell of the histogram
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.array(0.25), tensor.name))
    onnx.save(model, path)
    with pytest.raises(ParityError, match="from the runtime in"):
        check_portable(path, load_model())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--table"], "--table is for portable files: add --portable"),
        (["--portable", "--preset", "perceiver_rank"], "the checkpoint holds a copula model"),
    ],
)
def test_wrong_usage(checkpoint, tmp_path, arguments, words):
    result = _export(checkpoint, "-o", tmp_path / "portable.onnx", *arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_portable_file_of_the_paper_has_no_core_beside_it(perceivers, tmp_path):
    result = _export(perceivers["rank"], "-o", tmp_path / "p.onnx", "--portable", "--core")
    assert result.exit_code == 2
    assert "a portable file is one file" in result.output
