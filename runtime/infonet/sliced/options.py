"""The options of sliced mutual information, checked."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Literal

from infonet.checks import Missing, check_missing_policy, whole
from infonet.errors import InputError
from infonet.pairwise.memory import parse_memory

Scale = Literal["minmax"] | None
_MOST = 16_384  # projections, unless more are asked for
# A standard error of fewer values is itself too uncertain to stop by.
LEAST_FOR_TOLERANCE = 64
_MEMORY = 2**28
_TESTED = 64  # projections that are permuted, unless said otherwise


@dataclass(frozen=True)
class SlicedOptions:
    """See the arguments of `Estimator.sliced`.

    Attributes:
        least: projections to begin with.
        most: projections to end with; `least` if there is no tolerance.
        tested: the first of the projections, which the permutation test uses.
        memory: bytes for projections and ranks held at a time.
    """

    least: int
    most: int
    seed: int
    scale: Scale
    nan: Missing
    tolerance: float | None
    permutations: int
    tested: int
    memory: int


def read_options(
    projections: int,
    seed: int,
    scale: Scale,
    nan: Missing,
    tolerance: float | None,
    max_projections: int | None,
    permutations: int,
    permutation_projections: int | None,
    memory: int | float | str | None,
) -> SlicedOptions:
    """Check the arguments of `Estimator.sliced`.

    Raises:
        InputError: an option that is not allowed.
    """
    check_missing_policy(nan)
    if scale not in (None, "minmax"):
        raise InputError(f"scale is {scale!r}, allowed are None and 'minmax'")
    least = most = whole(projections, "projections", 1)
    if tolerance is not None:
        tolerance = _tolerance(tolerance)
        if least < LEAST_FOR_TOLERANCE:
            raise InputError(
                f"projections is {least}, with a tolerance they are the least number and allowed "
                f"from {LEAST_FOR_TOLERANCE}: pass more, or no tolerance"
            )
        most = max(least, _MOST)
        if max_projections is not None:
            most = whole(max_projections, "max_projections", least)
    elif max_projections is not None:
        raise InputError(
            f"max_projections is {max_projections!r} without a tolerance, which alone adds "
            "projections: pass tolerance, or projections for a fixed number"
        )
    rounds = whole(permutations, "permutations", 0)
    tested = min(least, _TESTED)
    if permutation_projections is not None:
        if not rounds:
            raise InputError(
                f"permutation_projections is {permutation_projections!r} without permutations: "
                "pass permutations=199, say"
            )
        tested = whole(permutation_projections, "permutation_projections", 1)
        if tested > least:
            raise InputError(
                f"permutation_projections is {tested}, allowed are 1 to {least} (projections): "
                "pass fewer, or more projections"
            )
    return SlicedOptions(
        *(least, most, whole(seed, "seed", 0), scale, nan, tolerance, rounds, tested),
        _MEMORY if memory is None else parse_memory(memory),
    )


def _tolerance(value: float) -> float:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 < value < math.inf:
        raise InputError(f"tolerance is {value!r}, allowed are positive numbers (nats), or None")
    return float(value)
