"""Checks and conversions of the arrays that go to the C functions."""

import operator
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._memory import threads_that_fit

Normalize = Literal["midrank", "over_n", "minmax"]
NORMALIZATIONS: Final[tuple[Normalize, ...]] = ("midrank", "over_n", "minmax")
# What some kernels compute in and return.
Float = TypeVar("Float", np.float32, np.float64)


def as_rows(name: str, values: ArrayLike, dtype: type[Float]) -> NDArray[Float]:
    """`values` as an aligned, C-contiguous [rows, n] array of `dtype`; copied only if it is none.

    Raises:
        ValueError: not numeric, or not two-dimensional.
    """
    array = as_array(name, values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name}: got dtype {array.dtype}; numbers are needed (they are converted to "
            f"{np.dtype(dtype)})"
        )
    if array.ndim != 2:
        raise ValueError(f"{name}: got shape {array.shape}; [rows, n] is needed")
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array  # np.require would find the same, ten times as slowly
    # A value beyond float32 becomes an infinity, which the kernels judge: no second warning here.
    with np.errstate(over="ignore"):
        return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def as_array(name: str, values: Any) -> NDArray[Any]:
    """`values` as an array.

    Raises:
        ValueError: rows of different lengths, or something that is no array of values.
    """
    try:
        return np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        reason = shown(error.args[0] if error.args else error)
        raise ValueError(f"{name}: got what is no array ({reason}); [rows, n] is needed") from None


def as_real(name: str, value: Any) -> float:
    """`value` as a float.

    Raises:
        ValueError: not a real number, or too large for a float.
    """
    real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    try:
        number = float(value) if real else None
    except OverflowError:
        number = None
    if number is None:
        raise ValueError(f"{name}: got {shown(value)}; a real number is needed")
    return number


def as_out(value: Any) -> NDArray[Any]:
    """An array to write to.

    Raises:
        TypeError: none.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(f"out: got {type(value).__name__}; a NumPy array, or None, is needed")
    return value


def shown(value: Any) -> str:
    """`value` in a few characters of one line."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a huge integer"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:60]}..."


def as_float(dtype: Any) -> Any:
    """`dtype` as one of the two that kernels compute in.

    Raises:
        ValueError: another dtype.
    """
    for kind in (np.float32, np.float64):
        if isinstance(dtype, (type, np.dtype)) and dtype == kind:
            return kind
    raise ValueError(f"dtype: got {shown(dtype)}; allowed are numpy.float32 and numpy.float64")


def as_count(name: str, value: int, smallest: int) -> int:
    """`value` as an int of at least `smallest`.

    Raises:
        ValueError: not an integer, or too small.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}: got {shown(value)}; an integer is needed") from None
    if number < smallest:
        raise ValueError(f"{name}: got {shown(number)}; it must be at least {smallest}")
    return number


def as_threads(value: int) -> int:
    """`value` as a number of threads, 1 or more; beyond 1024, or without memory, none are gained.

    Raises:
        ValueError: not an integer, or below 1.
    """
    return threads_that_fit(min(as_count("threads", value, 1), 1024))


def as_normalize(name: str) -> int:
    """The InfonetNormalize of a normalization.

    Raises:
        ValueError: there is no such normalization.
    """
    if isinstance(name, str) and name in NORMALIZATIONS:
        return NORMALIZATIONS.index(name)
    allowed = ", ".join(map(repr, NORMALIZATIONS))
    raise ValueError(f"normalize: got {shown(name)}; allowed are {allowed}")
