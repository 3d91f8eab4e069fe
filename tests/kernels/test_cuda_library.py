"""The CUDA library's host side, where there is no GPU: its errors, and that nothing loads it."""

import ctypes
import re
import subprocess
import sys

import pytest
from infonet_kernels import _cuda


@pytest.fixture(scope="module", autouse=True)
def library():
    try:
        return _cuda.load_cuda()
    except ImportError as error:
        pytest.skip(str(error))


def has_device():
    try:
        _cuda.check_cuda()
    except (ImportError, _cuda.NoDeviceError):  # without the library, the fixture skips
        return False
    return True


NOWHERE = _cuda.Launch(workspace=0, workspace_bytes=0)


def has_long_soft_rank():
    try:
        return _cuda.soft_rank_backward_workspace(1, 10, 1e-3) > 0
    except ValueError:  # that it says why is tested below
        return False


def soft_rank(rows=1, n=10, columns=1, eps=0.0, normalize=0):
    _cuda.launch_soft_rank(
        values=0,
        rows=rows,
        n=n,
        columns=columns,
        eps=eps,
        normalize=normalize,
        ranks=0,
        on=NOWHERE,
    )


def backward(eps, n=10):
    _cuda.launch_soft_rank_backward(
        values=0, by=0, rows=1, n=n, eps=eps, normalize=0, gradient=0, on=NOWHERE
    )


def histogram(grid=32, stride=1):
    _cuda.launch_joint_histogram(
        x=0, y=0, rows=1, n=10, stride=stride, grid=grid, histogram=0, on=NOWHERE
    )


def pairs(columns):
    _cuda.launch_pair_histograms(
        ranks=0, columns=columns, n=10, pairs=0, count=1, grid=32, histogram=0, on=NOWHERE
    )


def ties(rows=2, n=10, columns=2):
    _cuda.launch_tie_entropy(
        values=0, ranks=0, rows=rows, n=n, columns=columns, entropy=0, on=NOWHERE
    )


def test_bad_arguments_are_named_without_a_device():
    with pytest.raises(ValueError, match="rows: got -1; at least 0"):
        soft_rank(rows=-1)
    with pytest.raises(ValueError, match="got rows of 67108865 values; allowed are 0 to 67108864"):
        soft_rank(n=2**26 + 1)
    with pytest.raises(ValueError, match="eps: got -1"):
        soft_rank(eps=-1.0)
    with pytest.raises(ValueError, match="eps: got nan"):
        _cuda.soft_rank_workspace(1, 10, float("nan"))
    with pytest.raises(ValueError, match="normalize: got 7; allowed are 0"):
        soft_rank(normalize=7)
    with pytest.raises(ValueError, match="grid: got 1; allowed are 2 to 4096"):
        _cuda.histogram_workspace(1, 1)
    with pytest.raises(ValueError, match="grid: got 4097"):
        histogram(grid=4097)
    with pytest.raises(ValueError, match="columns: got -2"):
        pairs(columns=-2)
    with pytest.raises(ValueError, match="stride: got 0; at least 1"):
        histogram(stride=0)
    with pytest.raises(ValueError, match="rows: got 5, which is no multiple of the 2 columns"):
        soft_rank(rows=5, columns=2)
    with pytest.raises(ValueError, match="columns: got 0; at least 1"):
        soft_rank(rows=5, columns=0)
    with pytest.raises(ValueError, match="values: got .* rows of 1000 values; at most 2\\^40"):
        soft_rank(rows=2**40, n=1000)
    with pytest.raises(ValueError, match="eps: got 0; ranks that are piecewise constant have the"):
        backward(eps=0.0)
    with pytest.raises(ValueError, match="eps: got inf"):
        _cuda.soft_rank_backward_workspace(1, 10, float("inf"))
    with pytest.raises(ValueError, match="rows: got 5, which is no multiple of the 2 columns"):
        ties(rows=5)
    with pytest.raises(ValueError, match="got rows of 2097153 values; ties of 1 to 2097152 are"):
        ties(n=_cuda.LONGEST_TIES + 1)
    with pytest.raises(ValueError, match="got rows of 0 values; ties of 1 to 2097152 are"):
        _cuda.tie_entropy_workspace(1, 0)
    with pytest.raises(ValueError, match="infonet_cuda_soft_rank: got a number of 71 bits; 64"):
        soft_rank(rows=2**70)
    with pytest.raises(TypeError, match="infonet_cuda_soft_rank: argument 2: .*"):
        soft_rank(rows="2")


@pytest.mark.parametrize("n", [1, 20, 5000, 1_000_000])
def test_working_memory_is_bounded(n):
    """Rows are worked on some at a time: a batch takes no more than 2^23 values do."""
    size = _cuda.soft_rank_backward_workspace
    for eps in (0.5 / n, 3 / n) if has_long_soft_rank() else (3 / n,):
        one, many = size(1, n, eps), size(100_000, n, eps)
        assert 0 < one <= many <= 2**30
    assert size(0, n, 0.1) == size(5, 0, 0.1) == 0
    one, many = _cuda.tie_entropy_workspace(1, n), _cuda.tie_entropy_workspace(100_000, n)
    assert 0 < one <= many <= 2**28
    assert _cuda.tie_entropy_workspace(0, n) == 0


def test_kernels_that_were_left_out_are_named():
    if has_long_soft_rank():
        pytest.skip("this build has those kernels")
    message = (
        "eps: got 0.001 for rows of 10 values; gradients of ranks with 0 < eps < 2 / n are not in "
        "this build of the CUDA kernels: build them with -DINFONET_CUDA_LONG_SOFT_RANK=ON, or use "
        "eps = 0, an eps from 2 / n up, or the CPU"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        _cuda.soft_rank_backward_workspace(1, 10, 1e-3)
    if has_device():
        with pytest.raises(ValueError, match="ranks of rows beyond shared memory with 0 < eps"):
            _cuda.soft_rank_workspace(1, 100_000, 1e-6)


@pytest.mark.skipif("has_device()", reason="there is a device")
def test_no_device_is_a_clear_error():
    calls = (
        _cuda.check_cuda,
        soft_rank,
        lambda: _cuda.soft_rank_workspace(1, 10, 1e-3),
        lambda: _cuda.histogram_workspace(1, 32),
        histogram,
        lambda: pairs(1),
        lambda: backward(1e-3),
        ties,
    )
    for call in calls:
        with pytest.raises(_cuda.NoDeviceError, match=r"an NVIDIA GPU .* device='cpu'"):
            call()


def test_success_clears_the_message():
    with pytest.raises(ValueError, match="eps"):
        soft_rank(eps=-1.0)
    library = _cuda.load_cuda()
    size = ctypes.c_size_t()
    code = library.infonet_cuda_histogram_workspace(1, 32, ctypes.byref(size))
    assert (code == 0) == (library.infonet_cuda_last_error() == b"")


def test_it_needs_no_cuda_library_and_is_loaded_by_no_one_else():
    path = _cuda.cuda_library_path()
    if sys.platform == "linux":
        needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        assert "cuda" not in needed.replace(str(path), "")
    code = (
        "import infonet_kernels, numpy as np\n"
        "infonet_kernels.soft_rank(np.zeros((1, 3)))\n"
        "print('kernels_cuda' in open('/proc/self/maps').read())\n"
    )
    if sys.platform == "linux":
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert run.stdout.strip() == "False", run.stderr


def test_a_library_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv(_cuda.CUDA.variable, str(tmp_path / "none.so"))
    with pytest.raises(ImportError, match="INFONET_KERNELS_CUDA_LIBRARY"):
        _cuda.cuda_library_path()
