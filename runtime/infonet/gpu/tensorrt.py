"""An engine of TensorRT or TensorRT-RTX, as `infonet build` writes it."""

from __future__ import annotations

import importlib
import logging
import math
from typing import TYPE_CHECKING, Any

from infonet.errors import DeviceError, ModelError
from infonet.gpu import INSTALL_RTX, TENSORRT_MODULES
from infonet.gpu.device import Call, Gpu, input_shape, output_shape, profile_sizes
from infonet.model.engine_file import Manifest, Tensor, check_fit, read_engine
from infonet.model.load import Model

if TYPE_CHECKING:
    from infonet.gpu.backend import GpuBackend

_log = logging.getLogger("infonet")
_TENSORRT = "pip install --extra-index-url https://pypi.nvidia.com 'infonet[tensorrt]'"
_loggers: dict[str, Any] = {}  # of each module: the libraries keep the first they are given


def open_engine(model: Model, threads: int) -> GpuBackend:
    """Load an engine file on the first GPU.

    Raises:
        ModelError: the file is damaged, or does not fit the backend or the GPU.
        DeviceError: the backend is not installed, or the GPU fails.
    """
    from infonet.gpu.backend import GpuBackend

    manifest, content = read_engine(model.path)
    module = load_module(manifest)
    gpu = Gpu()
    check_fit(
        manifest,
        model.path,
        backend=manifest.backend,
        version=str(module.__version__),
        compute_capability=gpu.compute_capability,
    )
    core = gpu.do(lambda: TensorRTDeviceGraph(gpu, module, model, manifest, content))
    return GpuBackend(model, core, gpu, threads)


def load_module(manifest: Manifest) -> Any:
    """The module that runs an engine.

    Raises:
        DeviceError: it is not installed; with the pip command.
        ModelError: no such backend.
    """
    if manifest.backend not in TENSORRT_MODULES:
        allowed = " and ".join(TENSORRT_MODULES)
        raise ModelError(
            f"the engine was built by {manifest.backend!r}, allowed are {allowed}: build it again"
        )
    try:
        return importlib.import_module(TENSORRT_MODULES[manifest.backend])
    except ImportError as error:
        fix = INSTALL_RTX if manifest.backend == "tensorrt-rtx" else _TENSORRT
        raise DeviceError(
            f"the engine was built by {manifest.backend} {manifest.backend_version}, which is not "
            f"installed ({error}): run  {fix}"
        ) from error


class TensorRTDeviceGraph:
    """See `infonet.gpu.device.DeviceGraph`.

    Every size has an execution context of its own, since a captured graph keeps using that in which
    it was captured. They run one after the other and share their working memory.
    """

    capturable = True

    def __init__(
        self, gpu: Gpu, module: Any, model: Model, manifest: Manifest, content: bytes
    ) -> None:
        self.fixed = model.histogram_grid == 0
        self._gpu, self._trt, self._model, self._manifest = gpu, module, model, manifest
        check_tensors(manifest, model)
        self._runtime = module.Runtime(_logger(module))
        # such an engine brings a runtime of its own, which is code
        self._runtime.engine_host_code_allowed = manifest.version_compatible
        self._engine = self._runtime.deserialize_cuda_engine(content)
        if self._engine is None:
            raise ModelError(
                f"{manifest.backend} does not load {model.path}: build it again with  infonet build"
            )
        sizes = [
            int(self._engine.get_device_memory_size_for_profile_v2(index))
            for index in range(len(manifest.profiles))
        ]
        self._scratch = gpu.allocate(max(sizes, default=0))

    def sizes(self, n: int) -> tuple[int, ...]:
        """See `infonet.gpu.device.profile_sizes`."""
        return tuple(self._profiles(n))

    def _profiles(self, n: int) -> dict[int, int]:
        rest = input_shape(self._model.histogram_grid, 1, n)[1:]
        return profile_sizes(self._manifest.profiles, rest, n)

    def open(self, size: int, n: int) -> Call:
        """A context with the profile of this size, and its memory."""
        gpu, manifest = self._gpu, self._manifest
        context = self._context()
        source = manifest.inputs[0].name
        shape = input_shape(self._model.histogram_grid, size, n)
        _must(
            context.set_optimization_profile_async(self._profiles(n)[size], gpu.stream), "profile"
        )
        gpu.sync()
        context.set_device_memory(self._scratch.address, self._scratch.size)
        _must(context.set_input_shape(source, shape), f"input shape {shape}")
        read = gpu.allocate(4 * math.prod(shape))
        _must(context.set_tensor_address(source, read.address), source)
        outputs, shapes = {}, {}
        for tensor in manifest.outputs:
            shapes[tensor.name] = output_shape(tensor.name, tensor.shape, size)
            outputs[tensor.name] = gpu.allocate(4 * math.prod(shapes[tensor.name]))
            _must(
                context.set_tensor_address(tensor.name, outputs[tensor.name].address), tensor.name
            )
        unknown = context.infer_shapes()
        if unknown:
            raise DeviceError(
                f"TensorRT cannot tell the shapes of {unknown}: build the engine again"
            )

        def enqueue() -> None:
            _must(context.execute_async_v3(gpu.stream), "run")

        return Call(read, outputs, shapes, enqueue, context)

    def _context(self) -> Any:
        trt, engine = self._trt, self._engine
        strategy = trt.ExecutionContextAllocationStrategy.USER_MANAGED
        if self._manifest.backend == "tensorrt-rtx":
            config = engine.create_runtime_config()
            config.set_execution_context_allocation_strategy(strategy)
            # kernels for exactly this shape, made before the first run is captured
            kinds = trt.DynamicShapesKernelSpecializationStrategy
            config.dynamic_shapes_kernel_specialization_strategy = kinds.EAGER
            context = engine.create_execution_context(config)
        else:
            context = engine.create_execution_context(strategy)
        if context is None:
            raise DeviceError("TensorRT cannot make an execution context: free memory of the GPU")
        return context


def check_tensors(manifest: Manifest, model: Model) -> None:
    """Refuse an engine whose tensors are not those of a core.

    Raises:
        ModelError: other inputs or outputs.
    """
    grid = model.histogram_grid
    wanted = (-1, grid, grid) if grid else (-1, -1, 2)
    names = {tensor.name for tensor in manifest.outputs}
    needed = {"mi", "table", *["quantiles"] * bool(model.quantile_levels)}
    needed |= {"score"} if model.test_statistic == "score" else set()
    shapes = [tensor.shape for tensor in manifest.inputs]
    types = {tensor.dtype for tensor in (*manifest.inputs, *manifest.outputs)}
    if shapes != [wanted] or types != {"float32"} or not needed <= names:
        raise ModelError(
            f"{model.path} has inputs {_words(manifest.inputs)} and outputs "
            f"{_words(manifest.outputs)}, expected one float32 input {list(wanted)} and "
            f"{sorted(needed)}: build it again with  infonet build"
        )


def _words(tensors: tuple[Tensor, ...]) -> str:
    return ", ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in tensors)


def _must(done: bool, what: str) -> None:
    if not done:
        raise DeviceError(f"TensorRT refuses: {what} (see the log of infonet at level DEBUG)")


def _logger(trt: Any) -> Any:
    if trt.__name__ not in _loggers:

        class Logger(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                _log.debug("TensorRT: %s: %s", severity, message)

        _loggers[trt.__name__] = Logger()
    return _loggers[trt.__name__]
