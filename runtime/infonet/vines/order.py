"""In which order the variables of X, Y and Z stand in a vine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from infonet.model.libraries import kernels
from infonet.vines.copula import Array, Ranks


def by_strength(x: Sequence[Ranks], y: Sequence[Ranks]) -> tuple[list[int], list[int]]:
    """Places of x and y, the most dependent on the other side first.

    The first of each meet without a condition: what is strong is estimated before noise of many
    conditions is added to it. Strength is the correlation of normal scores and of their sizes.
    """
    if len(x) == 1 and len(y) == 1:
        return [0], [0]
    strength = _correlations(x, y, np.asarray) + _correlations(x, y, np.abs)
    return _falling(strength.max(axis=1)), _falling(strength.max(axis=0))


def _falling(values: Array) -> list[int]:
    return [int(place) for place in np.argsort(-values, kind="stable")]


def _correlations(x: Sequence[Ranks], y: Sequence[Ranks], of: Callable[[Array], Array]) -> Array:
    def standard(column: Ranks) -> Array:
        values = of(kernels().normal_scores(column))
        values = values - values.mean()
        return np.asarray(values / (np.sqrt((values * values).mean()) or 1.0))

    left, right = [standard(column) for column in x], [standard(column) for column in y]
    # Sums of products rather than BLAS, whose rounding depends on its threads.
    return np.array([[abs(float((a * b).mean())) for b in right] for a in left])
