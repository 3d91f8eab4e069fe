"""Turn an array of any kind into an array of real numbers, NaN where missing.

Numbers keep their type and are not copied where that can be avoided. Times become whole numbers of
ticks of their own unit, so that their order is exact. Categories become codes.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, require_real
from infonet.errors import InputError
from infonet.tables.categories import encode
from infonet.tables.exact import with_gaps
from infonet.tables.objects import unbox
from infonet.tables.remarks import Remark

Values = tuple[Column, tuple[Remark, ...]]


def from_array(array: NDArray[Any], label: str) -> Values:
    """Numbers and remarks for an array [n] of any dtype.

    Raises:
        InputError: not of a kind that becomes numbers.
    """
    if isinstance(array, np.ma.MaskedArray):
        values, remarks = from_array(np.asarray(array.data), label)
        gaps = np.ma.getmaskarray(array)
        return (with_gaps(values, gaps) if gaps.any() else values), remarks
    kind = array.dtype.kind
    if kind in "Mm":
        ticks, missing = split_times(array)
        return (with_gaps(ticks, missing) if missing.any() else ticks), (Remark("time"),)
    if kind in "UST" and array.ndim == 1:
        if kind == "U" and array.size and _code_points(array).max() > sys.maxunicode:
            raise InputError(f"{label} holds text that is not Unicode: write it again")
        return _from_text(array.tolist(), label)
    if kind == "O" and array.ndim == 1:
        return _from_objects(array, label)
    return require_real(array, label), ()


def split_times(array: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return (ticks of times or durations, which are missing)."""
    native = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
    return native.view(np.int64), np.isnat(array)


def _code_points(array: NDArray[np.str_]) -> NDArray[np.uint32]:
    """Of all characters; files hold any numbers, of which Python makes texts that break it."""
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return native.view(np.uint32) if native.dtype.itemsize else np.zeros(1, np.uint32)


def _from_objects(array: NDArray[Any], label: str) -> Values:
    """Python objects that are all of one kind; None, NaN, NaT and NA are missing."""
    present, missing, remarks = unbox(array)
    if present is None:
        return require_real(array, label), ()
    if present.dtype.kind == "O":
        texts = array.copy()
        texts[missing] = None
        return _from_text(texts.tolist(), label)
    numbers, more = from_array(present, label)
    remarks = remarks or more
    if not missing.any():
        return numbers, remarks
    whole = np.zeros(array.size, numbers.dtype)
    whole[~missing] = numbers
    return with_gaps(whole, missing), remarks


def _from_text(texts: list[Any], label: str) -> Values:
    """Categories from a list of str or bytes, None where missing."""
    seen: dict[Any, int] = {}
    codes = np.fromiter(
        (-1 if text is None else seen.setdefault(text, len(seen)) for text in texts),
        np.int64,
        len(texts),
    )
    return encode(codes, list(seen), False, label)
