"""`Estimator(engine, device="tensorrt")` against the CPU; engines are built here, on this GPU.

INFONET_TEST_ENGINE names one more engine, of an FP16 export of the built-in model say.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import infonet
import numpy as np
import pytest
from infonet.gpu import TENSORRT_MODULES, describe, missing_for
from infonet.model.engine_file import gpu_compute_capability, read_manifest, runs_on
from infonet.model.load import DEFAULT_MODEL

MISSING = missing_for("tensorrt")
if MISSING:
    pytest.skip(describe(MISSING), allow_module_level=True)
sys.path.append(str(Path(__file__).parents[1] / "runtime"))
BACKENDS = [name for name, module in TENSORRT_MODULES.items() if importlib.util.find_spec(module)]
TOLERANCES = {"fp32": 1e-4, "fp16": 5e-3}


@pytest.fixture(scope="module", params=[*BACKENDS, "INFONET_TEST_ENGINE"])
def engine(request, tmp_path_factory):
    if request.param not in BACKENDS:
        if request.param not in os.environ:
            pytest.skip("INFONET_TEST_ENGINE is not set to the path of an engine")
        return Path(os.environ[request.param])
    path = tmp_path_factory.mktemp("engines") / "copula.engine"
    return build(request.param, DEFAULT_MODEL, path, ("one=1:1:1", "some=2:32:32", "many=33:64:64"))


def build(backend, model, path, profiles):
    from infonet_export.engines.backends import load_backend
    from infonet_export.engines.builder import build_engine
    from infonet_export.engines.model_files import load_core
    from infonet_export.engines.profiles import choose_ranges

    build_engine(load_core(model, None), path, load_backend(backend), choose_ranges(profiles, {}))
    here = gpu_compute_capability()
    if not runs_on(read_manifest(path), here):
        pytest.skip(f"{backend} builds no engines for compute capability {here}")
    return path


@pytest.fixture(scope="module")
def gpu(engine):
    return infonet.Estimator(engine, "tensorrt")


@pytest.fixture(scope="module")
def cpu():
    return infonet.Estimator(device="cpu")


@pytest.fixture(scope="module")
def tolerance(engine):
    return TOLERANCES[read_manifest(engine).precision]


def batch_of(count, n, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, count, n))
    y = np.linspace(0, 2, count)[:, None] * x + noise
    return np.stack([x, y], axis=2).astype(np.float32)


@pytest.mark.parametrize("n", [30, 500, 5000, 30_000])
def test_batches(gpu, cpu, tolerance, n):
    """The second and third time as CUDA graphs, for other samples."""
    for count in (1, 3, 40, 100):
        for seed in range(3):
            samples = batch_of(count, n, seed)
            found = gpu.mi(samples)
            np.testing.assert_allclose(found, cpu.mi(samples), rtol=0, atol=tolerance)
            np.testing.assert_array_equal(gpu.mi(samples), found)


def test_kernels_and_engine_are_one_graph(gpu):
    for seed in range(3):
        gpu.mi(batch_of(32, 777, seed))
    stage = gpu.engine.backend._stages.get_or_make((32, 777), pytest.fail)
    assert stage._graph is not None


def test_one_pair_and_matrices(gpu, cpu, tolerance):
    x, y = batch_of(2, 1000)[1].T
    found, expected = gpu.estimate(x, y), cpu.estimate(x, y)
    assert found.mi == pytest.approx(expected.mi, abs=tolerance)
    data = np.random.default_rng(0).standard_normal((700, 30))
    data[:, 1::2] += data[:, ::2]
    found, expected = (e.pairwise(data).mi for e in (gpu, cpu))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_ties_and_values_that_are_not_finite(gpu, cpu, tolerance):
    samples = batch_of(5, 400)
    samples[1] = np.round(samples[1])
    samples[2] = samples[2] > 0
    np.testing.assert_allclose(gpu.mi(samples), cpu.mi(samples), rtol=0, atol=tolerance)
    samples[3, 9, 0] = np.inf
    with pytest.raises(infonet.InputError, match=r"samples\[3, :, 0\]"):
        gpu.mi(samples)


@pytest.mark.parametrize("backend", BACKENDS)
def test_networks_that_read_samples(tmp_path, backend):
    pytest.importorskip("onnx")
    import fake_perceiver
    from perceiver_core import write_core

    path = fake_perceiver.write(tmp_path / "p.onnx", 0.1, "minmax", switch=False)
    write_core(path)
    profiles = ("short=1x2:4x256:8x256", "long=1x257:2x512:4x1024")
    engine = build(backend, path, tmp_path / "p.engine", profiles)
    gpu, cpu = infonet.Estimator(engine, "tensorrt"), infonet.Estimator(path, device="cpu")
    for count, n in ((1, 50), (11, 200), (5, 900)):
        samples = batch_of(count, n)
        np.testing.assert_allclose(gpu.mi(samples), cpu.mi(samples), rtol=0, atol=1e-4)
    with pytest.raises(infonet.InputError, match="no profile for 2000x2"):
        gpu.mi(batch_of(1, 2000))
