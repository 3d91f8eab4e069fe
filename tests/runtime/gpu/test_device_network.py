"""`GpuBackend` on a GPU in host memory gives the answers of the CPU; see host_gpu.py."""

from __future__ import annotations

from dataclasses import replace

import fake_perceiver
import infonet
import numpy as np
import pytest
from host_gpu import HostCore, HostGpu, array_at
from infonet.errors import DeviceError
from infonet.gpu.arrays import GpuSamples
from infonet.gpu.backend import GpuBackend
from infonet.gpu.device import LruCache
from infonet.model.load import core_beside, load_model
from infonet.opening import check_agreement
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import PairEngine
from perceiver_core import write_core

# ONNX Runtime stands in for the GPU; the CPU's network is compiled, and rounds otherwise.
NEAR = 1e-5


def make(estimator, core=None, **options):
    """An estimator on the host GPU: itself, its GPU and its core."""
    model = estimator.model
    gpu = HostGpu()
    core = HostCore(gpu, core or core_beside(model), **options)
    twin = infonet.Estimator(estimator._arguments[0], threads=2)
    twin.engine = PairEngine(GpuBackend(model, core, gpu, threads=2))
    twin.device = "cuda"
    return twin, gpu, core


def batch_of(count, n=60, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, count, n)).astype(np.float32)
    return np.stack([x, x * np.linspace(0, 1, count)[:, None] + noise], axis=2).astype(np.float32)


def on_host(samples):
    """As if in the memory of the GPU."""
    return GpuSamples(samples.ctypes.data, samples.shape, 5, samples)


@pytest.mark.parametrize("capturable", [False, True])
@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_batches(estimator, capturable, place):
    twin, gpu, core = make(estimator, capturable=capturable)
    samples = batch_of(11)
    samples[3, :, 0] = np.round(samples[3, :, 0])  # many ties: bounded by the entropy
    samples[4] = samples[4] > 0  # few levels: counted
    samples[5, :, 1] = 2.5
    if place == "gpu":
        twin.engine.backend.open_batch = lambda batch: on_host(batch)
    for _ in range(3):
        with pytest.warns(infonet.InfoNetWarning, match=r"1 set.* \(first: samples\[5\]\)"):
            found = twin.mi(samples)
    with pytest.warns(infonet.InfoNetWarning):
        expected = estimator.mi(samples)
    np.testing.assert_allclose(found, expected, atol=NEAR)
    assert core.calls[:3] == [4, 4, 4]  # 11 sets: the last call is padded
    assert gpu.graphs == (1 if capturable else 0)
    assert getattr(gpu, "followed", None) == (5 if place == "gpu" else None)
    gpu.check()


def test_tiles(estimator):
    twin, gpu, _ = make(estimator)
    twin.engine.backend.pairs_per_task = 5
    samples = batch_of(23)
    np.testing.assert_allclose(twin.mi(samples), estimator.mi(samples), atol=NEAR)
    np.testing.assert_allclose(twin.quantiles(samples), estimator.quantiles(samples), atol=NEAR)
    assert twin.mi(np.empty((0, 60, 2))).shape == (0,)
    gpu.check()


def test_values_that_float32_does_not_hold_are_ranked_exactly(estimator):
    """Steps of 1e-9 around 1 are all equal in float32, and different in float64."""
    twin, _, core = make(estimator)
    samples = 1 + 1e-9 * batch_of(2).astype(np.float64)
    np.testing.assert_allclose(twin.mi(samples), estimator.mi(samples), atol=NEAR)
    whole = 2**53 + np.random.default_rng(0).permutation(200).reshape(1, 100, 2)
    np.testing.assert_allclose(twin.mi(whole), estimator.mi(whole), atol=NEAR)
    assert core.calls


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["cpu", "gpu"])
def test_values_that_are_not_finite(estimator, bad, place):
    twin, _, _ = make(estimator)
    twin.engine.backend.pairs_per_task = 4
    samples = batch_of(9)
    samples[6, 7, 1] = bad
    if place == "gpu":
        twin.engine.backend.open_batch = lambda batch: on_host(batch)
    with pytest.raises(infonet.InputError, match=r"samples\[6, :, 1\] has 1 .*first at index 7"):
        twin.mi(samples)


