"""The two modules that build engines, tensorrt and tensorrt_rtx: one Python interface."""

from __future__ import annotations

import importlib
import logging
import threading
from dataclasses import dataclass
from typing import Any, Literal

from infonet.errors import DeviceError, InputError, MissingExtraError
from infonet.model.engine_file import gpu_compute_capability

BackendName = Literal["tensorrt-rtx", "tensorrt"]
_INDEXES = {"tensorrt": "https://pypi.nvidia.com"}  # PyPI has its bindings alone
_log = logging.getLogger("infonet")
_lock = threading.Lock()
_loaded: dict[str, Backend] = {}


@dataclass(frozen=True)
class Backend:
    """A builder: its module, called ``trt`` everywhere, and what it can do.

    trt: the module. logger: the only one, since the libraries keep the first they are given.
    ahead_of_time: builds without a GPU, for several compute capabilities at once.
    """

    name: BackendName
    trt: Any
    logger: Logger
    ahead_of_time: bool

    @property
    def version(self) -> str:
        """The version of the module, such as "1.2.0.54"."""
        return str(self.trt.__version__)

    @property
    def keeps_timings(self) -> bool:
        """TensorRT times kernels on the GPU and can keep the results; RTX chooses at run time."""
        return not self.ahead_of_time

    @property
    def default_targets(self) -> tuple[str, ...]:
        """Compute capabilities of an engine if none are asked for. DeviceError without a GPU where
        one is needed."""
        if self.ahead_of_time:
            return ("8.0", "8.6", "8.9", "12.0+")  # its documented default
        here = gpu_compute_capability()
        if here is None:
            raise DeviceError(
                "tensorrt builds for the GPU of this machine, and there is none (or no driver): "
                "build on the machine that will run the engine, or use --backend tensorrt-rtx"
            )
        return (here,)


def load_backend(name: str) -> Backend:
    """Import a builder. MissingExtraError with the pip command where it is not installed."""
    modules: dict[str, tuple[BackendName, str]] = {
        "tensorrt-rtx": ("tensorrt-rtx", "tensorrt_rtx"),
        "tensorrt": ("tensorrt", "tensorrt"),
    }
    if name not in modules:
        raise InputError(f"backend is {name!r}, allowed are {' and '.join(map(repr, modules))}")
    backend, module = modules[name]
    with _lock:
        if name not in _loaded:
            try:
                trt = importlib.import_module(module)
            except ImportError as error:
                what = f"building engines for {name}"
                raise MissingExtraError(
                    what, f"infonet[{name}]", str(error), _INDEXES.get(name, "")
                ) from error
            _loaded[name] = Backend(backend, trt, _make_logger(trt), name == "tensorrt-rtx")
        return _loaded[name]


class Logger:
    """What a library says: errors are kept for our messages, all goes to the logger "infonet".

    ``handle`` is the object to give to the library.
    """

    handle: Any

    def __init__(self) -> None:
        self.errors: list[str] = []

    def note(self, level: int, message: str) -> None:
        """Take a message of the library; ``level`` is one of the module `logging`."""
        if level >= logging.ERROR:
            self.errors.append(message)
        _log.debug("TensorRT: %s", message)

    def reason(self) -> str:
        """The errors since the last call, as one line."""
        text = "; ".join(dict.fromkeys(" ".join(error.split()) for error in self.errors))
        self.errors.clear()
        return text or "it gave no reason"


def _make_logger(trt: Any) -> Logger:
    levels = {
        trt.ILogger.INTERNAL_ERROR: logging.CRITICAL,
        trt.ILogger.ERROR: logging.ERROR,
        trt.ILogger.WARNING: logging.WARNING,
        trt.ILogger.INFO: logging.INFO,
        trt.ILogger.VERBOSE: logging.DEBUG,
    }
    logger = Logger()

    class Handle(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            logger.note(levels.get(severity, logging.DEBUG), message)

    logger.handle = Handle()
    return logger
