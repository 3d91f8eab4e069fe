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
    """One model on one thread.

    The session itself never starts threads: `run` releases the GIL, so callers spread work over
    Python threads, and one small network does not pay for synchronisation. `run` may be called
    from many threads at once.
    """

    def __init__(self, model: Model, providers: Sequence[str] = (CPU_PROVIDER,)) -> None:
        import onnxruntime as ort  # deferred: it dominates the import time of infonet

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if model.graph == "samples":
            options.register_custom_ops_library(str(kernels().library_path()))
        try:
            self._session = ort.InferenceSession(
                str(model.path), sess_options=options, providers=list(providers)
            )
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise ModelError(
                f"ONNX Runtime {ort.__version__} cannot load {model.path} ({reason}): "
                "fetch or export the model again"
            ) from error
        self.input = self._session.get_inputs()[0].name
        outputs = {output.name for output in self._session.get_outputs()}
        expected = {"mi", "quantiles", "table"}
        if not expected <= outputs:
            raise ModelError(
                f"{model.path} has outputs {sorted(outputs)}, expected {sorted(expected)}: "
                "export the model again with  infonet export"
            )

    def run(self, outputs: Sequence[str], value: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Run on `value` [batch, ...] and return the named outputs."""
        results: list[Any] = self._session.run(outputs, {self.input: value})
        return results
