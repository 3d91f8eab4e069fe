"""From columns of samples to quantiles of mutual information: kernels, then the network.

There is one code path for one pair, for batches and for all pairs of a table, so that all three
give the same bytes: columns are ranked once, pairs of ranked columns become histograms, and the
core graph reads the histograms. The full graph (raw samples in) does the same in one file; it is
used when a model has no core graph, as the paper's network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import check_finite
from infonet.inputs.open import as_batch
from infonet.model.libraries import kernels
from infonet.model.load import Model, core_of
from infonet.pairs.pmi import normalised
from infonet.pairs.ranking import RankedColumns, SeparateColumns, rank_columns, scale_columns
from infonet.pairs.session import Session

# Pairs per call of the network. ONNX Runtime may round differently for other batch sizes (the
# default model is built so that it does not), so one pair a call is what makes single, batched and
# pairwise results the same to the last byte for every model. It costs little: the activations of
# one pair fit the cache of a core, and eight a call are 8 % faster.
_BATCH = 1
# Pairs per call of the histogram kernel, and per task given to a thread.
TILE = 32
Rows = NDArray[np.float32] | list[NDArray[np.float32]]
ONE_PAIR = np.array([[0, 1]], np.int64)


@dataclass(frozen=True)
class Outputs:
    """What the network gives for p pairs, in nats.

    Attributes:
        mi: float64 [p].
        quantiles: float64 [p, levels]; [p, 0] for a model that gives none.
        table: float32 [p, T, T], x along the second axis and y along the third, or None when not
            asked for.
        statistic: float64 [p], what tests of independence compare: the score of a model that has
            one (larger for more evident dependence), else the estimate as the network gives it.
    """

    mi: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    table: NDArray[np.float32] | None
    statistic: NDArray[np.float64]


class Network:
    """A model with its session. All methods may be called from many threads at once.

    Attributes:
        model: its metadata.
        threads: threads to spread pairs over.
        threads_within: threads that work within a pair.
        tile, tile_samples: pairs for one task of a thread, and the samples in them at most.
        graph: the model file that computes.
    """

    tile_samples = 1_000_000  # so that the ranks of a task stay below some ten megabytes

    def __init__(self, model: Model, threads: int = 1) -> None:
        core = core_of(model)
        self.model = model
        self.threads = 1 if model.heavy else threads
        self.tile = 1 if model.heavy else TILE
        self._core = core is not None
        self.graph = (core or model).path
        self.threads_within = threads if model.heavy else 1
        self._session = Session(core or model, self.threads_within)

    @cached_property
    def sha256(self) -> str:
        """Of the model file that computes, hexadecimal."""
        with self.graph.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def rank_normalization(self) -> str:
        """How ranks are normalised that the network reads; of no use for soft ranks."""
        # The full graph ranks again, and ranks rank as their values do.
        return self.model.normalize if self._core else "midrank"

    def prepare(self, columns: Sequence[NDArray[Any]], threads: int = 1) -> RankedColumns:
        """Rank (or, for soft ranks, scale) each column once; see `rank_columns`."""
        model = self.model
        if model.eps == 0:
            return rank_columns(columns, self.rank_normalization, threads)
        ranked = rank_columns(columns, "midrank", threads)
        rows = scale_columns(columns)
        if self._core:
            rows = kernels().soft_rank(rows, model.eps, model.normalize, threads)
        return replace(ranked, rows=rows)

    def open_batch(self, samples: Any) -> Any:
        """Samples [batch, n, 2] of real numbers; see `as_batch`."""
        return as_batch(samples)

    def batch_threads(self, batch: Any) -> int:
        """Threads that are of use for the tasks of a batch."""
        return self.threads

    def prepare_sets(self, batch: Any, start: int, stop: int) -> RankedColumns:
        """Rank both columns of sets `start` to `stop`: 2 i and 2 i + 1 are those of the i-th.

        Raises:
            InputError: values that are not finite.
        """
        sets = batch[start:stop]
        columns = [sets[i, :, v] for i in range(len(sets)) for v in (0, 1)]
        for index, column in enumerate(columns):
            check_finite(column, f"samples[{start + index // 2}, :, {index % 2}]")
        return self.prepare(columns)

    def run(
        self,
        ranked: RankedColumns | SeparateColumns,
        pairs: NDArray[np.int64],
        table: bool = False,
    ) -> Outputs:
        """What the network says of pairs of prepared columns, on this thread.

        Args:
            ranked: columns from `prepare`.
            pairs: int64 [p, 2], first and second variable of each pair.
            table: whether to return the tables.
        """
        levels = len(self.model.quantile_levels)
        scored = self.model.test_statistic == "score"
        names = ["mi", *["quantiles"] * (levels > 0), *["table"] * table, *["score"] * scored]
        outputs = self._compute(names, ranked.rows, pairs)
        outputs.setdefault("quantiles", np.empty((len(pairs), 0), np.float32))
        mi, quantiles, statistic = (
            outputs[name].astype(np.float64)
            for name in ("mi", "quantiles", "score" if scored else "mi")
        )
        tables = self._x_first(outputs["table"]) if table else None
        if tables is not None:
            tables = normalised(tables, self.model, self.rank_normalization, ranked, pairs)
        return Outputs(mi, quantiles, tables, statistic)

    def _compute(
        self, names: list[str], rows: Rows, pairs: NDArray[np.int64]
    ) -> dict[str, NDArray[np.float32]]:
        """The named outputs of the graph for pairs of prepared columns."""
        size = self.model.table_grid
        parts = []
        tile = TILE if self._core else _BATCH  # samples are larger than histograms
        for start in range(0, len(pairs), tile):
            value = self._network_input(rows, pairs[start : start + tile])
            parts += [
                self._session.run(names, value[i : i + _BATCH])
                for i in range(0, len(value), _BATCH)
            ]
        shapes = {"quantiles": (0, len(self.model.quantile_levels)), "table": (0, size, size)}
        outputs = {name: np.empty(shapes.get(name, (0,)), np.float32) for name in names}
        for name, output in zip(names, zip(*parts, strict=True), strict=bool(parts)):
            outputs[name] = output[0] if len(output) == 1 else np.concatenate(output)
        return outputs

    def _x_first(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.model.table_layout.first_axis == "x":
            return table
        return np.ascontiguousarray(table.transpose(0, 2, 1))

    def _network_input(self, rows: Rows, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
        if not self._core:
            return np.stack([np.stack([rows[i], rows[j]], axis=1) for i, j in pairs])
        grid = self.model.histogram_grid
        histograms: NDArray[np.float32]
        if isinstance(rows, np.ndarray):
            histograms = kernels().pair_histograms(rows, pairs, grid)
            return histograms
        histograms = np.empty((len(pairs), grid, grid), np.float32)
        for histogram, (i, j) in zip(histograms, pairs, strict=True):
            histogram[...] = kernels().joint_histogram(rows[i][None], rows[j][None], grid)[0]
        return histograms
