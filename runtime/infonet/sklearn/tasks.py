"""From validated arrays and scikit-learn's parameters to what is to be computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from infonet.errors import InputError
from infonet.network import Network
from infonet.sklearn.scores import Task

# Samples a class, on average, below which scores of classes are scikit-learn's. With fewer, putting
# classes in order by the other variable makes dependence of noise.
_SAMPLES_PER_CLASS = 10


def make_task(
    features: NDArray[Any],
    target: NDArray[Any],
    classes: bool,
    discrete_features: Any,
    random_state: Any,
) -> Task:
    """Validated data with classes as codes, and the permutations that break ties."""
    if classes:
        check_classification_targets(target)
        target = _codes(target)
    nominal = _as_mask(discrete_features, features.shape[1])
    if nominal.any():
        codes = [_codes(features[:, j]) for j in np.flatnonzero(nominal)]
        features = features.astype(np.float64)
        features[:, nominal] = np.stack(codes, axis=1)
    random = check_random_state(random_state)
    shuffles = random.permutation(len(target)), random.permutation(len(target))
    return Task(features, target, nominal, classes, shuffles)


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = np.unique(values, return_inverse=True)[1].reshape(-1)
    return codes


def _as_mask(discrete_features: Any, d: int) -> NDArray[np.bool_]:
    if isinstance(discrete_features, str):
        if discrete_features != "auto":
            raise InputError(
                f"discrete_features is {discrete_features!r}, allowed are 'auto', True, False, a "
                "mask or indices of features"
            )
        discrete_features = False
    if isinstance(discrete_features, (bool, np.bool_)):
        return np.full(d, bool(discrete_features))
    given = np.asarray(discrete_features)
    if given.dtype == np.bool_ and given.shape == (d,):
        return given
    mask = np.zeros(d, np.bool_)
    if given.ndim == 1 and given.dtype.kind in "iu" and ((given >= -d) & (given < d)).all():
        mask[given] = True
        return mask
    if given.shape == (0,):
        return mask
    raise InputError(
        f"discrete_features is {given.dtype} of shape {list(given.shape)}, allowed are a bool mask "
        f"[{d}] or indices of the {d} features"
    )


def without_basis(network: Network, task: Task) -> str:
    """Why the network cannot be asked, or ""."""
    n, n_min = len(task.target), network.model.n_min
    if n < n_min:
        return f"{n} samples are fewer than the {n_min} that the network was trained for"
    kinds = [("the target", task.target)] if task.nominal_target else []
    kinds += [(f"feature {j}", task.features[:, j]) for j in np.flatnonzero(task.nominal)]
    for name, codes in kinds:
        count = int(codes.max()) + 1
        if count > 2 and n < _SAMPLES_PER_CLASS * count:
            return f"{name} has {count} classes for {n} samples, the network needs 10 a class"
    return ""


def count_jobs(n_jobs: int | None) -> int:
    """Threads for scikit-learn's n_jobs."""
    try:
        return int(effective_n_jobs(n_jobs))
    except (TypeError, ValueError):
        raise InputError(
            f"n_jobs is {n_jobs!r}, allowed are None, whole numbers from 1, and -1 for all cores"
        ) from None
