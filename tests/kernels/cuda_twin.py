"""A library with the interface of the CUDA kernels over the CPU's: compiles cuda_twin.cpp."""

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import infonet_kernels
import pytest

KERNELS = Path(__file__).parents[2] / "kernels"
SOURCES = [
    "cuda/cuda_ops.cpp",
    "onnxruntime/custom_op.cpp",
    "onnxruntime/register.cpp",
    "onnxruntime/tensors.cpp",
]


@functools.cache
def path():
    """The twin: the C interface of libinfonet_kernels_cuda, and its ops for the CPU's provider."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a C++ compiler: neither c++ nor g++ is on PATH and CXX is not set")
    output = Path(tempfile.mkdtemp()) / "cuda_twin.so"
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-sign-conversion"]
    flags += ["-fPIC", "-shared", "-DINFONET_TWIN"]
    folders = ("include", "shared", "cpu", "onnxruntime", "cuda")
    flags += [f"-I{KERNELS / folder}" for folder in folders]
    sources = [Path(__file__).with_name("cuda_twin.cpp"), *(KERNELS / name for name in SOURCES)]
    library = infonet_kernels.library_path()
    link = [str(library), f"-Wl,-rpath,{library.parent}"]
    command = [*compiler.split(), *flags, *map(str, sources), *link, "-o", str(output)]
    subprocess.run(command, check=True)
    return output
