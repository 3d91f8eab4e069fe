"""A scikit-learn transformer that selects features by mutual information."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted

from infonet.api import default_estimator
from infonet.errors import InputError, names_lack_of_memory
from infonet.estimator import Estimator
from infonet.inputs.checks import Missing
from infonet.model.load import Model
from infonet.pairs.engine import PairEngine
from infonet.sklearn.criteria import (
    CRITERIA,
    by_relevance,
    check_criterion,
    empty_features,
    select,
)
from infonet.sklearn.functions import count_jobs, find_scores, finite, seed_of
from infonet.sklearn.tasks import read_task

_MODES = ("k", "percentile", "threshold", "alpha")


class MutualInformationSelector(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Selects features by their mutual information with the target.

    At most one of k, percentile, threshold and alpha is given; none means k = 10, or all features
    if there are fewer. Features that repeat each other all score high: a criterion other than
    "relevance" selects one after the other, each for what it adds to those selected before it.

    Args:
        k: this many features of largest scores, or "all".
        percentile: this part of the features in per cent, counted as `SelectPercentile` does.
        threshold: features with at least this score, nats.
        alpha: features chosen at this false discovery rate (Benjamini & Hochberg 1995) by p-values
            under independence, for rows that are independent draws.
        discrete_target: True: the target holds classes without an order; False: numbers; "auto":
            classes if it holds strings, booleans or categories, else numbers. Labels 0, 1, 2, … are
            numbers to "auto": right for scores, but more exact as classes if they have no order.
        discrete_features: as for `mutual_info_regression`.
        random_state: seed of the random order of ties; None is 0. Continuous data do not depend on
            it.
        n_jobs: threads; None is 1, -1 all cores.
        model: path of a model file, or None for the model in the package.
        nan: "raise" refuses missing values in X; "omit" leaves out their rows, for each feature.
        criterion: "relevance" selects by I(X; Y) alone. The others take k or percentile, and cost
            one pass a feature for each one selected. "mrmr" (Peng, Long & Ding, IEEE TPAMI 2005):
            I(X; Y) less the mean of I(X; Xj) over the selected Xj. "jmi" (Yang & Moody, NIPS 1999):
            the sum over them of I(X, Xj; Y). "cmim" (Fleuret, JMLR 2004): the least of
            I(X; Y | Xj). All are compared by Brown, Pocock, Zhao & Luján, JMLR 2012. Conditional
            terms are those of `infonet.estimate(x, y, given=xj)`.
        progress: show a progress bar while features are selected by another criterion than
            "relevance"; None: if standard error is a terminal.

    Attributes:
        scores_: float64 [d], I(X; Y) in nats with every criterion; see `mutual_info_regression` for
            small samples.
        ranking_: int64 [s], features in the order of their selection, the first one first: all of
            them for "relevance", the selected ones for other criteria. Constant features, and those
            with fewer than 20 values, come last.
        criteria_: float64 [s], the criterion of each feature of `ranking_` when it was selected,
            nats; negative for "mrmr" if it repeats more than it tells.
        pvalues_: float64 [d], or None without `alpha`. Of continuous features not below
            1e-9 with the default model.
        n_features_in_: d.
        feature_names_in_: names of the features, if X had any.

    Example:
        >>> MutualInformationSelector(k=5, criterion="cmim").fit(X, y).ranking_
    """

    def __init__(
        self,
        k: int | str | None = None,
        *,
        percentile: float | None = None,
        threshold: float | None = None,
        alpha: float | None = None,
        discrete_target: bool | str = "auto",
        discrete_features: Any = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        model: str | Path | None = None,
        nan: Missing = "raise",
        criterion: str = "relevance",
        progress: bool | None = None,
    ) -> None:
        self.k = k
        self.percentile = percentile
        self.threshold = threshold
        self.alpha = alpha
        self.discrete_target = discrete_target
        self.discrete_features = discrete_features
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.model = model
        self.nan = nan
        self.criterion = criterion
        self.progress = progress

    @names_lack_of_memory
    def fit(self, X: ArrayLike, y: ArrayLike) -> MutualInformationSelector:  # noqa: N803
        """Score the features, and select them one after the other if the criterion asks for it.

        Args:
            X: [n, d] real numbers, or a data frame, see `mutual_info_regression`; of a sparse
                matrix one column at a time is made dense.
            y: [n] numbers, class labels or categories.

        Raises:
            ValueError: NaN, infinity, text in an array, unequal lengths, fewer than 4 samples,
                parameters out of their ranges, alpha with data that have no p-values, or a
                criterion with a model or a number of samples that it cannot use.
        """
        _check_parameters(self)
        classes = None if self.discrete_target == "auto" else bool(self.discrete_target)
        task = read_task(
            *(X, y, classes, self.discrete_features, self),
            y_numeric=self.discrete_target is False,
            ensure_all_finite=finite(self.nan),
            ensure_min_samples=4,
        )
        engine, n = _engine(self.model), len(task.target)
        test = self.alpha is not None
        if test:
            _check_p_values(engine.model, n)
        check_criterion(self.criterion, engine, n)
        found = find_scores(engine, task, 3, self.random_state, self.n_jobs, test)
        self.scores_ = found.mi
        empty = empty_features(task, engine.model.n_min)
        selection = by_relevance(found.mi, empty)
        if self.criterion != "relevance":
            selection = select(
                engine.with_seed(seed_of(self.random_state)),
                *(task, self.criterion, found.mi, empty, _count(self, task.count)),
                threads=count_jobs(self.n_jobs),
                progress=self.progress,
            )
        self.ranking_, self.criteria_ = selection.order, selection.values
        self.pvalues_ = np.nan_to_num(found.p_value, nan=1.0) if test else None
        return self

    def transform(self, X: ArrayLike) -> Any:  # noqa: N803
        """The selected features of X: an array, or what `set_output` asks for.

        Args:
            X: as for `fit`.
        """
        try:
            return super().transform(X)
        except TypeError:  # one array of dates and numbers, which NumPy makes of objects only
            if not hasattr(X, "astype"):
                raise
            return super().transform(X.astype(object))

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self)
        if self.criterion != "relevance":
            mask = np.zeros(self.scores_.size, np.bool_)
            mask[self.ranking_[: _count(self, mask.size)]] = True
            return mask
        if self.alpha is not None and self.pvalues_ is not None:
            return _false_discovery(self.pvalues_, self.alpha)
        if self.threshold is not None:
            return np.asarray(self.scores_ >= self.threshold)
        d = self.scores_.size
        if self.percentile is not None:
            count = _percentile_count(self.scores_, self.percentile)
        elif self.k is None or self.k == "all":
            count = d if self.k == "all" else 10
        else:
            count = int(self.k)
        mask = np.zeros(d, np.bool_)
        mask[self.ranking_[:count]] = True
        return mask

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self.nan == "omit"
        return tags


