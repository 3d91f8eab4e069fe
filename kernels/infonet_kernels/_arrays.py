"""Checks and conversions of the arrays that go to the C functions."""

import operator
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Normalize = Literal["midrank", "over_n", "minmax"]
NORMALIZATIONS: Final[tuple[Normalize, ...]] = ("midrank", "over_n", "minmax")


def as_rows(name: str, values: ArrayLike) -> NDArray[np.float32]:
    """`values` as an aligned, C-contiguous float32 [rows, n] array; copied only if it is not one.

    Raises:
        ValueError: not numeric, or not two-dimensional.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name}: got dtype {array.dtype}; numbers are needed (they are converted to float32)"
        )
    if array.ndim != 2:
        raise ValueError(f"{name}: got shape {array.shape}; [rows, n] is needed")
    if array.dtype == np.float32 and array.flags.c_contiguous and array.flags.aligned:
        return array  # np.require would find the same, ten times as slowly
    # A value beyond float32 becomes an infinity, which the kernels judge: no second warning here.
    with np.errstate(over="ignore"):
        return np.require(array, np.float32, ["C_CONTIGUOUS", "ALIGNED"])


def as_count(name: str, value: int, smallest: int) -> int:
    """`value` as an int of at least `smallest`.

    Raises:
        ValueError: not an integer, or too small.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name}: got {value!r}; an integer is needed") from None
    if number < smallest:
        raise ValueError(f"{name}: got {number}; it must be at least {smallest}")
    return number


def as_threads(value: int) -> int:
    """`value` as a number of threads, 1 or more; beyond 1024 none are gained.

    Raises:
        ValueError: not an integer, or below 1.
    """
    return min(as_count("threads", value, 1), 1024)


def as_normalize(name: str) -> int:
    """The InfonetNormalize of a normalization.

    Raises:
        ValueError: there is no such normalization.
    """
    if name in NORMALIZATIONS:
        return NORMALIZATIONS.index(name)
    allowed = ", ".join(map(repr, NORMALIZATIONS))
    raise ValueError(f"normalize: got {name!r}; allowed are {allowed}")
