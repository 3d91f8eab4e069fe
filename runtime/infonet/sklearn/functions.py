"""Drop-in replacements of scikit-learn's two mutual information functions.

Numbers are scikit-learn's own only where there are too few samples for the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from joblib import effective_n_jobs  # type: ignore[import-untyped]
from numpy.typing import ArrayLike, NDArray
from sklearn import feature_selection
from sklearn.utils import check_random_state

from infonet.api import default_estimator
from infonet.errors import InputError, names_lack_of_memory, warn
from infonet.inputs.checks import Column, Missing, check_missing_policy, finite_rows
from infonet.pairs.engine import ONE_PAIR, PairEngine, tile_size
from infonet.pairs.estimates import PairEstimates
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import join_columns
from infonet.sklearn.tasks import Task, read_task


def scores(engine: PairEngine, task: Task, threads: int = 1, test: bool = False) -> PairEstimates:
    """Estimates of each feature with the target, the same as `Estimator.estimate` of the two.

    Args:
        engine: with the model and the seed.
        task: what to estimate.
        threads: features are shared out to so many.
        test: whether to give p-values, too.
    """
    result = PairEstimates.empty(task.count, len(engine.model.quantile_levels))
    target = engine.prepare([task.target]).with_nominal(np.array([task.nominal_target]))
    known = engine.variable(target, 0)
    tile = tile_size(engine.backend, len(task.target))

    def part(start: int) -> Callable[[], int]:
        def run() -> int:
            where = range(start, min(start + tile, task.count))
            columns = {j: task.features(j) for j in where}
            whole = [j for j in where if finite_rows(columns[j]).all()]
            for j in where:
                if j not in whole:
                    result.fill([j], _with_gaps(engine, task, j, columns[j], test))
            if whole:
                ranked = engine.prepare([columns[j] for j in whole])
                ranked = ranked.with_nominal(task.nominal[whole])
                last = len(whole)
                pairs = np.stack([np.arange(last), np.full(last, last)], axis=1)
                joined = join_columns(ranked, target)
                found = engine.estimate(joined, pairs, test=test, known={last: known})
                result.fill(whole, found)
            return len(where)

        return run

    with Progress(task.count, "feature", show=False) as bar:
        run_tiles((part(start) for start in range(0, task.count, tile)), threads, bar)
    return result


def _with_gaps(engine: PairEngine, task: Task, j: int, column: Column, test: bool) -> PairEstimates:
    """A feature with missing values: the rows where it has one."""
    keep = finite_rows(column)
    if keep.sum() < engine.model.n_min:
        return PairEstimates.empty(1, len(engine.model.quantile_levels))
    nominal = np.array([task.nominal[j], task.nominal_target])
    ranked = engine.prepare([column[keep], task.target[keep]])
    return engine.estimate(ranked.with_nominal(nominal), ONE_PAIR, test=test)


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
        X: [n, d] real numbers; of a sparse matrix one column at a time is made dense. Columns of a
            data frame may be of all kinds that `infonet.estimate` takes: text, categories, dates.
        y: [n] real numbers, or categories.
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
        ValueError: NaN, infinity, text in arrays or free text, unequal lengths, or fewer than 4
            samples.
    """
    task = read_task(
        *(X, y, False, discrete_features),
        y_numeric=True,
        ensure_all_finite=finite(nan),
        ensure_min_samples=n_neighbors + 1,
    )
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
    """Mutual information of each feature with a target of classes: names, numbers, categories.

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
    task = read_task(
        *(X, y, True, discrete_features),
        ensure_all_finite=finite(nan),
        ensure_min_samples=n_neighbors + 1,
    )
    return find_scores(default_estimator().engine, task, n_neighbors, random_state, n_jobs).mi


def finite(nan: Missing) -> bool | str:
    """What scikit-learn is to check of missing values."""
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