def test_estimates_and_permutations(estimator, gaussian):
    twin, gpu, _ = make(estimator)
    x, y = gaussian(0.6, 300)
    for options in ({}, {"permutations": 19}):
        found, expected = twin.estimate(x, y, **options), estimator.estimate(x, y, **options)
        assert found.mi == pytest.approx(expected.mi, abs=NEAR)
        assert found.p_value == pytest.approx(expected.p_value, abs=1e-4)
        np.testing.assert_allclose(found.table, expected.table, atol=1e-4)
    with pytest.warns(infonet.InfoNetWarning, match="constant"):
        assert twin.estimate(x, np.ones_like(x)).mi == 0
    gpu.check()


def test_matrices(estimator):
    twin, gpu, core = make(estimator)
    data = np.random.default_rng(0).standard_normal((80, 6))
    data[:, 1] = np.round(data[:, 0])
    data[3, 2] = np.nan
    found, expected = (e.pairwise(data, nan="omit", tile=6) for e in (twin, estimator))
    np.testing.assert_allclose(found.mi, expected.mi, atol=NEAR)
    np.testing.assert_allclose(found.p_value, expected.p_value, atol=1e-3)
    assert 4 in core.calls
    with pytest.raises(infonet.InputError, match="engine='ray' computes on CPUs"):
        twin.pairwise(data, engine="ray")
    gpu.check()


def test_sliced(estimator):
    twin, gpu, _ = make(estimator)
    x = np.random.default_rng(0).standard_normal((90, 3))
    found, expected = (
        e.sliced(x, x[:, :2] + 1, projections=9, permutations=5, permutation_projections=3)
        for e in (twin, estimator)
    )
    np.testing.assert_allclose(found.values, expected.values, atol=NEAR)
    assert found.p_value == expected.p_value
    gpu.check()


@pytest.mark.usefixtures("operators")
@pytest.mark.parametrize(("eps", "normalize"), [(0.1, "minmax"), (0.0, "over_n"), (0.0, "midrank")])
def test_networks_that_read_samples(tmp_path, eps, normalize):
    path = fake_perceiver.write(tmp_path / "p.onnx", eps, normalize, switch=False)
    cpu = infonet.Estimator(path, threads=1)
    twin, gpu, core = make(cpu, load_model(write_core(path)), sizes=(1, 2))
    samples = batch_of(5, 40)
    np.testing.assert_allclose(twin.mi(samples), cpu.mi(samples), atol=1e-5)
    x, y = samples[0].T
    found, expected = twin.estimate(x, y), cpu.estimate(x, y)
    assert found.mi == pytest.approx(expected.mi, abs=1e-5)
    np.testing.assert_allclose(found.table, expected.table, atol=1e-5)
    other = batch_of(3, 55)
    np.testing.assert_allclose(twin.mi(other), cpu.mi(other), atol=1e-5)
    found, expected = (e.pairwise(samples[..., 0].T).mi for e in (twin, cpu))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert set(core.calls) == {1, 2}
    gpu.check()


def test_estimates_stay_right_where_memory_makes_room(estimator):
    twin, gpu, _ = make(estimator)
    for n in (*range(40, 55), 40):  # more lengths than are kept
        samples = batch_of(2, n)
        np.testing.assert_allclose(twin.mi(samples), estimator.mi(samples), atol=NEAR)
    gpu.check()


def test_what_was_used_longest_ago_makes_room():
    gpu = HostGpu()
    cache, made = LruCache(gpu, most=3), []
    gpu.synced = False
    for key in "abcabada":
        assert cache.get_or_make(key, lambda key=key: made.append(key) or key) == key
        assert len(cache) <= 3
    assert made == ["a", "b", "c", "d"]
    assert gpu.synced  # the GPU may still have worked with what went
    cache.get_or_make("c", lambda: made.append("c"))  # it went for d
    assert made[-1] == "c"


class WrongCore(HostCore):
    """A core that adds 0.1 nats to every estimate."""

    def open(self, size, n):
        call = super().open(size, n)

        def enqueue():
            call.enqueue()
            array_at(call.outputs["mi"].address, (size,))[...] += 0.1

        return replace(call, enqueue=enqueue)


def test_a_gpu_that_computes_wrongly_is_not_used(estimator):
    reference = CpuBackend(estimator.model)
    twin, gpu, _ = make(estimator)
    check_agreement(twin.engine.backend, reference)
    wrong = WrongCore(gpu, core_beside(estimator.model))
    with pytest.raises(DeviceError, match="where the CPU gives .* so it is not used"):
        check_agreement(GpuBackend(estimator.model, wrong, gpu, threads=1), reference)


def test_results_stay_on_the_gpu_only_there(estimator):
    with pytest.raises(infonet.InputError, match="mi_on_device needs an estimator on a GPU"):
        estimator.mi_on_device(batch_of(2))
