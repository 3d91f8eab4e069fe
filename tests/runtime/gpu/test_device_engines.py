"""What `TensorRTDeviceGraph` asks of TensorRT, of a strict stand-in; see host_gpu.py.

Engines run on GPUs alone: tests/gpu has them. Here, sizes, profiles, addresses and the order of
calls are tested; the stand-in computes with the graph that an engine is built from.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import infonet
import numpy as np
import onnxruntime as ort
import pytest
from host_gpu import HostGpu, array_at
from infonet.errors import DeviceError, ModelError
from infonet.gpu.backend import GpuBackend
from infonet.gpu.tensorrt import TensorRTDeviceGraph
from infonet.model.engine_file import Profile, read_manifest
from infonet.model.load import core_beside, load_model
from infonet.pairs.engine import PairEngine
from test_device_network import batch_of
from test_devices import engine_file

MEMORY = (100, 5000, 300)  # bytes that the profiles work in


class Context:
    """An execution context that may be used as TensorRT's may, and refuses all else."""

    def __init__(self, session, profiles):
        self._session, self._profiles = session, profiles
        self.profile, self.memory, self.shape, self.addresses = None, None, None, {}

    def set_optimization_profile_async(self, index, stream):
        assert stream == HostGpu.stream
        self.profile = index
        return 0 <= index < len(self._profiles)

    def set_device_memory(self, address, size):
        self.memory = (address, size)

    def set_input_shape(self, name, shape):
        assert name == "histogram"
        self.shape = shape
        return self.profile is not None and self._profiles[self.profile].covers(shape)

    def set_tensor_address(self, name, address):
        self.addresses[name] = address
        return address != 0

    def infer_shapes(self):
        return [] if self.shape else ["histogram"]

    def execute_async_v3(self, stream):
        assert stream == HostGpu.stream
        assert self.memory[1] >= MEMORY[self.profile]
        value = array_at(self.addresses["histogram"], self.shape)
        names = [output.name for output in self._session.get_outputs()]
        for name, found in zip(names, self._session.run(names, {"histogram": value}), strict=True):
            array_at(self.addresses[name], found.shape)[...] = found
        return True


def stand_in(profiles, contexts):
    """A module with the names of tensorrt_rtx that the runtime uses."""
    session = ort.InferenceSession(
        str(core_beside(load_model()).path), providers=["CPUExecutionProvider"]
    )

    def create(config):
        assert (config.strategy, config.dynamic_shapes_kernel_specialization_strategy) == (7, 9)
        contexts.append(Context(session, profiles))
        return contexts[-1]

    def runtime_config():
        config = SimpleNamespace()
        config.set_execution_context_allocation_strategy = lambda s: setattr(config, "strategy", s)
        return config

    engine = SimpleNamespace(
        get_device_memory_size_for_profile_v2=lambda index: MEMORY[index],
        create_runtime_config=runtime_config,
        create_execution_context=create,
    )

    class Runtime:
        def __init__(self, logger):
            logger.log("warning", "a message")

        def deserialize_cuda_engine(self, content):
            return engine if content == b"no engine" else None

    return SimpleNamespace(
        __name__="stand_in",
        __version__="1.7.1.116",
        Runtime=Runtime,
        ILogger=type("ILogger", (), {"__init__": lambda self: None}),
        ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED=7),
        DynamicShapesKernelSpecializationStrategy=SimpleNamespace(EAGER=9),
    )


@pytest.fixture
def parts(tmp_path):
    path = engine_file(tmp_path)
    model = load_model(path)
    sizes = {"one": (1, 1, 1), "some": (2, 4, 4), "many": (5, 8, 16)}
    rest = (model.histogram_grid,) * 2
    profiles = tuple(
        Profile(name, *((size, *rest) for size in found)) for name, found in sizes.items()
    )
    manifest = replace(read_manifest(path), profiles=profiles)
    contexts = []
    module = stand_in(profiles, contexts)
    return HostGpu(), module, model, manifest, contexts


def test_an_engine_estimates(parts, estimator):
    gpu, module, model, manifest, contexts = parts
    core = TensorRTDeviceGraph(gpu, module, model, manifest, b"no engine")
    assert core.sizes(100) == (1, 4, 8, 16)
    twin = infonet.Estimator(threads=1)
    twin.engine = PairEngine(GpuBackend(model, core, gpu, threads=1))
    samples = batch_of(31)
    for seed in range(3):  # launches, then a captured graph, then that again
        samples = batch_of(31, seed=seed)
        np.testing.assert_allclose(twin.mi(samples), estimator.mi(samples), atol=1e-5)
    # 31 = 16 + 15 of 16: one size, and one context, which the graph keeps
    assert [(context.profile, context.shape[0]) for context in contexts] == [(2, 16)]
    assert gpu.graphs == 1
    x, y = samples[0].T
    assert twin.estimate(x, y).mi == pytest.approx(estimator.estimate(x, y).mi, abs=1e-5)
    assert [(context.profile, context.shape[0]) for context in contexts] == [(2, 16), (0, 1)]
    assert {context.memory[1] for context in contexts} == {max(MEMORY)}
    gpu.check()


def test_other_tensorrt_has_no_runtime_config(parts):
    gpu, module, model, manifest, contexts = parts
    core = TensorRTDeviceGraph(
        gpu, module, model, replace(manifest, backend="tensorrt"), b"no engine"
    )
    made = []
    core._engine.create_execution_context = lambda strategy: made.append(strategy)
    with pytest.raises(DeviceError, match="cannot make an execution context"):
        core.open(1, 100)
    assert made == [7]
    assert not contexts


def test_engines_that_do_not_load(parts):
    gpu, module, model, manifest, _ = parts
    with pytest.raises(ModelError, match="does not load .*build it again"):
        TensorRTDeviceGraph(gpu, module, model, manifest, b"damaged")


def test_refusals_of_tensorrt_are_errors(parts, monkeypatch):
    gpu, module, model, manifest, _ = parts
    core = TensorRTDeviceGraph(gpu, module, model, manifest, b"no engine")
    monkeypatch.setattr(Context, "set_tensor_address", lambda *_: False)
    with pytest.raises(DeviceError, match="TensorRT refuses: histogram"):
        core.open(4, 100)
