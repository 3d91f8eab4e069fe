"""The CUDA kernels: a library of their own, loaded when first asked for and never otherwise."""

import ctypes
import functools
import sys
from pathlib import Path

from infonet_kernels._arrays import shown
from infonet_kernels._library import find_library, path_given_by

ENVIRONMENT_VARIABLE = "INFONET_KERNELS_CUDA_LIBRARY"
_FILE_NAME = "infonet_kernels_cuda.dll" if sys.platform == "win32" else "libinfonet_kernels_cuda.so"
_NO_DEVICE = 4

_pointer = ctypes.c_void_p
_int64 = ctypes.c_int64
_size = ctypes.c_size_t
_bytes = ctypes.POINTER(_size)
_rows: list[type] = [_int64, _int64, _int64, ctypes.c_double, ctypes.c_int]
_end: list[type] = [_pointer, _pointer, _size, _pointer, _pointer]
_SIGNATURES: dict[str, list[type]] = {
    "infonet_cuda_check": [],
    "infonet_cuda_soft_rank": [_pointer, *_rows, *_end],
    "infonet_cuda_soft_rank_workspace": [_int64, _int64, ctypes.c_double, _bytes],
    "infonet_cuda_soft_rank_backward": [_pointer, _pointer, *_rows, *_end],
    "infonet_cuda_soft_rank_backward_workspace": [_int64, _int64, ctypes.c_double, _bytes],
    "infonet_cuda_joint_histogram": [_pointer, _pointer, _int64, _int64, _int64, _int64, *_end],
    "infonet_cuda_pair_histograms": [_pointer, _int64, _int64, _pointer, _int64, _int64, *_end],
    "infonet_cuda_histogram_workspace": [_int64, _int64, _bytes],
}


class NoDeviceError(RuntimeError):
    """There is no GPU that the CUDA kernels run on, or no driver for it."""


def cuda_library_path() -> Path:
    """Path of the shared library with the CUDA kernels; see infonet/kernels_cuda.h.

    The environment variable INFONET_KERNELS_CUDA_LIBRARY overrides the installed one.

    Raises:
        ImportError: the library is not there.
    """
    found = path_given_by(ENVIRONMENT_VARIABLE, "infonet_kernels_cuda") or find_library(_FILE_NAME)
    if found is None:
        raise ImportError(
            f"{_FILE_NAME} was not found beside {__file__}: infonet was built without the CUDA "
            "kernels; with the CUDA toolkit 13 on PATH reinstall it from source: "
            "CMAKE_ARGS=-DINFONET_CUDA=ON pip install --force-reinstall --no-deps ."
        )
    return found


@functools.cache
def load_cuda() -> ctypes.CDLL:
    """The library with its argument types declared; loaded once per process."""
    library = ctypes.CDLL(str(cuda_library_path()))
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = ctypes.c_int
    library.infonet_cuda_last_error.argtypes = []
    library.infonet_cuda_last_error.restype = ctypes.c_char_p
    return library


def _call(name: str, *arguments: object) -> None:
    library = load_cuda()
    for place, value in enumerate(arguments, 1):
        if isinstance(value, int) and not -(2**63) <= value < 2**64:  # ctypes would cut it off
            raise ValueError(f"{name}: argument {place} is {shown(value)}; 64 bits are allowed")
    try:
        code = getattr(library, name)(*arguments)
    except ctypes.ArgumentError as error:
        raise TypeError(f"{name}: {' '.join(str(error).split())}") from None
    if code == 0:
        return
    message = (library.infonet_cuda_last_error() or b"").decode() or f"{name}: internal error"
    if code == 1:
        raise ValueError(message)
    if code == 2:
        raise MemoryError(message)
    raise NoDeviceError(message) if code == _NO_DEVICE else RuntimeError(message)


def check_cuda() -> None:
    """Check that there is a device to run on.

    Raises:
        ImportError: this installation has no CUDA kernels.
        NoDeviceError: there is no driver or no device.
    """
    _call("infonet_cuda_check")


def soft_rank_workspace(rows: int, n: int, eps: float) -> int:
    """Bytes of device memory, aligned to 16, that `launch_soft_rank` works in."""
    size = _size()
    _call("infonet_cuda_soft_rank_workspace", rows, n, eps, ctypes.byref(size))
    return size.value


