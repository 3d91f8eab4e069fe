"""Estimates of pairs of columns of one window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.monitor.decisions import Sample, normal_quantile
from infonet.network import ONE_PAIR
from infonet.pairs.engine import PairEngine, PairEstimates, tile_size
from infonet.pairs.remarks import method_of, notes_of
from infonet.ranking import RankedColumns
from infonet.result import Estimate
from infonet.tiles import Progress, run_tiles

Columns = NDArray[np.float64]
Pairs = NDArray[np.int64]


class WindowEstimates:
    """Estimates of the pairs of one window.

    Args:
        engine: with the model and the seed.
        columns: float64 [d, n], finite.
        pairs: int64 [p, 2].
        names: of the d variables.

    Attributes:
        estimates: one for each pair, the same to the last byte as `Estimator.estimate` of its
            columns (without its table).
    """

    def __init__(
        self, engine: PairEngine, columns: Columns, pairs: Pairs, names: Sequence[str]
    ) -> None:
        self._engine, self._columns, self._pairs = engine, columns, pairs
        ranked = engine.network.prepare(list(columns), engine.network.threads)
        self._found = _run(engine, ranked, pairs)
        n = columns.shape[1]
        self.estimates = [self._estimate(i, n, names) for i in range(len(pairs))]

    def whole(self, i: int) -> Sample:
        """Pair i in the window."""
        return self._sample(self._found, i)

    def parts(self, i: int, count: int) -> tuple[Sample, ...]:
        """Pair i in `count` parts of the window, each of every `count`-th row."""
        size = self._columns.shape[1] // count * count
        return tuple(self._part(i, slice(k, size, count)) for k in range(count))

    def _part(self, i: int, rows: slice) -> Sample:
        ranked = self._engine.network.prepare([self._columns[v, rows] for v in self._pairs[i]])
        return self._sample(self._engine.estimate(ranked, ONE_PAIR), 0)

    def _sample(self, found: PairEstimates, i: int) -> Sample:
        if found.constant[i]:
            return Sample(0.0, 0.0, 1.0)
        levels = self._engine.model.quantile_levels
        widths = normal_quantile(levels[-1]) - normal_quantile(levels[0])
        error = float(found.quantiles[i, -1] - found.quantiles[i, 0]) / widths
        return Sample(float(found.mi[i]), error, float(found.p_value[i]))

    def _estimate(self, i: int, n: int, names: Sequence[str]) -> Estimate:
        found = self._found
        interval = float(found.quantiles[i, 0]), float(found.quantiles[i, -1])
        p = float(found.p_value[i])
        notes = notes_of(int(found.about[i]), p, interval, self._engine.model.null, n)
        pair = names[self._pairs[i, 0]], names[self._pairs[i, 1]]
        return Estimate(
            *(float(found.mi[i]), interval, None if np.isnan(p) else p, n, pair, notes),
            method=method_of(int(found.about[i])),
        )


def _run(engine: PairEngine, ranked: RankedColumns, pairs: Pairs) -> PairEstimates:
    """Estimates of all pairs, on several threads if they are many."""
    result = PairEstimates.empty(len(pairs), len(engine.model.quantile_levels))
    tile = tile_size(engine.network, ranked.rows.shape[1])

    def part(where: slice) -> Callable[[], int]:
        def run() -> int:
            result.fill(where, engine.estimate(ranked, pairs[where]))
            return len(pairs[where])

        return run

    def tasks() -> Iterator[Callable[[], int]]:
        for start in range(0, len(pairs), tile):
            yield part(slice(start, start + tile))

    with Progress(len(pairs), "pair", show=False) as bar:
        run_tiles(tasks(), engine.network.threads, bar)
    return result
