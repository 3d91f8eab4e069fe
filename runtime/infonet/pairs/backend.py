"""What computes a network's outputs for pairs of prepared columns: on the CPU here, or on a GPU.

There is one code path for one pair, for batches and for all pairs of a table, so that all three
give the same bytes: columns are ranked once, pairs of ranked columns become histograms, and the
core graph reads the histograms. The full graph (raw samples in) does the same in one file; it is
used when a model has no core graph, as the paper's network.

A backend gives outputs as the network does. What becomes of them, and of constant, tied and counted
variables, is the same for all backends and stands in `infonet.pairs.engine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.arrays import as_batch
from infonet.model.libraries import kernels
from infonet.model.load import Model, core_of
from infonet.pairs.networks import CompiledNetwork, open_network

# float32 [n] for each column: an array of them, or several arrays.
Rows = NDArray[np.float32] | Sequence[NDArray[np.float32]]
Outputs = dict[str, NDArray[np.float32]]
# Pairs per call of ONNX Runtime. It may round differently for other batch sizes (the default model
# is built so that it does not), so one pair a call is what makes single, batched and pairwise
# results the same to the last byte for every model. It costs little: the activations of one pair
# fit the cache of a core, and eight a call are 8 % faster.
_PAIRS_PER_CALL = 1
_SAMPLES_PER_TASK = 1_000_000  # so that the ranks of a task stay below some ten megabytes


@dataclass(frozen=True)
class EstimatedSets:
    """Sets of samples for which a backend has the outputs already: it ranked them by itself.

    Columns 2 i and 2 i + 1 are those of set i.

    Attributes:
        outputs: of the network, float32 [sets, ...] by name, but for tables.
        rows: float32 [n] for each column. Few are needed, of those with few levels, so they may be
            made when asked for.
        tied, constant, entropy, nominal: see `infonet.pairs.ranking.RankedColumns`.
    """

    outputs: Outputs
    rows: Sequence[NDArray[np.float32]]
    tied: NDArray[np.bool_]
    constant: NDArray[np.bool_]
    entropy: NDArray[np.float64]
    nominal: NDArray[np.bool_]


class Backend(Protocol):
    """A model on a device. All methods may be called from many threads at once.

    Attributes:
        model: its metadata.
        graph: the model file that computes.
        reads: "ranks", or "samples" for a graph that ranks again what it is given.
        threads: threads to spread pairs over.
        threads_within: threads that work within a pair.
        pairs_per_task, samples_per_task: pairs for one task of a thread, and the samples in them at
            most.
    """

    model: Model
    graph: Path
    reads: Literal["ranks", "samples"]
    threads: int
    threads_within: int
    pairs_per_task: int
    samples_per_task: int

    def outputs(self, names: Sequence[str], rows: Rows, pairs: NDArray[np.int64]) -> Outputs:
        """The named outputs of the graph for pairs int64 [p, 2] of prepared columns."""

    def open_batch(self, samples: Any) -> Any:
        """Samples [batch, n, 2] of real numbers, where they can be read; see `as_batch`."""

    def batch_threads(self, batch: Any) -> int:
        """Threads that are of use for the tasks of a batch."""

    def estimate_sets(self, batch: Any, start: int, stop: int) -> EstimatedSets | None:
        """Rank sets `start` to `stop` and estimate them; None: they are to be ranked first.

        Raises:
            InputError: values that are not finite.
        """


class CpuBackend:
    """See `Backend`. The kernels, then the compiled network or a session of ONNX Runtime.

    Args:
        model: what computes.
        threads: to spread over pairs, or within a pair of a model where one is much work.
        use_core: whether the core graph, where there is one, computes in the place of the model.
        use_compiled: whether the compiled network, where there is one, computes in the place of the
            core graph.
        pairs_per_call: of ONNX Runtime; another number than 1 may change the last bits. The
            compiled network takes all pairs of a task.
        pairs_per_task: for one call of the histogram kernel, and for one task of a thread; None for
            those that suit the model.
    """

    def __init__(
        self,
        model: Model,
        threads: int = 1,
        *,
        use_core: bool = True,
        use_compiled: bool = True,
        pairs_per_call: int = _PAIRS_PER_CALL,
        pairs_per_task: int | None = None,
    ) -> None:
        core = core_of(model) if use_core else None
        within, tile = model.workload.threads_within, pairs_per_task or model.workload.cpu_pairs
        self.model = model
        self.graph = (core or model).path
        self.reads: Literal["ranks", "samples"] = "samples" if core is None else "ranks"
        self.threads, self.threads_within = (1, threads) if within else (threads, 1)
        self.pairs_per_task, self.samples_per_task = tile, _SAMPLES_PER_TASK
        self._network = open_network(core or model, self.threads_within, use_compiled=use_compiled)
        compiled = isinstance(self._network, CompiledNetwork)
        self._pairs_per_call = tile if compiled else pairs_per_call

    def outputs(self, names: Sequence[str], rows: Rows, pairs: NDArray[np.int64]) -> Outputs:
        """See `Backend`."""
        parts, step = [], self._pairs_per_call
        # samples are larger than histograms
        tile = self.pairs_per_task if self.reads == "ranks" else step
        for start in range(0, len(pairs), tile):
            value = self._input(rows, pairs[start : start + tile])
            parts += [
                self._network.run(names, value[i : i + step]) for i in range(0, len(value), step)
            ]
        if not parts:
            return no_outputs(names, self.model)
        return {
            name: output[0] if len(output) == 1 else np.concatenate(output)
            for name, output in zip(names, zip(*parts, strict=True), strict=True)
        }

    def open_batch(self, samples: Any) -> Any:
        """See `Backend`."""
        return as_batch(samples)

    def batch_threads(self, batch: Any) -> int:
        """See `Backend`."""
        return self.threads

    def estimate_sets(self, batch: Any, start: int, stop: int) -> EstimatedSets | None:
        """None: sets are ranked first, and histograms are made of pairs of ranks."""
        return None

    def _input(self, rows: Rows, pairs: NDArray[np.int64]) -> NDArray[np.float32]:
        if self.reads == "samples":
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


def no_outputs(names: Sequence[str], model: Model) -> Outputs:
    """The named outputs for no pair at all."""
    size = model.table_grid
    shapes = {"quantiles": (0, len(model.quantile_levels)), "table": (0, size, size)}
    return {name: np.empty(shapes.get(name, (0,)), np.float32) for name in names}
