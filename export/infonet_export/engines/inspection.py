"""What a loaded engine says of itself, held against its manifest. Needs a GPU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infonet.errors import DeviceError, ModelError
from infonet.model.engine_file import Manifest, Profile, Tensor, gpu_compute_capability

from infonet_export.engines.backends import Backend
from infonet_export.engines.networks import dtype_name


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
