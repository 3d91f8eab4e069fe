"""`infonet export`, `train` and `evaluate`: success, one-line errors (1), wrong usage (2)."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from functools import partial
from importlib.metadata import entry_points

import infonet
import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from infonet.cli import main
from infonet_export.commands import train as train_command
from infonet_export.copula import export as copula_export
from infonet_export.copula import trainer
from infonet_export.copula.calibration import calibrate
from infonet_export.copula.checkpoint import read_checkpoint
from infonet_export.copula.null_distribution import simulate_null
from infonet_export.onnx.verify import ParityError
from tiny_models import CONFIGS, tiny_config

ROOT = CONFIGS.parent
RUNNER = CliRunner()


def _run(*arguments):
    return RUNNER.invoke(main, [str(argument) for argument in arguments])


def _fails(result, code, *words):
    assert result.exit_code == code, result.output
    assert not result.exception or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    lines = result.stderr.strip().splitlines()
    if code == 1:
        assert len(lines) == 1
        assert lines[0].startswith("Error: ")
    for word in words:
        assert word in lines[-1]


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "tiny.yaml"
    values = tiny_config(pools=1).to_dict()
    # as deep as the model that ships, so that the command compares such a graph with PyTorch
    values["model"]["channels"] = [16, 16, 32, 32]
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture
def _quick(monkeypatch):
    """The same commands with fewer simulations."""
    monkeypatch.setattr(trainer, "calibrate", partial(calibrate, sizes=(30, 100), count=1))

    def quick_null(statistic, grid, draws):
        return simulate_null(statistic, grid, (20, 60), min(draws, 50))

    monkeypatch.setattr(copula_export, "simulate_null", quick_null)
    monkeypatch.setattr(
        train_command,
        "evaluate_briefly",
        partial(train_command.evaluate_briefly, count=1, n=60),
    )


@pytest.fixture
def model(checkpoint, tmp_path):
    output = tmp_path / "model" / "tiny.onnx"
    result = _run("export", checkpoint, "-o", output, "--null-draws", 0)
    assert result.exit_code == 0, result.output
    assert "parity with PyTorch" in result.output
    assert str(output) in result.output
    assert "MB" in result.output
    return output


def test_help_lists_the_commands():
    result = _run("--help")
    assert result.exit_code == 0
    for name in ("export", "train", "evaluate"):
        assert f"\n  {name} " in result.output
    registered = {entry.name for entry in entry_points(group="infonet.commands")}
    assert {"export", "train", "evaluate"} <= registered


def test_help_of_the_installed_command_needs_no_pytorch():
    code = (
        "import sys, infonet.cli\n"
        "try: infonet.cli.main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'onnx', 'scipy'} & set(sys.modules), 'loaded'"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "evaluate" in result.stdout


@pytest.mark.parametrize("name", ["export", "train", "evaluate"])
def test_help_of_a_command(name):
    result = _run(name, "--help")
    assert result.exit_code == 0
    assert "--" in result.output
    assert "Usage: " in result.output


def test_export(model):
    assert infonet.load_model(model).null is None
    assert model.with_name("tiny.core.onnx").exists()
    x, y = np.random.default_rng(0).normal(size=(2, 100))
    assert np.isfinite(infonet.Estimator(model=model).estimate(x, y).mi)


def test_export_reads_the_checkpoint_once(checkpoint, tmp_path, monkeypatch):
    inner, read = torch.load, []
    monkeypatch.setattr(torch, "load", lambda *a, **k: read.append(1) or inner(*a, **k))
    result = _run("export", checkpoint, "-o", tmp_path / "m.onnx", "--null-draws", 0)
    assert result.exit_code == 0, result.output
    assert len(read) == 1
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert infonet.load_model(tmp_path / "m.onnx").metadata["infonet.checkpoint_sha256"] == digest


def test_export_of_something_else(tmp_path):
    other = tmp_path / "other.pt"
    other.write_bytes(b"no checkpoint")
    _fails(_run("export", other, "-o", tmp_path / "m.onnx"), 1, "other.pt", "infonet train")
    torch.save({"format": "another"}, other)
    _fails(_run("export", other, "-o", tmp_path / "m.onnx"), 1, "other.pt", "another")
    assert list(tmp_path.iterdir()) == [other]


def test_export_refused_for_lack_of_parity(tmp_path, checkpoint, monkeypatch):
    def refuse(*_):
        raise ParityError("export refused: mi differs")

    monkeypatch.setattr(copula_export, "export_checkpoint", refuse)
    _fails(_run("export", checkpoint, "-o", tmp_path / "m.onnx"), 1, "export refused")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["export", "{checkpoint}"], "--output"),
        (["export", "absent.pt", "-o", "m.onnx"], "absent.pt"),
        (["export", "{checkpoint}", "-o", "m.pt"], ".onnx"),
        (["export", "{checkpoint}", "-o", "m.onnx", "--null-draws", "-1"], "-1"),
        (["train", "{checkpoint}"], "--output"),
        (["train", "absent.yaml", "-o", "x"], "absent.yaml"),
        (["train", "{checkpoint}", "-o", "x", "--device", "tpu"], "tpu"),
        (["evaluate", "absent.onnx"], "absent.onnx"),
        (["evaluate", "-n", "3"], "3"),
        (["evaluate", "--count", "0"], "0"),
        (["evaluate", "--bits"], "--bits"),
    ],
)
def test_wrong_usage(arguments, word, checkpoint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = _run(*[a.format(checkpoint=checkpoint) for a in arguments])
    _fails(result, 2, word)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_quick")
def test_train_resumes_exports_and_evaluates(config_file, tmp_path):
    output = tmp_path / "run"
    result = _run("train", config_file, "-o", output, "--device", "cpu", "--no-ksg")
    assert result.exit_code == 0, result.output
    assert "parity with PyTorch" in result.output
    assert "| all |" in result.output
    names = {path.name for path in output.iterdir()}
    assert names == {
        "checkpoint.pt", "model.pt", "model.onnx", "model.core.onnx",
        "log.jsonl", "evaluation.md", "tensorboard",
    }  # fmt: skip
    assert (output / "evaluation.md").read_text() in result.output
    exported = infonet.load_model(output / "model.onnx")
    assert exported.null is not None
    trained = read_checkpoint(output / "checkpoint.pt")["pools"]

    # the same command again resumes; another configuration does not
    config = config_file.read_text()
    config_file.write_text(config.replace("seed: 0", "seed: 1"))
    refused = _run("train", config_file, "-o", output, "--device", "cpu")
    _fails(refused, 1, "--output", "--restart")
    assert read_checkpoint(output / "checkpoint.pt")["pools"] == trained == 1


def test_the_documented_stages_train_in_their_order_from_a_clean_clone(tmp_path, monkeypatch):
    """The commands of docs/how-to/train.md, on the shipped configurations cut to a few steps. What
    follows the training is left to the test above."""
    page = (ROOT / "docs" / "how-to" / "train.md").read_text()
    commands = re.findall(r"^infonet (train configs/copula/stage\S+ -o \S+)", page, re.MULTILINE)
    assert len(commands) == len(list((CONFIGS / "copula").glob("stage*.yaml"))) == 3
    monkeypatch.setattr(trainer, "calibrate", partial(calibrate, sizes=(30,), count=1))
    monkeypatch.setattr(train_command, "export_and_evaluate", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs" / "copula").mkdir(parents=True)
    last, sizes = None, []
    for command in commands:
        _, config, _, folder = command.split()
        values = yaml.safe_load((ROOT / config).read_text())
        sizes.append(values["model"])
        values["model"] = {"histogram_grid": 32, "channels": [16, 16], "hidden": 16, "n_max": 200}
        values["data"] |= {"pool_size": 256, "passes": 1, "replicates": 8}
        values["data"] |= {"scoring_samples": 256, "workers": 0}
        values["training"]["pools"] = 1
        assert values["training"].get("start_from") == last
        (tmp_path / config).write_text(yaml.safe_dump(values))
        result = _run(*command.split(), "--device", "cpu")
        assert result.exit_code == 0, result.output
        last = f"{folder}/model.pt"
        assert read_checkpoint(tmp_path / last)["pools"] == 1
    assert sizes[0] == sizes[1] == sizes[2]


def test_train_with_a_mistake_in_the_config(tmp_path):
    path = tmp_path / "bad.yaml"
    for text, word in (("trainin: {}", "trainin"), ("model: [", "YAML"), ("\x00", "bad.yaml")):
        path.write_text(text)
        _fails(_run("train", path, "-o", tmp_path / "run"), 1, word)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_train_on_a_gpu_that_is_not_there(config_file, tmp_path):
    result = _run("train", config_file, "-o", tmp_path / "run", "--device", "cuda")
    _fails(result, 1, "cuda", "cpu")


def test_train_that_diverges_says_so(config_file, tmp_path, monkeypatch):
    def diverge(*_, **__):
        raise FloatingPointError("the loss is not finite in pool 0: lower learning_rate")

    monkeypatch.setattr(trainer, "train", diverge)
    _fails(_run("train", config_file, "-o", tmp_path / "run"), 1, "lower")


def test_evaluate(model):
    result = _run("evaluate", model, "-n", 60, "--count", 1, "--no-ksg")
    assert result.exit_code == 0, result.output
    for word in ("mixtures K=1", "mixtures K=10", "joe", "annulus", "| all |", "n = 60"):
        assert word in result.output
    again = _run("evaluate", model, "-n", 60, "--count", 1, "--no-ksg")
    assert again.output == result.output
    other = _run("evaluate", model, "-n", 60, "--count", 1, "--no-ksg", "--seed", 2)
    assert other.output != result.output


def test_evaluate_the_model_in_the_package_beside_ksg():
    result = _run("evaluate", "-n", 100, "--count", 1)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| family |"))
    column = [name.strip() for name in lines[start].split("|")].index("KSG RMSE")
    row = next(line for line in lines[start:] if line.startswith("| joe |"))
    assert float(row.split("|")[column]) >= 0


def test_evaluate_something_else(tmp_path, model):
    other = tmp_path / "other.onnx"
    other.write_bytes(b"no model")
    _fails(_run("evaluate", other), 1, "other.onnx")
    table = tmp_path / "other.npz"
    np.savez(table, a=np.ones(3))
    _fails(_run("evaluate", model, "--mixtures", table), 1, "other.npz", "weights_K")