def histogram_workspace(rows: int, grid: int) -> int:
    """Bytes of device memory, aligned to 16, that the launches of histograms work in."""
    size = _size()
    _call("infonet_cuda_histogram_workspace", rows, grid, ctypes.byref(size))
    return size.value


def launch_soft_rank(
    values: int,
    rows: int,
    n: int,
    eps: float,
    normalize: int,
    ranks: int,
    workspace: int,
    workspace_bytes: int,
    refused: int = 0,
    stream: int = 0,
    columns: int = 1,
) -> None:
    """Put infonet_cuda_soft_rank on a stream; arrays are addresses in device memory.

    Args:
        values: float32 [rows, n]; with `columns`, [rows / columns, n, columns], which is ranked
            along the middle axis.
        rows, n, eps: as for `infonet_kernels.soft_rank`; n up to 2^26.
        normalize: index into `infonet_kernels.NORMALIZATIONS`.
        ranks: float32, as `values`, written. A row with NaN (for eps > 0: or an infinity) becomes
            NaN.
        workspace, workspace_bytes: see `soft_rank_workspace`.
        refused: int64, written: the smallest row that became NaN, else at least 2^62; 0 for none.
        stream: a cudaStream_t.
        columns: how many rows a matrix of `values` holds, side by side.

    Raises:
        ValueError, NoDeviceError, RuntimeError: the C function's message.
    """
    _call(
        "infonet_cuda_soft_rank",
        *(values, rows, n, columns, eps, normalize),
        *(ranks, workspace, workspace_bytes, refused, stream),
    )


def soft_rank_backward_workspace(rows: int, n: int, eps: float) -> int:
    """Bytes of device memory, aligned to 16, that `launch_soft_rank_backward` works in."""
    size = _size()
    _call("infonet_cuda_soft_rank_backward_workspace", rows, n, eps, ctypes.byref(size))
    return size.value


def launch_soft_rank_backward(
    values: int,
    by: int,
    rows: int,
    n: int,
    eps: float,
    normalize: int,
    gradient: int,
    workspace: int,
    workspace_bytes: int,
    refused: int = 0,
    stream: int = 0,
    columns: int = 1,
) -> None:
    """Put infonet_cuda_soft_rank_backward on a stream; see `launch_soft_rank`.

    Args:
        values: float32, as for `launch_soft_rank`.
        by: float32, as `values`: the gradient by the ranks.
        eps: above 0; the gradient of average ranks is 0.
        gradient: float32, as `values`, written. That of a row that is refused becomes NaN.
        rows, n, normalize, workspace, workspace_bytes, refused, stream, columns: as there.
    """
    _call(
        "infonet_cuda_soft_rank_backward",
        *(values, by, rows, n, columns, eps, normalize),
        *(gradient, workspace, workspace_bytes, refused, stream),
    )


def launch_joint_histogram(
    x: int,
    y: int,
    rows: int,
    n: int,
    grid: int,
    histogram: int,
    workspace: int,
    workspace_bytes: int,
    refused: int = 0,
    stream: int = 0,
    stride: int = 1,
) -> None:
    """Put infonet_cuda_joint_histogram on a stream; see `launch_soft_rank`.

    Args:
        x, y: float32 [rows, n] in [0, 1], values `stride` apart: with 2, and y 4 bytes after x,
            they are the columns of ranks [rows, n, 2].
        histogram: float32 [rows, grid, grid], written.
        rows, n, grid, workspace, workspace_bytes, refused, stream: as elsewhere.
    """
    _call(
        "infonet_cuda_joint_histogram",
        *(x, y, rows, n, stride, grid, histogram, workspace, workspace_bytes, refused, stream),
    )


def launch_pair_histograms(
    ranks: int,
    columns: int,
    n: int,
    pairs: int,
    count: int,
    grid: int,
    histogram: int,
    workspace: int,
    workspace_bytes: int,
    refused: int = 0,
    stream: int = 0,
) -> None:
    """Put infonet_cuda_pair_histograms on a stream; see `launch_soft_rank`.

    Args:
        ranks: float32 [columns, n] in [0, 1].
        pairs: int64 [count, 2].
        histogram: float32 [count, grid, grid], written.
        columns, n, count, grid, workspace, workspace_bytes, refused, stream: as elsewhere.
    """
    _call(
        "infonet_cuda_pair_histograms",
        *(ranks, columns, n, pairs, count, grid, histogram),
        *(workspace, workspace_bytes, refused, stream),
    )
