"""Sizes of calls on a GPU, profiles of engines, and what engines and sessions must look like."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import infonet
import onnxruntime as ort
import pytest
from hypothesis import given
from infonet.errors import DeviceError, ModelError
from infonet.gpu.device import graph_sizes, input_shape, output_shape, profile_sizes, split
from infonet.gpu.onnxruntime import check_session
from infonet.gpu.tensorrt import check_tensors, load_module
from infonet.model.engine_file import Profile, Tensor, read_manifest
from infonet.model.load import core_beside, load_model
from test_devices import engine_file

COPULA = tuple(
    Profile(name, (low, 128, 128), (best, 128, 128), (high, 128, 128))
    for name, low, best, high in (("one", 1, 1, 1), ("some", 2, 32, 32), ("many", 33, 256, 1024))
)
WORK = {name: replace(load_model(), architecture=name).workload for name in ("copula", "perceiver")}
PERCEIVER = (
    Profile("short", (1, 2, 2), (32, 256, 2), (1024, 256, 2)),
    Profile("long", (1, 257, 2), (8, 2048, 2), (128, 2048, 2)),
    Profile("both", (4, 2, 2), (4, 2048, 2), (4, 4096, 2)),
)


@given(st.integers(0, 5000), st.sets(st.integers(1, 1024), min_size=1, max_size=6))
def test_calls_cover_every_pair_once(count, sizes):
    sizes = sorted(sizes)
    chunks = split(count, sizes)
    assert [place for c in chunks for place in range(c.start, c.start + c.count)] == list(
        range(count)
    )
    assert all(0 < c.count <= c.size and c.size in sizes for c in chunks)
    # most of a padded call is used, unless nothing smaller is there
    assert all(2 * c.count > c.size or c.size == sizes[0] or c.count == c.size for c in chunks)


def test_calls_are_few():
    sizes = graph_sizes(5000, WORK["copula"])
    assert sizes == (1, 4, 16, 64, 256, 1024)
    assert [c.size for c in split(1024, sizes)] == [1024]
    assert [c.size for c in split(1000, sizes)] == [1024]
    assert [c.size for c in split(3, sizes)] == [4]
    assert [c.size for c in split(300, sizes)] == [256, 64]
    assert split(0, sizes) == []


@pytest.mark.parametrize("architecture", WORK)
@pytest.mark.parametrize("n", [2, 500, 5000, 50_000, 1_000_000, 10**8])
def test_memory_is_bounded(n, architecture):
    sizes = graph_sizes(n, WORK[architecture])
    assert sizes[0] == 1
    assert list(sizes) == sorted(sizes)
    assert all(size == 1 or size * n <= 2**24 for size in sizes)


def test_profiles_of_the_batch():
    assert profile_sizes(COPULA, (128, 128), 5000) == {1: 0, 32: 1, 256: 2, 1024: 2}
    assert list(profile_sizes(COPULA, (128, 128), 10**6)) == [1]
    assert list(profile_sizes(COPULA[2:], (128, 128), 10**7)) == [256]  # the least there is


def test_profiles_of_batch_and_samples():
    assert profile_sizes(PERCEIVER, (256, 2), 256) == {1: 0, 4: 2, 32: 0, 1024: 0}
    assert profile_sizes(PERCEIVER, (2000, 2), 2000) == {1: 1, 4: 2, 8: 1, 128: 1}
    assert profile_sizes(PERCEIVER, (4096, 2), 4096) == {4: 2}
    with pytest.raises(infonet.InputError) as caught:
        profile_sizes(PERCEIVER, (5000, 2), 5000)
    for words in (
        "no profile for 5000x2",
        "short: 2x2 to 256x2",
        "both: 2x2 to 4096x2",
        "5000 sam",
    ):
        assert words in str(caught.value)


def test_shapes():
    assert input_shape(128, 4, 900) == (4, 128, 128)
    assert input_shape(0, 4, 900) == (4, 900, 2)
    assert output_shape("table", ("batch", 64, 64), 8) == (8, 64, 64)
    assert output_shape("mi", (-1,), 8) == (8,)
    with pytest.raises(ModelError, match="output table has shape"):
        output_shape("table", ("batch", "a", 64), 8)


def test_engines_of_other_tensors(tmp_path):
    path = engine_file(tmp_path)
    manifest, model = read_manifest(path), load_model(path)
    check_tensors(manifest, model)
    wide = Tensor("histogram", "float32", (-1, 32, 32))
    half = tuple(replace(tensor, dtype="float16") for tensor in manifest.outputs)
    for change in ({"inputs": (wide,)}, {"outputs": half}, {"outputs": manifest.outputs[:1]}):
        with pytest.raises(ModelError, match=r"a\.engine has inputs .*infonet build"):
            check_tensors(replace(manifest, **change), model)
    with pytest.raises(ModelError, match="built by 'other', allowed are tensorrt-rtx and tensorrt"):
        load_module(replace(manifest, backend="other"))


def session(size=None, level=None):
    options = ort.SessionOptions()
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    if size is not None:
        options.add_free_dimension_override_by_name("batch", size)
    if level is not None:
        options.optimized_model_filepath = str(level)
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    core = core_beside(load_model())
    return ort.InferenceSession(str(core.path), options, providers=["CPUExecutionProvider"])


def test_a_fixed_batch_leaves_no_shapes_to_compute(tmp_path):
    """So that every node of the model can be on the GPU, and all be one CUDA graph."""
    onnx = pytest.importorskip("onnx")
    found = session(8, tmp_path / "fixed.onnx")
    assert found.get_inputs()[0].shape[0] == 8
    assert all(output.shape[0] == 8 for output in found.get_outputs())
    kinds = {node.op_type for node in onnx.load(tmp_path / "fixed.onnx").graph.node}
    assert not kinds & {"Shape", "ConstantOfShape", "If", "Loop", "NonZero"}


def test_a_session_on_the_cpu_is_refused():
    with pytest.raises(DeviceError, match="took CPUExecutionProvider instead of CUDAExecutionProv"):
        check_session(session(8), 8)


class OnGpu:
    """A session of this machine that claims to have the CUDA provider."""

    def __init__(self, inner):
        self._inner = inner

    def get_providers(self):
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def __getattr__(self, name):
        return getattr(self._inner, name)


def test_work_on_the_cpu_is_noticed():
    inner = session(8)
    if not hasattr(inner, "get_provider_graph_assignment_info"):
        pytest.skip("this onnxruntime does not say where nodes are")
    with pytest.raises(DeviceError, match="computes .*Conv.* on the CPU"):
        check_session(OnGpu(inner), 8)
    with pytest.raises(DeviceError, match="computes Conv on the CPU"):
        check_session(OnGpu(session()), None)
