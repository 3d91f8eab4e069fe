"""An ONNX graph as a network of TensorRT, strongly typed, and what an engine of it must be.

`inspect_engine` and `check_engine` load an engine, which needs a GPU.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infonet.errors import DeviceError, ModelError
from infonet.model.engine_file import Manifest, Profile, Tensor, gpu_compute_capability

from infonet_export.engines.backends import Backend
from infonet_export.engines.model_files import CoreGraph


@dataclass(frozen=True)
class Network:
    """handle: the library's network. keep: what must live as long. inputs, outputs: its tensors."""

    builder: Any
    handle: Any
    keep: tuple[Any, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def parse(backend: Backend, graph: CoreGraph) -> Network:
    """ModelError that names the operators that the backend does not take."""
    trt, logger = backend.trt, backend.logger
    logger.errors.clear()
    builder = trt.Builder(logger.handle)
    # TensorRT 11 has strongly typed networks alone, and may drop the flag
    typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    network = builder.create_network(0 if typed is None else 1 << int(typed))
    parser = trt.OnnxParser(network, logger.handle)
    if not parser.parse(graph.content):
        found = {
            f"{error.node_operator() or error.node_name() or 'graph'}: {error.desc()}"
            for error in map(parser.get_error, range(parser.num_errors))
        }
        logger.errors.clear()
        reasons = "; ".join(sorted(found)) or "no reason given"
        raise ModelError(
            f"{backend.name} {backend.version} cannot hold {graph.model.path} ({reasons}): "
            "export the model again with this version of infonet"
        )
    inputs = tuple(
        describe(trt, network.get_input(i), network.get_input(i).name)
        for i in range(network.num_inputs)
    )
    outputs = tuple(
        describe(trt, network.get_output(i), network.get_output(i).name)
        for i in range(network.num_outputs)
    )
    return Network(builder, network, (parser,), inputs, outputs)


def describe(trt: Any, tensor: Any, name: str) -> Tensor:
    """Name, dtype and shape of a tensor of a network; -1 for the sizes that are free."""
    return Tensor(name, dtype_name(trt, tensor.dtype), tuple(map(int, tensor.shape)))


def dtype_name(trt: Any, dtype: Any) -> str:
    """float32, float16, int64, bool, ..."""
    import numpy as np

    return str(np.dtype(trt.nptype(dtype)))


@dataclass(frozen=True)
class Inspected:
    """Tensors of an engine by name, and its profiles, which have no names there."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    profiles: tuple[tuple[tuple[int, ...], ...], ...]


def inspect_engine(
    backend: Backend, content: bytes | memoryview, host_code: bool = False
) -> Inspected:
    """Deserialise an engine and read its tensors and profiles.

    host_code: allow what a version-compatible engine needs: it brings a runtime of its own.
    Raises DeviceError without a GPU, and ModelError if the backend does not load it.
    """
    if gpu_compute_capability() is None:
        raise DeviceError(
            f"{backend.name} loads engines on a GPU, and there is none (or no driver): "
            "run this on the machine that the engine is for"
        )
    trt = backend.trt
    backend.logger.errors.clear()
    runtime = trt.Runtime(backend.logger.handle)
    runtime.engine_host_code_allowed = host_code
    engine = runtime.deserialize_cuda_engine(content)
    if engine is None:
        raise ModelError(f"{backend.name} does not load the engine: {backend.logger.reason()}")
    names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
    read = [n for n in names if engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]
    inputs, outputs = (
        _by_name(_tensor(trt, engine, n) for n in names if (n in read) == is_input)
        for is_input in (True, False)
    )
    profiles = tuple(
        tuple(tuple(shape) for shape in engine.get_tensor_profile_shape(read[0], index))
        for index in range(engine.num_optimization_profiles)
    )
    return Inspected(inputs, outputs, profiles)


def check_engine(backend: Backend, manifest: Manifest, content: bytes | memoryview) -> None:
    """ModelError if the engine is not what its manifest says; DeviceError without a GPU."""
    found = inspect_engine(backend, content, manifest.version_compatible)
    inputs, outputs = _by_name(manifest.inputs), _by_name(manifest.outputs)
    expected = Inspected(inputs, outputs, tuple(map(_shapes, manifest.profiles)))
    if found != expected:
        raise ModelError(f"the engine has {found}, its manifest says {expected}")


def _by_name(tensors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    return tuple(sorted(tensors, key=lambda tensor: tensor.name))


def _shapes(profile: Profile) -> tuple[tuple[int, ...], ...]:
    return profile.min, profile.opt, profile.max


def _tensor(trt: Any, engine: Any, name: str) -> Tensor:
    dtype = dtype_name(trt, engine.get_tensor_dtype(name))
    return Tensor(name, dtype, tuple(map(int, engine.get_tensor_shape(name))))
