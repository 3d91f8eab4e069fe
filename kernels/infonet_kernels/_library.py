"""Find the compiled library, load it once, and turn its error codes into exceptions."""

import ctypes
import functools
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ENVIRONMENT_VARIABLE = "INFONET_KERNELS_LIBRARY"
_FILE_NAME = {"win32": "infonet_kernels.dll", "darwin": "libinfonet_kernels.dylib"}.get(
    sys.platform, "libinfonet_kernels.so"
)

_pointer = ctypes.c_void_p
_int64 = ctypes.c_int64
_int = ctypes.c_int
_soft_rank: list[type] = [_int64, _int64, ctypes.c_double, _int, _int, _pointer]
_histogram: list[type] = [_pointer, _pointer, _int64, _int64, _int64, _int, _pointer]
_SIGNATURES: dict[str, list[type]] = {
    "infonet_soft_rank": [_pointer, *_soft_rank],
    "infonet_soft_rank_f64": [_pointer, *_soft_rank],
    "infonet_soft_rank_backward": [_pointer, _pointer, *_soft_rank],
    "infonet_soft_rank_backward_f64": [_pointer, _pointer, *_soft_rank],
    "infonet_rank_columns": [*[_pointer, _int64, _int64, _int, _int, _pointer, _pointer, _pointer]],
    "infonet_joint_histogram": _histogram,
    "infonet_joint_histogram_f64": _histogram,
    "infonet_pair_histograms": [
        *[_pointer, _int64, _int64, _pointer, _int64, _int64, _int, _pointer]
    ],
    "infonet_project": [
        *[_pointer, _int64, _int64, _pointer, _int64, _int64, _int64, _int, _pointer]
    ],
}


def library_path() -> Path:
    """Path of the shared library: ONNX Runtime custom ops and plain C functions in one file.

    The environment variable INFONET_KERNELS_LIBRARY overrides the installed one.

    Raises:
        ImportError: the library is not there.
    """
    return path_given_by(ENVIRONMENT_VARIABLE, "infonet_kernels") or _installed_library()


def path_given_by(variable: str, library: str) -> Path | None:
    """Path of a library that an environment variable names; None if it is not set.

    Raises:
        ImportError: it names no file.
    """
    override = os.environ.get(variable)
    if not override:
        return None
    path = Path(override)
    if not path.is_file():
        raise ImportError(
            f"{variable} is {override!r}, which is not a file; "
            f"unset it, or set it to the path of a compiled {library} library"
        )
    return path.resolve()


@functools.cache
def find_library(file_name: str) -> Path | None:
    """Path of an installed library of this package; None if there is none."""
    # An editable install keeps the library in site-packages and the sources elsewhere, so the
    # package directory of this module is tried first, then every other entry of sys.path.
    directories = [Path(__file__).parent, *(Path(p or ".") / "infonet_kernels" for p in sys.path)]
    for directory in directories:
        candidate = directory / file_name
        if candidate.is_file():
            return candidate.resolve()
    return None


def _installed_library() -> Path:
    path = find_library(_FILE_NAME)
    if path is not None:
        return path
    raise ImportError(
        f"the compiled library {_FILE_NAME} of infonet_kernels was not found beside "
        f"{__file__}; reinstall the package: pip install --force-reinstall infonet "
        "(from a source tree: pip install .)"
    )


@functools.cache
def load() -> ctypes.CDLL:
    """The library with its argument types declared; loaded once per process."""
    library = ctypes.CDLL(str(library_path()))
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = ctypes.c_int
    library.infonet_last_error.argtypes = []
    library.infonet_last_error.restype = ctypes.c_char_p
    return library


def call(name: str, *arguments: NDArray[np.generic] | float) -> None:
    """Call a C function; its failure becomes ValueError, MemoryError or RuntimeError.

    Arrays are passed as pointers: the caller has seen to their dtype, layout and size.
    """
    library = load()
    code = getattr(library, name)(
        *[a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
    )
    if code == 0:
        return
    message = (library.infonet_last_error() or b"").decode()
    if code == 1:
        raise ValueError(message)
    if code == 2:
        raise MemoryError(message or f"{name}: out of memory")
    raise RuntimeError(f"{name}: {message or 'internal error'}")
