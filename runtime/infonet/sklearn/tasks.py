"""From validated arrays and scikit-learn's parameters to what is to be computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from infonet.errors import InputError
from infonet.inputs import as_column
from infonet.sklearn.scores import Task


def make_task(features: Any, target: Any, classes: bool, discrete_features: Any) -> Task:
    """What to estimate, from validated data.

    Args:
        features: array [n, d] of real numbers, or a sparse one.
        target: array [n] of real numbers or of class labels.
        classes: whether the target holds classes.
        discrete_features: as scikit-learn's functions take it.
    """
    if classes:
        check_classification_targets(target)
    column = as_column(target, "y")
    nominal = _as_mask(discrete_features, features.shape[1])
    if issparse(features):
        by_column = features.tocsc()

        def load(j: int) -> NDArray[Any]:
            dense = np.zeros(by_column.shape[0], by_column.dtype)
            part = slice(by_column.indptr[j], by_column.indptr[j + 1])
            dense[by_column.indices[part]] = by_column.data[part]
            return dense
    else:

        def load(j: int) -> NDArray[Any]:
            return np.ascontiguousarray(features[:, j])

    return Task(load, features.shape[1], column.values, nominal, column.nominal, classes)


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


def seed_of(random_state: Any) -> int:
    """The seed of the order of ties: a whole number as it is, 0 for None."""
    if random_state is None:
        return 0
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        check_random_state(random_state)  # refuses negative ones
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31))


def count_jobs(n_jobs: int | None) -> int:
    """Threads for scikit-learn's n_jobs."""
    try:
        return int(effective_n_jobs(n_jobs))
    except (TypeError, ValueError):
        raise InputError(
            f"n_jobs is {n_jobs!r}, allowed are None, whole numbers from 1, and -1 for all cores"
        ) from None
