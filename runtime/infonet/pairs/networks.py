"""What runs a network on the CPU: the compiled one of the kernels, or a session of ONNX Runtime.

Both give the named outputs of a graph. The compiled network is for the default architecture alone;
it has the numbers of its core graph up to rounding, about 1e-6 nats, in less than half of the time.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InfoNetError, ModelError, OutOfMemoryError
from infonet.model.constants import read_constants
from infonet.model.libraries import custom_operators, kernels, onnx_runtime
from infonet.model.load import Model

if TYPE_CHECKING:
    from infonet_kernels import CopulaNetwork

_log = logging.getLogger("infonet")
WITH_TABLE = "with_table"
CPU_PROVIDER = "CPUExecutionProvider"
# What ONNX Runtime says where there is no memory: C++'s words, and those of its own allocators.
_NO_MEMORY = ("bad_alloc", "bad allocation", "Failed to allocate", "Cannot allocate", "out of mem")


class CompiledNetwork:
    """A network of architecture "copula" by the kernels. Calls hold no lock and start no threads.

    Args:
        model: its core.
        network: what the kernels made of the core's weights.
    """

    def __init__(self, model: Model, network: CopulaNetwork) -> None:
        self._path, self._network = model.path, network

    def run(self, outputs: Sequence[str], value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run on histograms float32 [batch, grid, grid] and return the named outputs.

        Raises:
            ModelError: an output is not finite.
            OutOfMemoryError: there is not enough memory.
        """
        try:
            found = self._network(value, table="table" in outputs)._asdict()
        except MemoryError as error:
            shape = list(value.shape)
            raise OutOfMemoryError(f"an input of shape {shape}", str(error)) from error
        results = {name: found[name] for name in outputs}
        check_outputs(results, self._path)
        return list(results.values())


# Networks whose formulas the kernels have, as model files name them.
COMPILED = frozenset({"copula-1"})


def open_compiled(core: Model) -> CompiledNetwork | None:
    """The compiled network of a core graph; None where ONNX Runtime is to run the graph.

    That is where the kernels do not know its formulas, where it has other sizes than they are
    written for, or computes in 16 bits, and where there is no compiled library or the processor
    lacks the vectors.

    Raises:
        ModelError, OutOfMemoryError: the file cannot be read.
    """
    if core.network not in COMPILED or core.precision != "fp32":
        return None
    library = kernels()
    if not library.network_vectors():
        return None
    try:
        network = library.CopulaNetwork(read_constants(core.path), core.n_max)
    except ValueError as error:
        _log.debug("ONNX Runtime runs %s, not the compiled network: %s", core.path, error)
        return None
    return CompiledNetwork(core, network)


def open_network(
    model: Model, threads: int = 1, *, use_compiled: bool = True
) -> CompiledNetwork | Session:
    """What runs a model, or a core, on the CPU: the compiled network where there is one.

    Args:
        model: what is to be run.
        threads: that ONNX Runtime may use within one call.
        use_compiled: False for ONNX Runtime in any case.

    Raises:
        ModelError, OutOfMemoryError: the file cannot be read or loaded.
    """
    compiled = open_compiled(model) if use_compiled and model.graph == "core" else None
    return compiled or Session(model, threads)


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
