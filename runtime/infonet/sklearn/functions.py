"""Drop-in replacements of scikit-learn's two mutual information functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import feature_selection
from sklearn.utils import check_X_y

from infonet.checks import Missing, check_missing_policy
from infonet.default import default_estimator
from infonet.errors import names_lack_of_memory, warn
from infonet.pairs.engine import PairEngine, PairEstimates
from infonet.sklearn.scores import Task, scores
from infonet.sklearn.tasks import count_jobs, make_task, seed_of


@names_lack_of_memory
def mutual_info_regression(
    X: ArrayLike,  # noqa: N803
    y: ArrayLike,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
    nan: Missing = "raise",
) -> NDArray[np.float64]:
    """Mutual information of each feature with a target of numbers, continuous or not.

    Takes the arguments of `sklearn.feature_selection.mutual_info_regression`, so it can stand in
    its place in `SelectKBest` and `SelectPercentile`. Only ranks are used: monotone transforms of
    features or target change nothing.

    Args:
        X: [n, d] real numbers; of a sparse matrix one column at a time is made dense.
        y: [n] real numbers.
        discrete_features: features whose values are classes without an order: a bool for all of
            them, a mask [d] or indices; "auto" for none. Codes of few levels need no mention: what
            few samples a level cannot tell by counts is estimated with and without their order.
        n_neighbors: only passed on with fewer than 20 samples, see below.
        copy: without effect, X is never changed.
        random_state: seed of the random order of ties, where they are broken; None is 0. Continuous
            data do not depend on it.
        n_jobs: threads, as scikit-learn counts them: None is 1, -1 all cores.
        nan: "raise" refuses missing values; "omit" leaves out their rows, for each feature.

    Returns:
        float64 [d] in nats, for each feature what `infonet.estimate` gives for it and y; 0 for a
        constant feature, and for one with fewer than 20 values. With fewer samples than the network
        was trained for (20), scikit-learn's own estimate (nearest neighbours), and an
        InfoNetWarning.

    Raises:
        ValueError: NaN, infinity, text, unequal lengths, or fewer than 4 samples.
    """
    features, target = check_X_y(
        X,
        y,
        accept_sparse="csc",
        y_numeric=True,
        ensure_all_finite=_finite(nan),
        ensure_min_samples=n_neighbors + 1,
    )
    task = make_task(features, target, False, discrete_features)
    return find_scores(default_estimator().engine, task, n_neighbors, random_state, n_jobs).mi


@names_lack_of_memory
def mutual_info_classif(
    X: ArrayLike,  # noqa: N803
    y: ArrayLike,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    copy: bool = True,
    random_state: Any = None,
    n_jobs: int | None = None,
    nan: Missing = "raise",
) -> NDArray[np.float64]:
    """Mutual information of each feature with a target of classes: strings or numbers.

    Takes the arguments of `sklearn.feature_selection.mutual_info_classif`. Mutual information does
    not depend on an order of classes, and names have none; see `infonet.pairs.discrete` for how
    labels of few and of many classes are estimated.

    Args:
        y: [n] class labels.
        X, discrete_features, n_neighbors, copy, random_state, n_jobs, nan: see
            `mutual_info_regression`.

    Returns:
        float64 [d] in nats, for each feature what `infonet.estimate` gives for it and y.

    Raises:
        ValueError: as `mutual_info_regression`, and labels that are not whole numbers.
    """
    features, target = check_X_y(
        X,
        y,
        accept_sparse="csc",
        ensure_all_finite=_finite(nan),
        ensure_min_samples=n_neighbors + 1,
    )
    task = make_task(features, target, True, discrete_features)
    return find_scores(default_estimator().engine, task, n_neighbors, random_state, n_jobs).mi


def _finite(nan: Missing) -> bool | str:
    check_missing_policy(nan)
    return "allow-nan" if nan == "omit" else True


def find_scores(
    engine: PairEngine,
    task: Task,
    n_neighbors: int,
    random_state: Any,
    n_jobs: int | None,
    test: bool = False,
) -> PairEstimates:
    """Scores by the engine, or scikit-learn's where there are too few samples for the network."""
    threads, n, n_min = count_jobs(n_jobs), len(task.target), engine.model.n_min
    if n >= n_min:
        return scores(engine.with_seed(seed_of(random_state)), task, threads, test)
    warn(
        f"{n} samples are fewer than the {n_min} that the network was trained for: scores are "
        "scikit-learn's, by nearest neighbours"
    )
    result = PairEstimates.empty(task.count, 0)
    features = np.stack([task.features(j) for j in range(task.count)], axis=1)
    classes = task.classes
    if classes and np.bincount(np.unique(task.target, return_inverse=True)[1]).max() == 1:
        return result  # scikit-learn has no answer: classes of one sample each tell nothing
    name = "mutual_info_classif" if classes else "mutual_info_regression"
    theirs: Callable[..., NDArray[np.float64]] = getattr(feature_selection, name)
    whole = np.isfinite(features).all(axis=0)
    if whole.any():
        result.mi[whole] = theirs(
            features[:, whole],
            task.target,
            discrete_features=task.nominal[whole],
            n_neighbors=n_neighbors,
            random_state=random_state,
        )
    return result