def _count(selector: MutualInformationSelector, d: int) -> int:
    """How many of d features a criterion other than "relevance" selects."""
    if selector.percentile is not None:
        return int(d * selector.percentile / 100)
    if selector.k == "all":
        return d
    return min(d, 10 if selector.k is None else int(selector.k))


def _engine(model: str | Path | None) -> PairEngine:
    return (default_estimator() if model is None else Estimator(model, threads=1)).engine


def _check_parameters(selector: MutualInformationSelector) -> None:
    criterion = selector.criterion
    if criterion not in CRITERIA:
        raise InputError(f"criterion is {criterion!r}, allowed are {', '.join(CRITERIA)}")
    given = {name: getattr(selector, name) for name in _MODES}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) > 1:
        raise InputError(f"{' and '.join(given)} are given, at most one is allowed: drop the rest")
    if criterion != "relevance" and {"threshold", "alpha"} & set(given):
        raise InputError(
            f"{next(iter(given))} is given with criterion={criterion!r}, which selects a number of "
            "features: give k or percentile"
        )
    allowed: dict[str, tuple[str, Callable[[Any], bool]]] = {
        "k": ("whole numbers from 0, or 'all'", lambda v: _is(v, Integral) and v >= 0),
        "percentile": ("numbers from 0 to 100", lambda v: _is(v, Real) and 0 <= v <= 100),
        "threshold": ("numbers of nats from 0", lambda v: _is(v, Real) and v >= 0),
        "alpha": ("numbers between 0 and 1", lambda v: _is(v, Real) and 0 < v < 1),
    }
    for name, value in given.items():
        text, fits = allowed[name]
        if not (fits(value) or (name == "k" and isinstance(value, str) and value == "all")):
            raise InputError(f"{name} is {value!r}, allowed are {text}")
    target = selector.discrete_target
    if not (isinstance(target, (bool, np.bool_)) or target == "auto"):
        raise InputError(f"discrete_target is {target!r}, allowed are True, False and 'auto'")


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _check_p_values(model: Model, n: int) -> None:
    null = model.null
    if null is None:
        raise InputError(f"{model.path.name} has no null distribution: use k in place of alpha")
    if not null.covers(n):
        low, high = int(null.n[0]), int(null.n[-1])
        raise InputError(
            f"{n} samples have no p-values, which are known for {low} to {high}: use k in place of "
            "alpha"
        )


def _percentile_count(scores: NDArray[np.float64], percentile: float) -> int:
    above = int((scores > np.percentile(scores, 100 - percentile)).sum())
    return max(above, int(scores.size * percentile / 100))


def _false_discovery(p: NDArray[np.float64], alpha: float) -> NDArray[np.bool_]:
    """Rejections of Benjamini & Hochberg (1995) at rate `alpha`."""
    order = np.sort(p)
    below = order <= alpha * np.arange(1, p.size + 1) / p.size
    if not below.any():
        return np.zeros(p.size, np.bool_)
    rejected: NDArray[np.bool_] = p <= order[below].max()
    return rejected
