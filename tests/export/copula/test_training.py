"""The training loop on a tiny configuration: it learns, it resumes bit for bit, it records."""

from __future__ import annotations

import json
import shutil
from functools import partial

import numpy as np
import pytest
import torch
from infonet_export.copula import trainer
from infonet_export.copula.calibration import IntervalFactors, calibrate, factor_for_new_family
from infonet_export.copula.checkpoint import load_model, read_checkpoint
from infonet_export.copula.pool import Pool
from infonet_export.copula.trainer import learning_rate, train
from scipy import stats
from tiny_models import random_net, tiny_config

FEW_CALIBRATIONS = partial(calibrate, sizes=(30, 100), count=1)


@pytest.fixture(autouse=True)
def _few_calibrations(monkeypatch):
    monkeypatch.setattr(trainer, "calibrate", FEW_CALIBRATIONS)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """An uninterrupted run of three pools, the first steps in bfloat16."""
    output = tmp_path_factory.mktemp("trained")
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "calibrate", FEW_CALIBRATIONS)
        model = train(tiny_config(bfloat16=0.4), output, device="cpu", report=lines.append)
    return output, model, lines


def _interrupt(monkeypatch, after):
    """The run ends with a KeyboardInterrupt when it asks for a pool beyond ``after`` of them."""
    inner = trainer.pools

    def interrupted(config, first, last):
        for index, pool in enumerate(inner(config, first, last)):
            if index == after:
                raise KeyboardInterrupt
            yield pool

    monkeypatch.setattr(trainer, "pools", interrupted)


def _same(a, b):
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def _rows(output):
    return [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]


def test_training_reduces_both_losses(tmp_path, monkeypatch):
    # the same pool again and again: what is learnt is not hidden by what is drawn
    drawn = next(trainer.pools(tiny_config(), 0, 1))
    monkeypatch.setattr(
        trainer, "pools", lambda config, first, last: (drawn for _ in range(first, last))
    )
    train(tiny_config(pools=40, learning_rate=3e-3), tmp_path, device="cpu", report=lambda _: None)
    rows = _rows(tmp_path)
    assert rows[-1]["table_loss"] < rows[0]["table_loss"] - 0.05
    assert rows[-1]["quantile_loss"] < 0.6 * rows[0]["quantile_loss"]


def test_an_interrupted_run_ends_bit_for_bit_as_an_uninterrupted_one(
    trained, tmp_path, monkeypatch
):
    output, model, _ = trained
    config, lines = tiny_config(bfloat16=0.4), []
    with monkeypatch.context() as patch:
        _interrupt(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path, device="cpu", report=lines.append)
    assert read_checkpoint(tmp_path / "checkpoint.pt")["pools"] == 1
    assert not (tmp_path / "model.pt").exists()
    resumed = train(config, tmp_path, device="cpu", report=lines.append)
    assert "resuming after 1 of 3 pools" in lines
    for name in ("checkpoint.pt", "model.pt"):
        assert _same(read_checkpoint(output / name), read_checkpoint(tmp_path / name)), name
    drop = ("minutes",)
    strip = lambda rows: [{k: v for k, v in r.items() if k not in drop} for r in rows]  # noqa: E731
    assert strip(_rows(tmp_path)) == strip(_rows(output))
    assert load_model(resumed).interval_factors == load_model(model).interval_factors


def test_an_interruption_within_a_pool_repeats_that_pool(trained, tmp_path, monkeypatch):
    output, _, _ = trained
    config, calls = tiny_config(bfloat16=0.4), []
    inner = trainer.update_average
    with monkeypatch.context() as patch:

        def fail_in_the_second_pool(*arguments):
            calls.append(1)
            if len(calls) > config.steps_per_pool + 2:
                raise KeyboardInterrupt
            inner(*arguments)

        patch.setattr(trainer, "update_average", fail_in_the_second_pool)
        with pytest.raises(KeyboardInterrupt):
            train(config, tmp_path, device="cpu", report=lambda _: None)
    train(config, tmp_path, device="cpu", report=lambda _: None)
    paths = output / "checkpoint.pt", tmp_path / "checkpoint.pt"
    assert _same(*map(read_checkpoint, paths))


