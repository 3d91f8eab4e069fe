"""Which kernels serve: those of the compiled library, or their twins in NumPy where none fits.

The environment variable INFONET_KERNELS decides, where it is set: "compiled" makes it an error that
there is no library, "numpy" takes the twins though there is one. What pip builds follows it, too;
see pyproject.toml.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

from infonet_kernels._library import CPU

VARIABLE = "INFONET_KERNELS"
# In the words of the dynamic loaders: a library that fits could not be put into memory.
_WITHOUT_MEMORY = ("allocate memory", "failed to map segment")


@functools.cache
def why_numpy() -> str:
    """Why the twins in NumPy serve; "" where the compiled library does.

    Raises:
        ImportError: the environment asks for a library that is not there, or for something unknown;
            the library is of another version.
        OSError: it asks for one that cannot be loaded, or there is no memory for it.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted == "numpy":
        return f"{VARIABLE} is numpy"
    if wanted not in ("", "compiled"):
        raise ImportError(f"{VARIABLE} is {wanted!r}; allowed are compiled and numpy, or unset it")
    insists = wanted == "compiled" or CPU.variable in os.environ
    try:
        CPU.path()
    except ImportError:
        if insists:
            raise
        return f"there is no {CPU.file} in this installation"
    try:
        CPU.load()
    except OSError as error:
        if insists or any(words in str(error) for words in _WITHOUT_MEMORY):
            raise
        return " ".join(str(error).split())
    return ""


@functools.cache
def _kernel(name: str) -> Callable[..., None]:
    if not why_numpy():
        return functools.partial(CPU.call, name)
    from infonet_kernels import _twin  # most installations never need it

    twin: Callable[..., None] = _twin.KERNELS[name]
    return twin


def call(name: str, *arguments: Any) -> None:
    """Call a function of infonet/kernels.h, or its twin.

    Args:
        name: of the C function.
        arguments: its arguments. Arrays stand for pointers, `Rows` for pointers to rows.

    Raises:
        ValueError, MemoryError, RuntimeError: its failure, in its words.
        ImportError, OSError: see `why_numpy`.
    """
    _kernel(name)(*arguments)


def forget() -> None:
    """Choose again at the next call; for tests."""
    why_numpy.cache_clear()
    _kernel.cache_clear()
    CPU.forget()
