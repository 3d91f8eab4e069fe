"""The CUDA kernels on a GPU, against the CPU kernels. Skipped where there is none.

`make test-gpu` compiles the kernels and runs this folder. `make sanitize` runs this file and
test_gradient.py under compute-sanitizer (memcheck, racecheck, synccheck), without the long rows;
for one tool and one test:

    INFONET_SANITIZE=1 PYTORCH_NO_CUDA_MEMORY_CACHING=1 \\
    INFONET_KERNELS_CUDA_LIBRARY=build/cuda/kernels/cuda/libinfonet_kernels_cuda.so \\
    compute-sanitizer --tool racecheck .venv-test/bin/python -m pytest -q \\
        tests/gpu/test_kernels.py -k affine
"""

import os

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

SANITIZE = "INFONET_SANITIZE" in os.environ
LONG = pytest.mark.skipif(SANITIZE, reason="too long for compute-sanitizer")
NORMALIZATIONS = infonet_kernels.NORMALIZATIONS
NONE_REFUSED = 2**62


def on_device(array):
    return torch.from_numpy(np.ascontiguousarray(array)).cuda()


def workspace_of(size):
    """Filled with a pattern, on the device, and a guard behind it."""
    return torch.full((size + 256,), 0xA5, dtype=torch.uint8, device="cuda")


def launch_in(workspace, size):
    return _cuda.Launch(workspace.data_ptr(), size, torch.cuda.current_stream().cuda_stream)


class Ranking:
    """Everything one call needs, so that it can be repeated and captured."""

    def __init__(self, rows, eps, normalize="midrank"):
        self.values = rows if isinstance(rows, torch.Tensor) else on_device(rows)
        self.ranks = torch.full_like(self.values, -5)
        batch, self.n, self.columns = (*self.values.shape, 1)[:3]
        self.rows = batch * self.columns
        self.size = _cuda.soft_rank_workspace(self.rows, self.n, eps)
        self.workspace = workspace_of(self.size)
        self.refused = torch.zeros(1, dtype=torch.int64, device="cuda")
        self.eps, self.normalize = eps, NORMALIZATIONS.index(normalize)

    def launch(self):
        _cuda.launch_soft_rank(
            values=self.values.data_ptr(),
            rows=self.rows,
            n=self.n,
            columns=self.columns,
            eps=self.eps,
            normalize=self.normalize,
            ranks=self.ranks.data_ptr(),
            refused=self.refused.data_ptr(),
            on=launch_in(self.workspace, self.size),
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


LENGTHS = [1, 2, 27, 28, 500, 863, 865, 1151, 5000, 16384, 17280, 17281, 40001]


@pytest.mark.parametrize("n", [*LENGTHS[:-2:3], 17281] if SANITIZE else LENGTHS)
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


@LONG
@pytest.mark.parametrize("eps", [0.0, 1e-6, 1e-9])
def test_a_million_values(eps):
    rows = rows_of(1_000_000)[[0, 1, 4, 8]]
    np.testing.assert_array_equal(soft_rank(rows, eps)[0], infonet_kernels.soft_rank(rows, eps))


@LONG
@pytest.mark.parametrize("eps", [0.0, 1e-4, 0.1])
def test_many_rows(eps):
    rows = np.random.default_rng(0).standard_normal((3000, 501)).astype(np.float32)
    got, _ = soft_rank(rows, eps)
    np.testing.assert_allclose(
        got, infonet_kernels.soft_rank(rows, eps), rtol=0, atol=1e-7 if eps == 0.1 else 0
    )


@LONG
@pytest.mark.parametrize("eps", [0.0, 1e-3, 10.0])
def test_more_rows_than_a_grid_had_in_old_times(eps):
    """Rows beyond 65,535, and beyond the 2^20 blocks of a launch."""
    rows = np.random.default_rng(0).standard_normal(((1 << 20) + 70_001, 3)).astype(np.float32)
    got, _ = soft_rank(rows, eps)
    np.testing.assert_allclose(got, infonet_kernels.soft_rank(rows, eps), rtol=0, atol=1e-7)


@LONG
@pytest.mark.parametrize("eps", [0.0, 1e-8])
def test_more_values_than_32_bits_count(eps):
    """1024 rows of 1,000,000 take 4 GB; places in bytes are beyond 2^32."""
    if torch.cuda.mem_get_info()[0] < 16e9:
        pytest.skip("needs 16 GB of free GPU memory")
    ranking = Ranking(torch.randn(1024, 1_000_000, device="cuda"), eps)
    ranking.launch()
    torch.cuda.synchronize()
    for row in (0, 517, 1023):
        expected = infonet_kernels.soft_rank(ranking.values[row : row + 1].cpu().numpy(), eps)
        np.testing.assert_array_equal(ranking.ranks[row].cpu().numpy(), expected[0])


@pytest.mark.parametrize("n", [1, 701, 20001])
@pytest.mark.parametrize("eps", [0.0, 1e-5, 2.0])
@pytest.mark.parametrize("columns", [2, 3])
def test_columns_of_matrices(columns, eps, n):
    samples = np.random.default_rng(0).standard_normal((3, n, columns)).astype(np.float32)
    got, refused = soft_rank(samples, eps)
    assert refused >= NONE_REFUSED
    rows = samples.transpose(0, 2, 1).reshape(3 * columns, n)
    expected = infonet_kernels.soft_rank(rows, eps).reshape(3, columns, n).transpose(0, 2, 1)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-7 if eps == 2 else 0)


def test_threads_that_launch_at_the_same_time():
    """Blocks of different shared memory, from two threads of the host on streams of their own."""
    from concurrent.futures import ThreadPoolExecutor

    def work(n):
        rows = rows_of(n)
        expected = infonet_kernels.soft_rank(rows)
        with torch.cuda.stream(torch.cuda.Stream()):
            for _ in range(50):
                np.testing.assert_array_equal(soft_rank(rows, 0.0)[0], expected)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, [500, 6000]))


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


def histogram(name, *tensors, rows, n, grid, columns=None, stride=1):
    size = _cuda.histogram_workspace(rows, grid)
    workspace = workspace_of(size)
    out = torch.full((rows, grid, grid), -5.0, device="cuda")
    refused = torch.zeros(1, dtype=torch.int64, device="cuda")
    end = {"histogram": out.data_ptr(), "refused": refused.data_ptr()}
    end["on"] = _cuda.Launch(workspace.data_ptr(), size)
    first, second = (tensor.data_ptr() for tensor in tensors)
    torch.cuda.synchronize()
    if name == "joint":
        _cuda.launch_joint_histogram(
            x=first, y=second, rows=rows, n=n, stride=stride, grid=grid, **end
        )
    else:
        _cuda.launch_pair_histograms(
            ranks=first, columns=columns, n=n, pairs=second, count=rows, grid=grid, **end
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


def test_histogram_of_columns_side_by_side():
    ranks = np.random.default_rng(0).random((4, 501, 2)).astype(np.float32)
    both = on_device(ranks).view(-1)
    got, _ = histogram("joint", both, both[1:], rows=4, n=501, grid=32, stride=2)
    expected = infonet_kernels.joint_histogram(ranks[..., 0], ranks[..., 1], 32)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


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
