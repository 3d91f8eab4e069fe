"""Mutual information of many features with one target: the target is ranked once, and each feature.

Nothing here imports scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import finite_rows
from infonet.network import ONE_PAIR
from infonet.pairs.engine import PairEngine, PairEstimates, tile_size
from infonet.ranking import join_columns
from infonet.tiles import Progress, run_tiles

Column = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """Features and a target.

    Attributes:
        features: feature j as [n] real numbers, NaN where a value is missing.
        count: number of features, d.
        target: [n], finite real numbers, or codes of classes.
        nominal: bool [d], features whose values are classes without an order.
        nominal_target: whether the target's values are names of classes, which have no order.
        classes: whether the target's values are classes, by name or by number.
    """

    features: Callable[[int], Column]
    count: int
    target: Column
    nominal: NDArray[np.bool_]
    nominal_target: bool
    classes: bool


def scores(engine: PairEngine, task: Task, threads: int = 1, test: bool = False) -> PairEstimates:
    """Estimates of each feature with the target, the same as `Estimator.estimate` of the two.

    Args:
        engine: with the model and the seed.
        task: what to estimate.
        threads: features are shared out to so many.
        test: whether to give p-values, too.
    """
    result = PairEstimates.empty(task.count, len(engine.model.quantile_levels))
    target = engine.network.prepare([task.target]).with_nominal(np.array([task.nominal_target]))
    known = engine.variable(target, 0)
    tile = tile_size(engine.network, len(task.target))

    def part(start: int) -> Callable[[], int]:
        def run() -> int:
            where = range(start, min(start + tile, task.count))
            columns = {j: task.features(j) for j in where}
            whole = [j for j in where if finite_rows(columns[j]).all()]
            for j in where:
                if j not in whole:
                    result.fill([j], _with_gaps(engine, task, j, columns[j], test))
            if whole:
                ranked = engine.network.prepare([columns[j] for j in whole])
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
    ranked = engine.network.prepare([column[keep], task.target[keep]])
    return engine.estimate(ranked.with_nominal(nominal), ONE_PAIR, test=test)
