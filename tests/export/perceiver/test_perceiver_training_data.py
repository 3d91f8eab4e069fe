"""Mixtures and ranks that train the paper's network: the published recipe, pure functions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from infonet_export.perceiver import PRESETS
from infonet_export.perceiver import data as data_module
from infonet_export.perceiver.config import PerceiverDataConfig
from infonet_export.perceiver.data import (
    TEST,
    TRAINING,
    VALIDATION,
    batches,
    draw_batch,
    draw_example,
    placed_ranks,
    ranks,
    stream,
    training_mixture,
)
from infonet_export.training.processes import Share, drawn_ahead
from scipy.stats import kstest, rankdata
from tiny_perceiver import RANKS, SOFT, tiny_perceiver


def _mixtures(count=4000, **settings):
    rng, data = np.random.default_rng(0), PerceiverDataConfig(**settings)
    return [training_mixture(rng, data) for _ in range(count)]


def test_components_are_drawn_in_proportion_to_their_count():
    counts = np.bincount([len(m.weights) for m in _mixtures()], minlength=12)
    assert counts[0] == counts[11] == 0
    expected = np.arange(1, 11) / 55
    # five standard deviations
    np.testing.assert_array_less(
        np.abs(counts[1:11] / 4000 - expected), 5 * np.sqrt(expected / 4000)
    )


def test_components_are_drawn_equally_often():
    drawn = _mixtures(components=20, component_weights="uniform")
    counts = np.bincount([len(m.weights) for m in drawn], minlength=22)
    assert counts[0] == counts[21] == 0
    assert np.abs(counts[1:21] / 4000 - 0.05).max() < 5 * np.sqrt(0.05 / 4000)


def test_means_variances_and_correlations_follow_the_published_recipe():
    drawn = _mixtures(1500)
    means = np.concatenate([m.means for m in drawn])
    cov = np.concatenate([m.covariances for m in drawn])
    assert kstest(means.ravel(), "uniform", (-5, 10)).pvalue > 1e-3
    var_x, var_y = cov[:, 0, 0] - 0.01, cov[:, 1, 1] - 0.01
    np.testing.assert_array_equal(cov[:, 0, 1], cov[:, 1, 0])
    correlation = cov[:, 0, 1] / np.sqrt(var_x * var_y)
    assert kstest(correlation, "uniform", (-1, 2)).pvalue > 1e-3
    rng = np.random.default_rng(1)
    for variances in (var_x, var_y):
        squares = (rng.uniform(-3, 3, (len(variances), 2)) ** 2).sum(1)
        from scipy.stats import ks_2samp

        assert ks_2samp(variances, squares).pvalue > 1e-3
    assert abs(np.corrcoef(var_x, var_y)[0, 1]) < 0.05
    assert (np.linalg.eigvalsh(cov) > 0).all()


@pytest.mark.parametrize("samples", [2, 37, 5000])
def test_ranks_over_n_are_scipys(samples):
    values = np.random.default_rng(samples).normal(size=(samples, 3))
    values[1] = values[0]  # a tie
    config = PRESETS["perceiver_rank"]
    expected = rankdata(values.astype(np.float32), axis=0) / samples
    np.testing.assert_allclose(ranks(values, config), expected, rtol=1e-6)


@pytest.mark.parametrize("samples", [30, 5000])
def test_soft_ranks_are_those_of_the_published_preparation(samples):
    torchsort = pytest.importorskip("torchsort")
    values = np.random.default_rng(samples).normal(size=(samples, 2))

    def scaled(x):
        return (x - x.min()) / (x.max() - x.min())

    expected = [
        scaled(torchsort.soft_rank(torch.from_numpy(scaled(c))[None], regularization_strength=0.1))
        for c in values.T
    ]
    got = ranks(values, PRESETS["perceiver_softrank"])
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, torch.cat(expected).numpy().T, atol=2e-5)
    assert got.min() == 0
    assert got.max() == 1


def test_an_independent_sample_is_placed_among_the_one_that_is_read():
    rng = np.random.default_rng(0)
    read, other = rng.normal(size=(50, 2)), rng.normal(size=(400, 2))
    config = PRESETS["perceiver_rank"]
    placed = placed_ranks(other, read, ranks(read, config))
    below = (read[None] < other[:, None]).sum(1)  # samples to the left
    inside = (below > 0) & (below < 50)
    assert (placed[inside] * 50 >= below[inside] - 1e-4).all()
    assert (placed[inside] * 50 <= below[inside] + 1 + 1e-4).all()
    # beyond the ends the rank of the end counts
    np.testing.assert_allclose(placed[below == 0], 1 / 50)
    np.testing.assert_allclose(placed[below == 50], 1.0)
    # a sample placed among itself has its own ranks, whatever the order of the rows
    order = rng.permutation(50)
    np.testing.assert_allclose(
        placed_ranks(read[order], read, ranks(read, config)), ranks(read, config)[order], rtol=1e-6
    )


def test_min_max_scaling_of_one_sample_is_applied_to_the_other():
    rng = np.random.default_rng(0)
    read, other = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    low, high = read.min(0), read.max(0)
    expected = np.clip((other - low) / (high - low), 0, 1)
    config = PRESETS["perceiver_softrank"]
    np.testing.assert_allclose(placed_ranks(other, read, ranks(read, config)), expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["same_sample", "cross_sample"])
@pytest.mark.parametrize("preparation", [RANKS, SOFT], ids=["ranks", "soft"])
def test_an_example(loss, preparation):
    config = tiny_perceiver(preparation, loss=loss)
    reading, scoring = draw_example(config, 1, 5)
    assert reading.shape == scoring.shape == (40, 2)
    assert reading.dtype == scoring.dtype == np.float32
    for part in (reading, scoring):
        assert (part >= 0).all()
        assert (part <= 1).all()
    assert np.array_equal(reading, scoring) == (loss == "same_sample")


def test_an_example_is_a_function_of_seed_epoch_and_index():
    config = tiny_perceiver(loss="cross_sample")
    first = draw_example(config, 1, 5)
    np.random.seed(3)  # noqa: NPY002  the point is that it is not used
    again = draw_example(tiny_perceiver(loss="cross_sample", learning_rate=1.0, epochs=9), 1, 5)
    np.testing.assert_array_equal(first, again)
    others = [
        draw_example(config, 1, 6),
        draw_example(config, 0, 5),
        draw_example(replace(config, training=replace(config.training, seed=1)), 1, 5),
    ]
    for other in others:
        assert not np.array_equal(first[0], other[0])
        assert not np.array_equal(first[1], other[1])


def test_streams_never_meet():
    draws = {
        tuple(stream(seed, purpose, a, b).integers(2**62, size=2))
        for seed in range(3)
        for purpose in (TRAINING, VALIDATION, TEST)
        for a in range(4)
        for b in range(4)
    }
    assert len(draws) == 3 * 3 * 4 * 4


@pytest.mark.parametrize("parts", [1, 2, 4, 6])
def test_processes_share_a_batch_without_changing_it(parts):
    config = tiny_perceiver(loss="cross_sample")
    whole = draw_batch(config, 5, Share())  # the second batch of the second epoch
    shares = [draw_batch(config, 5, Share(rank, parts)) for rank in range(parts)]
    for name in ("reading", "scoring"):
        joined = np.concatenate([getattr(part, name) for part in shares])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    np.testing.assert_array_equal(whole.reading[3], draw_example(config, 1, 9)[0])


def test_a_batch_to_read_and_to_score_is_kept_once():
    batch = draw_batch(tiny_perceiver(), 0, Share())
    assert batch.scoring is batch.reading


def test_batches_go_from_any_step_to_the_end_with_or_without_workers(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    config = tiny_perceiver()
    alone = list(batches(config, 7, Share()))
    assert len(alone) == config.steps - 7 == 5
    helped = replace(config, data=replace(config.data, workers=1))
    for a, b in zip(alone, batches(helped, 7, Share()), strict=True):
        np.testing.assert_array_equal(a.reading, b.reading)
        assert b.scoring is b.reading
    assert list(batches(config, config.steps, Share())) == []


def test_results_come_in_order_from_no_more_than_what_is_asked_ahead():
    asked = []

    def tasks():
        for i in range(10):
            asked.append(i)
            yield (i, 3)

    source = drawn_ahead(divmod, tasks(), workers=2, ahead=4)
    assert next(source) == (0, 0)
    assert asked == [0, 1, 2, 3, 4]
    assert list(source) == [divmod(i, 3) for i in range(1, 10)]


def test_an_error_of_a_worker_reaches_the_training():
    with pytest.raises(ZeroDivisionError):
        list(drawn_ahead(divmod, [(1, 1), (1, 0)], workers=1, ahead=2))


def test_the_streams_of_training_are_never_those_that_judge(monkeypatch):
    seen = []
    inner = data_module.stream

    def record(seed, purpose, *numbers):
        seen.append(purpose)
        return inner(seed, purpose, *numbers)

    monkeypatch.setattr(data_module, "stream", record)
    list(batches(tiny_perceiver(), 0, Share()))
    assert set(seen) == {TRAINING}
