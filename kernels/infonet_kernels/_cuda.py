"""The CUDA kernels: a library of their own, loaded when first asked for and never otherwise.

The functions are those of infonet/kernels_cuda.h, by keyword. Arrays are addresses in the memory of
the current device.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

from infonet_kernels._library import Library, NoDeviceError

__all__ = [
    "LONGEST_TIES",
    "Launch",
    "NoDeviceError",
    "check_cuda",
    "cuda_library_path",
    "histogram_workspace",
    "launch_joint_histogram",
    "launch_pair_histograms",
    "launch_soft_rank",
    "launch_soft_rank_backward",
    "launch_tie_entropy",
    "load_cuda",
    "soft_rank_backward_workspace",
    "soft_rank_workspace",
    "tie_entropy_workspace",
]

LONGEST_TIES = 2**21  # samples of a row: INFONET_LONGEST_TIES

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
    "infonet_cuda_tie_entropy": [
        *[_pointer, _pointer, _int64, _int64, _int64, _pointer, _pointer, _size, _pointer]
    ],
    "infonet_cuda_tie_entropy_workspace": [_int64, _int64, _bytes],
}
_MISSING = (
    "{file} was not found beside {here}: infonet was built without the CUDA kernels; with the CUDA "
    "toolkit 13 on PATH reinstall it from source: "
    "CMAKE_ARGS=-DINFONET_CUDA=ON pip install --force-reinstall --no-deps ."
)
CUDA = Library("infonet_kernels_cuda", _SIGNATURES, "infonet_cuda_last_error", _MISSING)
load_cuda = CUDA.load


@dataclass(frozen=True)
class Launch:
    """What a launch works in, and when it runs.

    Attributes:
        workspace: address of device memory, a multiple of 16; launches on one stream may share it.
        workspace_bytes: at least what the launch's function for the workspace says.
        stream: a cudaStream_t.
    """

    workspace: int
    workspace_bytes: int
    stream: int = 0


def cuda_library_path() -> Path:
    """Path of the shared library with the CUDA kernels; see infonet/kernels_cuda.h.

    The environment variable INFONET_KERNELS_CUDA_LIBRARY overrides the installed one.

    Raises:
        ImportError: the library is not there.
    """
    return CUDA.path()


def check_cuda() -> None:
    """Check that there is a device to run on.

    Raises:
        ImportError: this installation has no CUDA kernels.
        NoDeviceError: there is no driver or no device.
    """
    CUDA.call("infonet_cuda_check")


def soft_rank_workspace(rows: int, n: int, eps: float) -> int:
    """Bytes of device memory that `launch_soft_rank` works in."""
    return _workspace("infonet_cuda_soft_rank_workspace", rows, n, eps)


def soft_rank_backward_workspace(rows: int, n: int, eps: float) -> int:
    """Bytes of device memory that `launch_soft_rank_backward` works in."""
    return _workspace("infonet_cuda_soft_rank_backward_workspace", rows, n, eps)


def histogram_workspace(rows: int, grid: int) -> int:
    """Bytes of device memory that the launches of histograms work in."""
    return _workspace("infonet_cuda_histogram_workspace", rows, grid)


def tie_entropy_workspace(rows: int, n: int) -> int:
    """Bytes of device memory that `launch_tie_entropy` works in."""
    return _workspace("infonet_cuda_tie_entropy_workspace", rows, n)


def _workspace(name: str, *arguments: float) -> int:
    size = _size()
    CUDA.call(name, *arguments, size)
    return size.value


def launch_soft_rank(
    *,
    values: int,
    rows: int,
    n: int,
    columns: int = 1,
    eps: float,
    normalize: int,
    ranks: int,
    refused: int = 0,
    on: Launch,
) -> None:
    """Put infonet_cuda_soft_rank on a stream.

    Args:
        values: float32 [rows, n]; with `columns`, [rows / columns, n, columns], which is ranked
            along the middle axis.
        rows, n, eps: as for `infonet_kernels.soft_rank`; n up to 2^26.
        columns: how many rows a matrix of `values` holds, side by side.
        normalize: index into `infonet_kernels.NORMALIZATIONS`.
        ranks: float32, as `values`, written. A row with NaN (for eps > 0: or an infinity) becomes
            NaN.
        refused: int64, written: the smallest row that became NaN, else at least 2^62; 0 for none.
        on: where, see `Launch` and `soft_rank_workspace`.

    Raises:
        ValueError, NoDeviceError, RuntimeError: the C function's message.
    """
    CUDA.call(
        *("infonet_cuda_soft_rank", values, rows, n, columns, eps, normalize, ranks),
        *(on.workspace, on.workspace_bytes, refused, on.stream),
    )


def launch_soft_rank_backward(
    *,
    values: int,
    by: int,
    rows: int,
    n: int,
    columns: int = 1,
    eps: float,
    normalize: int,
    gradient: int,
    refused: int = 0,
    on: Launch,
) -> None:
    """Put infonet_cuda_soft_rank_backward on a stream; see `launch_soft_rank`.

    Args:
        values: float32, as for `launch_soft_rank`.
        by: float32, as `values`: the gradient by the ranks.
        eps: above 0; the gradient of average ranks is 0.
        gradient: float32, as `values`, written. That of a row that is refused becomes NaN.
        rows, n, columns, normalize, refused, on: as there.
    """
    CUDA.call(
        *("infonet_cuda_soft_rank_backward", values, by, rows, n, columns, eps, normalize),
        *(gradient, on.workspace, on.workspace_bytes, refused, on.stream),
    )


def launch_joint_histogram(
    *,
    x: int,
    y: int,
    rows: int,
    n: int,
    stride: int = 1,
    grid: int,
    histogram: int,
    refused: int = 0,
    on: Launch,
) -> None:
    """Put infonet_cuda_joint_histogram on a stream; see `launch_soft_rank`.

    Args:
        x, y: float32 [rows, n] in [0, 1], values `stride` apart: with 2, and y 4 bytes after x,
            they are the columns of ranks [rows, n, 2].
        histogram: float32 [rows, grid, grid], written.
        rows, n, grid, refused, on: as elsewhere.
    """
    CUDA.call(
        *("infonet_cuda_joint_histogram", x, y, rows, n, stride, grid, histogram),
        *(on.workspace, on.workspace_bytes, refused, on.stream),
    )


def launch_pair_histograms(
    *,
    ranks: int,
    columns: int,
    n: int,
    pairs: int,
    count: int,
    grid: int,
    histogram: int,
    refused: int = 0,
    on: Launch,
) -> None:
    """Put infonet_cuda_pair_histograms on a stream; see `launch_soft_rank`.

    Args:
        ranks: float32 [columns, n] in [0, 1].
        pairs: int64 [count, 2].
        histogram: float32 [count, grid, grid], written.
        columns, n, count, grid, refused, on: as elsewhere.
    """
    CUDA.call(
        *("infonet_cuda_pair_histograms", ranks, columns, n, pairs, count, grid, histogram),
        *(on.workspace, on.workspace_bytes, refused, on.stream),
    )


def launch_tie_entropy(
    *, values: int, ranks: int, rows: int, n: int, columns: int, entropy: int, on: Launch
) -> None:
    """Put infonet_cuda_tie_entropy on a stream; see `launch_soft_rank`.

    Args:
        values, ranks: float32 [rows / columns, n, columns]; ranks are average ranks, "midrank".
        rows, n, columns: n is at most LONGEST_TIES.
        entropy: float64 [rows], written, in nats: infinite without ties, NaN for a row with a value
            that is not finite.
        on: as elsewhere.
    """
    CUDA.call(
        *("infonet_cuda_tie_entropy", values, ranks, rows, n, columns, entropy),
        *(on.workspace, on.workspace_bytes, on.stream),
    )
