"""Devices: explicit requests are kept or refused, "auto" falls back and says so."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys

import infonet
import onnxruntime
import pytest
from infonet import gpu, opening
from infonet.gpu.device import Gpu
from infonet.model.engine_file import Manifest, Tensor, gpu_compute_capability, write_engine
from infonet.model.load import load_model
from infonet.pairs.parallel import Progress, count_threads, run_tiles
from infonet_kernels import _cuda

NO_GPU = gpu_compute_capability() is None
without_gpu = pytest.mark.skipif(not NO_GPU, reason="a GPU is here: its refusal cannot be seen")


@without_gpu
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_explicit_device_is_refused_with_reason_and_fix(device):
    with pytest.raises(infonet.DeviceError) as caught:
        infonet.Estimator(device=device)
    message = str(caught.value)
    assert message.startswith(f"device '{device}' cannot be used: there is no NVIDIA GPU")
    assert message.endswith("use device='cpu' or device='auto'")
    assert "\n" not in message


def test_unknown_device():
    with pytest.raises(infonet.InputError, match="device is 'gpu', allowed are 'auto', 'cpu', 'cu"):
        infonet.Estimator(device="gpu")


AUTO = """
import logging, infonet

logging.basicConfig(level=logging.INFO, format="%(message)s")
print([infonet.Estimator().device for _ in range(2)])
"""


def test_auto_takes_the_cpu_and_says_so_once():
    """In a process of its own: what is said once was not said before."""
    done = subprocess.run(
        [sys.executable, "-c", AUTO], capture_output=True, text=True, check=True, timeout=100
    )
    assert done.stdout == "['cpu', 'cpu']\n"
    assert done.stderr.count("device='auto' uses the CPU (") == 1
    if NO_GPU:
        assert "(cuda: there is no NVIDIA GPU" in done.stderr
    elif not gpu.missing_for("cuda"):
        assert "(a GPU is here: device='cuda' uses it)" in done.stderr


def test_every_device_has_a_state():
    found = {device.name: device for device in opening.list_devices()}
    assert tuple(found) == opening.DEVICES
    assert found["cpu"].available
    assert all(device.available or device.reason for device in found.values())


def test_what_is_missing_is_said_with_its_command(monkeypatch):
    """Everything that this interpreter lacks of what a GPU needs, at once."""
    monkeypatch.setenv("INFONET_KERNELS_CUDA_LIBRARY", "/nowhere/lib.so")
    _cuda.CUDA.forget()
    reason = gpu.describe(gpu.missing_for("cuda"))
    assert "this infonet was built without its CUDA kernels" in reason
    lacks_core = importlib.util.find_spec("cuda.core") is None if _spec("cuda") else True
    assert ("cuda-python is not installed" in reason) == lacks_core
    providers = onnxruntime.get_available_providers()
    assert ("has no CUDAExecutionProvider" in reason) == (gpu.PROVIDER not in providers)
    if gpu.PROVIDER not in providers:
        assert "pip uninstall -y onnxruntime && pip install --force-reinstall --no-deps" in reason
    reason = gpu.describe(gpu.missing_for("tensorrt"))
    modules = any(map(_spec, gpu.TENSORRT_MODULES.values()))
    assert ("pip install 'infonet[tensorrt-rtx]'" in reason) == (lacks_core or not modules)
    assert reason.count("infonet[tensorrt-rtx]") <= 1  # each command is given once


def _spec(name):
    return importlib.util.find_spec(name)


def test_engines_run_on_tensorrt_alone(tmp_path):
    path = engine_file(tmp_path)
    for device in ("cpu", "cuda"):
        with pytest.raises(infonet.ModelError, match="is a TensorRT engine, .*'tensorrt' runs"):
            infonet.Estimator(path, device)
    if NO_GPU:
        for device in ("auto", "tensorrt"):
            with pytest.raises(infonet.DeviceError, match="'tensorrt' cannot .*give the ONNX mode"):
                infonet.Estimator(path, device)


def test_an_engine_says_what_it_is(tmp_path):
    model = load_model(engine_file(tmp_path))
    default = load_model()
    assert (model.architecture, model.n_min) == (default.architecture, default.n_min)


def test_a_model_is_no_engine(monkeypatch):
    # The one stand-in here for hardware: this machine lacks nothing that TensorRT needs.
    monkeypatch.setattr(gpu, "missing_for", lambda device: ())
    with pytest.raises(
        infonet.ModelError, match="is an ONNX model, .*: build one with  infonet bu"
    ):
        infonet.Estimator(device="tensorrt")


@without_gpu
def test_a_gpu_that_cannot_be_opened_is_an_error():
    """As with `Estimator(device="cuda")` where all seems to be there, for want of a driver say."""
    with pytest.raises(infonet.DeviceError, match="the GPU failed .*or use device='cpu'") as caught:
        Gpu()
    assert "\n" not in str(caught.value)


def engine_file(folder):
    """An engine file of the built-in model, without an engine that anything could run."""
    model = load_model()
    content = b"no engine"
    histogram = (-1, model.histogram_grid, model.histogram_grid)
    shapes = {"mi": (-1,), "quantiles": (-1, 3), "table": (-1, 64, 64), "score": (-1,)}
    manifest = Manifest(
        model_sha256="0" * 64,
        backend="tensorrt-rtx",
        backend_version="1.7.1.116",
        version_compatible=False,
        compute_capabilities=("8.0",),
        precision="fp16",
        optimization_level=None,
        profiles=(),
        inputs=(Tensor("histogram", "float32", histogram),),
        outputs=tuple(Tensor(name, "float32", shape) for name, shape in shapes.items()),
        metadata=model.metadata,
        engine_bytes=len(content),
        engine_sha256=hashlib.sha256(content).hexdigest(),
    )
    write_engine(folder / "a.engine", manifest, content)
    return folder / "a.engine"


def test_threads():
    assert count_threads(None) >= 1
    assert count_threads(3) == 3
    for bad in (0, -1, 1.5, True):
        with pytest.raises(infonet.InputError, match="whole numbers from 1"):
            count_threads(bad)


@pytest.mark.parametrize("threads", [1, 3])
def test_first_error_stops_the_work(threads):
    done = []

    def tasks():
        for i in range(1000):
            yield lambda i=i: done.append(i) or (1 if i < 5 else 1 // 0)

    with pytest.raises(ZeroDivisionError), Progress(1000, "task") as bar:
        run_tiles(tasks(), threads, bar)
    assert len(done) < 100


def test_progress_bar_is_shown_only_on_demand_or_a_terminal(capsys, monkeypatch, estimator):
    data = {"a": range(30), "b": range(30)}
    data = {name: list(values) for name, values in data.items()}
    estimator.pairwise(data)
    assert capsys.readouterr().err == ""
    estimator.pairwise(data, progress=True)
    assert "pair" in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    estimator.pairwise(data)
    assert "pair" in capsys.readouterr().err
    estimator.pairwise(data, progress=False)
    assert capsys.readouterr().err == ""


@without_gpu
def test_commands_take_a_device(tmp_path):
    from click.testing import CliRunner
    from infonet.cli import main

    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i * i % 7}\n" for i in range(40)))
    command = ["mi", str(path), "--x", "a", "--y", "b"]
    assert CliRunner().invoke(main, [*command, "--device", "cpu"]).exit_code == 0
    refused = CliRunner().invoke(main, [*command, "--device", "cuda"])
    assert refused.exit_code != 0
    assert "'cuda' cannot be used: there is no NVIDIA GPU" in refused.output
    report = CliRunner().invoke(main, ["doctor"]).output
    assert "device tensorrt  " in report
    assert "no: there is no NVIDIA GPU" in report
