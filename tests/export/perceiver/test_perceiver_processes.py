"""Training the paper's network in several processes, and what stops a training at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import infonet
import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from infonet.cli import main
from infonet_export.perceiver import Perceiver, mutual_information, trainer
from infonet_export.perceiver.published import load_perceiver
from infonet_export.perceiver.run import read_checkpoint
from infonet_export.perceiver.trainer import train_perceiver
from infonet_export.training.processes import Process, Share
from perceiver_runs import log_rows, train
from tiny_perceiver import tiny_perceiver

CPU = torch.device("cpu")


def _config_file(path, config):
    values = json.loads(json.dumps(config.to_dict()))
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """`infonet train` in two processes that share seven mixtures a step, three and four."""
    output = tmp_path_factory.mktemp("two")
    # the command traces the network, and every head costs time there
    heads = dict.fromkeys(("read_heads", "process_heads", "query_heads", "decode_heads"), 2)
    config = tiny_perceiver(
        model=heads, data={"distributions": 21}, batch_size=7, loss="cross_sample",
        learning_rate=1e-3,
    )  # fmt: skip
    file = _config_file(output / "config.yaml", config)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"),
        *("-m", "infonet", "train", file, "-o", output / "run", "--device", "cpu"),
    ]
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return config, output / "run", done.stdout


def test_two_processes_train_the_same_network_as_one(two_processes, tmp_path):
    config, output, _ = two_processes
    model, _ = train(config, tmp_path)
    one, two = load_perceiver(model), load_perceiver(output / "model.pt")
    torch.manual_seed(config.training.seed)
    start = Perceiver(config.model)
    moved = 0.0
    for (name, a), b, c in zip(
        one.named_parameters(), two.parameters(), start.parameters(), strict=True
    ):
        moved = max(moved, float((a - c).detach().abs().max()))
        # both shift all keys alike, which softmax does not see: their gradients are rounding
        # errors, which Adam blows up
        if not name.endswith(("key.bias", "key_norm.bias")):
            assert (a - b).abs().max() < 1e-5, name
    assert moved > 1e-3
    ours, theirs = log_rows(tmp_path, "minutes"), log_rows(output, "minutes")
    assert len(ours) == len(theirs) == 3
    for a, b in zip(ours, theirs, strict=True):
        assert a == pytest.approx(b, abs=1e-5)


def test_the_first_process_alone_writes_and_reports(two_processes):
    _, output, printed = two_processes
    assert {p.name for p in output.iterdir()} == {
        "checkpoint.pt", "evaluation.md", "log.jsonl", "model.onnx", "model.pt", "tensorboard",
    }  # fmt: skip
    assert printed.count("| components |") == 1
    assert len(list((output / "tensorboard").iterdir())) == 1


def test_one_process_resumes_what_two_began(two_processes, tmp_path):
    config, output, _ = two_processes
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    longer = replace(config, training=replace(config.training, epochs=4))
    _, lines = train(longer, tmp_path)
    assert "resuming after 3 of 4 epochs" in lines
    assert read_checkpoint(tmp_path / "checkpoint.pt")["step"] == 12


def test_the_exported_model_answers_as_the_network(two_processes):
    _, output, _ = two_processes
    samples = np.random.default_rng(0).normal(size=(3, 60, 2)).astype(np.float32)
    net = load_perceiver(output / "model.pt")
    ranks = torch.from_numpy(((samples.argsort(1).argsort(1) + 1) / 60).astype(np.float32))
    with torch.no_grad():
        expected = mutual_information(net(ranks).table, ranks).numpy()
    got = infonet.Estimator(output / "model.onnx").mi(samples)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_file_of_mixtures_that_cannot_be_read_ends_the_run_at_once(tmp_path):
    config = tiny_perceiver(validation={"mixtures": str(tmp_path / "absent.npz")})
    with pytest.raises(ValueError, match=r"absent\.npz"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_more_processes_than_mixtures_are_refused(tmp_path, monkeypatch):
    from contextlib import contextmanager

    @contextmanager
    def seven(device):
        yield Process(Share(0, 7), CPU)

    monkeypatch.setattr(trainer, "join", seven)
    with pytest.raises(ValueError, match=r"batch_size is 6.*processes \(7\)"):
        train(tiny_perceiver(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_command_names_mistakes_in_one_line(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("architecture: perceiver\ntraining: {epoch: 3}\n")
    result = CliRunner().invoke(main, ["train", str(path), "-o", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
    for word in ("bad.yaml", "'epoch'", "epochs"):
        assert word in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="'cuda'.*'cpu'"):
        train_perceiver(tiny_perceiver(), Path(tmp_path / "run"), device="cuda")
    assert not (tmp_path / "run").exists()
