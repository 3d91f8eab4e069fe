"""The algorithms of the CUDA kernels on the CPU: compiles block_simulation.cpp with c++."""

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

KERNELS = Path(__file__).parents[2] / "kernels"
ORDERS = (0, 1, 2)  # the threads of a block in turn, backwards, shuffled


@functools.cache
def library():
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler: neither c++ nor g++ is on PATH and CXX is not set")
    output = Path(tempfile.mkdtemp()) / "block_simulation.so"
    source = Path(__file__).with_name("block_simulation.cpp")
    flags = ["-std=c++17", "-O2", "-ffp-contract=off", "-fno-strict-aliasing"]
    flags += ["-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    includes = [f"-I{KERNELS / folder}" for folder in ("include", "shared")]
    command = [*compiler.split(), *flags, *includes, str(source)]
    subprocess.run([*command, "-o", str(output)], check=True)
    return ctypes.CDLL(str(output))


def _pointer(array):
    return ctypes.c_void_p(array.ctypes.data)


def threads_for(n):
    """The threads of a block for a row of n values, as in kernels/cuda/short_rows.cu."""
    return -(-n // (32 * library().items_per_thread())) * 32


def _arguments(array, eps, normalize):
    """[rows, n], or [batch, n, columns] that is ranked along its middle axis."""
    batch, n, columns = array.shape if array.ndim == 3 else (*array.shape, 1)
    shape = [ctypes.c_int64(size) for size in (batch * columns, n, columns)]
    return [*shape, ctypes.c_double(eps), normalize]


def soft_rank(rows, eps, normalize, order=2, threads=None):
    """Ranks by simulated blocks, one a row, and the number of refused rows."""
    rows = np.ascontiguousarray(rows, np.float32)
    out = np.full_like(rows, -5)
    refused = library().simulate_soft_rank(
        *(_pointer(rows), *_arguments(rows, eps, normalize)),
        *(threads or threads_for(rows.shape[1]), order, _pointer(out)),
    )
    return out, refused


def long_soft_rank(rows, eps, normalize, order=2, most=3):
    """Ranks in tiles, as for rows beyond the shared memory, and the number of refused rows.

    `most` rows, or columns of matrices, are worked on side by side.
    """
    rows = np.ascontiguousarray(rows, np.float32)
    out = np.full_like(rows, -5)
    refused = library().simulate_long_soft_rank(
        *(_pointer(rows), *_arguments(rows, eps, normalize)),
        *(ctypes.c_int64(most), order, _pointer(out)),
    )
    return out, refused


def gradient(rows, by, eps, normalize, order=2, most=3):
    """The gradient by the values of rows from that by their ranks, and the refused rows' number."""
    rows, by = (np.ascontiguousarray(array, np.float32) for array in (rows, by))
    out = np.full_like(rows, -5)
    refused = library().simulate_gradient(
        *(_pointer(rows), _pointer(by), *_arguments(rows, eps, normalize)),
        *(ctypes.c_int64(most), order, _pointer(out)),
    )
    return out, refused


def affine(rows, eps, normalize, most=3):
    """Soft ranks without a sort, and the number of refused rows."""
    rows = np.ascontiguousarray(rows, np.float32)
    out = np.full_like(rows, -5)
    refused = library().simulate_affine(
        _pointer(rows), *_arguments(rows, eps, normalize), ctypes.c_int64(most), _pointer(out)
    )
    return out, refused


def affine_gradient(rows, by, eps, normalize, most=3):
    """The gradient without a sort, for n eps >= 2."""
    rows, by = (np.ascontiguousarray(array, np.float32) for array in (rows, by))
    out = np.full_like(rows, -5)
    refused = library().simulate_affine_gradient(
        *(_pointer(rows), _pointer(by), *_arguments(rows, eps, normalize)),
        *(ctypes.c_int64(most), _pointer(out)),
    )
    return out, refused


def histogram(x, y, grid):
    """The joint histogram of one row in fixed point."""
    out = np.full((grid, grid), -5, np.float32)
    size = [ctypes.c_int64(number) for number in (len(x), grid)]
    library().simulate_histogram(_pointer(x), _pointer(y), *size, _pointer(out))
    return out
