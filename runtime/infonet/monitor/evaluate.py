"""Estimates of pairs of columns of one window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.batches import tile_size
from infonet.independence import table_p_value
from infonet.monitor.decisions import Sample, normal_quantile
from infonet.network import Network, Outputs
from infonet.ranking import RankedColumns
from infonet.result import TIES_NOTE, Estimate
from infonet.tie_breaking import break_ties
from infonet.tiles import Progress, run_tiles

Columns = NDArray[np.float64]
Pairs = NDArray[np.int64]


class WindowEstimates:
    """Estimates of the pairs of one window.

    Args:
        network: the model.
        columns: float64 [d, n], finite.
        pairs: int64 [p, 2].
        names: of the d variables.
        seed: of the order in which ties are broken.

    Attributes:
        estimates: one for each pair, the same to the last byte as `Estimator.estimate` of its
            columns (without its table).
    """

    def __init__(
        self,
        network: Network,
        columns: Columns,
        pairs: Pairs,
        names: Sequence[str],
        seed: Sequence[int],
    ) -> None:
        self._network, self._pairs, self._seed = network, pairs, seed
        ranked = network.prepare(list(columns), network.threads)
        self._constant: NDArray[np.bool_] = np.any(ranked.constant[pairs], axis=1)
        self._tied: NDArray[np.bool_] = np.any(ranked.tied[pairs], axis=1)
        self._outputs = _run(network, ranked, pairs, self._constant)
        self._untied = self._break_ties(columns, ranked)
        n = columns.shape[1]
        self.estimates = [self._estimate(i, n, names) for i in range(len(pairs))]

    def whole(self, i: int) -> Sample:
        """Pair i in the window, ties broken."""
        if self._constant[i]:
            return Sample(0.0, 0.0, 1.0)
        if not self._tied[i]:
            return self._sample(self._outputs, i, self._untied.shape[1])
        return self._part(i, slice(None))

    def parts(self, i: int, count: int) -> tuple[Sample, ...]:
        """Pair i in `count` parts of the window, each of every `count`-th row, ties broken."""
        size = self._untied.shape[1] // count * count
        return tuple(self._part(i, slice(k, size, count)) for k in range(count))

    def _part(self, i: int, rows: slice) -> Sample:
        part = [self._untied[variable, rows] for variable in self._pairs[i]]
        ranked = self._network.prepare(part)
        outputs = self._network.run(ranked, np.array([[0, 1]], np.int64))
        return self._sample(outputs, 0, part[0].size)

    def _sample(self, outputs: Outputs, i: int, n: int) -> Sample:
        null, levels = self._network.model.null, self._network.model.quantile_levels
        assert null is not None
        widths = normal_quantile(levels[-1]) - normal_quantile(levels[0])
        error = float(outputs.quantiles[i, -1] - outputs.quantiles[i, 0]) / widths
        mi = float(outputs.mi[i])
        return Sample(mi, error, null.p_value(float(outputs.statistic[i]), n))

    def _break_ties(self, columns: Columns, ranked: RankedColumns) -> Columns:
        tied = np.flatnonzero(ranked.tied)
        if not tied.size:
            return columns
        columns, random = columns.copy(), np.random.default_rng(self._seed)
        for j in tied:
            columns[j] = break_ties(columns[j], random.permutation(columns.shape[1]))
        return columns

    def _estimate(self, i: int, n: int, names: Sequence[str]) -> Estimate:
        mi, quantiles = float(self._outputs.mi[i]), self._outputs.quantiles[i]
        if self._constant[i]:
            p, note = None, "a variable is constant: mutual information is 0"
        elif self._tied[i]:
            p, note = self.whole(i).p, TIES_NOTE
        else:
            statistic = float(self._outputs.statistic[i])
            p, note = table_p_value(self._network.model.null, statistic, n)
        pair = names[self._pairs[i, 0]], names[self._pairs[i, 1]]
        interval = float(quantiles[0]), float(quantiles[-1])
        return Estimate(mi, interval, p, n, pair, (note,) if note else ())


def _run(
    network: Network, ranked: RankedColumns, pairs: Pairs, constant: NDArray[np.bool_]
) -> Outputs:
    """Outputs of all pairs, zeros for those with a constant; on several threads if many."""
    levels = len(network.model.quantile_levels)
    count = len(pairs)
    result = Outputs(np.zeros(count), np.zeros((count, levels)), None, np.full(count, -np.inf))
    where = np.flatnonzero(~constant)
    tile = tile_size(network, ranked.rows.shape[1])

    def part(chosen: NDArray[np.int64]) -> Callable[[], int]:
        def run() -> int:
            outputs = network.run(ranked, pairs[chosen])
            result.mi[chosen], result.quantiles[chosen] = outputs.mi, outputs.quantiles
            result.statistic[chosen] = outputs.statistic
            return len(chosen)

        return run

    def tasks() -> Iterator[Callable[[], int]]:
        for start in range(0, len(where), tile):
            yield part(where[start : start + tile])

    threads = network.threads if len(where) > tile else 1
    with Progress(len(where), "pair", show=False) as bar:
        run_tiles(tasks(), threads, bar)
    return result
