"""Training with a teacher: its answers are means over the images, its pupils read one of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from infonet_export.copula import trainer
from infonet_export.copula.checkpoint import load_model, read_checkpoint
from infonet_export.copula.graphs import Core
from infonet_export.copula.losses import apply_symmetry, imitation_loss
from infonet_export.copula.pool import draw_chunk
from infonet_export.copula.teacher import open_teacher
from tiny_models import save_checkpoint, tiny_config


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A model of random weights, which answers each image of a histogram differently."""
    return save_checkpoint(tmp_path_factory.mktemp("teacher") / "model.pt", tiny_config(), seed=3)


@pytest.fixture(scope="module")
def plain():
    """A chunk that was drawn without a teacher."""
    return draw_chunk(tiny_config(), 0, 0)


def test_its_answers_are_the_means_over_the_eight_images(path, plain):
    counts = torch.from_numpy(plain.reading[:19])
    net = load_model(path).net
    with torch.no_grad():
        images = [net(apply_symmetry(counts, s)).quantiles for s in range(8)]
    assert torch.stack(images).std(0).min() > 1e-5  # or the mean would say nothing
    taught = open_teacher(str(path)).quantiles(plain.reading[:19])
    np.testing.assert_allclose(taught, torch.stack(images).mean(0), atol=1e-5)


def test_what_a_pupil_reads_is_what_estimates_read(path, plain):
    teacher, net = open_teacher(str(path)), load_model(path).net
    reading, scoring = teacher.oriented(plain.reading, plain.scoring)
    with torch.no_grad():
        estimates = Core(net).eval()(torch.from_numpy(plain.reading))[1]
        read = net(torch.from_numpy(reading)).quantiles.clamp(min=0)
    np.testing.assert_allclose(read, estimates, atol=1e-6)
    # the histogram that scores is turned as the one that is read
    half = plain.reading.reshape(-1, 16, 2, 16, 2).sum((2, 4))
    turned = teacher.oriented(plain.reading, half)[1]
    np.testing.assert_allclose(turned, reading.reshape(-1, 16, 2, 16, 2).sum((2, 4)), atol=1e-4)
    assert scoring.shape == plain.scoring.shape


@pytest.mark.parametrize("symmetry", range(8))
def test_every_image_is_turned_and_answered_alike(path, plain, symmetry):
    teacher = open_teacher(str(path))
    image, scored = (
        apply_symmetry(torch.from_numpy(h[:5]), symmetry).contiguous().numpy()
        for h in (plain.reading, plain.scoring)
    )
    for turned, expected in zip(
        teacher.oriented(image, scored),
        teacher.oriented(plain.reading[:5], plain.scoring[:5]),
        strict=True,
    ):
        np.testing.assert_array_equal(turned, expected)
    np.testing.assert_allclose(
        teacher.quantiles(image), teacher.quantiles(plain.reading[:5]), atol=1e-5
    )


def test_a_chunk_for_a_teacher_is_the_same_pairs_turned_and_answered(path, plain):
    drawn = draw_chunk(tiny_config(teacher=str(path)), 0, 0)
    teacher = open_teacher(str(path))
    reading, scoring = teacher.oriented(plain.reading, plain.scoring)
    np.testing.assert_array_equal(drawn.reading, reading)
    np.testing.assert_array_equal(drawn.scoring, scoring)
    np.testing.assert_array_equal(drawn.mi, plain.mi)
    np.testing.assert_array_equal(drawn.n, plain.n)
    np.testing.assert_array_equal(drawn.taught, teacher.quantiles(reading))
    assert np.isnan(plain.taught).all()


def test_the_loss_by_hand():
    # known to sqrt((1 - e^-2)/100 + 1e-4 + 0.015^2) = 0.09471 at 1 nat, to 0.01414 at 0 nats
    taught = torch.tensor([[0.9, 1.0, 1.1], [-0.1, -0.01, 0.05]])
    said = taught + torch.tensor([[0.0, 0.5 * 0.094707, 0.0], [0.0, 0.0, 3 * 0.0141421]])
    n = torch.tensor([100.0, 100.0])
    # half a square within one unit, linear beyond
    assert imitation_loss(said, taught, n).item() == pytest.approx((0.125 + 2.5) / 2, rel=1e-3)
    assert imitation_loss(taught, taught, n).item() == 0


def test_a_pupil_comes_closer_to_its_teacher(path, tmp_path, monkeypatch):
    config = tiny_config(pools=30, learning_rate=3e-3, teacher=str(path), teacher_weight=1.0)
    drawn = next(trainer.pools(config, 0, 1))
    monkeypatch.setattr(
        trainer, "pools", lambda config, first, last: (drawn for _ in range(first, last))
    )
    monkeypatch.setattr(trainer, "finish", lambda *_: None)
    trainer.train(config, tmp_path, device="cpu", report=lambda _: None)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["teacher_loss"] < 0.5 * rows[0]["teacher_loss"]
    assert read_checkpoint(tmp_path / "checkpoint.pt")["config"] == config.to_dict()


def test_without_a_teacher_none_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "finish", lambda *_: None)
    trainer.train(tiny_config(pools=1), tmp_path, device="cpu", report=lambda _: None)
    assert "teacher_loss" not in (tmp_path / "log.jsonl").read_text()


def test_a_file_that_is_no_teacher_is_refused(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"no model")
    config = tiny_config(teacher=str(tmp_path / "model.pt"))
    with pytest.raises(ValueError, match=r"model\.pt"):
        draw_chunk(config, 0, 0)