def test_a_finished_run_is_not_trained_further(trained, tmp_path):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    before = read_checkpoint(tmp_path / "checkpoint.pt")
    train(tiny_config(bfloat16=0.4), tmp_path, device="cpu", report=lambda _: None)
    assert _same(before, read_checkpoint(tmp_path / "checkpoint.pt"))
    assert len(_rows(tmp_path)) == 3


def test_another_configuration_is_refused_and_restart_starts_anew(trained, tmp_path):
    output, _, _ = trained
    shutil.copytree(output, tmp_path, dirs_exist_ok=True)
    other, before = tiny_config(seed=5, pools=1), (tmp_path / "checkpoint.pt").read_bytes()
    with pytest.raises(ValueError, match="another configuration.*--output.*--restart"):
        train(other, tmp_path, device="cpu", report=lambda _: None)
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    train(other, tmp_path, device="cpu", resume=False, report=lambda _: None)
    assert read_checkpoint(tmp_path / "checkpoint.pt")["config"] == other.to_dict()
    assert len(_rows(tmp_path)) == 1


def test_torchrun_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="torchrun"):
        train(tiny_config(), tmp_path / "run", device="cpu", report=lambda _: None)
    assert not (tmp_path / "run").exists()


def test_the_seed_decides_everything(trained, tmp_path):
    output, _, _ = trained
    other = train(tiny_config(seed=1, bfloat16=0.4), tmp_path, device="cpu", report=lambda _: None)
    a, b = (read_checkpoint(p / "checkpoint.pt")["model"] for p in (output, other.parent))
    assert not torch.equal(a["table.weight"], b["table.weight"])


def test_what_a_run_leaves_behind(trained):
    output, model, lines = trained
    assert model == output / "model.pt"
    rows = _rows(output)
    assert [row["pool"] for row in rows] == [1, 2, 3]
    assert [row["step"] for row in rows] == [4, 8, 12]
    assert all(np.isfinite(row[key]) for row in rows for key in ("table_loss", "quantile_loss"))
    assert rows[-1]["learning_rate"] < rows[0]["learning_rate"]
    assert any("90 %" in line for line in lines)
    state = read_checkpoint(model)
    assert "optimizer" not in state
    assert _same(state["average"], read_checkpoint(output / "checkpoint.pt")["average"])
    assert model.stat().st_size < (output / "checkpoint.pt").stat().st_size / 2
    assert not list(output.glob("*.partial"))


def test_tensorboard_events(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained[0] / "tensorboard"))
    events.Reload()
    losses = {"table_loss", "quantile_loss", "detection_loss"}
    assert set(events.Tags()["scalars"]) == {*losses, "learning_rate"}
    scalars = events.Scalars("table_loss")
    assert [event.step for event in scalars] == [4, 8, 12]
    logged = [row["table_loss"] for row in _rows(trained[0])]
    assert [event.value for event in scalars] == pytest.approx(logged, rel=1e-6)


def test_the_average_lags_behind_the_weights(trained):
    state = read_checkpoint(trained[0] / "checkpoint.pt")
    assert not torch.equal(state["average"]["table.weight"], state["model"]["table.weight"])


def test_one_step_of_the_average_by_hand():
    config = tiny_config().model
    average, net = random_net(config, 0), random_net(config, 1)
    expected = {
        name: 0.75 * mean + 0.25 * value
        for (name, mean), value in zip(average.named_parameters(), net.parameters(), strict=True)
    }
    trainer.update_average(average, net, 0.75)
    for name, value in average.named_parameters():
        torch.testing.assert_close(value, expected[name])


