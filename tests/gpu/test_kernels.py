"""The CUDA kernels on a GPU, against the CPU kernels. Skipped where there is none."""

import infonet_kernels
import numpy as np
import pytest
from infonet_kernels import _cuda

torch = pytest.importorskip("torch", reason="needs torch for memory on the GPU")
if not torch.cuda.is_available():
    pytest.skip("needs an NVIDIA GPU", allow_module_level=True)
try:
    _cuda.check_cuda()
except (ImportError, _cuda.NoDeviceError) as error:
    pytest.skip(str(error), allow_module_level=True)

NORMALIZATIONS = infonet_kernels.NORMALIZATIONS
NONE_REFUSED = 2**62


def on_device(array):
    return torch.from_numpy(np.ascontiguousarray(array)).cuda()


def workspace_of(size):
    """Filled with a pattern, on the device, and a guard behind it."""
    return torch.full((size + 256,), 0xA5, dtype=torch.uint8, device="cuda")


class Ranking:
    """Everything one call needs, so that it can be repeated and captured."""

    def __init__(self, rows, eps, normalize="midrank"):
        self.values = rows if isinstance(rows, torch.Tensor) else on_device(rows)
        self.ranks = torch.full_like(self.values, -5)
        self.size = _cuda.soft_rank_workspace(*self.values.shape, eps)
        self.workspace = workspace_of(self.size)
        self.refused = torch.zeros(1, dtype=torch.int64, device="cuda")
        self.options = (eps, NORMALIZATIONS.index(normalize))

    def launch(self):
        _cuda.launch_soft_rank(
            *(self.values.data_ptr(), *self.values.shape, *self.options, self.ranks.data_ptr()),
            *(self.workspace.data_ptr(), self.size, self.refused.data_ptr()),
            torch.cuda.current_stream().cuda_stream,
        )

    def result(self):
        torch.cuda.synchronize()
        assert (self.workspace[self.size :] == 0xA5).all(), "written behind the workspace"
        return self.ranks.cpu().numpy(), int(self.refused)


def soft_rank(rows, eps, normalize="midrank"):
    ranking = Ranking(rows, eps, normalize)
    ranking.launch()
    return ranking.result()


def rows_of(n, count=1):
    random = np.random.default_rng(n)
    steps, uniform = np.arange(n, dtype=np.float64), random.random(n)
    rows = [
        random.standard_normal(n),
        np.round(3 * random.standard_normal(n)),
        np.full(n, 2.5),
        steps,
        -steps,
        np.cumsum(np.tile([0.0, 3.0], n)[:n]),
        steps**2,
        -(steps**2),
        np.where(uniform < 0.5, 1.0, 0.5 * uniform),
        random.standard_normal(n) * 10.0 ** random.integers(-30, 30, n),
    ]
    return np.array(rows * count).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 27, 28, 500, 863, 865, 1151, 5000, 16384, 17280, 17281, 40001])
def test_ranks_are_the_bytes_of_the_cpu(n):
    rows = rows_of(n)
    for eps in (0.0, 1.9 / n, 1 / n, 0.3 / n, 0.01 / n, 1e-9, 5e-324):
        for normalize in NORMALIZATIONS if eps * n < 2 else ():
            got, refused = soft_rank(rows, eps, normalize)
            assert refused >= NONE_REFUSED
            expected = infonet_kernels.soft_rank(rows, eps, normalize)
            np.testing.assert_array_equal(got, expected, err_msg=f"{eps}, {normalize}")


@pytest.mark.parametrize("n", [1, 2, 20, 5000, 50001, 1_000_000])
def test_affine(n):
    rows = rows_of(n)
    for eps in (2 / n, 0.1 + 2 / n):
        for normalize in NORMALIZATIONS:
            got, refused = soft_rank(rows, eps, normalize)
            assert refused >= NONE_REFUSED
            expected = infonet_kernels.soft_rank(rows, eps, normalize)
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("eps", [0.0, 1e-6, 1e-9])
def test_a_million_values(eps):
    rows = rows_of(1_000_000)[[0, 1, 4, 8]]
    np.testing.assert_array_equal(soft_rank(rows, eps)[0], infonet_kernels.soft_rank(rows, eps))


@pytest.mark.parametrize("eps", [0.0, 1e-4, 0.1])
def test_many_rows(eps):
    rows = np.random.default_rng(0).standard_normal((3000, 501)).astype(np.float32)
    got, _ = soft_rank(rows, eps)
    np.testing.assert_allclose(
        got, infonet_kernels.soft_rank(rows, eps), rtol=0, atol=1e-7 if eps == 0.1 else 0
    )


