"""NumPy's files: .npy is mapped into memory, .npz is read as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.tables.arrays import array_table, mapping_table
from infonet.tables.parquet import damaged
from infonet.tables.source import RawTable

_LONGEST = 2**24  # rows or columns of an array without any value


def numpy_table(file: Path) -> RawTable:
    """The columns of the array or arrays in a file.

    Raises:
        InputError: not a file of arrays [n] and [n, columns] of one length, pickled objects.
        OSError: the file cannot be read.
    """
    arrays = _arrays(file)
    columns: dict[str, NDArray[Any]] = {}
    for name, array in arrays.items():
        if len(arrays) == 1 and (array.ndim == 2 or (array.ndim == 1 and array.dtype.names)):
            return array_table(array)
        found = _split(name, array, alone=len(arrays) == 1)
        twice = sorted(columns.keys() & found.keys())
        if twice:
            raise InputError(f"{file} names columns twice ({twice[0]}): rename its arrays")
        columns |= found
        if not found:
            raise InputError(
                f"{file} holds an array of shape {list(array.shape)}"
                f"{f' in {name!r}' if name else ''}, allowed are [n] and [n, columns]: reshape it"
            )
    sizes = {label: column.size for label, column in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{label}: {size}" for label, size in list(sizes.items())[:8])
        raise InputError(f"columns of {file} differ in length ({shown}): save equal lengths")
    return mapping_table(columns)


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    try:
        try:
            loaded = np.load(file, mmap_mode="r", allow_pickle=False)
        except ValueError:  # an empty array cannot be mapped
            loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {"": loaded}
        else:
            with loaded:
                arrays = dict(loaded)
    except OSError:
        raise
    except Exception as error:  # of NumPy, zipfile, zlib
        raise damaged(file, "NumPy", error) from None
    foreign = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise InputError(f"{file} holds {foreign[0]!r}, which is no array: save arrays only")
    for array in arrays.values():
        _check(file, array)
    return arrays


def _check(file: Path, array: NDArray[Any]) -> None:
    """Refuse what only a damaged header says: values of no size, shapes beyond any file."""
    if array.dtype.itemsize == 0 or array.dtype.hasobject:
        raise InputError(
            f"{file} holds values of type {array.dtype}, which have no size: write it again"
        )
    if not array.size and max(array.shape, default=0) > _LONGEST:
        raise InputError(
            f"{file} says that it holds an array of shape {list(array.shape)}, which is of no use: "
            "write it again"
        )


def _split(name: str, array: NDArray[Any], alone: bool) -> dict[str, NDArray[Any]]:
    """Columns of one array; nothing if it is neither [n] nor [n, columns]."""
    if array.dtype.names and array.ndim == 1:
        return {field: array[field] for field in array.dtype.names}
    if array.ndim == 1:
        return {name or "0": array}
    if array.ndim == 2:
        prefix = "" if alone else f"{name}."
        return {f"{prefix}{i}": array[:, i] for i in range(array.shape[1])}
    return {}
