"""What one step of training the paper's network is made of, and the order accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from infonet_export.configuration import config_from_dict, load_config
from infonet_export.evaluation.baselines import ksg
from infonet_export.perceiver import PRESETS, Perceiver, PerceiverConfig, mutual_information
from infonet_export.perceiver.config import PerceiverTraining
from infonet_export.perceiver.data import TEST
from infonet_export.perceiver.network import smoothing_matrix
from infonet_export.perceiver.order import SMALLEST_GAP, Triple, judge, score, triples
from infonet_export.perceiver.run import Tables, bounds, learning_rate
from infonet_export.training.processes import Process, Share
from references import mixture_mi
from tiny_models import CONFIGS
from tiny_perceiver import tiny_perceiver
from torch.nn import functional as F

ALONE = Process(Share(), torch.device("cpu"))
MIXTURES = Path(__file__).resolve().parents[4] / "shared" / "fixtures" / "gmm_eval.npz"


def _net(grid=32, heads=4, seed=0) -> Perceiver:
    torch.manual_seed(seed)
    net = Perceiver(
        PerceiverConfig(
            latents=5, latent_dim=16, table_grid=grid, blocks=2, embedding=(8, 12),
            query_heads=heads, decode_heads=heads,
        )
    )  # fmt: skip
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if weight.ndim == 1:  # biases, and the scales of the norms
                weight.add_(0.1 * torch.randn_like(weight))
            elif "tokens" not in name and "latents" not in name:
                weight.mul_(2)  # tables that say something
    return net


def _ranks(batch=3, n=60, seed=0):
    return torch.rand(batch, n, 2, generator=torch.Generator().manual_seed(seed))


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [8, 15, 16, 33, 64])
def test_smoothing_as_a_product_is_the_convolution(grid):
    kernel = _net().kernel
    table = torch.randn(2, grid, grid)
    line = smoothing_matrix(kernel, grid)
    expected = F.conv2d(table[:, None], kernel, padding=7)[:, 0]
    torch.testing.assert_close(line @ table @ line.T, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("grid", "heads"), [(8, 4), (16, 4), (32, 4), (33, 3), (64, 8)])
def test_the_part_that_is_computed_is_the_networks_own(grid, heads):
    net, ranks = _net(grid, heads), _ranks()
    tables = Tables(net)
    got, whole = tables(ranks), net(ranks).table
    assert got.dtype == torch.float32
    assert got.shape == whole.shape
    torch.testing.assert_close(
        got[:, tables.first :], whole[:, tables.first :], rtol=1e-4, atol=1e-5
    )
    assert (got[:, : tables.first] == 0).all()


@pytest.mark.parametrize(("grid", "heads"), [(16, 4), (33, 3), (64, 8)])
@pytest.mark.parametrize("marginal", ["all_pairs", "shuffle"])
def test_bounds_and_every_gradient_are_those_of_the_whole_network(grid, heads, marginal):
    net, ranks = _net(grid, heads), _ranks()
    gradients = []
    for table in (net(ranks).table, Tables(net)(ranks)):
        generator = torch.Generator().manual_seed(4)
        mi = mutual_information(table, ranks, marginal, generator)
        net.zero_grad()
        mi.sum().backward()
        gradients.append((mi.detach(), [p.grad.clone() for p in net.parameters()]))
    (mi, expected), (got_mi, got) = gradients
    assert mi.abs().max() > 1e-3
    torch.testing.assert_close(got_mi, mi, rtol=1e-4, atol=1e-6)
    for (name, _), a, b in zip(net.named_parameters(), got, expected, strict=True):
        scale = b.abs().max()
        assert (a - b).abs().max() <= 1e-4 * scale + 1e-7, name


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.03), ("fp16", 0.004)])
def test_half_precision_is_near_and_its_table_float32(precision, tolerance):
    net, ranks = _net(), _ranks()
    full, half = Tables(net)(ranks), Tables(net, precision)(ranks)
    assert half.dtype == torch.float32
    scale = full.abs().max()
    difference = (full - half).abs().max()
    assert 0 < difference < tolerance * scale  # close, and really another precision


def test_gradients_of_half_precision_point_the_same_way():
    net, ranks = _net(), _ranks()
    flat = []
    for precision in ("fp32", "bf16", "fp16"):
        net.zero_grad()
        mutual_information(Tables(net, precision)(ranks), ranks).sum().backward()
        assert all(p.grad.dtype == torch.float32 for p in net.parameters())
        flat.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    for other in flat[1:]:
        assert F.cosine_similarity(flat[0], other, dim=0) > 0.99


# --- losses and schedule ------------------------------------------------------------------------


def test_bounds_are_the_read_out_of_the_table_on_the_scoring_sample():
    net, reading, scoring = _net(), _ranks(), _ranks(seed=1)
    config = tiny_perceiver(marginal="all_pairs")
    got = bounds(Tables(net), reading, scoring, config, 0)
    assert got.shape == (3,)
    torch.testing.assert_close(got, mutual_information(net(reading).table, scoring), rtol=1e-4,
                               atol=1e-6)  # fmt: skip
    assert not torch.allclose(got, bounds(Tables(net), reading, reading, config, 0))


def test_permutations_are_a_function_of_seed_and_step():
    tables, reading = Tables(_net()), _ranks()

    def value(step, seed=0):
        return bounds(tables, reading, reading, tiny_perceiver(seed=seed), step)

    assert torch.equal(value(3), value(3))
    assert not torch.equal(value(3), value(4))
    assert not torch.equal(value(3), value(3, seed=1))
    # every mixture of the batch has the same permutations, so a part of it has them too
    alone = bounds(tables, reading[2:], reading[2:], tiny_perceiver(), 3)
    torch.testing.assert_close(alone, value(3)[2:], rtol=1e-5, atol=1e-7)


def test_the_learning_rate_is_that_of_torchs_step_schedule():
    config = tiny_perceiver(step_size=5, gamma=0.7, learning_rate=0.2)
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=0.2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.7)
    for step in range(23):
        assert learning_rate(step, config) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_warm_up_and_cosine():
    config = tiny_perceiver(schedule="cosine", warmup_steps=4, learning_rate=0.2, epochs=10)
    rates = [learning_rate(step, config) for step in range(config.steps + 1)]
    assert config.steps == 40
    assert rates[0] == pytest.approx(0.05)
    assert rates[20] == pytest.approx(0.1)
    assert rates[40] == pytest.approx(0, abs=1e-12)
    assert (np.diff(rates[4:]) < 0).all()


# --- order accuracy -----------------------------------------------------------------------------


def test_scores_by_hand():
    empty = np.zeros((2, 1, 2), np.float32)
    drawn = [
        Triple(1, empty, (0.5, 0.2)),
        Triple(1, empty, (0.1, 0.4)),
        Triple(5, empty, (0.3, 0.2)),
    ]
    scores = score(np.array([[0.4, 0.3], [0.2, 0.1], [0.25, 0.25]]), drawn)
    assert scores.accuracy == {1: 0.5, 5: 1.0}  # a tie counts as "at least", as published
    assert scores.overall == pytest.approx(2 / 3)
    assert scores.rmse[1] == pytest.approx(np.sqrt((0.01 + 0.01 + 0.01 + 0.09) / 4))
    assert scores.bias[1] == pytest.approx((-0.1 + 0.1 + 0.1 - 0.3) / 4)
    assert str(scores) == "order accuracy 66.7 % (K = 1: 50.0 %, K = 5: 100.0 %)"
    assert "| 5 | 100.0 % | 0.0500 | +0.0000 |" in scores.table()
    assert "| all | 66.7 % | | |" in scores.table()


def test_fresh_mixtures_have_the_stated_truths_and_are_never_the_same():
    config = tiny_perceiver()
    drawn = triples(config, 3)
    assert [t.components for t in drawn] == [1] * 3 + [2] * 3 + [5] * 3 + [10] * 3
    for triple in drawn:
        assert triple.ranks.shape == (2, 40, 2)
        assert triple.ranks.dtype == np.float32
        assert abs(triple.mi[0] - triple.mi[1]) >= SMALLEST_GAP
        # X is shared
        np.testing.assert_array_equal(triple.ranks[0, :, 0], triple.ranks[1, :, 0])
    again = triples(tiny_perceiver(seed=5, epochs=1), 3)
    other = triples(config, 3, TEST)
    for a, b, c in zip(drawn, again, other, strict=True):
        np.testing.assert_array_equal(a.ranks, b.ranks)
        assert a.mi != c.mi
    # more mixtures are the same ones and others
    np.testing.assert_array_equal(triples(config, 4)[1].ranks, drawn[1].ranks)


def test_truths_and_samples_belong_together(monkeypatch):
    from infonet_export.perceiver import order

    seen = []
    inner = order.paper_mixture_in_space

    def record(rng, k):
        seen.append(inner(rng, k))
        return seen[-1]

    monkeypatch.setattr(order, "paper_mixture_in_space", record)
    config = tiny_perceiver(validation={"samples": 4000})
    drawn = triples(config, 2)
    assert drawn[0].ranks.shape == (2, 4000, 2)
    kept = [m for m in seen if abs(m.project(0, 1).mi() - m.project(0, 2).mi()) >= SMALLEST_GAP]
    for triple, mixture in zip(drawn, kept, strict=True):
        for axis, mi in zip((1, 2), triple.mi, strict=True):
            pair = mixture.project(0, axis)
            exact = mixture_mi(pair.weights, pair.means, pair.covariances)
            assert mi == pytest.approx(exact, abs=4e-3)
            estimate = ksg(triple.ranks[axis - 1])
            assert estimate == pytest.approx(mi, abs=0.07)


def test_every_process_judges_its_part():
    net, config = _net(), tiny_perceiver()
    drawn = triples(config, 2)
    tables = Tables(net)
    with torch.no_grad():
        estimates = [
            mutual_information(net(torch.from_numpy(t.ranks)).table, torch.from_numpy(t.ranks))
            for t in drawn
        ]
    whole = judge(tables, drawn, 3, ALONE)
    expected = score(torch.stack(estimates).numpy(), drawn)
    assert whole.accuracy == expected.accuracy
    assert whole.rmse == pytest.approx(expected.rmse, rel=1e-4)
    assert whole.bias == pytest.approx(expected.bias, rel=1e-3)

    class Part(Process):
        def total(self, values):
            parts.append(values)
            return values

    parts = []
    for rank in range(3):
        judge(tables, drawn, 3, Part(Share(rank, 3), torch.device("cpu")))
    combined = score(sum(parts).numpy(), drawn)
    assert combined.rmse == pytest.approx(whole.rmse, rel=1e-5)
    for rank, part in enumerate(parts):  # zeros where others judge
        mine = list(Share(rank, 3).of(range(len(drawn))))
        assert sorted(set(range(len(drawn))) - set(mine)) == [
            i for i in range(len(drawn)) if not part[i].any()
        ]


def _mixture_file(path, count=2, seed=0):
    rng, arrays = np.random.default_rng(seed), {}
    for k in (1, 2, 5, 10):
        a = rng.normal(size=(count, k, 3, 3))
        arrays |= {
            f"weights_{k}": rng.dirichlet(np.ones(k), count),
            f"means_{k}": rng.normal(size=(count, k, 3)),
            f"covs_{k}": a @ a.swapaxes(2, 3) + 0.01 * np.eye(3),
            f"mi_xy_{k}": rng.random(count),
            f"mi_xz_{k}": rng.random(count),
        }
    np.savez(path, **arrays)
    return arrays


def test_mixtures_of_a_file(tmp_path):
    path = tmp_path / "mixtures.npz"
    arrays = _mixture_file(path)
    config = tiny_perceiver(validation={"mixtures": str(path)})
    drawn = triples(config, 100)
    assert [t.components for t in drawn] == [1, 1, 2, 2, 5, 5, 10, 10]
    assert drawn[3].mi == (arrays["mi_xy_2"][1], arrays["mi_xz_2"][1])
    assert not np.array_equal(drawn[0].ranks, triples(config, 100, TEST)[0].ranks)
    np.savez(path, a=1)
    with pytest.raises(ValueError, match=r"mixtures\.npz.*weights_K"):
        triples(config, 100)


@pytest.mark.skipif(not MIXTURES.exists(), reason="the shared fixtures are not here")
def test_the_mixtures_of_the_paper():
    config = tiny_perceiver(validation={"mixtures": str(MIXTURES)})
    drawn = triples(config, 1)
    assert len(drawn) == 2000
    gaps = [abs(t.mi[0] - t.mi[1]) for t in drawn]
    assert min(gaps) >= SMALLEST_GAP  # where this project's recipe has it from


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_shares_are_a_partition(size):
    items = list(range(10))
    parts = [Share(rank, size).of(items) for rank in range(size)]
    assert [item for part in parts for item in part] == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


# --- configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["perceiver_softrank", "perceiver_rank"])
def test_the_published_configurations(name):
    config = load_config(CONFIGS / "perceiver" / f"{name.removeprefix('perceiver_')}.yaml")
    assert isinstance(config, PerceiverTraining)
    assert config.model == PRESETS[name]
    assert config.data.samples == PRESETS[name].n_max
    options = config.training
    assert (options.loss, options.marginal) == ("same_sample", "shuffle")
    assert (options.learning_rate, options.gradient_clip) == (1e-4, 1.0)
    assert learning_rate(7999, config) == 1e-4
    assert learning_rate(8000, config) == pytest.approx(0.9e-4)
    expected = {"perceiver_softrank": (15, 4500, 10), "perceiver_rank": (16, 6400, 20)}[name]
    assert (options.batch_size, config.data.distributions, config.data.components) == expected
    with torch.device("meta"):
        Perceiver(config.model)
    assert config_from_dict(config.to_dict()) == config


def test_the_defaults_are_the_softrank_branch():
    assert config_from_dict({"architecture": "perceiver"}).model == PRESETS["perceiver_softrank"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"models": {}}, ["'models'", "model", "validation"]),
        ({"model": {"latent": 3}}, ["model", "'latent'", "latents"]),
        ({"data": {"pool_size": 3}}, ["data", "'pool_size'", "distributions"]),
        ({"training": {"pools": 3}}, ["training", "'pools'", "epochs"]),
        ({"validation": {"each": 3}}, ["validation", "'each'", "every"]),
        ({"model": {"latent_dim": 24}}, ["latent_dim", "24", "process_heads"]),
        ({"model": {"embedding": [8]}}, ["model.embedding", "[8]", "2"]),
        ({"model": {"embedding": [8, 16, 8]}}, ["model.embedding", "2"]),
        ({"model": {"normalize": "rank"}}, ["model.normalize", "'rank'", "over_n"]),
        ({"model": {"eps": -1}}, ["model.eps", "-1"]),
        ({"model": {"n_min": 90, "n_max": 50}}, ["n_max", "50", "n_min", "90"]),
        ({"model": {"latents": 0}}, ["latents", "0"]),
        ({"data": {"samples": 6000}}, ["data.samples", "6000", "n_max", "5000"]),
        ({"data": {"samples": 3}}, ["data.samples", "3", "n_min", "20"]),
        ({"data": {"component_weights": "equal"}}, ["component_weights", "'equal'", "uniform"]),
        ({"data": {"distributions": 4501}}, ["distributions", "4501", "batch_size", "15"]),
        ({"training": {"loss": "cross"}}, ["training.loss", "'cross'", "cross_sample"]),
        ({"training": {"marginal": 5}}, ["training.marginal", "5", "all_pairs"]),
        ({"training": {"precision": "float16"}}, ["precision", "'float16'", "fp16"]),
        ({"training": {"schedule": "linear"}}, ["schedule", "'linear'", "cosine"]),
        ({"training": {"learning_rate": "1e-4"}}, ["learning_rate", "'1e-4'"]),
        ({"training": {"ema_decay": 1.0}}, ["ema_decay", "1.0", "below 1"]),
        ({"validation": {"mixtures": 3}}, ["validation.mixtures", "3", "file"]),
        ({"validation": {"samples": 0.5}}, ["validation.samples", "0.5", "whole number"]),
        ({"validation": {"samples": 9}}, ["validation.samples", "9", "n_min", "20"]),
        ({"validation": {"every": 0}}, ["validation.every", "0"]),
    ],
)
def test_mistakes_are_named(values, words):
    with pytest.raises(ValueError, match=".") as caught:
        config_from_dict({"architecture": "perceiver", **values}, "some.yaml")
    message = str(caught.value)
    assert message.startswith("some.yaml: ")
    for word in words:
        assert word in message