def test_rows_that_begin_anywhere():
    """No row, and no array, begins at a multiple of 16 bytes."""
    flat = on_device(np.random.default_rng(0).standard_normal(4 * 1001 + 1).astype(np.float32))
    values = flat[1:].view(4, 1001)
    for eps in (0.0, 1e-4, 0.1):
        ranking = Ranking(values, eps)
        ranking.launch()
        expected = infonet_kernels.soft_rank(values.cpu().numpy(), eps)
        np.testing.assert_allclose(ranking.result()[0], expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("n", [300, 20001])
@pytest.mark.parametrize("eps", [0.0, 1e-6, 0.1])
def test_refused_rows_become_nan(n, eps):
    rows = np.random.default_rng(0).standard_normal((5, n)).astype(np.float32)
    rows[3, n // 2] = np.nan
    rows[4, 0] = np.nan
    got, refused = soft_rank(rows, eps)
    assert refused == 3
    assert np.isnan(got[3:]).all()
    np.testing.assert_allclose(
        got[:3], infonet_kernels.soft_rank(rows[:3], eps), rtol=0, atol=1e-7 if eps == 0.1 else 0
    )


@pytest.mark.parametrize("n", [5000, 40001])
@pytest.mark.parametrize("eps", [0.0, 1e-6, 0.1])
def test_a_graph_replays_on_its_stream(n, eps):
    ranking = Ranking(rows_of(n), eps)
    ranking.launch()
    first, _ = ranking.result()
    stream = torch.cuda.Stream()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        ranking.launch()
    for seed in (1, 2):
        rows = np.random.default_rng(seed).standard_normal(first.shape).astype(np.float32)
        ranking.values.copy_(torch.from_numpy(rows))
        ranking.ranks.fill_(-5)
        graph.replay()
        np.testing.assert_allclose(
            ranking.result()[0],
            infonet_kernels.soft_rank(rows, eps),
            rtol=0,
            atol=1e-7 if eps == 0.1 else 0,
        )


def histogram(name, *tensors, rows, n, grid, columns=None):
    size = _cuda.histogram_workspace(rows, grid)
    workspace = workspace_of(size)
    out = torch.full((rows, grid, grid), -5.0, device="cuda")
    refused = torch.zeros(1, dtype=torch.int64, device="cuda")
    end = (out.data_ptr(), workspace.data_ptr(), size, refused.data_ptr(), 0)
    torch.cuda.synchronize()
    if name == "joint":
        x, y = tensors
        _cuda.launch_joint_histogram(x.data_ptr(), y.data_ptr(), rows, n, grid, *end)
    else:
        ranks, pairs = tensors
        _cuda.launch_pair_histograms(
            ranks.data_ptr(), columns, n, pairs.data_ptr(), rows, grid, *end
        )
    torch.cuda.synchronize()
    assert (workspace[size:] == 0xA5).all()
    return out.cpu().numpy(), int(refused)


@pytest.mark.parametrize("grid", [2, 32, 64, 300])
@pytest.mark.parametrize("n", [0, 1, 500, 50_001])
def test_joint_histogram(grid, n):
    x, y = np.random.default_rng(n).random((2, 5, n)).astype(np.float32)
    y[1] = x[1]
    x[2:4, : n // 2], y[2] = 0.0, 1.0
    first, refused = histogram("joint", on_device(x), on_device(y), rows=5, n=n, grid=grid)
    assert refused >= NONE_REFUSED
    expected = infonet_kernels.joint_histogram(x, y, grid)
    np.testing.assert_allclose(first, expected, rtol=1e-6, atol=1e-6)
    again, _ = histogram("joint", on_device(x), on_device(y), rows=5, n=n, grid=grid)
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("bad", [np.nan, -1e-6, 1.0001, np.inf])
def test_refused_histograms_become_nan(bad):
    x, y = np.random.default_rng(0).random((2, 3, 100)).astype(np.float32)
    y[1, 50] = bad
    got, refused = histogram("joint", on_device(x), on_device(y), rows=3, n=100, grid=32)
    assert refused == 1
    assert np.isnan(got[1]).all()
    expected = infonet_kernels.joint_histogram(x[::2], y[::2], 32)
    np.testing.assert_allclose(got[::2], expected, rtol=1e-6, atol=1e-6)


def test_pair_histograms():
    ranks = np.random.default_rng(0).random((4, 700)).astype(np.float32)
    pairs = np.array([[0, 1], [3, 3], [2, 0], [4, 0], [0, -1]])
    got, refused = histogram(
        "pairs", on_device(ranks), on_device(pairs), rows=5, n=700, grid=32, columns=4
    )
    assert refused == 3
    assert np.isnan(got[3:]).all()
    expected = infonet_kernels.pair_histograms(ranks, pairs[:3], 32)
    np.testing.assert_allclose(got[:3], expected, rtol=1e-6, atol=1e-6)


def test_a_small_workspace_is_refused():
    ranking = Ranking(rows_of(500), 1e-4)
    ranking.size //= 2
    with pytest.raises(ValueError, match="workspace: got .* are needed"):
        ranking.launch()
