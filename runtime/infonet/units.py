"""In which units is information said: nats, bits, or as a correlation?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infonet.errors import InputError

UNITS = {"nats": 1.0, "bits": 1.0 / math.log(2.0)}


def unit_scale(unit: str) -> float:
    """What one nat is in `unit`.

    Raises:
        InputError: another unit than "nats" and "bits".
    """
    if not isinstance(unit, str) or unit not in UNITS:
        raise InputError(f"unit is {unit!r}, allowed are {' and '.join(map(repr, UNITS))}")
    return UNITS[unit]


def as_correlation(mi: Any) -> Any:
    """Normalised mutual information, 0 to 1: sqrt(1 - exp(-2 mi)), of a number or an array in nats.

    It is 0 for independent variables, 1 in the limit of a function without noise, and for Gaussian
    variables the absolute value of their correlation (Linfoot 1957). NaN stays NaN; estimates below
    0, which some models give, become 0.
    """
    return np.sqrt(-np.expm1(-2.0 * np.maximum(mi, 0.0)))


def as_json(value: float) -> float | None:
    """A number for JSON, which has no NaN."""
    return value if math.isfinite(value) else None
