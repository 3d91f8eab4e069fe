"""`Estimator(device="cuda")` against the CPU. Skipped where it cannot run, with what is missing."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import infonet
import numpy as np
import pytest
from infonet.gpu import describe, missing_for

MISSING = missing_for("cuda")
if MISSING:
    pytest.skip(describe(MISSING), allow_module_level=True)
sys.path.append(str(Path(__file__).parents[1] / "runtime"))
TOLERANCE = 1e-4  # nats, for float32


@pytest.fixture(scope="module")
def gpu():
    return infonet.Estimator(device="cuda")


@pytest.fixture(scope="module")
def cpu():
    return infonet.Estimator(device="cpu")


def batch_of(count, n, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, count, n))
    y = np.linspace(0, 2, count)[:, None] * x + noise
    return np.stack([x, y], axis=2).astype(np.float32)


class Held:
    """Samples in the memory of the GPU, known by the CUDA array interface alone."""

    def __init__(self, estimator, array):
        gpu = estimator.engine.backend.gpu
        self._buffer = gpu.do(lambda: gpu.allocate(array.nbytes))
        gpu.do(lambda: (gpu.upload(array, self._buffer.address), gpu.sync()))
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (self._buffer.address, False),
            "version": 3,
            "stream": None,
        }


@pytest.mark.parametrize("n", [30, 500, 5000, 30_000, 200_000])
def test_batches(gpu, cpu, n):
    for count in (1, 3, 40) if n > 5000 else (1, 3, 40, 300):
        samples = batch_of(count, n)
        expected = cpu.mi(samples)
        found = gpu.mi(samples)
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
        np.testing.assert_array_equal(gpu.mi(samples), found)
        np.testing.assert_array_equal(gpu.mi(Held(gpu, samples)), found)
        np.testing.assert_allclose(
            gpu.quantiles(samples), cpu.quantiles(samples), rtol=0, atol=5 * TOLERANCE
        )


def test_a_batch_that_fills_the_gpu(gpu, cpu):
    samples = np.tile(batch_of(50, 1000), (60, 1, 1))
    expected = np.tile(cpu.mi(samples[:50]), 60)
    np.testing.assert_allclose(gpu.mi(samples), expected, rtol=0, atol=TOLERANCE)


def test_ties_and_constants(gpu, cpu):
    samples = batch_of(8, 400)
    samples[1] = np.round(samples[1])
    samples[2] = samples[2] > 0
    samples[3, :, 1] = 2.5
    samples[4, :, 0] = np.round(samples[4, :, 0], 1)
    with pytest.warns(infonet.InfoNetWarning, match=r"samples\[3\]"):
        expected = cpu.mi(samples)
    for given in (samples, Held(gpu, samples)):
        with pytest.warns(infonet.InfoNetWarning, match=r"samples\[3\]"):
            found = gpu.mi(given)
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("n", [30, 5000, 100_000])
def test_the_kernel_finds_the_ties_that_the_cpu_finds(gpu, cpu, n):
    samples = batch_of(6, n)
    samples[1] = np.round(samples[1], 2)
    samples[2] = samples[2] > 0
    samples[3, :, 1] = 2.5
    samples[4, :2, 0] = 0.25
    found, expected = (e.engine.prepare_sets(samples, 0, 6) for e in (gpu, cpu))
    np.testing.assert_allclose(found.entropy, expected.entropy, rtol=1e-9)
    np.testing.assert_array_equal(found.tied, expected.tied)
    np.testing.assert_array_equal(found.constant, expected.constant)


def test_values_that_float32_does_not_hold(gpu, cpu):
    samples = 1 + 1e-9 * batch_of(3, 300).astype(np.float64)
    np.testing.assert_allclose(gpu.mi(samples), cpu.mi(samples), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(gpu, bad):
    samples = batch_of(6, 100)
    samples[4, 7, 1] = bad
    for given in (samples, Held(gpu, samples)):
        with pytest.raises(infonet.InputError, match=r"samples\[4, :, 1\].* index 7"):
            gpu.mi(given)


def test_one_pair(gpu, cpu):
    x, y = batch_of(2, 1000)[1].T
    for options in ({}, {"permutations": 99}):
        found, expected = gpu.estimate(x, y, **options), cpu.estimate(x, y, **options)
        assert found.mi == pytest.approx(expected.mi, abs=TOLERANCE)
        assert found.p_value == pytest.approx(expected.p_value, abs=0.02)
        np.testing.assert_allclose(found.table, expected.table, rtol=0, atol=1e-2)


def test_matrices(gpu, cpu):
    data = np.random.default_rng(0).standard_normal((700, 70))
    data[:, 1::2] += data[:, ::2]
    data[:, 4] = np.round(data[:, 4])
    data[5, 9] = np.nan
    found, expected = (e.pairwise(data, nan="omit").mi for e in (gpu, cpu))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_sliced(gpu, cpu):
    x = np.random.default_rng(0).standard_normal((800, 5))
    found, expected = (e.sliced(x, x[:, :3] ** 2, projections=100).values for e in (gpu, cpu))
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_many_threads(gpu, cpu):
    batches = [batch_of(20, 300 + 10 * i, seed=i) for i in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(gpu.mi, batches))
    for values, samples in zip(found, batches, strict=True):
        np.testing.assert_allclose(values, cpu.mi(samples), rtol=0, atol=TOLERANCE)


def test_results_on_the_gpu(gpu):
    samples = batch_of(10, 500)
    result = gpu.mi_on_device(Held(gpu, samples))
    assert (len(result), result.__dlpack_device__()[0]) == (10, 2)
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    expected = gpu.mi(samples).astype(np.float32)
    for tensor in (torch.from_dlpack(result), torch.as_tensor(result, device="cuda")):
        assert (tensor.is_cuda, tensor.dtype) == (True, torch.float32)
        np.testing.assert_array_equal(tensor.cpu().numpy(), expected)


def test_tensors(gpu, cpu):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs torch with CUDA")
    samples = batch_of(30, 500)
    expected = cpu.mi(samples)
    with torch.cuda.stream(torch.cuda.Stream()):  # written just before, on another stream
        tensor = torch.from_numpy(samples).cuda()
        for _ in range(50):
            tensor = (tensor * 1.5) / 1.5
        tensor = torch.from_numpy(samples).cuda(non_blocking=True)
        found = gpu.mi(tensor)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(gpu.mi(tensor.requires_grad_()), expected, rtol=0, atol=TOLERANCE)
    for wrong, words in (
        (tensor.double(), "float32"),
        (tensor.transpose(0, 1), "contiguous"),
        (tensor.bfloat16(), "float32"),
        (tensor[0], r"samples\[None\]"),
    ):
        with pytest.raises(infonet.InputError, match=words):
            gpu.mi(wrong)
    with pytest.raises(infonet.InputError, match="computes on the CPU"):
        cpu.mi(tensor.detach())


@pytest.mark.parametrize(("eps", "normalize"), [(0.1, "minmax"), (0.0, "over_n"), (1e-4, "minmax")])
def test_networks_that_read_samples(tmp_path, eps, normalize):
    pytest.importorskip("onnx")
    import fake_perceiver
    from perceiver_core import write_core

    path = fake_perceiver.write(tmp_path / "p.onnx", eps, normalize, switch=False)
    write_core(path)
    gpu, cpu = (infonet.Estimator(path, device) for device in ("cuda", "cpu"))
    for count, n in ((1, 50), (5, 400), (70, 300)):
        samples = batch_of(count, n)
        for given in (samples, Held(gpu, samples)):
            np.testing.assert_allclose(gpu.mi(given), cpu.mi(samples), rtol=0, atol=TOLERANCE)


def test_every_node_is_on_the_gpu(gpu):
    """ONNX Runtime says so itself: see `check_session`, which refuses anything else."""
    backend = gpu.engine.backend
    call = backend.gpu.do(lambda: backend._call(4, 100))
    session = call.keep[0]
    assert session.get_providers()[0] == "CUDAExecutionProvider"
    where = {part.ep_name for part in session.get_provider_graph_assignment_info()}
    assert where == {"CUDAExecutionProvider"}


def test_devices_and_doctor():
    from infonet.cli.diagnosis import diagnose
    from infonet.opening import list_devices

    assert {d.name: d.available for d in list_devices()}["cuda"]
    assert diagnose().rows["device cuda"].startswith("works, 0.5")
