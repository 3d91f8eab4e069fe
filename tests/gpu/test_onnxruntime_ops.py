"""The ONNX Runtime ops on the CUDA execution provider, against the CPU. Skipped without a GPU."""

from concurrent.futures import ThreadPoolExecutor

import infonet_kernels
import numpy as np
import pytest
from infonet_kernels import _cuda

onnx = pytest.importorskip("onnx", reason="needs onnx")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime-gpu")
if "CUDAExecutionProvider" not in ort.get_available_providers():
    pytest.skip(
        "needs onnxruntime-gpu: pip uninstall -y onnxruntime && pip install onnxruntime-gpu",
        allow_module_level=True,
    )
try:
    _cuda.check_cuda()
except (ImportError, _cuda.NoDeviceError) as error:
    pytest.skip(str(error), allow_module_level=True)


def session(eps=0.0, normalize="midrank", grid=32, provider="CUDAExecutionProvider", **options):
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node(
            "SoftRank", ["samples"], ["ranks"], domain="infonet", eps=eps, normalize=normalize
        ),
        helper.make_node("JointHistogram", ["ranks"], ["counts"], domain="infonet", grid=grid),
    ]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("samples", kind, ("b", "n", 2))],
        [helper.make_tensor_value_info(name, kind, None) for name in ("ranks", "counts")],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("infonet", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    config = ort.SessionOptions()
    config.register_custom_ops_library(str(_cuda.cuda_library_path()))
    if provider == "CUDAExecutionProvider":  # an op without a kernel there fails the session
        config.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return ort.InferenceSession(model.SerializeToString(), config, providers=[(provider, options)])


def samples_of(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal((*shape, 2)).astype(np.float32)


def assert_equal(got, expected, affine=False):
    np.testing.assert_allclose(got[0], expected[0], rtol=0, atol=1e-7 if affine else 0)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-5, atol=1e-5 if not affine else 1e-3)


@pytest.mark.parametrize("normalize", infonet_kernels.NORMALIZATIONS)
@pytest.mark.parametrize("eps", [0.0, 2.0**-14, 0.125])
def test_ops_equal_those_of_the_cpu(eps, normalize):
    gpu, cpu = session(eps, normalize), session(eps, normalize, provider="CPUExecutionProvider")
    for shape in [(1, 1), (5, 20), (7, 1151), (2, 20_001), (0, 10), (3, 0)]:
        feed = {"samples": samples_of(*shape)}
        assert_equal(gpu.run(None, feed), cpu.run(None, feed), affine=eps * shape[1] >= 2)


def test_a_grid_beyond_shared_memory():
    gpu, cpu = session(grid=300), session(grid=300, provider="CPUExecutionProvider")
    feed = {"samples": samples_of(100, 2000)}
    assert_equal(gpu.run(None, feed), cpu.run(None, feed))


def test_runs_at_the_same_time():
    """Each on a stream of its own: scratch memory of one is not given to another too early."""
    gpu, cpu = session(2.0**-14), session(2.0**-14, provider="CPUExecutionProvider")
    feeds = [{"samples": samples_of(64, 5000, seed=seed)} for seed in range(4)]
    expected = [cpu.run(None, feed) for feed in feeds]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            runs = pool.map(lambda feed: gpu.run(None, feed), feeds)
            for got, wanted in zip(runs, expected, strict=True):
                assert_equal(got, wanted)


def test_a_cuda_graph():
    gpu = session(2.0**-14, enable_cuda_graph="1")
    cpu = session(2.0**-14, provider="CPUExecutionProvider")
    binding = gpu.io_binding()
    samples = ort.OrtValue.ortvalue_from_numpy(samples_of(16, 5000), "cuda", 0)
    ranks = ort.OrtValue.ortvalue_from_shape_and_type([16, 5000, 2], np.float32, "cuda", 0)
    counts = ort.OrtValue.ortvalue_from_shape_and_type([16, 32, 32], np.float32, "cuda", 0)
    binding.bind_ortvalue_input("samples", samples)
    binding.bind_ortvalue_output("ranks", ranks)
    binding.bind_ortvalue_output("counts", counts)
    for seed in range(4):  # the first runs are the capture
        own = samples_of(16, 5000, seed=seed)
        samples.update_inplace(own)
        gpu.run_with_iobinding(binding)
        assert_equal([ranks.numpy(), counts.numpy()], cpu.run(None, {"samples": own}))


def test_bad_values_become_nan():
    samples = samples_of(3, 500)
    samples[1, 7, 0] = np.nan
    ranks, counts = session().run(None, {"samples": samples})
    assert np.isnan(ranks[1, :, 0]).all()
    assert np.isnan(ranks).sum() == 500
    assert np.isnan(counts[1]).all()
    assert np.isfinite(counts[::2]).all()
