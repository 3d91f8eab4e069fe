"""Find a compiled library, load it once, and turn its error codes into exceptions."""

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    "infonet_ranks_within": [_pointer, _int64, _int64, _pointer, _int64, _pointer],
    "infonet_normal_scores": [_pointer, _int64, _pointer],
    "infonet_conditionals": [_pointer, _int64, _pointer, _pointer, _int64, *[_pointer] * 3],
    "infonet_moments": [_pointer, _pointer, _pointer, _int64, _int64, *[_pointer] * 3],
    "infonet_products": [_pointer, _int64, _int64, _pointer],
    "infonet_chi_squared": [_pointer, _pointer, _int64, _pointer, _int64, _pointer],
    "infonet_neighbour_distances": [_pointer, _int64, _int64, _int64, _int, _pointer],
    "infonet_neighbour_counts": [_pointer, _int64, _int64, _pointer, _int, _pointer],
    "infonet_cell_information": [_pointer, _pointer, _int64, _int64, _int64, _pointer],
    "infonet_network_vectors": [_pointer],
    "infonet_network_open": [
        *[_int64, _pointer, _int64, _int64, _int64, _int64, ctypes.c_double, _pointer, _int64],
        *[_pointer],
    ],
    "infonet_network_run": [_pointer, _pointer, _int64, *[_pointer] * 4],
    "infonet_network_close": [_pointer],
    "infonet_project": [
        *[_pointer, _int64, _int64, _pointer, _int64, _int64, _int64, _int, _pointer]
    ],
}


_MISSING = (
    "the compiled library {file} of infonet_kernels was not found beside {here}; reinstall the "
    "package: pip install --force-reinstall infonet (from a source tree: pip install .)"
)
_HEADER = "include/infonet/kernels.h"
_NO_DEVICE = 4


class NoDeviceError(RuntimeError):
    """There is no GPU that the CUDA kernels run on, or no driver for it."""


@dataclass(frozen=True)
class Rows:
    """Rows that a C function finds by their addresses.

    Attributes:
        arrays: the rows.
        table: for each row its address, or a structure that holds it.
    """

    arrays: Sequence[NDArray[Any]]
    table: NDArray[Any]


class Library:
    """One of the compiled libraries. It is loaded when first asked for, once per process.

    Args:
        name: of the library. The environment variable of this name, in capitals and followed by
            _LIBRARY, overrides the installed file.
        signatures: the types of the arguments of each C function; all return an InfonetCode.
        last_error: the C function that gives the message of the last failure.
        missing: what to say where the library is not installed.
    """

    def __init__(
        self, name: str, signatures: dict[str, list[type]], last_error: str, missing: str
    ) -> None:
        prefix, suffix = {"win32": ("", ".dll"), "darwin": ("lib", ".dylib")}.get(
            sys.platform, ("lib", ".so")
        )
        self.variable = f"{name.upper()}_LIBRARY"
        self.file = f"{prefix}{name}{suffix}"
        self._name, self.signatures, self._missing = name, signatures, missing
        self._last_error = last_error
        self._installed: Path | None = None
        self._loaded: ctypes.CDLL | None = None

    def path(self) -> Path:
        """Path of the shared library.

        Raises:
            ImportError: the library is not there.
        """
        override = os.environ.get(self.variable)
        if override:
            path = Path(override)
            if path.is_file():
                return path.resolve()
            raise ImportError(
                f"{self.variable} is {override!r}, which is not a file; "
                f"unset it, or set it to the path of a compiled {self._name} library"
            )
        self._installed = self._installed or _installed(self.file)
        if self._installed is None:
            raise ImportError(self._missing.format(file=self.file, here=__file__))
        return self._installed

    def load(self) -> ctypes.CDLL:
        """The library with its argument types declared.

        Raises:
            ImportError: the library is not there, or is of another version.
            OSError: it cannot be loaded.
        """
        if self._loaded is None:
            library = ctypes.CDLL(str(self.path()))
            for name, arguments in self.signatures.items():
                function = getattr(library, name, None)
                if function is None:
                    raise ImportError(
                        f"{self.path()} has no function {name}: it is of another version of "
                        "infonet_kernels, so install the package again"
                    )
                function.argtypes = arguments
                function.restype = ctypes.c_int
            last_error = getattr(library, self._last_error)
            last_error.argtypes = []
            last_error.restype = ctypes.c_char_p
            self._loaded = library  # at the end: threads may load at the same time
        return self._loaded

    def forget(self) -> None:
        """Look for the library again at the next call; for tests."""
        self._installed = self._loaded = None

    def call(self, name: str, *arguments: Any) -> None:
        """Call a C function. Arrays go as pointers: the caller has seen to dtype, layout and size.

        Args:
            name: of the function.
            arguments: arrays, `Rows`, numbers, or a c_size_t that is written.

        Raises:
            ValueError, MemoryError, NoDeviceError, RuntimeError: its failure, in its words.
            TypeError: an argument of another type.
        """
        library = self._loaded or self.load()
        try:
            code = getattr(library, name)(*[_as_argument(name, value) for value in arguments])
        except ctypes.ArgumentError as error:
            raise TypeError(f"{name}: {' '.join(str(error).split())}") from None
        if code == 0:
            return
        message = (getattr(library, self._last_error)() or b"").decode()
        if code == 1:
            raise ValueError(message)
        if code == 2:
            raise MemoryError(message or f"{name}: out of memory")
        if code == _NO_DEVICE:
            raise NoDeviceError(message)
        raise RuntimeError(message or f"{name}: internal error")


def _address(array: Any) -> Any:
    try:
        return ctypes.byref(ctypes.c_char.from_buffer(array))  # a quarter of the time of the other
    except (TypeError, ValueError):  # read-only, empty or with gaps
        return array.ctypes.data


def _as_argument(name: str, value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _address(value)
    if isinstance(value, Rows):
        return _address(value.table)
    if isinstance(value, ctypes.c_size_t):  # to be written
        return ctypes.byref(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**64:  # ctypes would cut it off
        raise ValueError(f"{name}: got a number of {value.bit_length()} bits; 64 are allowed")
    return value


def _installed(file: str) -> Path | None:
    """Path of an installed file of this package; None if there is none."""
    # An editable install keeps the library in site-packages and the sources elsewhere, so the
    # package directory of this module is tried first, then every other entry of sys.path.
    directories = [Path(__file__).parent, *(Path(p or ".") / "infonet_kernels" for p in sys.path)]
    for directory in directories:
        candidate = directory / file
        if candidate.is_file():
            return candidate.resolve()
    return None


CPU = Library("infonet_kernels", _SIGNATURES, "infonet_last_error", _MISSING)


def include_path() -> Path:
    """Path of the folder to compile C programs with: it holds ``infonet/kernels.h``.

    They link the library at `library_path`, or load it.

    Raises:
        ImportError: the header is not there.
    """
    header = _installed(_HEADER)
    if header is None:
        raise ImportError(
            f"{_HEADER} of infonet_kernels was not found beside {__file__}: the kernels were not "
            "compiled when the package was installed"
        )
    return header.parents[1]


def library_path() -> Path:
    """Path of the shared library: ONNX Runtime custom ops and plain C functions in one file.

    The environment variable INFONET_KERNELS_LIBRARY overrides the installed one.

    Raises:
        ImportError: the library is not there.
    """
    return CPU.path()
