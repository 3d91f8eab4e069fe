"""What a device needs and this machine lacks, each with the command that helps."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infonet.model.engine_file import gpu_compute_capability
from infonet.model.libraries import onnx_runtime

PROVIDER = "CUDAExecutionProvider"
# One holds the same module as the other, and whichever is installed last wins.
INSTALL_GPU = (
    "pip install 'infonet[gpu]' && pip uninstall -y onnxruntime && "
    "pip install --force-reinstall --no-deps onnxruntime-gpu"
)
INSTALL_RTX = "pip install 'infonet[tensorrt-rtx]'"
TENSORRT_MODULES = {"tensorrt-rtx": "tensorrt_rtx", "tensorrt": "tensorrt"}
_OLDEST = (7, 5)  # compute capability


@dataclass(frozen=True)
class Missing:
    """Something that is not there, and what to do."""

    what: str
    fix: str


def missing_for(device: str) -> tuple[Missing, ...]:
    """Everything that `device`, "cuda" or "tensorrt", lacks here; empty if it works."""
    found = [*_gpu(), *_kernels(), *_cuda_core(device)]
    found += _provider(bool(found)) if device == "cuda" else _tensorrt()
    return tuple(found)


def describe(missing: tuple[Missing, ...]) -> str:
    """One line: what is missing, each with the command that helps, each command once."""
    found: dict[str, list[str]] = {}
    for entry in missing:
        found.setdefault(entry.fix, []).append(entry.what)
    return "; ".join(f"{' and '.join(what)}: {fix}" for fix, what in found.items())


def _gpu() -> Iterator[Missing]:
    here = gpu_compute_capability()
    if here is None:
        fix = "run  nvidia-smi  to see GPUs and driver"
        yield Missing("there is no NVIDIA GPU, or no driver for it", fix)
    elif tuple(map(int, here.split("."))) < _OLDEST:
        what = f"the GPU has compute capability {here}, and 7.5 or higher is needed"
        yield Missing(what, "use another GPU")


def _kernels() -> Iterator[Missing]:
    try:
        from infonet_kernels import _cuda
    except ImportError as error:
        yield Missing(f"the kernels cannot be loaded ({error})", "reinstall infonet")
        return
    try:
        _cuda.load_cuda()
    except (ImportError, OSError, AttributeError):
        fix = (
            "install the CUDA toolkit 13 and, in the folder of infonet's sources, run  "
            "CMAKE_ARGS=-DINFONET_CUDA=ON pip install --force-reinstall --no-deps ."
        )
        yield Missing("this infonet was built without its CUDA kernels", fix)


def _cuda_core(device: str) -> Iterator[Missing]:
    try:
        import cuda.core
        from cuda.bindings import driver
    except ImportError as error:
        fix = INSTALL_GPU if device == "cuda" else INSTALL_RTX
        yield Missing(f"cuda-python is not installed ({error})", f"run  {fix}")
        return
    if not hasattr(cuda.core, "Device") or not hasattr(driver, "cuMemcpyHtoDAsync"):
        what = f"cuda-core {cuda.core.__version__} is too old, 1.0 or later is needed"
        yield Missing(what, "run  pip install -U cuda-python")


def _tensorrt() -> Iterator[Missing]:
    if not any(map(importlib.util.find_spec, TENSORRT_MODULES.values())):
        yield Missing("neither tensorrt_rtx nor tensorrt is installed", f"run  {INSTALL_RTX}")


def _provider(earlier: bool) -> Iterator[Missing]:
    """The provider, and the libraries it needs; these say little where there is no driver."""
    ort = onnx_runtime()
    if PROVIDER not in ort.get_available_providers():
        what = f"onnxruntime {ort.__version__} here has no {PROVIDER}"
        yield Missing(what, f"run  {INSTALL_GPU}")
        return
    if earlier:
        return
    load_cuda_libraries()
    folder = Path(str(ort.__file__)).parent / "capi"
    try:
        for name in ("libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"):
            if (folder / name).is_file():
                ctypes.CDLL(str(folder / name), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        reason = " ".join(str(error).split())
        yield Missing(
            f"onnxruntime's {PROVIDER} cannot be loaded ({reason})", f"run  {INSTALL_GPU}"
        )


def load_cuda_libraries() -> None:
    """Load the CUDA and cuDNN of pip's packages, where onnxruntime does not find them by itself."""
    ort = onnx_runtime()
    if hasattr(ort, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            ort.preload_dlls()  # prints what it does not find; that is said above
