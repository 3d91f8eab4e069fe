"""The null distribution in a model file: simulated quantiles, a tail, or nothing."""

from __future__ import annotations

import infonet
import numpy as np
import onnx
import pytest
import torch
from infonet.model.load import core_path
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.graphs import Core
from infonet_export.copula.null_distribution import simulate_null
from tiny_models import random_net, tiny_config


def _samples(batch, n, seed=0):
    rng = np.random.default_rng(seed)
    x, e = rng.normal(size=(2, batch, n))
    return np.stack([x, rng.uniform(-1, 1, (batch, 1)) * x + e], 2).astype(np.float32)


def test_without_a_null_distribution_the_entry_is_empty(tmp_path, exported):
    result = export_checkpoint(exported[0], tmp_path / "m.onnx", null_draws=0)
    assert core_path(result.model) == result.core == tmp_path / "m.core.onnx"
    assert infonet.load_model(result.model).null is None
    assert infonet.load_model(result.model).metadata["infonet.null_distribution"] == ""
    estimate = infonet.Estimator(model=result.model).estimate(*_samples(1, 100)[0].T)
    assert estimate.p_value is None


def test_exporting_again_gives_the_same_graph_to_the_byte(tmp_path, exported, monkeypatch):
    monkeypatch.setattr(torch.onnx, "export", torch.onnx.export.__wrapped__)  # traced once more
    checkpoint, first = exported
    result = export_checkpoint(checkpoint, tmp_path / "m.onnx", null_draws=0)
    for a, b in ((result.model, first.model), (result.core, first.core)):
        graphs = [onnx.load(path).graph.SerializeToString(deterministic=True) for path in (a, b)]
        assert graphs[0] == graphs[1]


def test_null_distribution_against_independent_simulations(exported):
    _, result = exported
    null = infonet.load_model(result.model).null
    assert null.statistic == "score"
    assert null.quantiles.shape == (3, null.probabilities.size)
    assert (np.diff(null.quantiles, axis=1) >= 0).all()
    # other random numbers, real values, the runtime instead of the exporter
    engine = PairEngine(CpuBackend(infonet.load_model(result.model)))
    rng = np.random.default_rng(77)
    for n, row in zip(null.n.astype(int), null.quantiles, strict=True):
        scores = [
            float(engine.run(engine.prepare(rng.normal(size=(2, n))), ONE_PAIR).statistic[0])
            for _ in range(600)
        ]
        for probability, quantile in zip(null.probabilities, row, strict=True):
            # share below the stored quantile: errors of 200 stored and 600 fresh draws
            error = np.sqrt(probability * (1 - probability) * (1 / 200 + 1 / 600))
            share = np.mean(np.array(scores) <= quantile)
            assert share == pytest.approx(probability, abs=5 * error + 0.01), (n, probability)


def test_null_distribution_of_a_known_statistic():
    """An exponential one: its quantiles, and an exponential tail of scale 1."""
    rng = np.random.default_rng(0)
    draw = lambda histogram: rng.standard_exponential(len(histogram))  # noqa: E731
    null = simulate_null(draw, 16, sizes=(20, 50, 10_000, 40_000), draws=20_000)
    for row in null["quantiles"]:
        exact = -np.log1p(-np.array(null["probabilities"]))
        # error of a quantile: sqrt(p (1 - p) / draws) / density
        error = np.sqrt(np.array(null["probabilities"]) / (1 - np.array(null["probabilities"])))
        assert (np.abs(row - exact) < 5 * error / 100).all()
    assert null["tail"]["shape"] < 0.1
    np.testing.assert_allclose(null["tail"]["scales"], 1, atol=0.3)


def test_the_same_draws_give_the_same_table():
    core = Core(random_net(tiny_config().model)).eval()

    def statistic(histogram):
        with torch.no_grad():
            return core(torch.from_numpy(histogram))[3].numpy()

    first = simulate_null(statistic, 32, sizes=(20,), draws=1)
    assert np.isfinite(first["quantiles"]).all()
    assert simulate_null(statistic, 32, sizes=(20,), draws=1) == first
