"""The last stage of training: the layers of the test alone, on weak dependence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from infonet_export.training import trainer
from infonet_export.training.calibration import IntervalFactors
from infonet_export.training.checkpoint import load_model
from infonet_export.training.detection import draw_weak_chunk, train_detection
from sklearn.metrics import roc_auc_score
from tiny_models import random_net, save_checkpoint, tiny_config

CONFIG = tiny_config(detection_pairs=1024)
FEW = tiny_config(detection_pairs=256)


@pytest.fixture(scope="module")
def trained():
    net = random_net(CONFIG.model).requires_grad_(False)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    return net, before, train_detection(net, CONFIG)


def test_it_learns_to_tell_weak_dependence(trained):
    net, before, loss = trained
    assert loss < 0.95 * math.log(2)
    histograms, mi = draw_weak_chunk(CONFIG, 5000)  # never drawn in training
    fresh = random_net(CONFIG.model)
    fresh.load_state_dict(before)
    with torch.no_grad():
        after, then = (
            roc_auc_score(mi != 0, model(torch.from_numpy(histograms)).score)
            for model in (net, fresh)
        )
    assert after > 0.62
    assert after > then


def test_only_the_test_changes(trained):
    net, before, _ = trained
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith("test."), name
    assert not any(p.requires_grad for p in net.parameters())


def test_it_is_a_function_of_the_seed():
    nets = [random_net(FEW.model).requires_grad_(False) for _ in range(2)]
    assert len({train_detection(net, FEW) for net in nets}) == 1
    for a, b in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(a, b)


def test_chunks_are_their_own():
    histograms, mi = draw_weak_chunk(FEW, 0)
    assert histograms.shape == (256, 32, 32)
    np.testing.assert_array_equal(histograms, draw_weak_chunk(CONFIG, 0)[0])
    assert not np.array_equal(histograms, draw_weak_chunk(CONFIG, 1)[0])
    assert 90 < (mi == 0).sum() < 166
    np.testing.assert_allclose(histograms.sum((1, 2)).min(), 20, atol=40)


def test_no_pairs_no_stage():
    net = random_net(CONFIG.model)
    weights = [p.clone() for p in net.parameters()]
    config = replace(CONFIG, training=replace(CONFIG.training, detection_pairs=0))
    assert math.isnan(train_detection(net, config))
    assert all(torch.equal(a, b) for a, b in zip(weights, net.parameters(), strict=True))


def test_finish_writes_the_trained_test(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "calibrate", lambda net: IntervalFactors.identity())
    checkpoint = save_checkpoint(tmp_path / "checkpoint.pt", FEW)
    lines = []
    model = trainer.finish(checkpoint, tmp_path / "model.pt", lines.append)
    assert "cross-entropy" in lines[0]
    before, after = load_model(checkpoint).net, load_model(model).net
    for (name, a), b in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(a, b) != name.startswith("test.")
