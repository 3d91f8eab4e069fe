"""Run a model and the baselines on the same samples, a batch at a time, and score the estimates."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import TracebackType

import numpy as np
from infonet import Estimator
from numpy.typing import NDArray
from tqdm import tqdm

from infonet_export.evaluation.baselines import Baseline
from infonet_export.evaluation.cases import Case

Array = NDArray[np.float64]
BATCH = 64
BATCH_SAMPLES = 2_000_000  # fewer cases at a time where they are long


@dataclass(frozen=True)
class Measurements:
    """One entry for each case, in nats; NaN for what was not measured.

    group, n, truth, oracle, rival (index of the compared case within all, or -1); low, mi, high of
    the model; baselines: name -> estimates.
    """

    group: NDArray[np.str_]
    n: NDArray[np.int64]
    truth: Array
    oracle: Array
    rival: NDArray[np.int64]
    low: Array
    mi: Array
    high: Array
    baselines: dict[str, Array]

    def __len__(self) -> int:
        return len(self.truth)

    def where(self, keep: NDArray[np.bool_]) -> Measurements:
        """Some of the cases. Rivals that are left out become -1."""
        place = np.where(keep, np.cumsum(keep) - 1, -1)
        rival = self.rival[keep]
        return Measurements(
            group=self.group[keep],
            n=self.n[keep],
            truth=self.truth[keep],
            oracle=self.oracle[keep],
            rival=np.where(rival >= 0, place[rival], -1),
            low=self.low[keep],
            mi=self.mi[keep],
            high=self.high[keep],
            baselines={name: values[keep] for name, values in self.baselines.items()},
        )

    def groups(self) -> dict[str, Measurements]:
        """Parts of one group each, in order of appearance."""
        return {name: self.where(self.group == name) for name in dict.fromkeys(self.group.tolist())}

    def by_n(self) -> dict[int, Measurements]:
        """Parts of one number of samples each, in increasing order."""
        return {int(n): self.where(self.n == n) for n in np.unique(self.n)}


def join(parts: Iterable[Measurements]) -> Measurements:
    """All cases of several measurements by the same estimators."""
    parts = list(parts)
    starts = np.cumsum([0, *map(len, parts)])[:-1]

    def column(name: str) -> Array:
        return np.concatenate([getattr(part, name) for part in parts])

    return Measurements(
        group=np.concatenate([part.group for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        rival=np.concatenate(
            [np.where(p.rival >= 0, p.rival + s, -1) for p, s in zip(parts, starts, strict=True)]
        ),
        baselines={
            name: np.concatenate([part.baselines[name] for part in parts])
            for name in parts[0].baselines
        },
        **{name: column(name) for name in ("truth", "oracle", "low", "mi", "high")},
    )


def measure(
    estimator: Estimator,
    cases: Iterable[Case],
    baselines: Mapping[str, Baseline],
    progress: Progress | None = None,
) -> Measurements:
    """Every case through the model and the baselines; the samples are dropped as it goes.

    Case.rival counts within the cases of one group and one n. ValueError if there are no cases.
    """
    head: list[tuple[str, int, float, float]] = []
    estimates: list[Array] = []
    rivals: list[tuple[tuple[str, int], int]] = []
    place: dict[tuple[str, int], list[int]] = {}
    others: dict[str, list[float]] = {name: [] for name in baselines}
    for batch in _batches(cases):
        estimates.append(_quantiles(estimator, np.stack([case.samples for case in batch])))
        for case in batch:
            key = (case.group, len(case.samples))
            place.setdefault(key, []).append(len(head))
            rivals.append((key, case.rival))
            head.append((*key, case.mi, case.oracle))
            for name, baseline in baselines.items():
                others[name].append(baseline(case.samples))
            if progress is not None:
                progress.add(1)
    if not head:
        raise ValueError("there are no cases to measure")
    group, n, truth, oracle = zip(*head, strict=True)
    low, mi, high = np.concatenate(estimates).T
    return Measurements(
        group=np.array(group),
        n=np.array(n),
        truth=np.array(truth),
        oracle=np.array(oracle),
        rival=np.array([place[key][rival] if rival >= 0 else -1 for key, rival in rivals]),
        low=low,
        mi=mi,
        high=high,
        baselines={name: np.array(values) for name, values in others.items()},
    )


def _quantiles(estimator: Estimator, samples: NDArray[np.float64]) -> Array:
    """[batch, 3]: lower bound, estimate, upper bound."""
    if estimator.model.quantile_levels:
        return estimator.quantiles(samples, progress=False)[:, [0, 1, -1]].astype(np.float64)
    mi = estimator.mi(samples, progress=False)  # the paper's network gives no interval
    missing = np.full(len(mi), np.nan)
    return np.stack([missing, mi, missing], 1)


def _batches(cases: Iterable[Case]) -> Iterator[list[Case]]:
    for n, run in groupby(cases, key=lambda case: len(case.samples)):
        batch: list[Case] = []
        size = max(1, min(BATCH, BATCH_SAMPLES // n))
        for case in run:
            batch.append(case)
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


@dataclass(frozen=True)
class Scores:
    """rmse, bias (mean estimate - truth) and mean |estimate - truth| in nats; count of cases."""

    count: int
    rmse: float
    bias: float
    absolute: float


def score(estimates: Array, truth: Array) -> Scores:
    """Scores; NaN if there is no case or an estimate is missing."""
    error = np.asarray(estimates) - truth
    if not len(error):
        return Scores(0, *(float("nan"),) * 3)
    return Scores(
        len(error),
        float(np.sqrt((error**2).mean())),
        float(error.mean()),
        float(np.abs(error).mean()),
    )


def order_accuracy(estimates: Array, truth: Array, rivals: NDArray[np.int64]) -> float:
    """Share of (case, rival) pairs that the estimates put in the order of the truths; NaN if an
    estimate is missing."""
    if not len(estimates) or not np.isfinite(estimates).all():
        return float("nan")
    right = (estimates > estimates[rivals]) == (truth > truth[rivals])
    return float(right.mean())


def coverage(low: Array, high: Array, truth: Array) -> float:
    """Share of intervals that hold the truth; a bound that touches it within 1e-9 holds it. NaN
    where there are no intervals."""
    if not len(low) or not (np.isfinite(low) & np.isfinite(high)).all():
        return float("nan")
    return float(((low <= truth + 1e-9) & (truth <= high + 1e-9)).mean())


class Progress:
    """Counts what is done of ``total`` (None: not known) on standard error if it is a terminal."""

    def __init__(self, title: str, total: int | None = None) -> None:
        self._bar = tqdm(
            desc=title,
            total=total,
            leave=False,
            disable=not sys.stderr.isatty(),
        )

    def add(self, amount: int) -> None:
        """Count ``amount`` more as done."""
        self._bar.update(amount)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()
