"""Does an engine fit the model, the backend and the GPU that are here? If not, why not?"""

from __future__ import annotations

import ctypes
import ctypes.util
from pathlib import Path

from infonet.engine_file import Manifest
from infonet.errors import ModelError

_FIX = "build the engine again with  infonet build"
_MAJOR, _MINOR = 75, 76  # attributes of cuDeviceGetAttribute


def check_fit(
    manifest: Manifest,
    path: Path,
    *,
    backend: str,
    version: str,
    compute_capability: str | None = None,
    model_sha256: str | None = None,
) -> None:
    """Refuse an engine that does not fit what is here.

    Args:
        manifest, path: the manifest of the engine, and the path of its file.
        backend, version: of the library that will load the engine.
        compute_capability: of the GPU, as "8.6"; None to leave it unchecked.
        model_sha256: of the core graph that it should have been built from; None: any.

    Raises:
        ModelError: with everything that does not fit.
    """
    reasons = []
    if manifest.backend != backend:
        reasons.append(f"it was built by {manifest.backend}, and {backend} was to load it")
    elif not _loads(manifest, version):
        reasons.append(
            f"it was built by {backend} {manifest.backend_version}, {version} is installed"
        )
    if compute_capability is not None and not runs_on(manifest, compute_capability):
        targets = ", ".join(manifest.compute_capabilities)
        reasons.append(
            f"it runs on GPUs of compute capability {targets}, this one has {compute_capability}"
        )
    if model_sha256 is not None and manifest.model_sha256 != model_sha256:
        reasons.append(
            f"it was built from another model (SHA-256 {manifest.model_sha256[:12]}..., "
            f"not {model_sha256[:12]}...)"
        )
    if reasons:
        raise ModelError(f"{path} does not fit: {'; '.join(reasons)}; {_FIX}")


def runs_on(manifest: Manifest, compute_capability: str) -> bool:
    """Whether the engine runs on GPUs of `compute_capability`, as "8.6"."""
    here = _numbers(compute_capability)
    for target in manifest.compute_capabilities:
        wanted = _numbers(target.removesuffix("+"))
        if here == wanted or (target.endswith("+") and here > wanted):
            return True
    return False


def gpu_compute_capability() -> str | None:
    """Compute capability of the first GPU, as "8.6", from the driver; None without one."""
    try:
        cuda = ctypes.CDLL(ctypes.util.find_library("cuda") or "libcuda.so.1")
    except OSError:
        return None
    device, value, parts = ctypes.c_int(), ctypes.c_int(), []
    if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
        return None
    for attribute in (_MAJOR, _MINOR):
        if cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, device):
            return None
        parts.append(str(value.value))
    return ".".join(parts)


def _loads(manifest: Manifest, version: str) -> bool:
    built, here = _numbers(manifest.backend_version), _numbers(version)
    if manifest.version_compatible:
        return built[:1] == here[:1] and built <= here
    return built == here


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else -1 for part in version.split("."))
