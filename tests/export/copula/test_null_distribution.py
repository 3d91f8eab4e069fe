"""The null distribution in a model file: simulated quantiles, a tail, or nothing."""

from __future__ import annotations

from collections import Counter

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


def _known(sizes, draws):
    """The table of an exponential statistic, and how often it was drawn for each n."""
    rng, drawn = np.random.default_rng(0), Counter()

    def statistic(histogram):
        drawn[round(float(histogram.sum()))] += 1
        return rng.standard_exponential(len(histogram))

    return simulate_null(statistic, 16, sizes=sizes, draws=draws), drawn


def _agrees(quantiles, probabilities, count):
    probabilities = np.array(probabilities)
    # error of a quantile: sqrt(p (1 - p) / draws) / density
    error = np.sqrt(probabilities / (1 - probabilities) / count)
    return (np.abs(quantiles + np.log1p(-probabilities)) < 5 * error).all()


def test_null_distribution_of_a_known_statistic():
    """An exponential one: its quantiles, and an exponential tail of scale 1."""
    null, drawn = _known((20, 50, 200, 500), 20_000)
    assert drawn == dict.fromkeys((20, 50, 200, 500), 20_000)
    for row in null["quantiles"]:
        assert _agrees(row, null["probabilities"], 20_000)
    assert null["tail"]["shape"] < 0.1
    np.testing.assert_allclose(null["tail"]["scales"], 1, atol=0.3)


def test_long_samples_are_drawn_less_often():
    """As one over the root of n beyond 10,000, and no less often than 200 times."""
    null, drawn = _known((10_000, 40_000, 90_000), 500)
    assert drawn == {10_000: 500, 40_000: 250, 90_000: 200}
    for row, count in zip(null["quantiles"], drawn.values(), strict=True):
        assert _agrees(row, null["probabilities"], count)


def test_the_same_draws_give_the_same_table():
    core = Core(random_net(tiny_config().model)).eval()

    def statistic(histogram):
        with torch.no_grad():
            return core(torch.from_numpy(histogram))[3].numpy()

    first = simulate_null(statistic, 32, sizes=(20,), draws=1)
    assert np.isfinite(first["quantiles"]).all()
    assert simulate_null(statistic, 32, sizes=(20,), draws=1) == first
