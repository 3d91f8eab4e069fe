"""The two compiled libraries, imported when they are needed: the kernels and ONNX Runtime.

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
from types import ModuleType

from infonet.errors import InfoNetError, OutOfMemoryError


@functools.cache
def kernels() -> ModuleType:
    """Import the compiled kernels, or say how to get them."""
    try:
        import infonet_kernels
        from infonet_kernels._library import load

        infonet_kernels.library_path()
        load()
    except (ImportError, OSError) as error:
        if "allocate memory" in str(error) or "failed to map segment" in str(error):
            raise OutOfMemoryError("loading the compiled kernels", str(error)) from error
        raise InfoNetError(
            f"the compiled kernels of infonet cannot be loaded ({error}): "
            "run  pip install --force-reinstall infonet"
        ) from error
    return infonet_kernels


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
