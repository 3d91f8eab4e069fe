"""A model on a device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from infonet.errors import DeviceError, ModelError
from infonet.gpu import resolve_device
from infonet.model.engine_file import is_engine_file
from infonet.model.load import Model, core_beside, load_model
from infonet.pairs.backend import ONE_PAIR, Network

if TYPE_CHECKING:
    from infonet.gpu.backend import DeviceNetwork

# Nats by which a GPU may differ from the CPU for a known pair, before it is not trusted.
_TOLERANCE = {"fp32": 1e-3, "fp16": 2e-2}


def open_network(path: str | Path | None, device: str, threads: int) -> tuple[str, Network]:
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
        return name, Network(model, threads)
    if not engine:
        return name, _on_gpu(model, threads)
    from infonet.gpu.tensorrt import open_engine

    network = open_engine(model, threads)
    twin = load_model()
    if model.checkpoint_sha256 == twin.checkpoint_sha256:  # else there is none to ask
        check_agreement(network, Network(twin))
    return name, network


def _on_gpu(model: Model, threads: int) -> DeviceNetwork:
    """Through ONNX Runtime, from the graph that begins after the kernels."""
    from infonet.gpu.backend import DeviceNetwork
    from infonet.gpu.device import Gpu
    from infonet.gpu.onnxruntime import OnnxCore

    core = model if model.graph == "core" else core_beside(model)
    if core is None:
        raise ModelError(
            f"{model.path} has no core {model.path.stem}.core.onnx beside it, which GPUs run: "
            "export it again with  infonet export --core"
        )
    gpu = Gpu()
    network = DeviceNetwork(model, OnnxCore(gpu, core), gpu, threads)
    if not model.heavy:  # one pair of which takes the CPU seconds
        check_agreement(network, Network(model))
    return network


def check_agreement(network: DeviceNetwork, reference: Network) -> None:
    """Compare with the CPU on known samples, both ways in.

    A GPU, a driver or a library that computes wrongly is noticed here, not in results.

    Raises:
        DeviceError: they differ.
    """
    normal = np.random.default_rng(0).standard_normal((2, 500)).astype(np.float32)
    samples = np.stack([normal[0], normal[0] + normal[1]], axis=1)[None]
    ranked = reference.prepare([samples[0, :, 0], samples[0, :, 1]])
    expected = reference.run(ranked, ONE_PAIR)
    found = [
        network.run(network.prepare_sets(samples, 0, 1), ONE_PAIR),
        network.run(ranked, ONE_PAIR),
    ]
    tolerance = _TOLERANCE.get(network.model.precision, _TOLERANCE["fp16"])
    for outputs in found:
        difference = abs(float(outputs.mi[0]) - float(expected.mi[0]))
        if not difference <= tolerance:
            raise DeviceError(
                f"the GPU gives {outputs.mi[0]:.4f} nats where the CPU gives {expected.mi[0]:.4f}, "
                "so it is not used: run  infonet doctor  and report this, or use device='cpu'"
            )
