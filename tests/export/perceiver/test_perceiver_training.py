"""Training the paper's network: it learns, resumes bit for bit, in one process or in several."""

from __future__ import annotations

import os
import pickle
import shutil

import numpy as np
import pytest
import torch
from infonet_export.checkpoints import write_state
from infonet_export.configuration import load_config
from infonet_export.perceiver import Perceiver, mutual_information
from infonet_export.perceiver import run as run_module
from infonet_export.perceiver.data import TEST, draw_batch
from infonet_export.perceiver.order import judge, triples
from infonet_export.perceiver.published import load_perceiver
from infonet_export.perceiver.run import Run, Tables, read_checkpoint
from infonet_export.training.processes import Process, Share
from perceiver_runs import log_rows, same, train
from tiny_models import CONFIGS
from tiny_perceiver import tiny_perceiver

CPU = torch.device("cpu")
ALL_AT_ONCE = {
    "loss": "cross_sample", "ema_decay": 0.8, "precision": "fp16", "step_size": 3, "warmup_steps": 2
}  # fmt: skip


def _interrupt(patch, after):
    """The run is interrupted when it begins step ``after``."""
    inner = Run.train_on

    def interrupted(self, batch):
        if self.step == after:
            raise KeyboardInterrupt
        return inner(self, batch)

    patch.setattr(Run, "train_on", interrupted)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An uninterrupted run of three epochs as published."""
    output = tmp_path_factory.mktemp("trained")
    model, lines = train(tiny_perceiver(), output)
    return output, model, lines


@pytest.mark.parametrize("options", [{}, ALL_AT_ONCE], ids=["published", "all-at-once"])
@pytest.mark.parametrize("step", [4, 6], ids=["after-an-epoch", "within-an-epoch"])
def test_an_interrupted_run_ends_bit_for_bit_as_an_uninterrupted_one(
    tmp_path, monkeypatch, options, step
):
    config = tiny_perceiver(**options)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(config, whole)
    with monkeypatch.context() as patch:
        _interrupt(patch, step)
        with pytest.raises(KeyboardInterrupt):
            train(config, parts)
    assert read_checkpoint(parts / "checkpoint.pt")["step"] == 4
    assert not (parts / "model.pt").exists()
    _, lines = train(config, parts)
    assert "resuming after 1 of 3 epochs" in lines
    for name in ("checkpoint.pt", "model.pt"):
        a, b = (torch.load(p / name, weights_only=True) for p in (whole, parts))
        assert same(a, b), name
    assert log_rows(whole, "minutes") == log_rows(parts, "minutes")


def test_what_a_run_leaves_behind(trained):
    output, model, lines = trained
    assert {p.name for p in output.iterdir()} == {
        "checkpoint.pt", "evaluation.md", "log.jsonl", "model.pt", "tensorboard",
    }  # fmt: skip
    rows = log_rows(output)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert [row["step"] for row in rows] == [4, 8, 12]
    assert all(np.isfinite(row["mi"]) for row in rows)
    assert ["order" in row for row in rows] == [False, True, False]  # every second epoch
    assert set(rows[1]) >= {"order_1", "order_2", "order_5", "order_10"}
    assert sum("order accuracy" in line for line in lines) == 2  # that one, and the final test
    assert "order accuracy" in (output / "evaluation.md").read_text()
    state = torch.load(model, weights_only=True)
    assert set(state) == {"format", "config", "model"}
    assert state["format"] == "infonet-perceiver-1"
    assert state["config"]["model"]["table_grid"] == 32
    assert set(state["config"]) >= {"model", "data", "training"}
    net = load_perceiver(model)
    assert net.config == tiny_perceiver().model
    assert same(net.state_dict(), read_checkpoint(output / "checkpoint.pt")["model"])


def test_tensorboard_events(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained[0] / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {
        "mi", "learning_rate", "order", "order_1", "order_2", "order_5", "order_10",
    }  # fmt: skip
    assert [event.step for event in events.Scalars("mi")] == [4, 8, 12]
    assert [event.step for event in events.Scalars("order")] == [8]


def test_the_average_is_what_is_exported(tmp_path):
    config = tiny_perceiver(ema_decay=0.5, epochs=1)
    model, _ = train(config, tmp_path)
    checkpoint = read_checkpoint(tmp_path / "checkpoint.pt")
    exported = torch.load(model, weights_only=True)["model"]
    assert same(exported, checkpoint["average"])
    assert not same(exported, checkpoint["model"])


def test_a_finished_run_is_not_trained_further(trained, tmp_path):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.pt").unlink()
    train(tiny_perceiver(), tmp_path)
    for name in ("checkpoint.pt", "model.pt"):
        assert same(*(torch.load(p / name, weights_only=True) for p in (output, tmp_path))), name
    assert len(log_rows(tmp_path)) == 3


def test_what_may_change_on_resuming(trained, tmp_path):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    longer = tiny_perceiver(epochs=4, data={"workers": 1}, validation={"every": 1})
    _, lines = train(longer, tmp_path)
    assert "resuming after 3 of 4 epochs" in lines
    straight = tmp_path / "straight"
    train(tiny_perceiver(epochs=4), straight)
    a, b = (read_checkpoint(p / "checkpoint.pt") for p in (tmp_path, straight))
    assert same(a["model"], b["model"])


@pytest.mark.parametrize(
    "other",
    [
        tiny_perceiver(seed=1),
        tiny_perceiver(learning_rate=0.1),
        tiny_perceiver({"latents": 5}),
        tiny_perceiver(data={"components": 4}),
        tiny_perceiver(epochs=4, schedule="cosine"),
    ],
    ids=["seed", "rate", "model", "data", "schedule"],
)
def test_another_configuration_is_refused(trained, tmp_path, other):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match=r"another configuration.*--output.*--restart"):
        train(other, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before


def test_the_length_decides_a_cosine_schedule(tmp_path):
    config = tiny_perceiver(schedule="cosine", epochs=1)
    train(config, tmp_path)
    with pytest.raises(ValueError, match="another configuration"):
        train(tiny_perceiver(schedule="cosine", epochs=2), tmp_path)


def test_restart_starts_anew_and_the_seed_decides_everything(trained, tmp_path):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    train(tiny_perceiver(seed=1, epochs=1), tmp_path, resume=False)
    assert len(log_rows(tmp_path)) == 1
    states = [read_checkpoint(p / "checkpoint.pt")["model"] for p in (output, tmp_path)]
    assert not torch.equal(states[0]["query.tokens"], states[1]["query.tokens"])


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "kind", ["pickle", "inside", "truncated", "other", "final", "mixed", "config"]
)
def test_a_checkpoint_that_cannot_be_resumed_is_refused_unexecuted(trained, tmp_path, kind):
    output, model, _ = trained
    path, evidence = tmp_path / "checkpoint.pt", tmp_path / "executed"
    content = (output / "checkpoint.pt").read_bytes()
    if kind == "pickle":
        path.write_bytes(pickle.dumps(_Bomb(evidence), protocol=2))
    elif kind == "inside":
        state = read_checkpoint(output / "checkpoint.pt")
        write_state(path, {**state, "optimizer": {"state": _Bomb(evidence)}})
    elif kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "other":
        write_state(path, {"format": "infonet-copula-1"})
    elif kind in ("mixed", "config"):
        state = read_checkpoint(output / "checkpoint.pt")
        part = {"optimizer": {"param_groups": []}} if kind == "mixed" else {"config": [3]}
        write_state(path, {**state, **part})
    else:
        shutil.copy(model, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="checkpoint.pt") as caught:
        train(tiny_perceiver(), tmp_path)
    assert "infonet train" in str(caught.value)
    assert "weights_only" not in str(caught.value)
    assert not evidence.exists()
    assert path.read_bytes() == before


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(
    tmp_path, monkeypatch
):
    _interrupt_at = 5
    inner = run_module.bounds

    def diverge(tables, reading, scoring, config, step):
        return inner(tables, reading, scoring, config, step) * (
            float("nan") if step == _interrupt_at else 1
        )

    monkeypatch.setattr(run_module, "bounds", diverge)
    with pytest.raises(FloatingPointError, match=r"epoch 1.*learning_rate"):
        train(tiny_perceiver(), tmp_path)
    state = read_checkpoint(tmp_path / "checkpoint.pt")
    assert state["step"] == 4
    assert all(torch.isfinite(value).all() for value in state["model"].values())


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_step_by_hand(precision):
    config = tiny_perceiver(
        loss="cross_sample", marginal="all_pairs", precision=precision, gradient_clip=1e9,
        learning_rate=1e-3,
    )  # fmt: skip
    run = Run(config, Process(Share(), CPU))
    torch.manual_seed(config.training.seed)
    twin = Perceiver(config.model)
    assert same(twin.state_dict(), run.net.state_dict())
    optimizer = torch.optim.Adam(twin.parameters(), lr=1e-3)
    for step in range(3):
        batch = draw_batch(config, step, Share())
        total = run.train_on(batch)
        reading, scoring = map(torch.from_numpy, batch)
        mi = mutual_information(twin(reading).table, scoring)
        optimizer.zero_grad()
        (-mi.mean()).backward()
        optimizer.step()
        tolerance = {"fp32": 1e-4, "bf16": 0.1, "fp16": 0.02}[precision]
        assert float(total) == pytest.approx(
            float(mi.detach().sum()), rel=tolerance, abs=tolerance / 100
        )
    assert run.step == 3
    if precision == "fp32":
        for (name, a), b in zip(run.net.named_parameters(), twin.parameters(), strict=True):
            # the biases of keys have no gradient but rounding errors, which Adam blows up
            if not name.endswith("key.bias"):
                torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5, msg=name)


def test_gradients_are_clipped():
    config = tiny_perceiver(gradient_clip=1e-3)
    run = Run(config, Process(Share(), CPU))
    run.train_on(draw_batch(config, 0, Share()))
    norms = [p.grad.norm() for p in run.net.parameters()]
    assert torch.stack(norms).norm() == pytest.approx(1e-3, rel=1e-3)


def test_it_learns(tmp_path):
    """In seconds: from nothing to half of what there is to know."""
    config = tiny_perceiver(
        {"latents": 8, "table_grid": 64, "embedding": (16, 32)},
        {"samples": 200, "distributions": 320, "components": 10},
        {"every": 100, "test_triples": 10},
        epochs=4, batch_size=8, learning_rate=5e-3, schedule="cosine", warmup_steps=20,
        loss="cross_sample", marginal="all_pairs", ema_decay=0.9,
    )  # fmt: skip
    model, _ = train(config, tmp_path)
    rows = log_rows(tmp_path)
    assert rows[-1]["mi"] > rows[0]["mi"] + 0.025
    net = load_perceiver(model)
    rng = np.random.default_rng(0)

    def estimate(correlation):
        samples = rng.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], (8, 200))
        ranks = (samples.argsort(1).argsort(1) + 1) / 200
        read = torch.from_numpy(ranks.astype(np.float32))
        with torch.no_grad():
            return mutual_information(net(read).table, read).numpy()

    none, some, much = map(estimate, (0.0, 0.6, 0.95))
    assert np.abs(none).mean() < 0.05
    assert some.min() > none.max()
    assert much.min() > some.max()
    assert much.mean() > 0.4  # of 1.16 nats


def test_the_tiny_network_in_the_repository_orders_mixtures():
    path = CONFIGS.parent / "export" / "checkpoints" / "perceiver_tiny.pt"
    config = load_config(CONFIGS / "perceiver" / "tiny.yaml")
    assert torch.load(path, weights_only=True)["config"] == config.to_dict()
    drawn = triples(config, 25, TEST)
    scores = judge(Tables(load_perceiver(path)), drawn, 16, Process(Share(), CPU))
    assert scores.overall >= 0.9
    assert all(share >= 0.8 for share in scores.accuracy.values())  # of 25 mixtures each


# --- several processes and the command ----------------------------------------------------------
