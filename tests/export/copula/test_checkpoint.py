"""Checkpoints: what is written is read, and whatever else a file holds is refused unexecuted."""

from __future__ import annotations

import os
import pickle

import pytest
import torch
from infonet_export.checkpoints import write_state
from infonet_export.copula.calibration import IntervalFactors
from infonet_export.copula.checkpoint import load_model, read_checkpoint
from tiny_models import random_net, save_checkpoint, tiny_config


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def _refused(path, *words):
    with pytest.raises(ValueError, match=".") as caught:
        load_model(path)
    message = str(caught.value)
    assert str(path) in message
    assert "infonet train" in message  # the fix
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


def test_round_trip(checkpoint, config):
    trained = load_model(checkpoint)
    assert trained.config == config
    assert trained.interval_factors == IntervalFactors.identity()
    assert not trained.net.training
    expected = random_net(config.model).state_dict()
    for name, value in trained.net.state_dict().items():
        assert torch.equal(value, expected[name])


@pytest.mark.parametrize("depth", ["top", "inside"])
@pytest.mark.parametrize("container", ["torch", "pickle"])
def test_a_malicious_pickle_is_refused_and_executes_nothing(tmp_path, checkpoint, depth, container):
    path, evidence = tmp_path / "evil.pt", tmp_path / "executed"
    bomb = _Bomb(evidence)
    state = bomb if depth == "top" else {**read_checkpoint(checkpoint), "extra": [bomb]}
    if container == "torch":
        torch.save(state, path)
    else:
        path.write_bytes(pickle.dumps({"format": "infonet-copula-1", "x": bomb}, protocol=2))
    message = _refused(path)
    assert not evidence.exists()
    assert "weights_only" not in message  # PyTorch's advice to load it anyway is not passed on
    pickle.loads(pickle.dumps(bomb))
    assert evidence.exists()  # it would have worked


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated(tmp_path, checkpoint, share):
    content = checkpoint.read_bytes()
    path = tmp_path / "short.pt"
    path.write_bytes(content[: int(len(content) * share)])
    _refused(path)


@pytest.mark.parametrize("content", [b"not a checkpoint", b"\x08\x01", b"{}"])
def test_another_kind_of_file(tmp_path, content):
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    _refused(path)


def test_a_missing_file(tmp_path):
    _refused(tmp_path / "absent.pt")


@pytest.mark.parametrize(
    "state",
    [
        torch.zeros(3),
        [1, 2],
        {"weight": torch.zeros(3)},
        {"format": "infonet-copula-2"},
        {"format": ["infonet-copula-1"]},
    ],
    ids=["tensor", "list", "state-dict", "newer", "odd"],
)
def test_another_format(tmp_path, state):
    path = tmp_path / "other.pt"
    torch.save(state, path)
    _refused(path, "copula")


def test_missing_parts(tmp_path):
    path = tmp_path / "part.pt"
    torch.save({"format": "infonet-copula-1", "pools": 3}, path)
    _refused(path, "average", "config")


def test_weights_of_another_size(tmp_path, checkpoint):
    state = read_checkpoint(checkpoint)
    state["config"]["model"]["hidden"] = 8
    path = tmp_path / "mixed.pt"
    torch.save(state, path)
    _refused(path, "head.0.weight")


def test_a_broken_config_inside(tmp_path, checkpoint):
    state = {**read_checkpoint(checkpoint), "config": {"modell": {}}}
    path = tmp_path / "config.pt"
    torch.save(state, path)
    with pytest.raises(ValueError, match="modell"):
        load_model(path)


def test_interval_factors_are_read_back(tmp_path, checkpoint):
    factors = IntervalFactors((30, 1000), (1.25, 1.0), (2.0, 1.5))
    path = tmp_path / "factors.pt"
    write_state(path, {**read_checkpoint(checkpoint), "interval_factors": factors.to_dict()})
    assert load_model(path).interval_factors == factors


def test_an_interrupted_write_keeps_the_last_whole_checkpoint(tmp_path, monkeypatch):
    path = save_checkpoint(tmp_path / "checkpoint.pt", tiny_config())
    before = path.read_bytes()
    save = torch.save

    def half(state, target):
        save(state, target)
        target.write_bytes(target.read_bytes()[:1000])
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, tiny_config(), seed=1)
    monkeypatch.undo()
    assert path.read_bytes() == before
    load_model(path)
