"""The two libraries that compute, imported when they are needed: the kernels and ONNX Runtime.

ONNX Runtime has to work quietly, and in processes that are forked later. From 1.29 on it has
telemetry: a thread, begun at import, that sends what it is used for to its maker. A process that is
forked has not got the thread, and hangs in the exit handler that waits for it. So it is imported
here with telemetry off. Where another part of the program has imported it before, with telemetry,
forked processes leave without that handler.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import sys
from pathlib import Path
from types import ModuleType

from infonet.errors import InfoNetError, OutOfMemoryError, warn

# pip keeps the wheel that it made without a compiler, and would install it again.
INSTALL_COMPILER = (
    "install a C++17 compiler and run  "
    "pip install --force-reinstall --no-deps --no-cache-dir infonet"
)


@functools.cache
def kernels() -> ModuleType:
    """Import the kernels, or say how to get them.

    Where no compiled library fits the platform, its twins in NumPy serve, and a warning says so.
    """
    try:
        import infonet_kernels

        reason = infonet_kernels.why_numpy()
    except (ImportError, OSError) as error:
        if "allocate memory" in str(error) or "failed to map segment" in str(error):
            raise OutOfMemoryError("loading the compiled kernels", str(error)) from error
        raise InfoNetError(
            f"the compiled kernels of infonet cannot be loaded ({error}): "
            "run  pip install --force-reinstall infonet"
        ) from error
    if reason and os.environ.get("INFONET_KERNELS") != "numpy":  # nobody is told what he asked for
        warn(
            f"ranks and histograms are computed in NumPy ({reason}): answers are the same "
            f"but for rounding, and tables take longer; to compile the kernels, {INSTALL_COMPILER}"
        )
    return infonet_kernels


def custom_operators(needed_by: Path) -> str:
    """Path of the library with the operators of domain `infonet`, for ONNX Runtime to register.

    Args:
        needed_by: the model file that has such operators.

    Raises:
        InfoNetError: the kernels are those in NumPy, which ONNX Runtime cannot call.
    """
    library = kernels()
    reason = library.why_numpy()
    if reason:
        raise InfoNetError(
            f"{needed_by} needs the operators of the compiled library, and the kernels are those "
            f"in NumPy ({reason}): {INSTALL_COMPILER}, or use a model with a core file"
        )
    return str(library.library_path())


_SWITCH = "ORT_DISABLE_TELEMETRY"  # read once, when the library is loaded
_FIRST = (1, 29)  # with telemetry outside of Windows


@functools.cache
def onnx_runtime() -> ModuleType:
    """The module `onnxruntime`.

    A value that the user has given to the environment variable ORT_DISABLE_TELEMETRY is kept.

    Raises:
        ImportError: it is not installed.
    """
    before = sys.modules.get("onnxruntime")
    if before is not None or _SWITCH in os.environ:
        import onnxruntime
    else:
        os.environ[_SWITCH] = "1"
        try:
            import onnxruntime
        finally:
            del os.environ[_SWITCH]  # programs that this one starts decide for themselves
    given = os.environ.get(_SWITCH, "0" if before is not None else "1")
    if given.lower() in ("", "0", "false", "off", "no") and _version(onnxruntime) >= _FIRST:
        os.register_at_fork(after_in_child=_leave_without_handlers)
    module: ModuleType = onnxruntime
    return module


def _version(module: ModuleType) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", str(module.__version__))[:2]))


def _leave_without_handlers() -> None:
    """Let this process end, when it ends by exit, without the handlers registered so far.

    `exit` calls handlers, the newest first, when Python is done with its own: its atexit functions
    have run and the exit code is known. Two functions of the C library that are registered here
    flush C streams and leave with that code. Elsewhere than in glibc there is no `on_exit`.
    """
    library = ctypes.CDLL(None)
    try:
        functions = library._exit, library.fcloseall
        register = library.on_exit
    except AttributeError:
        return
    register.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    for function in functions:
        register(ctypes.cast(function, ctypes.c_void_p), None)
