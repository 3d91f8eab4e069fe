"""From columns of samples to quantiles of mutual information: kernels, then the network.

There is one code path for one pair, for batches and for all pairs of a table, so that all three
give the same bytes: columns are ranked once, pairs of ranked columns become histograms, and the
core graph reads the histograms. The full graph (raw samples in) does the same in one file; it is
used when a model has no core graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.model import Model, core_of
from infonet.ranking import RankedColumns, rank_columns, scale_columns
from infonet.session import Session, kernels

# Pairs per call of the network. ONNX Runtime may round differently for other batch sizes (the
# default model is built so that it does not), so one pair a call is what makes single, batched and
# pairwise results the same to the last byte for every model. It costs little: the activations of
# one pair fit the cache of a core, and eight a call are 8 % faster.
_BATCH = 1
# Pairs per call of the histogram kernel, and per task given to a thread.
TILE = 32
ONE_PAIR = np.array([[0, 1]], np.int64)


@dataclass(frozen=True)
class Outputs:
    """What the network gives for p pairs, in nats.

    Attributes:
        mi: float64 [p].
        quantiles: float64 [p, levels].
        table: float32 [p, T, T], or None when not asked for.
    """

    mi: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    table: NDArray[np.float32] | None


class Network:
    """A model with its session. All methods may be called from many threads at once."""

    def __init__(self, model: Model) -> None:
        core = core_of(model)
        self.model = model
        self._core = core is not None
        self._session = Session(core or model)

    def prepare(self, columns: Sequence[NDArray[Any]], threads: int = 1) -> RankedColumns:
        """Rank (or, for soft ranks, scale) each column once; see `rank_columns`."""
        model = self.model
        if model.eps == 0:
            ranked = rank_columns(columns, model.normalize if self._core else "midrank", threads)
            return ranked  # the full graph ranks again, and ranks rank as their values do
        ranked = rank_columns(columns, "midrank", threads)
        rows = scale_columns(columns)
        if self._core:
            rows = kernels().soft_rank(rows, model.eps, model.normalize, threads)
        return replace(ranked, rows=rows)

    def run(self, ranked: RankedColumns, pairs: NDArray[np.int64], table: bool = False) -> Outputs:
        """Estimate pairs of prepared columns, on this thread.

        A tied variable bounds its mutual information by its entropy, which the network cannot see.

        Args:
            ranked: columns from `prepare`.
            pairs: int64 [p, 2], first and second variable of each pair.
            table: whether to return the tables.
        """
        names = ["mi", "quantiles", "table"] if table else ["mi", "quantiles"]
        parts = []
        tile = TILE if self._core else _BATCH  # samples are larger than histograms
        for start in range(0, len(pairs), tile):
            value = self._network_input(ranked.rows, pairs[start : start + tile])
            parts += [
                self._session.run(names, value[i : i + _BATCH])
                for i in range(0, len(value), _BATCH)
            ]
        if len(parts) == 1:
            outputs = parts[0]
        elif parts:
            outputs = [np.concatenate(output) for output in zip(*parts, strict=True)]
        else:
            size, levels = self.model.table_grid, len(self.model.quantile_levels)
            shapes = [(0,), (0, levels), (0, size, size)]
            outputs = [np.empty(shape, np.float32) for shape in shapes]
        mi, quantiles = outputs[0].astype(np.float64), outputs[1].astype(np.float64)
        bound = ranked.entropy[pairs].min(axis=1) if len(pairs) else np.empty(0)
        mi, quantiles = np.minimum(mi, bound), np.minimum(quantiles, bound[:, None])
        return Outputs(mi, quantiles, outputs[2] if table else None)

    def _network_input(
        self, rows: NDArray[np.float32], pairs: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        if not self._core:
            return np.ascontiguousarray(rows[pairs].transpose(0, 2, 1))
        histograms: NDArray[np.float32]
        histograms = kernels().pair_histograms(rows, pairs, self.model.histogram_grid)
        return histograms
