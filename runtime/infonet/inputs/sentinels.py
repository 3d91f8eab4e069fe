"""Numbers that say that a value is missing: -999, 99 beside answers from 1 to 5, the fill values of
NetCDF.

Whether they do cannot be known, so they are taken as they are, and a remark says that they are
there: two sensors that fail together would otherwise look dependent, without a word.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column, Remark

_NOT_MEASURED = {"time", "truth", "ordered", "coded"}  # kinds of remarks
# Beside nines: what programs write where nothing is known.
_FILLS = (
    *(999.25, 9999.25, 1e20, 1e30, 1e35, 1e36, 9.96920996838687e36),
    *(2.0**15, 2.0**15 - 1, 2.0**16 - 1, 2.0**31, 2.0**31 - 1, 2.0**32 - 1, 2.0**63),
)
_ROWS = 2  # which hold such a number; of one, ranks take little notice
_CODES = 2  # "refused" and "not asked" beside "unknown": 97, 98, 99


def is_measured(remarks: tuple[Remark, ...]) -> bool:
    """Whether a column of numbers may hold such ones, by the remarks about how it came to be."""
    return not {remark.kind for remark in remarks} & _NOT_MEASURED


def sentinel_remark(values: Column, remarks: tuple[Remark, ...]) -> tuple[Remark, ...]:
    """A remark about numbers that may say that a value is missing, if there are any.

    Args:
        values: real numbers [n], NaN where missing.
        remarks: about how they came to be numbers.
    """
    if values.dtype.kind not in "iuf" or not is_measured(remarks):
        return ()
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if finite.size <= _ROWS:
        return ()
    said = []
    for extreme in (finite.min(), finite.max()):
        rows = int((finite == extreme).sum()) if _is_sentinel(float(extreme)) else 0
        if rows >= _ROWS and _is_far(finite, extreme):
            said.append(f"{float(extreme):.15g} in {rows} rows")
    return (Remark("sentinel", " and ".join(said)),) if said else ()


def _is_sentinel(value: float) -> bool:
    size = abs(value)
    nines = set(f"{size:.7g}".replace(".", "")) == {"9"}
    return nines or any(abs(size - fill) <= 1e-6 * fill for fill in _FILLS)


def _is_far(finite: NDArray[Any], extreme: Any) -> bool:
    """Whether all other numbers, but for codes beside it, lie closer together than to it."""
    floats = finite.astype(np.float64)
    away = np.abs(floats - float(extreme))
    codes = (away <= _CODES) & (away == np.rint(away))
    others = floats[~codes] if abs(float(extreme)) < 2.0**15 else floats[away > 0]
    if others.size < _ROWS:
        return False
    low, high = float(others.min()), float(others.max())
    if low == high:
        return False
    gap = low - float(extreme) if extreme < low else float(extreme) - high
    return gap >= high - low or (extreme < 0 <= low)
