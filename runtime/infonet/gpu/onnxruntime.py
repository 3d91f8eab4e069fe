"""The core graph on ONNX Runtime's CUDA execution provider."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from infonet.errors import DeviceError, ModelError
from infonet.gpu import INSTALL_GPU, PROVIDER, load_cuda_libraries
from infonet.gpu.device import Call, Gpu, graph_sizes, input_shape, output_shape
from infonet.model.libraries import onnx_runtime
from infonet.model.load import Model

_BATCH = "batch"  # the name that the exporter gives to the axis
# Of a graph with free axes, shapes are computed on the CPU; none of these may be.
_WORK = {
    *("Attention", "Conv", "Einsum", "Erf", "FusedMatMul", "Gelu", "Gemm", "LayerNormalization"),
    *("MatMul", "MultiHeadAttention", "ReduceLogSumExp", "SkipLayerNormalization", "Softmax"),
}
_QUIET = 4  # level of the log: what goes wrong is in the exceptions
_WARNINGS = 2  # its default


class OnnxDeviceGraph:
    """See `infonet.gpu.device.DeviceGraph`.

    The copula model has a session for each size, with the batch fixed: then no node computes a
    shape, every node is on the GPU (ONNX Runtime refuses the session otherwise), and the whole is
    one CUDA graph, which ONNX Runtime captures at the first run. (In that moment CUDA refuses other
    threads of the process new memory.) The paper's network reads samples of any n; one session
    serves all, without a CUDA graph: a call takes milliseconds, against which launches are nothing,
    and each n would need one.
    """

    capturable = False  # ONNX Runtime captures by itself

    def __init__(self, gpu: Gpu, model: Model) -> None:
        self.fixed = model.workload.fixed_samples
        self._gpu, self._model = gpu, model
        self._free: Any = None
        load_cuda_libraries()

    def sizes(self, n: int) -> tuple[int, ...]:
        """See `infonet.gpu.device.graph_sizes`."""
        return graph_sizes(n, self._model.workload)

    def open(self, size: int, n: int) -> Call:
        """A session, or the one there is, with memory bound for `size` pairs."""
        ort = onnx_runtime()
        if self.fixed:
            self._free = self._free or self._session(None)
            session = self._free
        else:
            session = self._session(size)
        gpu, grid = self._gpu, self._model.histogram_grid
        binding = session.io_binding()
        shape = input_shape(grid, size, n)
        source = gpu.allocate(4 * math.prod(shape))
        name = session.get_inputs()[0].name
        binding.bind_input(name, "cuda", gpu.ordinal, np.float32, shape, source.address)
        outputs, shapes = {}, {}
        for output in session.get_outputs():
            shapes[output.name] = output_shape(output.name, tuple(output.shape), size)
            outputs[output.name] = gpu.allocate(4 * math.prod(shapes[output.name]))
            binding.bind_output(
                output.name, "cuda", gpu.ordinal, np.float32, shapes[output.name],
                outputs[output.name].address,
            )  # fmt: skip
        options = ort.RunOptions()
        options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        if not self.fixed:
            options.add_run_config_entry("gpu_graph_id", "1")

        def enqueue() -> None:
            session.run_with_iobinding(binding, options)

        return Call(source, outputs, shapes, enqueue, (session, binding, options))

    def _session(self, size: int | None) -> Any:
        ort = onnx_runtime()
        path = self._model.path
        options = ort.SessionOptions()
        options.log_severity_level = _QUIET
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        settings = {
            "device_id": str(self._gpu.ordinal),
            "user_compute_stream": str(self._gpu.stream),
            "use_tf32": "0",  # TF32 keeps 10 bits of a factor, and MI would be off by 1e-3
            "cudnn_conv_algo_search": "HEURISTIC",  # the same choice every time
        }
        if size is not None:
            options.add_free_dimension_override_by_name(_BATCH, size)
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
            settings["enable_cuda_graph"] = "1"
        ort.set_default_logger_severity(_QUIET)  # of warnings that no option of a session stops
        try:
            session = ort.InferenceSession(
                str(path), options, providers=[(PROVIDER, settings)], enable_fallback=0
            )
        except Exception as error:  # ONNX Runtime's errors share no base class of their own
            reason = " ".join(str(error).split())
            raise DeviceError(
                f"onnxruntime {ort.__version__} does not run {path} on the GPU ({reason}): its "
                f"CUDA libraries may be missing, run  {INSTALL_GPU}"
            ) from error
        finally:
            ort.set_default_logger_severity(_WARNINGS)
        check_session(session, size)
        return session


def check_session(session: Any, size: int | None) -> None:
    """Refuse a session that computes on the CPU, or that is not what the runtime can bind.

    Args:
        session: made with record_ep_graph_assignment_info.
        size: of its batch; None: free.

    Raises:
        DeviceError: ONNX Runtime put work on the CPU.
        ModelError: other inputs or outputs.
    """
    if PROVIDER not in session.get_providers():
        raise DeviceError(
            f"onnxruntime took {', '.join(session.get_providers())} instead of {PROVIDER}: its "
            f"CUDA libraries may be missing, run  {INSTALL_GPU}"
        )
    if hasattr(session, "get_provider_graph_assignment_info"):
        on_cpu = {
            node.op_type
            for part in session.get_provider_graph_assignment_info()
            if part.ep_name != PROVIDER
            for node in part.get_nodes()
        }
        work = on_cpu if size is not None else on_cpu & _WORK
        if work:
            raise DeviceError(
                f"onnxruntime computes {', '.join(sorted(work))} on the CPU, not on the GPU: run  "
                "pip install -U onnxruntime-gpu"
            )
    inputs, outputs = session.get_inputs(), session.get_outputs()
    types = {value.type for value in (*inputs, *outputs)}
    batch = inputs[0].shape[0]
    if len(inputs) != 1 or types != {"tensor(float)"} or (size is not None and batch != size):
        raise ModelError(
            f"the graph has inputs {[(i.name, i.type, i.shape) for i in inputs]} and outputs of "
            f"type {sorted(types)}, expected one float32 input with a free first axis "
            f"{_BATCH!r}: export the model again with  infonet export --core"
        )
