"""Exact average ranks of columns of any real type."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import Normalize, as_array, as_normalize, as_threads
from infonet_kernels._choice import call
from infonet_kernels._library import Rows

# InfonetType and InfonetColumn of infonet/kernels.h.
_CODES = {np.dtype(t): i for i, t in enumerate(("float32", "float64", "int64", "uint64"))}
MOST_COUNTED: Final = 2**21
"""Samples whose mid-ranks float32 tells apart, at most; see `ranks_within`."""
_COLUMN = np.dtype([("values", np.uintp), ("stride", np.int64), ("type", np.int64)], align=True)


def rank_columns(
    values: ArrayLike | Sequence[ArrayLike], normalize: Normalize = "midrank", threads: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float64]]:
    """Average rank of each value within its column, exact for every real type.

    Unlike `soft_rank`, which ranks float32, this compares the values as they are: 1e9 + small
    noise, time stamps and 1e300 keep their order. Otherwise it is `soft_rank` with ``eps == 0``.

    Args:
        values: [rows, n], or a sequence of 1-D arrays of one length, which may differ in type.
            Each row is one column of the data. Strided float32, float64, int64 and uint64 arrays
            are read in place.
        normalize: see `soft_rank`.
        threads: upper bound of the threads used; results do not depend on it.

    Returns:
        The ranks, float32 [rows, n]; what is tied in each row, uint8 [rows]: 0 all values differ,
        1 some are equal, 2 all are equal (so a single one too); the entropy in nats of the values
        of each tied row, float64 [rows], infinite for a row without ties. It is the plug-in
        estimate with the correction of Miller & Madow (1955), (levels - 1) / 2n.

    Raises:
        ValueError: NaN, with its row and index; a wrong shape, dtype or normalization; rows that
            differ in length.
    """
    code, count = as_normalize(normalize), as_threads(threads)
    if not isinstance(values, np.ndarray):
        if not isinstance(values, Iterable) or isinstance(values, (str, bytes, Mapping)):
            raise TypeError(f"values: got {type(values).__name__}; rows of numbers are needed")
        rows = [_as_column(row) for row in values]
        n = rows[0].size if rows else 0
    elif values.ndim == 2:
        rows, n = [_as_column(row) for row in values], values.shape[1]
    else:
        raise ValueError(f"values: got shape {values.shape}; [rows, n] is needed")
    table = np.empty(len(rows), _COLUMN)
    for index, row in enumerate(rows):
        if row.size != n:
            raise ValueError(
                f"values: row {index} has {row.size} values and row 0 has {n}; they must be equal"
            )
        table[index] = row.ctypes.data, row.strides[0], _CODES[row.dtype]
    ranks = np.empty((len(rows), n), np.float32)
    ties = np.empty(len(rows), np.uint8)
    entropy = np.empty(len(rows), np.float64)
    columns = Rows(rows, table)
    call("infonet_rank_columns", columns, len(rows), n, code, count, ranks, ties, entropy)
    return ranks, ties, entropy


def ranks_within(
    rows: Sequence[NDArray[np.float32]], inside: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Mid-ranks of some samples among themselves, counted from those of all samples.

    What `rank_columns` gives for these samples of the rows, without sorting them.

    Args:
        rows: mid-ranks float32 [n] each, of at most `MOST_COUNTED` samples.
        inside: places of m samples, int64 [m].

    Returns:
        float32 [len(rows), m].

    Raises:
        ValueError: rows of different lengths; what is no mid-rank; a place that is no sample.
    """
    values = [np.ascontiguousarray(row, np.float32) for row in rows]
    n = values[0].size if values else 0
    if any(row.shape != (n,) for row in values):
        raise ValueError(f"rows: got shapes {[row.shape for row in values]}; [n] each is needed")
    places = np.ascontiguousarray(inside, np.int64)
    ranks = np.empty((len(values), places.size), np.float32)
    table = Rows(values, np.array([row.ctypes.data for row in values], np.uintp))
    call("infonet_ranks_within", table, len(values), n, places, places.size, ranks)
    return ranks


def _as_column(values: ArrayLike) -> NDArray[Any]:
    """`values` in one of the types of the kernel, nothing lost; a copy only where it must be.

    Raises:
        ValueError: not real numbers, or not one-dimensional.
    """
    column = as_array("values", values)
    if column.ndim != 1:
        raise ValueError(f"values: got a row of shape {column.shape}; [n] is needed")
    if column.dtype in _CODES:
        return column
    if column.dtype.kind not in "biuf":
        raise ValueError(f"values: got dtype {column.dtype}; real numbers are needed")
    target = _holder(column.dtype)
    if target is not None:
        return column.astype(target)
    if np.isnan(column).any():
        return column.astype(np.float64)  # for the kernel to say where
    codes: NDArray[np.int64] = np.unique(column, return_inverse=True)[1].reshape(-1)
    return codes.astype(np.int64)


@functools.cache
def _holder(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The type of the kernel that holds every value of `dtype`; None for a longer double."""
    # NumPy calls int64 to float64 safe, which it is not: float64 is tried last.
    names = ("float32", "int64", "uint64", "float64")
    return next((np.dtype(t) for t in names if np.can_cast(dtype, t, "safe")), None)
