"""Mutual information of batches of sample sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.checks import check_length
from infonet.errors import warn
from infonet.network import ONE_PAIR, Network, Outputs
from infonet.tiles import Progress, run_tiles


def estimate_batch(network: Network, samples: ArrayLike, progress: bool | None) -> Outputs:
    """See `Estimator.mi` and `Estimator.quantiles`; without tables."""
    batch = network.open_batch(samples)
    check_length(batch.shape[1], network.model.n_min, "each sample set")
    levels = len(network.model.quantile_levels)
    count = len(batch)
    result = Outputs(np.zeros(count), np.zeros((count, levels)), None, np.zeros(count))
    constant = np.zeros(len(batch), np.bool_)
    with Progress(len(batch), "set", progress) as bar:
        threads = network.batch_threads(batch)
        run_tiles(_tasks(network, batch, result, constant), threads, bar)
    if constant.any():
        first = int(np.flatnonzero(constant)[0])
        warn(
            f"{int(constant.sum())} set(s) have a constant variable and mutual information 0 "
            f"(first: samples[{first}])"
        )
    return result


def _tasks(
    network: Network, batch: Any, result: Outputs, constant: NDArray[np.bool_]
) -> Iterator[Callable[[], int]]:
    tile = tile_size(network, batch.shape[1])

    def task(start: int) -> Callable[[], int]:
        def run() -> int:
            ranked = network.prepare_sets(batch, start, start + tile)
            flat = ranked.constant.reshape(-1, 2).any(axis=1)
            constant[start : start + tile] = flat
            keep = np.flatnonzero(~flat)
            outputs = network.run(ranked, ONE_PAIR + 2 * keep[:, None])
            result.mi[start + keep] = outputs.mi
            result.quantiles[start + keep] = outputs.quantiles
            return int(flat.size)

        return run

    for start in range(0, len(batch), tile):
        yield task(start)


def tile_size(network: Network, n: int) -> int:
    """Pairs of n samples for one task: fewer where n is large, to bound the memory."""
    return max(1, min(network.tile, network.tile_samples // max(n, 1)))
