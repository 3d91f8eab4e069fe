"""The gradient of the CUDA soft rank on a GPU, against the CPU's. Skipped where there is none."""

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

from test_kernels import (  # noqa: E402
    LONG,
    NONE_REFUSED,
    NORMALIZATIONS,
    launch_in,
    on_device,
    rows_of,
    workspace_of,
)


class Gradient:
    """Everything one call needs, so that it can be repeated and captured."""

    def __init__(self, rows, by, eps, normalize="midrank"):
        self.values, self.by = on_device(rows), on_device(by)
        self.out = torch.full_like(self.values, -5)
        batch, self.n, self.columns = (*self.values.shape, 1)[:3]
        self.rows = batch * self.columns
        self.size = _cuda.soft_rank_backward_workspace(self.rows, self.n, eps)
        self.workspace = workspace_of(self.size)
        self.refused = torch.zeros(1, dtype=torch.int64, device="cuda")
        self.eps, self.normalize = eps, NORMALIZATIONS.index(normalize)

    def launch(self):
        _cuda.launch_soft_rank_backward(
            values=self.values.data_ptr(),
            by=self.by.data_ptr(),
            rows=self.rows,
            n=self.n,
            columns=self.columns,
            eps=self.eps,
            normalize=self.normalize,
            gradient=self.out.data_ptr(),
            refused=self.refused.data_ptr(),
            on=launch_in(self.workspace, self.size),
        )

    def result(self):
        torch.cuda.synchronize()
        assert (self.workspace[self.size :] == 0xA5).all(), "written behind the workspace"
        return self.out.cpu().numpy(), int(self.refused)


def gradient(*arguments):
    call = Gradient(*arguments)
    call.launch()
    return call.result()


def by_of(shape):
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def assert_equal_to_the_cpu(got, rows, by, eps, normalize="midrank"):
    """Sums of doubles in another order."""
    expected = infonet_kernels.soft_rank_backward(rows, by, eps, normalize)
    size = np.abs(expected).max(1, keepdims=True)
    wrong = np.abs(got - expected) > 1e-6 * np.abs(expected) + 1e-10 * size
    assert not wrong.any(), (rows.shape, eps, normalize, np.argwhere(wrong)[:3])


@pytest.mark.parametrize("n", [1, 2, 27, 500, 1151, 5184, 5185, 20001])
def test_gradient(n):
    rows = rows_of(n)
    by = by_of(rows.shape)
    for eps in (2 / n, 0.1 + 2 / n, 1.9 / n, 1 / n, 0.3 / n, 0.01 / n):
        for normalize in NORMALIZATIONS:
            got, refused = gradient(rows, by, eps, normalize)
            assert refused >= NONE_REFUSED
            assert_equal_to_the_cpu(got, rows, by, eps, normalize)


@LONG
@pytest.mark.parametrize("eps", [1.9e-6, 1e-7, 0.1])
def test_a_million_values(eps):
    rows = rows_of(1_000_000)[[0, 1, 8]]
    by = by_of(rows.shape)
    for normalize in ("over_n", "minmax"):
        assert_equal_to_the_cpu(gradient(rows, by, eps, normalize)[0], rows, by, eps, normalize)


@LONG
def test_more_rows_than_are_worked_on_at_a_time():
    rows = np.random.default_rng(0).standard_normal((3000, 5001)).astype(np.float32)
    by = by_of(rows.shape)
    for eps in (0.1, 1e-4):
        assert_equal_to_the_cpu(gradient(rows, by, eps)[0], rows, by, eps)


@pytest.mark.parametrize("eps", [1e-3, 0.1])
def test_columns_and_refused_rows(eps):
    samples = np.random.default_rng(0).standard_normal((3, 700, 2)).astype(np.float32)
    samples[1, 350, 1] = np.inf
    by = by_of(samples.shape)
    got, refused = gradient(samples, by, eps)
    assert refused == 3
    rows, by, got = (a.transpose(0, 2, 1).reshape(6, 700) for a in (samples, by, got))
    assert np.isnan(got[3]).all()
    fine = [0, 1, 2, 4, 5]
    assert_equal_to_the_cpu(got[fine], rows[fine], by[fine], eps)


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_a_graph_replays_on_its_stream(eps):
    rows = rows_of(6001)
    call = Gradient(rows, by_of(rows.shape), eps)
    call.launch()
    call.result()
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        call.launch()
    rows = np.random.default_rng(5).standard_normal(rows.shape).astype(np.float32)
    call.values.copy_(torch.from_numpy(rows))
    call.out.fill_(-5)
    graph.replay()
    assert_equal_to_the_cpu(call.result()[0], rows, call.by.cpu().numpy(), eps)
