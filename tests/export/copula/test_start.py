"""A training that starts from the weights of another model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from infonet_export.checkpoints import write_state
from infonet_export.copula import trainer
from infonet_export.copula.checkpoint import read_checkpoint, start_from
from infonet_export.copula.network import CopulaNet
from tiny_models import save_checkpoint, tiny_config


@pytest.fixture
def older(tmp_path):
    """A checkpoint without the test and with fewer inputs of the head, as the first release."""
    path = save_checkpoint(tmp_path / "older.pt", tiny_config())
    state = read_checkpoint(path)
    weights = {k: v for k, v in state["average"].items() if not k.startswith("test.")}
    weights["head.0.weight"] = weights["head.0.weight"][:, :-25].clone()
    write_state(path, {**state, "average": weights})
    return path, weights


def test_weights_are_taken_over_and_the_rest_starts_fresh(older):
    path, weights = older
    torch.manual_seed(5)
    net = CopulaNet(tiny_config().model)
    fresh = {k: v.clone() for k, v in net.state_dict().items()}
    start_from(net, path)
    for name, value in net.state_dict().items():
        if name == "head.0.weight":
            assert torch.equal(value[:, :-25], weights[name])
            assert (value[:, -25:] == 0).all()
        else:
            assert torch.equal(value, weights.get(name, fresh[name]))


def test_other_sizes_are_refused(older):
    config = replace(tiny_config().model, channels=(24, 16))
    with pytest.raises(ValueError, match=r"of shape \[16.*the model \[24.*give the model section"):
        start_from(CopulaNet(config), older[0])


def test_deeper_networks_are_refused(older):
    config = replace(tiny_config().model, channels=(16,), histogram_grid=32)
    with pytest.raises(ValueError, match="which this model lacks"):
        start_from(CopulaNet(config), older[0])


def test_training_starts_there(older, tmp_path, monkeypatch):
    config = tiny_config(pools=1, learning_rate=1e-9, start_from=str(older[0]))
    monkeypatch.setattr(trainer, "finish", lambda *_: None)
    trainer.train(config, tmp_path / "run", device="cpu", report=lambda _: None)
    state = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    for name, value in older[1].items():
        if name != "head.0.weight":
            np.testing.assert_allclose(state["model"][name], value, atol=1e-6)


def test_a_file_that_is_missing_is_named_with_the_key_and_nothing_is_left_behind(tmp_path):
    config = tiny_config(start_from=str(tmp_path / "stage1" / "model.pt"))
    with pytest.raises(ValueError, match=r"training\.start_from is .*stage1.*does not exist: run"):
        trainer.train(config, tmp_path / "run", device="cpu", report=lambda _: None)
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_resumed_does_not_need_the_file_again(older, tmp_path, monkeypatch):
    config = tiny_config(pools=1, start_from=str(older[0]))
    monkeypatch.setattr(trainer, "finish", lambda *_: None)
    trainer.train(config, tmp_path / "run", device="cpu", report=lambda _: None)
    older[0].unlink()
    lines = []
    trainer.train(config, tmp_path / "run", device="cpu", report=lines.append)
    assert lines == ["resuming after 1 of 1 pools"]
    with pytest.raises(ValueError, match="start_from"):
        trainer.train(config, tmp_path / "run", device="cpu", resume=False, report=lines.append)
