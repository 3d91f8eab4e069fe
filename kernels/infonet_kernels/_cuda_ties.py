"""Ties of ranked samples on the device; see infonet/ties_cuda.h."""

import ctypes
import functools

from infonet_kernels._cuda import load_cuda

LONGEST = 2**21  # samples of a row: INFONET_LONGEST_TIES


@functools.cache
def _library() -> ctypes.CDLL:
    library = load_cuda()
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    arguments: list[type] = [pointer, pointer, size, size, size, pointer, pointer, pointer]
    library.infonet_cuda_tie_entropy.argtypes = arguments
    library.infonet_cuda_tie_entropy.restype = ctypes.c_int
    library.infonet_cuda_tie_entropy_workspace.argtypes = [size, size]
    library.infonet_cuda_tie_entropy_workspace.restype = ctypes.c_size_t
    library.infonet_cuda_error_name.argtypes = [ctypes.c_int]
    library.infonet_cuda_error_name.restype = ctypes.c_char_p
    return library


def tie_entropy_workspace(rows: int, n: int) -> int:
    """Bytes of device memory that `launch_tie_entropy` works in."""
    return int(_library().infonet_cuda_tie_entropy_workspace(rows, n))


def launch_tie_entropy(
    values: int,
    ranks: int,
    rows: int,
    n: int,
    columns: int,
    entropy: int,
    workspace: int,
    stream: int = 0,
) -> None:
    """Put infonet_cuda_tie_entropy on a stream; arrays are addresses in device memory.

    Args:
        values, ranks: float32 [rows / columns, n, columns]; ranks are average ranks, "midrank".
        rows, n, columns: n is at most LONGEST.
        entropy: float64 [rows], written, in nats: infinite without ties, NaN for a row with a value
            that is not finite.
        workspace: see `tie_entropy_workspace`.
        stream: a cudaStream_t.

    Raises:
        RuntimeError: CUDA refuses.
    """
    code = _library().infonet_cuda_tie_entropy(
        values, ranks, rows, n, columns, entropy, workspace, stream
    )
    if code:
        name = _library().infonet_cuda_error_name(code).decode()
        raise RuntimeError(f"CUDA: the launch of the tie counts failed with {name}")
