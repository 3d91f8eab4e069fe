"""A small wrapper around an ONNX Runtime session."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InfoNetError, ModelError

if TYPE_CHECKING:
    from types import ModuleType

    from infonet.model import Model

WITH_TABLE = "with_table"
CPU_PROVIDER = "CPUExecutionProvider"


@functools.cache
def kernels() -> ModuleType:
    """Import the compiled kernels, or say how to get them."""
    try:
        import infonet_kernels

        infonet_kernels.library_path()
    except (ImportError, OSError) as error:
        raise InfoNetError(
            f"the compiled kernels of infonet cannot be loaded ({error}): "
            "run  pip install --force-reinstall infonet"
        ) from error
    return infonet_kernels


class Session:
    """One model, by default on one thread.

    The session of a small network starts no threads: `run` releases the GIL, so callers spread
    work over Python threads, and one small network does not pay for synchronisation. `run` may be
    called from many threads at once.

    Args:
        model: the model to load.
        threads: threads that ONNX Runtime may use within one call.
        providers: execution providers, in order of preference.
    """

    def __init__(
        self, model: Model, threads: int = 1, providers: Sequence[str] = (CPU_PROVIDER,)
    ) -> None:
        import onnxruntime as ort  # deferred: it dominates the import time of infonet

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is in the exceptions
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if model.graph == "samples":
            options.register_custom_ops_library(str(kernels().library_path()))
        try:
            self._session = ort.InferenceSession(
                str(model.path), sess_options=options, providers=list(providers)
            )
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            raise ModelError(
                f"ONNX Runtime {ort.__version__} cannot load {model.path} ({_reason(error)}): "
                "fetch or export the model again"
            ) from error
        self._path = model.path
        self.input = self._session.get_inputs()[0].name
        outputs = {output.name for output in self._session.get_outputs()}
        expected = {"mi", "table"} | ({"quantiles"} if model.quantile_levels else set())
        if not expected <= outputs:
            raise ModelError(
                f"{model.path} has outputs {sorted(outputs)}, expected {sorted(expected)}: "
                "export the model again with  infonet export"
            )

        # ONNX Runtime computes every output, asked for or not. Where the table costs much, a graph
        # has it behind an If on this optional input, which is true when it is not given.
        optional = {value.name for value in self._session.get_overridable_initializers()}
        self._switch = WITH_TABLE if WITH_TABLE in optional else None

    def run(self, outputs: Sequence[str], value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run on `value` [batch, ...] and return the named outputs.

        Raises:
            ModelError: ONNX Runtime fails, for want of memory say.
        """
        feeds: dict[str, Any] = {self.input: value}
        if self._switch is not None:
            feeds[self._switch] = np.array("table" in outputs)
        try:
            results: list[Any] = self._session.run(outputs, feeds)
        except Exception as error:
            raise ModelError(
                f"ONNX Runtime cannot run {self._path} on an input of shape {list(value.shape)} "
                f"({_reason(error)}): pass fewer samples, or export the model again"
            ) from error
        return results


def _reason(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]
