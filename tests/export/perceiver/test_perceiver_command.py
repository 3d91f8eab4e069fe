"""`infonet export` for checkpoints of the paper's network: options, refusals, exit codes."""

from __future__ import annotations

import os
import re

import pytest
import torch
from click.testing import CliRunner
from exported_perceivers import EXPORTED, copy_of, exported
from infonet.cli import main
from infonet_export.copula import export as copula_export
from infonet_export.perceiver import export as perceiver_export
from random_perceivers import SMALL, published_state, random_net, write_published, write_trained


def _run(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


def _refused(result, code, *words):
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    lines = result.stderr.strip().splitlines()
    assert code != 1 or len(lines) == 1
    assert lines[-1].startswith("Error: ")
    for word in words:
        assert word in lines[-1]


@pytest.fixture
def published(tmp_path):
    return write_published(tmp_path / "their.pt", random_net(SMALL))


@pytest.fixture(autouse=True)
def _no_tracing(monkeypatch):
    """What is refused is refused before the work."""
    monkeypatch.setattr(perceiver_export, "trace", None)
    monkeypatch.setattr(copula_export, "trace", None)


def test_help():
    result = _run("--help")
    assert result.exit_code == 0
    text = re.sub(r"\s+", " ", result.output)
    for option in ("--output", "--null-draws", "--preset", "--rewrite", "--grid", "--precision",
                   "--marginal", "--core"):  # fmt: skip
        assert f" {option} " in text
    for words in (
        "verified against PyTorch", "Lightning .ckpt (softrank branch)", ".pt (main branch)",
        "Nothing in it is executed", "perceiver_softrank|perceiver_rank", "exact|histogram",
        "2<=x<=4096", "fp32|fp16", "all_pairs|shuffle", "less than 2e-4 nats",
    ):  # fmt: skip
        assert words in text


def test_success(tmp_path, monkeypatch):
    made = exported("random")
    monkeypatch.setattr(perceiver_export, "trace", lambda *_: copy_of(made.traces[0]))
    output = tmp_path / "new" / "model.onnx"
    result = _run(made.checkpoint, "-o", output)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    parity, size = result.output.splitlines()
    assert parity.startswith("parity with PyTorch on 8 pairs")
    assert size == f"{output}  {output.stat().st_size / 1e6:.2f} MB"
    assert output.read_bytes() == made.model.read_bytes()
    assert list(output.parent.iterdir()) == [output]
    assert str(made.core) in made.printed.splitlines()[-1]


@pytest.mark.parametrize("draws", [0, 50])
def test_options_of_the_copula_model_do_not_apply(tmp_path, published, draws):
    result = _run(published, "-o", tmp_path / "m.onnx", "--null-draws", draws)
    _refused(result, 2, "--null-draws does not apply: the checkpoint holds a perceiver")
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    "option",
    [("--preset", "perceiver_rank"), ("--rewrite", "exact"), ("--grid", 64), ("--core",),
     ("--marginal", "all_pairs")],
)  # fmt: skip
def test_options_of_the_perceiver_do_not_apply(tmp_path, checkpoint, option):
    result = _run(checkpoint, "-o", tmp_path / "m.onnx", *option)
    _refused(result, 2, f"{option[0]} does not apply: the checkpoint holds a copula model")


def test_no_null_draws_at_all_is_heard(tmp_path, checkpoint, monkeypatch):
    """0 is a value; it once was taken for an option that was not given."""
    given = []
    monkeypatch.setattr(
        copula_export, "export_checkpoint", lambda *_, **options: given.append(options)
    )
    _run(checkpoint, "-o", tmp_path / "m.onnx", "--null-draws", 0)
    _run(checkpoint, "-o", tmp_path / "m.onnx")
    assert given == [{"null_draws": 0}, {}]


@pytest.mark.parametrize("name", ["model.pt", "model", "model.ONNX", "onnx"])
def test_output_must_end_in_onnx(tmp_path, published, name):
    _refused(_run(published, "-o", tmp_path / name), 2, repr(name), "must end in .onnx")


@pytest.mark.parametrize(
    "option",
    [("--preset", "softrank"), ("--rewrite", "fast"), ("--grid", 1), ("--grid", "x"),
     ("--grid", 5000), ("--precision", "fp8"), ("--marginal", "pairs"), ("--null-draws", -1)],
)  # fmt: skip
def test_values_that_are_not_allowed(tmp_path, published, option):
    _refused(_run(published, "-o", tmp_path / "m.onnx", *option), 2, option[0], str(option[1]))


def test_a_grid_needs_the_histogram(tmp_path, published):
    result = _run(published, "-o", tmp_path / "m.onnx", "--grid", 64)
    _refused(result, 1, "only the rewriting 'histogram'")


def test_a_preset_for_a_file_that_names_its_own(tmp_path):
    path = write_trained(tmp_path / "a.pt", random_net(SMALL))
    result = _run(path, "-o", tmp_path / "m.onnx", "--preset", "perceiver_rank")
    _refused(result, 1, "a.pt names its own preprocessing", "perceiver_rank")


def test_an_export_that_is_off(tmp_path, monkeypatch):
    made = exported("random")
    other = write_trained(tmp_path / "a.pt", random_net(EXPORTED, seed=1))
    monkeypatch.setattr(perceiver_export, "trace", lambda *_: copy_of(made.traces[0]))
    result = _run(other, "-o", tmp_path / "m.onnx")
    _refused(result, 1, "export refused", "allowed: mi 0.0001, table 0.001")
    assert list(tmp_path.iterdir()) == [other]


class _Command:
    def __init__(self, evidence):
        self.evidence = evidence

    def __reduce__(self):
        return os.system, (f"touch '{self.evidence}'",)


def _code(path):
    torch.save({"state_dict": {"query_gen.query": _Command(path.parent / "executed")}}, path)


@pytest.mark.parametrize(
    "write",
    [
        _code,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("weights"),
        lambda path: torch.save({"query_gen.query": torch.zeros(1, 8, 8)}, path),
        lambda path: torch.save({"resnet": torch.zeros(3)}, path),
        lambda path: path.write_bytes(
            write_published(path, random_net(SMALL)).read_bytes()[:-1000]
        ),
    ],
)
def test_files_that_are_no_checkpoint(tmp_path, write):
    path = tmp_path / "their.ckpt"
    write(path)
    _refused(_run(path, "-o", tmp_path / "new" / "m.onnx"), 1, "their.ckpt")
    assert list(tmp_path.iterdir()) == [path]


def test_every_problem_of_a_checkpoint_is_in_the_one_line(tmp_path):
    state = published_state(random_net(SMALL))
    del state["query_gen.norm_q.weight"]
    state["query_gen.norm_q.gain"] = state["query_gen.norm_k.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "a.pt")
    _refused(
        _run(tmp_path / "a.pt", "-o", tmp_path / "m.onnx"), 1,
        "missing query.token_norm.weight", "unknown query_gen.norm_q.gain", "is [3], not [16]",
    )  # fmt: skip


def test_usage_errors(tmp_path, published):
    _refused(_run(published), 2, "--output")
    _refused(_run(tmp_path / "absent.ckpt", "-o", tmp_path / "m.onnx"), 2, "absent.ckpt")
    _refused(_run(tmp_path, "-o", tmp_path / "m.onnx"), 2, "directory")