def test_learning_rate_warms_up_and_decays_to_zero():
    config = tiny_config(pools=10, warmup_steps=8, learning_rate=0.1)
    rates = [learning_rate(step, config) for step in range(config.steps + 1)]
    assert rates[0] == pytest.approx(0.1 / 8)
    assert np.argmax(rates) == 7
    assert rates[20] == pytest.approx(0.05)  # halfway
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert (np.diff(rates[8:]) < 0).all()


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    config = tiny_config()
    nothing = Pool(
        np.zeros((256, 32, 32), np.float32),  # no samples: densities are 0 / 0
        np.zeros((256, 16, 16), np.float32),
        np.zeros(256, np.float32),
        np.full(256, 20, np.float32),
    )
    monkeypatch.setattr(trainer, "pools", lambda *_: iter([nothing]))
    with pytest.raises(FloatingPointError, match="learning_rate"):
        train(config, tmp_path, device="cpu", report=lambda _: None)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_every_pair_is_seen_once_a_pass_with_its_own_truth(monkeypatch):
    config = tiny_config(pools=1)
    pool = next(trainer.pools(config, 0, 1))
    net, average = random_net(config.model), random_net(config.model)
    seen = []
    monkeypatch.setattr(
        trainer,
        "quantile_loss",
        lambda q, mi, n: (seen.extend(zip(mi.tolist(), n.tolist(), strict=True)), q.sum())[1],
    )
    optimizer = trainer._optimizer(net, config)
    bar = type("Bar", (), {"update": lambda self: None})()
    trainer._train_pool(net, average, optimizer, config, pool, 0, torch.device("cpu"), bar)
    own = zip(pool.mi.tolist(), pool.n.tolist(), strict=True)
    assert len(seen) == len(pool)
    assert sorted(map(str, seen)) == sorted(map(str, own))
    assert sorted(n for _, n in seen) != [n for _, n in seen]  # shuffled


class _Certain(torch.nn.Module):
    """Answers with fixed quantiles, whatever it reads."""

    def __init__(self, config, quantiles):
        super().__init__()
        self.config, self.quantiles = config, torch.tensor([quantiles])

    def forward(self, histogram):
        return type("Output", (), {"quantiles": self.quantiles.expand(len(histogram), 3)})()


def test_calibration_stretches_what_is_too_narrow_and_shrinks_what_is_too_wide():
    config = tiny_config().model
    narrow = calibrate(_Certain(config, (0.499, 0.5, 0.501)), (50,), 2)
    assert narrow.low == narrow.high == (4.0,)  # the limit
    wide = calibrate(_Certain(config, (-99.0, 0.5, 99.0)), (50,), 2)
    assert wide.low == wide.high == (0.5,)


def test_calibration_is_the_quantile_of_the_passed_widths(monkeypatch):
    from infonet_export.copula import calibration
    from infonet_export.samplers.distribution import Distribution

    # truths 0.01 .. 1.00 around a median of 0.5 with a width of 0.3 on each side
    truths = iter(np.tile(np.arange(1, 101) / 100, 10))

    def family(rng):
        return Distribution("any", float(next(truths)), lambda r, n: r.random((n, 2)))

    monkeypatch.setattr(calibration, "CALIBRATION", {"any": family})
    factors = calibrate(_Certain(tiny_config().model, (0.2, 0.5, 0.8)), (20, 50), 100)
    assert factors.n == (20, 50)
    # 5 % of the 100 truths lie beyond 0.5 - 0.4505 / 0.3 ... the 95th percentiles of the errors
    errors = np.arange(1, 101) / 100 - 0.5
    assert factors.high == pytest.approx((np.quantile(errors, 0.95) / 0.3,) * 2, abs=1e-3)
    assert factors.low == pytest.approx((np.quantile(-errors, 0.95) / 0.3,) * 2, abs=1e-3)


def test_the_factor_holds_for_a_family_left_out():
    # families of unlike scale: the 95 % quantile of eight of them covers a ninth less often
    rng = np.random.default_rng(0)
    fresh = rng.lognormal(0, 0.8, 2000)
    covered, plain = [], []
    for _ in range(200):
        known = [scale * rng.normal(size=200) for scale in rng.lognormal(0, 0.8, 8)]
        factor, quantile = factor_for_new_family(known), np.quantile(np.concatenate(known), 0.95)
        assert factor >= quantile
        covered.append(stats.norm.cdf(factor / fresh).mean())
        plain.append(stats.norm.cdf(quantile / fresh).mean())
    assert np.mean(plain) < 0.945
    assert np.mean(covered) == pytest.approx(0.95, abs=0.01)
    assert factor_for_new_family(known[:1]) == np.quantile(known[0], 0.95)


def test_factors_survive_their_dictionary():
    factors = IntervalFactors((30, 100), (1.1, 1.2), (0.9, 1.0))
    assert IntervalFactors.from_dict(json.loads(json.dumps(factors.to_dict()))) == factors
