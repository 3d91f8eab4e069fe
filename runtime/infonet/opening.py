"""Which devices there are, and a model on one of them: nothing of GPUs is imported for a CPU."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infonet.errors import DeviceError, InputError, ModelError
from infonet.model.engine_file import is_engine_file
from infonet.model.load import Model, core_beside, load_model
from infonet.pairs.backend import Backend, CpuBackend
from infonet.pairs.engine import ONE_PAIR, PairEngine

if TYPE_CHECKING:
    from infonet.gpu.backend import GpuBackend

DEVICES = ("cpu", "cuda", "tensorrt")
_FIX = "use device='cpu' or device='auto'"
_log = logging.getLogger("infonet")
_said = threading.Event()
# Nats by which a GPU may differ from the CPU for a known pair, before it is not trusted.
_TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2}


@dataclass(frozen=True)
class Device:
    """A device and, if it cannot be used, the reason and what helps."""

    name: str
    available: bool
    reason: str = ""


def list_devices() -> tuple[Device, ...]:
    """Every device that infonet knows, usable or not."""
    from infonet.gpu import describe, missing_for

    found = {name: missing_for(name) for name in DEVICES[1:]}
    others = (Device(name, not missing, describe(missing)) for name, missing in found.items())
    return Device("cpu", True), *others


def resolve_device(device: str, engine: bool = False) -> str:
    """Return the device to use for a request.

    "auto" takes the CPU, and says once, through the logger "infonet", whether a GPU could be used;
    of an engine it takes "tensorrt".

    Args:
        device: "auto", "cpu", "cuda" or "tensorrt".
        engine: whether the model is a TensorRT engine, which runs on "tensorrt" alone.

    Raises:
        DeviceError: a device that is asked for, or that the engine needs, cannot be had.
        InputError: no such device.
    """
    if device not in ("auto", *DEVICES):
        allowed = ", ".join(repr(name) for name in ("auto", *DEVICES))
        raise InputError(f"device is {device!r}, allowed are {allowed}")
    if device == "auto" and not engine:
        return _cpu()
    wanted = "tensorrt" if device == "auto" else device
    if wanted == "cpu":
        return wanted
    from infonet.gpu import describe, missing_for

    missing = missing_for(wanted)
    if missing:
        fix = "give the ONNX model to compute on the CPU" if engine else _FIX
        raise DeviceError(f"device {wanted!r} cannot be used: {describe(missing)}; {fix}")
    return wanted


def _cpu() -> str:
    """The CPU, said once a process. A GPU has to be asked for by name: these releases were written
    and checked without one, and what nobody asked for must not be what nobody has run."""
    # What a GPU lacks is looked up for readers of the log alone: it loads the driver.
    if not _said.is_set() and _log.isEnabledFor(logging.INFO):
        from infonet.gpu import describe, missing_for

        _said.set()
        missing = missing_for("cuda")
        reason = f"cuda: {describe(missing)}" if missing else "a GPU is here: device='cuda' uses it"
        _log.info("device='auto' uses the CPU (%s)", reason)
    return "cpu"


def open_backend(path: str | Path | None, device: str, threads: int) -> tuple[str, Backend]:
    """Load a model file, or an engine file, for a device; return the device's name as well.

    Raises:
        ModelError: the file is missing, damaged, not one of infonet, or not for this device.
        DeviceError: the device cannot be had.
        InputError: no such device.
    """
    engine = path is not None and is_engine_file(Path(path))
    if engine and device in ("cpu", "cuda"):
        raise ModelError(
            f"{path} is a TensorRT engine, which device='tensorrt' runs: pass that, or the ONNX "
            f"model for device={device!r}"
        )
    name = resolve_device(device, engine)
    model = load_model(path)
    if name == "tensorrt" and not engine:
        raise ModelError(
            f"{model.path} is an ONNX model, device='tensorrt' runs engines: build one with  "
            f"infonet build {model.path} -o {model.path.stem}.engine  and give that as the model"
        )
    if name == "cpu":
        return name, CpuBackend(model, threads)
    if not engine:
        return name, _on_gpu(model, threads)
    from infonet.gpu.tensorrt import open_engine

    backend = open_engine(model, threads)
    twin = load_model()
    if model.checkpoint_sha256 == twin.checkpoint_sha256:  # else there is none to ask
        check_agreement(backend, CpuBackend(twin))
    return name, backend


def _on_gpu(model: Model, threads: int) -> GpuBackend:
    """Through ONNX Runtime, from the graph that begins after the kernels."""
    from infonet.gpu.backend import GpuBackend
    from infonet.gpu.device import Gpu
    from infonet.gpu.onnxruntime import OnnxDeviceGraph

    core = model if model.graph == "core" else core_beside(model)
    if core is None:
        raise ModelError(
            f"{model.path} has no core {model.path.stem}.core.onnx beside it, which GPUs run: "
            "export it again with  infonet export --core"
        )
    gpu = Gpu()
    backend = GpuBackend(model, OnnxDeviceGraph(gpu, core), gpu, threads)
    if model.workload.agreement:
        check_agreement(backend, CpuBackend(model))
    return backend


def check_agreement(backend: Backend, reference: Backend) -> None:
    """Compare with the CPU on known samples, both ways in.

    A GPU, a driver or a library that computes wrongly is noticed here, not in results.

    Raises:
        DeviceError: they differ.
    """
    normal = np.random.default_rng(0).standard_normal((2, 500)).astype(np.float32)
    samples = np.stack([normal[0], normal[0] + normal[1]], axis=1)[None]
    gpu, cpu = PairEngine(backend), PairEngine(reference)
    ranked = cpu.prepare([samples[0, :, 0], samples[0, :, 1]])
    expected = cpu.run(ranked, ONE_PAIR)
    found = [
        gpu.run(gpu.prepare_sets(samples, 0, 1), ONE_PAIR),
        gpu.run(ranked, ONE_PAIR),
    ]
    tolerance = _TOLERANCE.get(backend.model.precision, _TOLERANCE["fp16"])
    for outputs in found:
        difference = abs(float(outputs.mi[0]) - float(expected.mi[0]))
        if not difference <= tolerance:
            raise DeviceError(
                f"the GPU gives {outputs.mi[0]:.4f} nats where the CPU gives {expected.mi[0]:.4f}, "
                "so it is not used: run  infonet doctor  and report this, or use device='cpu'"
            )
