"""The CUDA library's host side, where there is no GPU: its errors, and that nothing loads it."""

import ctypes
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


def soft_rank(rows=1, n=10, eps=0.0, normalize=0, workspace=(0, 0)):
    _cuda.launch_soft_rank(0, rows, n, eps, normalize, 0, *workspace)


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
        _cuda.launch_joint_histogram(0, 0, 1, 10, 4097, 0, 0, 0)
    with pytest.raises(ValueError, match="columns: got -2"):
        _cuda.launch_pair_histograms(0, -2, 10, 0, 1, 32, 0, 0, 0)
    with pytest.raises(ValueError, match="stride: got 0; at least 1"):
        _cuda.launch_joint_histogram(0, 0, 1, 10, 32, 0, 0, 0, stride=0)
    with pytest.raises(ValueError, match="rows: got 5, which is no multiple of the 2 columns"):
        _cuda.launch_soft_rank(0, 5, 10, 0.0, 0, 0, 0, 0, columns=2)
    with pytest.raises(ValueError, match="columns: got 0; at least 1"):
        _cuda.launch_soft_rank(0, 5, 10, 0.0, 0, 0, 0, 0, columns=0)
    with pytest.raises(ValueError, match="values: got .* rows of 1000 values; at most 2\\^40"):
        _cuda.launch_soft_rank(0, 2**40, 1000, 0.0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="eps: got 0; ranks that are piecewise constant have the"):
        _cuda.launch_soft_rank_backward(0, 0, 1, 10, 0.0, 0, 0, 0, 0)
    with pytest.raises(ValueError, match="eps: got inf"):
        _cuda.soft_rank_backward_workspace(1, 10, float("inf"))


@pytest.mark.parametrize("n", [1, 20, 5000, 1_000_000])
def test_working_memory_is_bounded(n):
    """Rows are worked on some at a time: a batch takes no more than 2^23 values do."""
    size = _cuda.soft_rank_backward_workspace
    for eps in (0.5 / n, 3 / n):
        one, many = size(1, n, eps), size(100_000, n, eps)
        assert 0 < one <= many <= 2**30
    assert size(0, n, 0.1) == size(5, 0, 0.1) == 0


@pytest.mark.skipif("has_device()", reason="there is a device")
def test_no_device_is_a_clear_error():
    calls = (
        _cuda.check_cuda,
        soft_rank,
        lambda: _cuda.soft_rank_workspace(1, 10, 1e-3),
        lambda: _cuda.histogram_workspace(1, 32),
        lambda: _cuda.launch_joint_histogram(0, 0, 1, 10, 32, 0, 0, 0),
        lambda: _cuda.launch_pair_histograms(0, 1, 10, 0, 1, 32, 0, 0, 0),
        lambda: _cuda.launch_soft_rank_backward(0, 0, 1, 10, 1e-3, 0, 0, 0, 0),
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
    monkeypatch.setenv(_cuda.ENVIRONMENT_VARIABLE, str(tmp_path / "none.so"))
    with pytest.raises(ImportError, match="INFONET_KERNELS_CUDA_LIBRARY"):
        _cuda.cuda_library_path()
