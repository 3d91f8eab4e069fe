"""Soft ranks on a GPU: ours, torchsort's, and bare sorts."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

SOURCE = Path(__file__).with_name("segmented_sort.cu")
BUILT = Path(__file__).resolve().parents[1] / "build" / "benchmarks"


def compile_sort(architecture: str) -> Path:
    """segmented_sort.cu as a library for "sm_90", say. RuntimeError if nvcc is missing or fails."""
    nvcc = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
    if nvcc is None:
        raise RuntimeError("there is no nvcc to compile segmented_sort.cu with")
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    library = BUILT / f"segmented_sort_{architecture}_{digest}.so"
    if not library.is_file():
        BUILT.mkdir(parents=True, exist_ok=True)
        partial = library.with_suffix(".partial")
        command = [nvcc, "-O3", "-std=c++17", f"-arch={architecture}", "-shared"]
        command += ["-Xcompiler", "-fPIC", str(SOURCE), "-o", str(partial)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"nvcc does not compile {SOURCE.name}: {done.stderr.strip()[-300:]}")
        partial.replace(library)
    return library


def load_sort(library: Path) -> Callable[..., int]:
    """The function of the library, with its argument types declared."""
    function = ctypes.CDLL(str(library)).segmented_sort
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [ctypes.c_int, pointer, ctypes.POINTER(ctypes.c_size_t)]
    function.argtypes += [pointer, pointer, pointer, pointer, size, size, pointer]
    function.restype = ctypes.c_int
    return function


def ours(rows, eps: float) -> Callable[[], object]:
    """Rank float32 [rows, n] on the current stream; normalisation as the copula model has it."""
    import torch
    from infonet_kernels import NORMALIZATIONS, _cuda

    count, n = rows.shape
    size = _cuda.soft_rank_workspace(count, n, eps)
    workspace = torch.empty(max(size, 16), dtype=torch.uint8, device="cuda")
    ranks = torch.empty_like(rows)
    normalize = NORMALIZATIONS.index("midrank")

    def run():
        stream = torch.cuda.current_stream().cuda_stream
        _cuda.launch_soft_rank(
            values=rows.data_ptr(),
            rows=count,
            n=n,
            eps=eps,
            normalize=normalize,
            ranks=ranks.data_ptr(),
            on=_cuda.Launch(workspace.data_ptr(), size, stream),
        )
        return ranks

    return run


def torchsorts(rows, eps: float) -> Callable[[], object]:
    """torchsort's soft rank of rows in [0, 1], without our scaling before and after."""
    import torch
    import torchsort

    low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
    scaled = ((rows - low) / (high - low)).contiguous()

    def run():
        with torch.no_grad():
            return torchsort.soft_rank(scaled, "l2", eps)

    return run


def cub(rows, library: Path, radix: bool) -> Callable[[], object]:
    """A segmented sort of keys with their places; memory is allocated beforehand."""
    import torch

    function = load_sort(library)
    count, n = rows.shape
    places = torch.arange(n, dtype=torch.int32, device="cuda").repeat(count)
    sorted_rows, order = torch.empty_like(rows), torch.empty_like(places)
    arrays = [t.data_ptr() for t in (rows, sorted_rows, places, order)]
    size = ctypes.c_size_t()
    _check(function(int(radix), None, ctypes.byref(size), *arrays, count, n, None))
    temporary = torch.empty(max(1, size.value), dtype=torch.uint8, device="cuda")

    def run():
        stream = torch.cuda.current_stream().cuda_stream
        pointer = temporary.data_ptr()
        _check(function(int(radix), pointer, ctypes.byref(size), *arrays, count, n, stream))
        return sorted_rows

    return run


def _check(code: int) -> None:
    if code:
        raise RuntimeError(f"the segmented sort failed with CUDA error {code}")
