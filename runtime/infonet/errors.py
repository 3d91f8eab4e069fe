"""Every error that infonet raises on purpose.

A message is one line that says what was got, what is allowed and how to fix it, so that the
command line can print it as it is.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def one_line(text: str) -> str:
    """`text` on one line that a terminal shows as it is: names of columns may hold anything."""
    if text.isprintable():
        return text
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class InfoNetError(Exception):
    """Base class of all errors raised on purpose by infonet; the message is one line."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class InputError(InfoNetError, ValueError):
    """The samples, a column, a file of data or an option cannot be used."""


class ModelError(InfoNetError):
    """A model file is missing, damaged, of another program, or of another format version."""


class DeviceError(InfoNetError, RuntimeError):
    """A device that was asked for explicitly cannot be had."""


class OutOfMemoryError(InfoNetError, MemoryError):
    """There is not enough memory, or not enough for another thread.

    Args:
        what: what needs it, as the subject of a sentence ("loading model.onnx").
        reason: in the words of who asked for it; "": not known.
    """

    def __init__(self, what: str = "this computation", reason: str = "") -> None:
        words = " ".join(reason.split())
        super().__init__(
            f"{what} needs more memory than there is{f' ({words})' if words else ''}: pass fewer "
            "samples, threads or pairs at a time, or allow more memory"
        )


class MissingExtraError(InfoNetError, ImportError):
    """An optional dependency is not installed; the message holds the exact pip command.

    Args:
        what: what needs it, as the subject of a sentence ("reading Parquet files").
        requirement: what to give to pip ("infonet[export]", "pyarrow").
        detail: more about what is missing, put in brackets ("no module named 'torch'").
        index: address of a package index that pip needs beside its own; "": none.
    """

    def __init__(self, what: str, requirement: str, detail: str = "", index: str = "") -> None:
        self.requirement = requirement
        because = f" ({detail})" if detail else ""
        option = f"--extra-index-url {index} " if index else ""
        super().__init__(
            f"{what} needs {requirement}, which is not installed{because}: "
            f"run  pip install {option}'{requirement}'"
        )


class InfoNetWarning(UserWarning):
    """The answer is right, but something about the input deserves a look."""


def warn(message: str) -> None:
    """Issue an InfoNetWarning that points at the line outside of infonet that led to it."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith("infonet."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, InfoNetWarning, stacklevel=level)


def names_lack_of_memory(function: Callable[P, T]) -> Callable[P, T]:
    """Decorator: where memory, or a thread for want of it, cannot be had, OutOfMemoryError says so.

    Memory is asked for everywhere, by NumPy, the kernels and ONNX Runtime, so this stands around
    what users call.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except InfoNetError:
            raise
        except MemoryError as error:
            raise OutOfMemoryError(reason=str(error)) from error
        except RuntimeError as error:
            if "can't start new thread" not in str(error):
                raise
            raise OutOfMemoryError(reason=str(error)) from error

    return call
