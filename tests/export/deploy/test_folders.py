"""`infonet export --triton` and `--hub`, and other command lines on the portable file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import infonet
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from infonet.cli import main
from infonet.model.load import load_model
from infonet_export.deploy import portable as deploy
from infonet_export.onnx.verify import session

MODEL = infonet.load_model().path


def _export(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    """Long columns are compared in the tests of the portable file."""
    monkeypatch.setattr(deploy, "SIZES", (20, 129))


@pytest.fixture
def triton(tmp_path):
    result = _export(MODEL, "--triton", tmp_path / "models")
    assert result.exit_code == 0, result.output
    return tmp_path / "models" / "infonet"


def test_a_repository_for_triton_has_what_the_file_has(triton):
    config_pb2 = pytest.importorskip("tritonclient.grpc").model_config_pb2
    from google.protobuf import text_format

    config = text_format.Parse((triton / "config.pbtxt").read_text(), config_pb2.ModelConfig())
    graph = session(triton / "1" / "model.onnx", custom_ops=False)
    ranks = {"tensor(float)": config_pb2.TYPE_FP32, "tensor(bool)": config_pb2.TYPE_BOOL}
    outputs = {output.name: output for output in config.output}
    assert set(outputs) == {output.name for output in graph.get_outputs()}
    for output in graph.get_outputs():
        said = outputs[output.name]
        dims = list(said.reshape.shape) if said.HasField("reshape") else list(said.dims)
        assert dims == output.shape[1:]
        assert said.data_type == ranks[output.type]
    (value,) = config.input
    assert (value.name, list(value.dims)) == ("samples", [-1, 2])
    assert not value.allow_ragged_batch  # pairs of different n are never joined
    assert config.HasField("dynamic_batching")
    assert config.max_batch_size > 1
    warm_up = config.model_warmup[0].inputs["samples"]
    assert warm_up.dims[0] >= load_model().n_min


def test_a_batch_for_triton_has_the_estimates_of_the_package(triton, tmp_path):
    samples = np.random.default_rng(0).standard_normal((3, 100, 2)).astype(np.float32)
    graph = session(triton / "1" / "model.onnx", custom_ops=False)
    mi = graph.run(["mi"], {"samples": samples})[0]
    # ONNX Runtime and the compiled network add in another order
    np.testing.assert_allclose(mi, infonet.Estimator(threads=1).mi(samples), rtol=0, atol=1e-5)
    again = _export(MODEL, "--triton", triton.parent)
    assert again.exit_code == 0, again.output
    files = sorted(str(p.relative_to(triton.parent)) for p in triton.rglob("*") if p.is_file())
    assert files == ["infonet/1/model.onnx", "infonet/config.pbtxt"]


def test_a_folder_for_a_hub_has_a_card_whose_example_runs(tmp_path):
    result = _export(MODEL, "--hub", tmp_path / "hub")
    assert result.exit_code == 0, result.output
    _, header, card = (tmp_path / "hub" / "README.md").read_text().split("---\n", 2)
    fields = yaml.safe_load(header)
    assert fields["license"] == "apache-2.0"
    assert "mutual-information" in fields["tags"]
    code = card.split("```python\n")[1].split("```")[0]
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "hub", capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("[")
    config = json.loads((tmp_path / "hub" / "config.json").read_text())
    assert config["model_type"] == "infonet"
    assert config["checkpoint_sha256"] == load_model().checkpoint_sha256
    assert load_model(tmp_path / "hub" / "infonet.onnx").graph == "portable"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no output is given: say one of --output, --triton and --hub"),
        (["--triton", "a", "--hub", "b"], "2 outputs are given"),
        (["--hub", "b", "--table"], "--table does not apply to --triton and --hub"),
        (["--hub", "b", "--precision", "fp16"], "copula.onnx is exported already"),
    ],
)
def test_wrong_usage(tmp_path, arguments, words):
    found = [tmp_path / word if word in "ab" else word for word in arguments]
    result = _export(MODEL, *found)
    assert result.exit_code == 2
    assert words in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "model"),
        ("run", "--onnxrt", "--input-shapes", "samples:[2,100,2]"),
    ],
)
def test_polygraphy_reads_and_runs_the_file(triton, arguments):
    """As docs/how-to/deploy.md shows it."""
    pytest.importorskip("polygraphy")
    file = str(triton / "1" / "model.onnx")
    command, *rest = arguments
    place = [*rest[:1], file] if command == "inspect" else [file, *rest]
    line = [str(Path(sys.executable).with_name("polygraphy")), command, *place]
    found = subprocess.run(line, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "mi" in found.stdout
