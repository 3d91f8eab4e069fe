"""What computes a network's outputs for pairs of prepared columns: on the CPU here, or on a GPU.

There is one code path for one pair, for batches and for all pairs of a table, so that all three
give the same bytes: columns are ranked once, pairs of ranked columns become histograms, and the
core graph reads the histograms. The full graph (raw samples in) does the same in one file; it is
used when a model has no core graph, as the paper's network.

A backend gives outputs as the network does. What becomes of them, and of constant, tied and counted
variables, is the same for all backends and stands in `infonet.pairs.engine`.
"""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InfoNetError, ModelError, OutOfMemoryError
from infonet.inputs.arrays import as_batch
from infonet.model.libraries import custom_operators, kernels, onnx_runtime
from infonet.model.load import Model, core_of

# float32 [n] for each column: an array of them, or several arrays.
Rows = NDArray[np.float32] | Sequence[NDArray[np.float32]]
Outputs = dict[str, NDArray[np.float32]]
# Pairs per call of the network. ONNX Runtime may round differently for other batch sizes (the
# default model is built so that it does not), so one pair a call is what makes single, batched and
# pairwise results the same to the last byte for every model. It costs little: the activations of
# one pair fit the cache of a core, and eight a call are 8 % faster.
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
    """See `Backend`. The kernels, then a session of ONNX Runtime.

    Args:
        model: what computes.
        threads: to spread over pairs, or within a pair of a model where one is much work.
        use_core: whether the core graph, where there is one, computes in the place of the model.
        pairs_per_call: of the network; another number than 1 may change the last bits.
        pairs_per_task: for one call of the histogram kernel, and for one task of a thread; None for
            those that suit the model.
    """

    def __init__(
        self,
        model: Model,
        threads: int = 1,
        *,
        use_core: bool = True,
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
        self._pairs_per_call = pairs_per_call
        self._session = Session(core or model, self.threads_within)

    def outputs(self, names: Sequence[str], rows: Rows, pairs: NDArray[np.int64]) -> Outputs:
        """See `Backend`."""
        parts, step = [], self._pairs_per_call
        # samples are larger than histograms
        tile = self.pairs_per_task if self.reads == "ranks" else step
        for start in range(0, len(pairs), tile):
            value = self._input(rows, pairs[start : start + tile])
            parts += [
                self._session.run(names, value[i : i + step]) for i in range(0, len(value), step)
            ]
        found = no_outputs(names, self.model)
        for name, output in zip(names, zip(*parts, strict=True), strict=bool(parts)):
            found[name] = output[0] if len(output) == 1 else np.concatenate(output)
        return found

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


WITH_TABLE = "with_table"
CPU_PROVIDER = "CPUExecutionProvider"
# What ONNX Runtime says where there is no memory: C++'s words, and those of its own allocators.
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate", "Cannot allocate", "out of mem")


class Session:
    """One model, by default on one thread.

    The session of a small network starts no threads: `run` releases the GIL, so callers spread
    work over Python threads, and one small network does not pay for synchronisation. `run` may be
    called from many threads at once, and in processes that were forked later.

    Args:
        model: the model to load.
        threads: threads that ONNX Runtime may use within one call.
        providers: execution providers, in order of preference.
    """

    def __init__(
        self, model: Model, threads: int = 1, providers: Sequence[str] = (CPU_PROVIDER,)
    ) -> None:
        self._model, self._threads, self._providers = model, threads, list(providers)
        self._path = model.path
        self._lock = threading.Lock()
        self._session: Any = self._load()
        self.input = self._session.get_inputs()[0].name
        outputs = {output.name for output in self._session.get_outputs()}
        expected = {"mi", "table"} | ({"quantiles"} if model.quantile_levels else set())
        if model.graph == "portable" and "table" not in outputs:
            raise ModelError(
                f"{model.path} is a portable file without a table, made for other programs: give "
                "the model that it was made of, or write it with --table"
            )
        if not expected <= outputs:
            raise ModelError(
                f"{model.path} has outputs {sorted(outputs)}, expected {sorted(expected)}: "
                "export the model again with  infonet export"
            )

        # ONNX Runtime computes every output, asked for or not. Where the table costs much, a graph
        # has it behind an If on this optional input, which is true when it is not given.
        optional = {value.name for value in self._session.get_overridable_initializers()}
        self._switch = WITH_TABLE if WITH_TABLE in optional else None
        if threads > 1:
            _with_threads.add(self)

    def _load(self) -> Any:
        ort, model = onnx_runtime(), self._model
        try:
            options = ort.SessionOptions()
            options.intra_op_num_threads = self._threads
            options.inter_op_num_threads = 1
            options.log_severity_level = 4  # what goes wrong is in the exceptions
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            if model.graph == "samples":
                options.register_custom_ops_library(custom_operators(model.path))
            return ort.InferenceSession(
                str(model.path), sess_options=options, providers=self._providers
            )
        except InfoNetError:
            raise
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            reason = _reason(error)
            if _is_memory(error, reason):
                raise OutOfMemoryError(f"loading {model.path}", reason) from error
            raise ModelError(
                f"ONNX Runtime {ort.__version__} cannot load {model.path} ({reason}): "
                "fetch or export the model again"
            ) from error

    def run(self, outputs: Sequence[str], value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run on `value` [batch, ...] and return the named outputs.

        Raises:
            ModelError: ONNX Runtime fails, or an output is not finite.
            OutOfMemoryError: there is not enough memory.
        """
        if self._session is None:  # in a process that was forked
            with self._lock:
                self._session = self._session or self._load()
        feeds: dict[str, Any] = {self.input: value}
        if self._switch is not None:
            feeds[self._switch] = np.array("table" in outputs)
        try:
            results: list[Any] = self._session.run(outputs, feeds)
        except Exception as error:
            reason, shape = _reason(error), list(value.shape)
            if _is_memory(error, reason):
                raise OutOfMemoryError(f"an input of shape {shape}", reason) from error
            raise ModelError(
                f"ONNX Runtime cannot run {self._path} on an input of shape {shape} "
                f"({reason}): pass fewer samples, or export the model again"
            ) from error
        check_outputs(dict(zip(outputs, results, strict=True)), self._path)
        return results


def check_outputs(outputs: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """Refuse outputs of a network that are not finite: an answer is never made of them.

    Args:
        outputs: by name.
        path: of the model or engine file.

    Raises:
        ModelError: NaN or an infinity.
    """
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            raise ModelError(
                f"{path} gives {name} that is not finite: the file is damaged or was exported from "
                "a broken checkpoint, fetch or export it again"
            )


# A process that is forked has none of the threads of these sessions: it would wait for them, at the
# latest when a session is destroyed.
_with_threads: weakref.WeakSet[Session] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: let go of sessions without destroying them; `run` opens them anew."""
    for session in list(_with_threads):
        if session._session is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(session._session))
        session._session, session._lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _is_memory(error: Exception, reason: str) -> bool:
    return isinstance(error, MemoryError) or any(words in reason for words in _NO_MEMORY)


def _reason(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]
