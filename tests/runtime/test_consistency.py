"""The same samples give the same bytes, however they are passed."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import infonet
import numpy as np
import pytest
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import PairEngine

ROWS = [20, 129, 1151]


def table(n, d=4, seed=0):
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 1))
    return common + rng.standard_normal((n, d)) * np.linspace(0.3, 3, d)


@pytest.mark.parametrize("n", ROWS)
def test_single_batch_and_pairwise_agree(estimator, n):
    data = table(n)
    matrix = estimator.pairwise(data)
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    batch = estimator.mi(np.stack([data[:, pair] for pair in pairs]))
    for (i, j), from_batch in zip(pairs, batch, strict=True):
        single = estimator.estimate(data[:, i], data[:, j])
        assert single.mi == from_batch == matrix.mi[i, j] == matrix.mi[j, i]
        assert single.interval == matrix[str(i), str(j)].interval
        assert single.p_value == matrix[i, j].p_value


def test_large_n_agrees(estimator):
    data = table(65537, d=3)
    matrix = estimator.pairwise(data)
    assert estimator.mi(data[None, :, 1:])[0] == matrix.mi[1, 2]


@pytest.mark.parametrize("tile", [1, 3, 64])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_tiles_and_threads_do_not_matter(estimator, tile, threads):
    data = table(200, d=6)
    expected = estimator.pairwise(data)
    other = infonet.Estimator(threads=threads)
    other.engine = PairEngine(CpuBackend(other.model, threads, pairs_per_task=tile))
    assert other.pairwise(data).quantiles.tobytes() == expected.quantiles.tobytes()
    samples = data.reshape(100, 2, 6).transpose(2, 0, 1)
    assert other.mi(samples).tobytes() == estimator.mi(samples).tobytes()


@pytest.mark.parametrize("batch", [2, 7])
def test_network_batch_hardly_matters(estimator, batch):
    """ONNX Runtime rounds differently for other batch sizes: this is why the runtime uses one."""
    data = table(300, d=5)
    expected = estimator.pairwise(data).quantiles
    other = infonet.Estimator(threads=1)
    other.engine = PairEngine(CpuBackend(other.model, use_compiled=False, pairs_per_call=batch))
    np.testing.assert_allclose(other.pairwise(data).quantiles, expected, atol=1e-5)


@pytest.mark.usefixtures("operators")
def test_full_graph_agrees_with_kernels_and_core(estimator):
    """`X.onnx` alone is the whole estimator: raw samples in."""
    full = infonet.Estimator(threads=1)
    full.engine = PairEngine(CpuBackend(full.model, use_core=False))
    for n in ROWS:
        data = table(n).astype(np.float32)
        np.testing.assert_allclose(
            full.pairwise(data).quantiles, estimator.pairwise(data).quantiles, atol=1e-5
        )
    assert full.mi(data[None, :, :2])[0] == full.pairwise(data).mi[0, 1]


@pytest.mark.parametrize(
    "transform",
    [np.exp, np.cbrt, lambda v: v * 1e30, lambda v: v * 1e-30, lambda v: v**3 - 5, np.arctan],
)
def test_monotone_transforms_change_nothing(estimator, gaussian, transform):
    x, y = gaussian(0.6, 700)
    expected = estimator.estimate(x, y)
    found = estimator.estimate(transform(x), y)
    assert found.mi == expected.mi
    assert found.table.tobytes() == expected.table.tobytes()


def test_row_order_does_not_matter(estimator, gaussian):
    x, y = gaussian(0.6, 2000)
    order = np.random.default_rng(1).permutation(2000)
    assert estimator.estimate(x[order], y[order]).mi == estimator.estimate(x, y).mi


@pytest.mark.parametrize("offset", [1e9, -1e12, 1e15])
def test_offsets_make_no_ties(estimator, offset):
    rng = np.random.default_rng(0)
    x = rng.permutation(3000) * 0.5
    y = x + rng.permutation(3000) * 0.3
    found = estimator.estimate(x + offset, y)
    assert found.mi == estimator.estimate(x, y).mi
    assert found.p_value == estimator.estimate(x, y).p_value


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.float64),
        lambda a: a.astype(np.int64),
        lambda a: a.astype(np.uint16),
        lambda a: a.astype(">f8"),
        lambda a: a.astype(">i4"),
        lambda a: a.astype(np.longdouble),
        lambda a: np.repeat(a, 2)[::2],
        lambda a: a[::-1].copy()[::-1],
        lambda a: a.tolist(),
        lambda a: tuple(a.tolist()),
        lambda a: np.ma.masked_array(a),
    ],
)
def test_dtype_and_layout_do_not_matter(estimator, convert):
    rng = np.random.default_rng(2)
    x = rng.permutation(500)
    y = np.argsort(np.argsort(x + rng.normal(0, 100, 500)))
    expected = estimator.estimate(x, y).mi
    read_only = np.array(convert(x))
    read_only.flags.writeable = False
    assert estimator.estimate(convert(x), convert(y)).mi == expected
    assert estimator.estimate(read_only, y).mi == expected


def test_float16_and_bool(estimator):
    rng = np.random.default_rng(2)
    x = rng.standard_normal(500).astype(np.float16)
    expected = estimator.estimate(x.astype(np.float64), x > 0.5)
    assert estimator.estimate(x, x > 0.5).mi == expected.mi > 0.1


def test_batch_layouts(estimator):
    samples = np.random.default_rng(0).random((3, 100, 2))
    expected = estimator.mi(samples)
    for other in (np.asfortranarray(samples), samples.tolist(), samples[::-1][::-1]):
        assert estimator.mi(other).tobytes() == expected.tobytes()
    assert expected.dtype == np.float64
    assert estimator.mi(samples[:0]).shape == (0,)


def test_eight_threads_share_one_estimator(estimator):
    data = table(400, d=8)
    columns = [(data[:, i], data[:, j]) for i in range(8) for j in range(8) if i != j]
    expected = [estimator.estimate(*pair).table.tobytes() for pair in columns]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(2):
            found = pool.map(lambda pair: estimator.estimate(*pair).table.tobytes(), columns)
            assert list(found) == expected


def test_pickled_estimator_gives_the_same(estimator, gaussian):
    copy = pickle.loads(pickle.dumps(estimator))
    assert copy.estimate(*gaussian(0.5, 300)).mi == estimator.estimate(*gaussian(0.5, 300)).mi


def test_pickled_estimator_needs_no_working_directory(estimator, monkeypatch, tmp_path):
    monkeypatch.chdir(estimator.model.path.parent)
    content = pickle.dumps(infonet.Estimator(estimator.model.path.name, threads=np.int64(1)))
    monkeypatch.chdir(tmp_path)
    assert pickle.loads(content).model.path == estimator.model.path.resolve()


def test_module_functions_use_the_default_model(estimator, gaussian):
    x, y = gaussian(0.5, 300)
    expected = estimator.estimate(x, y)
    assert infonet.mutual_information(x, y) == expected.mi
    assert infonet.estimate(x, y).interval == expected.interval
    assert infonet.pairwise({"a": x, "b": y})["a", "b"].mi == expected.mi


def test_batched_quantiles_are_those_of_single_estimates(estimator):
    samples = np.random.default_rng(5).standard_normal((3, 400, 2))
    samples[:, :, 1] += samples[:, :, 0]
    quantiles = estimator.quantiles(samples)
    np.testing.assert_array_equal(quantiles[:, 1], estimator.mi(samples))
    for row, (x, y) in zip(quantiles, samples.transpose(0, 2, 1), strict=True):
        single = estimator.estimate(x, y)
        assert (row[0], row[2]) == single.interval
    assert estimator.quantiles(samples[:0]).shape == (0, 3)
