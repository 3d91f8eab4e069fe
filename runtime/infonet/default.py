"""Functions on the default model, loaded at the first call."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from infonet.checks import Missing
from infonet.estimator import Estimator
from infonet.pairwise import PairwiseResult
from infonet.result import Estimate
from infonet.sliced import Scale

_lock = threading.Lock()
_estimator: Estimator | None = None


def default_estimator() -> Estimator:
    """The estimator with the model in the package; made once, shared by all threads."""
    global _estimator
    if _estimator is None:
        with _lock:
            if _estimator is None:
                _estimator = Estimator()
    return _estimator


def mutual_information(x: ArrayLike, y: ArrayLike, nan: Missing = "raise") -> float:
    """Mutual information of two variables in nats; see `Estimator.estimate`."""
    return estimate(x, y, nan).mi


def estimate(x: ArrayLike, y: ArrayLike, nan: Missing = "raise") -> Estimate:
    """Mutual information of two variables with interval and p-value; see `Estimator.estimate`."""
    return default_estimator().estimate(x, y, nan)


def sliced_mutual_information(
    x: Any,
    y: Any,
    projections: int = 1024,
    seed: int = 0,
    scale: Scale = None,
    nan: Missing = "raise",
) -> float:
    """Mean mutual information of random projections, in nats; see `Estimator.sliced`."""
    return default_estimator().sliced(x, y, projections, seed, scale, nan).mean


def pairwise(
    data: Any,
    columns: Sequence[str | int] | None = None,
    nan: Missing = "raise",
    progress: bool | None = None,
    **options: Any,
) -> PairwiseResult:
    """Mutual information of all pairs of columns, or of columns against `targets`.

    See `Estimator.pairwise`, also for all other options.
    """
    return default_estimator().pairwise(data, columns, nan, progress, **options)
