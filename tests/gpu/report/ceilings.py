"""What is here: versions, the card, and what a large copy and large products reach on it.

python tests/gpu/report/ceilings.py

Every other number of the report is a share of these two. The exit code is 1 where there is no GPU.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys

from driver import BENCHMARKS

PACKAGES = ("torch", "triton", "numpy", "cupy-cuda13x", "cuda-bindings", "cuda-core")
PACKAGES += ("onnxruntime", "onnxruntime-gpu", "onnx", "torchsort")
ROW = "{:<22} {}"


def versions() -> list[tuple[str, str]]:
    """Of everything that the report rests on, and which of two onnxruntimes is imported."""
    rows = [("python", f"{platform.python_version()}, {sys.executable}")]
    for name in PACKAGES:
        try:
            rows.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    rows.append(("onnxruntime imported", _onnxruntime()))
    rows.append(("CUDA kernels", os.environ.get("INFONET_KERNELS_CUDA_LIBRARY", "installed ones")))
    rows.append(("nvcc", _last_line("nvcc", "--version")))
    rows.append(("compute-sanitizer", _last_line("compute-sanitizer", "--version")))
    query = "--query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit"
    rows.append(("nvidia-smi", _last_line("nvidia-smi", query, "--format=csv,noheader")))
    return rows


def _onnxruntime() -> str:
    try:
        import onnxruntime as ort
    except ImportError as error:
        return f"no: {error}"
    return f"{ort.__version__}, {', '.join(ort.get_available_providers())}, {ort.__file__}"


def _last_line(program: str, *arguments: str) -> str:
    path = shutil.which(program) or shutil.which(program, path="/usr/local/cuda/bin")
    if path is None:
        return "not on the path"
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=30)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"


def main() -> int:
    for row in versions():
        print(ROW.format(*row))
    sys.path.insert(0, str(BENCHMARKS))
    from gpu import missing_gpu

    reason = missing_gpu()
    if reason:
        print(f"no ceilings were measured: {reason}")
        return 1
    import torch
    from gpu_limits import measure_limits
    from gpu_timing import device_timer

    card = torch.cuda.get_device_properties(0)
    print(ROW.format("card", card.name))
    print(ROW.format("compute capability", f"{card.major}.{card.minor}"))
    print(ROW.format("multiprocessors", card.multi_processor_count))
    print(ROW.format("memory", f"{card.total_memory / 1e9:.1f} GB"))
    limits = measure_limits(device_timer())
    print(ROW.format("copy", f"{limits.bandwidth / 1e12:.3f} TB/s, read and written"))
    for name, rate in limits.flop.items():
        print(ROW.format(f"{name} products", f"{rate / 1e12:.0f} TFLOP/s"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
