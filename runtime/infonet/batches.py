"""Mutual information of batches of sample sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from infonet.checks import check_length
from infonet.errors import warn
from infonet.network import ONE_PAIR
from infonet.pairs.engine import PairEngine, PairEstimates, tile_size
from infonet.tiles import Progress, run_tiles


def estimate_batch(engine: PairEngine, samples: ArrayLike, progress: bool | None) -> PairEstimates:
    """See `Estimator.mi` and `Estimator.quantiles`; without tables and p-values."""
    network = engine.network
    batch = network.open_batch(samples)
    check_length(batch.shape[1], engine.model.n_min, "each sample set")
    result = PairEstimates.empty(len(batch), len(engine.model.quantile_levels))
    with Progress(len(batch), "set", progress) as bar:
        run_tiles(_tasks(engine, batch, result), network.batch_threads(batch), bar)
    constant = np.flatnonzero(result.constant)
    if constant.size:
        warn(
            f"{constant.size} set(s) have a constant variable and mutual information 0 "
            f"(first: samples[{constant[0]}])"
        )
    return result


def _tasks(engine: PairEngine, batch: Any, result: PairEstimates) -> Iterator[Callable[[], int]]:
    tile = tile_size(engine.network, batch.shape[1])

    def task(start: int) -> Callable[[], int]:
        def run() -> int:
            ranked = engine.network.prepare_sets(batch, start, start + tile)
            count = len(ranked.constant) // 2
            pairs = ONE_PAIR + 2 * np.arange(count)[:, None]
            result.fill(slice(start, start + count), engine.estimate(ranked, pairs, test=False))
            return count

        return run

    for start in range(0, len(batch), tile):
        yield task(start)
