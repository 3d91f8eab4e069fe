"""Training data: pure functions of (seed, pool, chunk), and the histograms that they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from infonet_export.copula import pool as pool_module
from infonet_export.copula.config import CHUNK
from infonet_export.copula.pool import draw_chunk, histogram, pools
from infonet_export.training import processes
from scipy.stats import rankdata
from tiny_models import tiny_config

FIELDS = ("reading", "scoring", "mi", "n")


def _assert_same(a, b):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def _slow_histogram(samples, grid):
    """Average ranks by scipy, every point's four shares one by one."""
    n = len(samples)
    cells = np.zeros((grid, grid))
    position = [(rankdata(column) - 0.5) / n * grid - 0.5 for column in samples.T]
    for p, q in np.clip(position, 0, grid - 1).T:
        i, j = min(int(p), grid - 2), min(int(q), grid - 2)
        for di, dj in ((0, 0), (0, 1), (1, 0), (1, 1)):
            cells[i + di, j + dj] += (1 - abs(p - i - di)) * (1 - abs(q - j - dj))
    return cells


@pytest.fixture(scope="module")
def chunk():
    return draw_chunk(tiny_config(), 0, 0)


def test_shapes_types_and_ranges(chunk, config):
    assert len(chunk) == CHUNK
    assert chunk.reading.shape == (CHUNK, 32, 32)
    assert chunk.scoring.shape == (CHUNK, 16, 16)
    for name in FIELDS:
        array = getattr(chunk, name)
        assert array.dtype == np.float32
        assert (np.isfinite(array) | (name == "mi")).all()
    assert ((chunk.n >= config.model.n_min) & (chunk.n <= config.model.n_max)).all()
    known = chunk.mi[~np.isnan(chunk.mi)]
    assert (known >= 0).all()
    assert len(known) > 0.9 * CHUNK
    # the lengths are log-uniform
    middle = np.sqrt(config.model.n_min * config.model.n_max)
    assert np.mean(chunk.n < middle) == pytest.approx(0.5, abs=0.15)


def test_histograms_hold_every_sample(chunk, config):
    assert (chunk.reading >= 0).all()
    np.testing.assert_allclose(chunk.reading.sum((1, 2)), chunk.n, rtol=1e-4)
    np.testing.assert_allclose(chunk.scoring.sum((1, 2)), config.data.scoring_samples, rtol=1e-4)


def test_replicates_share_a_distribution_but_no_sample(chunk):
    truths = chunk.mi.reshape(-1, tiny_config().data.replicates)
    np.testing.assert_array_equal(truths, np.repeat(truths[:, :1], truths.shape[1], 1))
    assert len(np.unique(truths[:, 0])) > 0.47 * len(truths)
    assert len(np.unique(chunk.scoring, axis=0)) == len(chunk)


def test_a_chunk_is_a_function_of_its_numbers(chunk):
    _assert_same(chunk, draw_chunk(tiny_config(), 0, 0))
    for other in (
        draw_chunk(tiny_config(), 1, 0),
        draw_chunk(tiny_config(), 0, 1),
        draw_chunk(tiny_config(seed=1), 0, 0),
    ):
        assert not np.array_equal(chunk.mi, other.mi)
        assert not np.array_equal(chunk.reading, other.reading)


def test_global_random_state_and_other_settings_do_not_matter(chunk):
    np.random.seed(123)  # noqa: NPY002  the point is that it is not used
    other = tiny_config(pools=9, batch_size=32, learning_rate=1.0)
    _assert_same(chunk, draw_chunk(other, 0, 0))


def test_workers_give_the_same_pools(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    config = tiny_config()
    alone = list(pools(config, 1, 3))
    helped = list(pools(replace(config, data=replace(config.data, workers=1)), 1, 3))
    assert len(alone) == len(helped) == 2
    for a, b in zip(alone, helped, strict=True):
        _assert_same(a, b)
    # resuming at a pool gives that pool
    _assert_same(alone[1], next(pools(config, 2, 3)))
    assert list(pools(config, 3, 3)) == []


def test_a_finished_run_starts_no_worker(monkeypatch):
    config = tiny_config()
    helped = replace(config, data=replace(config.data, workers=2))
    monkeypatch.setattr(processes, "ProcessPoolExecutor", None)
    assert list(pools(helped, 3, 3)) == []


def test_a_pool_is_its_chunks_in_order(monkeypatch):
    config = tiny_config()
    config = replace(config, data=replace(config.data, pool_size=2 * CHUNK))
    calls = []

    def counted(config, pool, chunk):
        calls.append((pool, chunk))
        part = np.full(CHUNK, 10 * pool + chunk, np.float32)
        empty = np.zeros((CHUNK, 1, 1), np.float32)
        return pool_module.Pool(empty, empty, part, part)

    monkeypatch.setattr(pool_module, "draw_chunk", counted)
    drawn = list(pools(config, 4, 6))
    assert calls == [(4, 0), (4, 1), (5, 0), (5, 1)]
    assert [len(p) for p in drawn] == [512, 512]
    assert drawn[1].mi[[0, 255, 256, 511]].tolist() == [50, 50, 51, 51]


@pytest.mark.parametrize("n", [1, 2, 20, 333])
@pytest.mark.parametrize("grid", [16, 32, 128])
@pytest.mark.parametrize("tied", [False, True])
def test_histogram_by_the_slow_definition(n, grid, tied):
    samples = np.random.default_rng(n).normal(size=(n, 2)) ** 3
    if tied:
        samples = np.round(samples)
    expected = _slow_histogram(samples.astype(np.float32), grid)
    got = histogram(samples, grid)
    assert got.shape == (grid, grid)
    np.testing.assert_allclose(got, expected, atol=2e-4 * max(1, expected.max()))
    assert got.sum() == pytest.approx(n, rel=1e-5)


def test_the_first_axis_is_x():
    # x of two values, y of many: the histogram has two filled rows
    rng = np.random.default_rng(0)
    x = (rng.random(1000) < 0.5).astype(float)
    cells = histogram(np.stack([x, rng.random(1000)], 1), 32)
    assert (cells.sum(1) > 0).sum() <= 4
    assert (cells.sum(0) > 0).all()


def test_scoring_is_a_folded_histogram(monkeypatch, config):
    # the scoring sample of pair i is the second one drawn for it, on the reading grid, folded 2 x 2
    seen = []
    inner = pool_module.histogram
    monkeypatch.setattr(
        pool_module, "histogram", lambda s, g: (seen.append(inner(s, g)), seen[-1])[1]
    )
    chunk = draw_chunk(config, 3, 0)
    for i in (0, 7, 255):
        np.testing.assert_array_equal(chunk.reading[i], seen[2 * i])
        folded = np.zeros((16, 16))
        for a in range(32):
            for b in range(32):
                folded[a // 2, b // 2] += seen[2 * i + 1][a, b]
        np.testing.assert_allclose(chunk.scoring[i], folded, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bad", [1e300, -1e300, np.inf, -np.inf, np.nan])
def test_overflowing_tails_keep_their_order(bad):
    finite = pool_module.finite_samples(np.array([[0.0, 1.0], [bad, 2.0]]))
    assert np.isfinite(finite.astype(np.float32)).all()
    if not np.isnan(bad):
        assert np.sign(finite[1, 0]) == np.sign(bad)
