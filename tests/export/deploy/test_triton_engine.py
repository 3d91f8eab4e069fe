"""`infonet export --triton --triton-engine`: an ensemble of Triton whose network is an engine.

There is neither TensorRT nor a server here. The engine is a file whose bytes mean nothing, the
core stands for it, and the steps of the ensemble are taken one by one as its configuration says.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.model.engine_file import Manifest, Profile, Tensor, write_engine
from infonet.model.load import core_of, load_model
from infonet.model.portable import write_portable
from infonet_export.onnx.verify import session

MODEL = load_model()
CORE = core_of(MODEL)
GRID = CORE.histogram_grid
PLAN = b"not a plan of TensorRT"
KINDS = {"tensor(float)": "TYPE_FP32", "tensor(bool)": "TYPE_BOOL"}


def manifest():
    """Of an engine with the default profiles."""
    graph = session(CORE.path, custom_ops=False)
    outputs = [
        Tensor(value.name, "float32", (-1, *value.shape[1:])) for value in graph.get_outputs()
    ]
    batches = [(1, 1, 1), (2, 32, 32), (33, 256, 256), (257, 1024, 1024)]
    return Manifest(
        model_sha256=hashlib.sha256(CORE.path.read_bytes()).hexdigest(),
        backend="tensorrt",
        backend_version="10.8.0",
        version_compatible=False,
        compute_capabilities=("9.0",),
        precision="fp32",
        optimization_level=None,
        profiles=tuple(
            Profile(f"batch{most}", *((batch, GRID, GRID) for batch in (least, best, most)))
            for least, best, most in batches
        ),
        inputs=(Tensor("histogram", "float32", (-1, GRID, GRID)),),
        outputs=tuple(outputs),
        metadata=CORE.metadata,
        engine_bytes=len(PLAN),
        engine_sha256=hashlib.sha256(PLAN).hexdigest(),
    )


def export(folder, found, model=MODEL.path):
    write_engine(folder / "a.engine", found, PLAN)
    arguments = [model, "--triton", folder / "models", "--triton-engine", folder / "a.engine"]
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture
def models(tmp_path):
    result = export(tmp_path, manifest())
    assert result.exit_code == 0, result.output
    return tmp_path / "models"


@pytest.fixture
def protocol():
    return pytest.importorskip("tritonclient.grpc").model_config_pb2


@pytest.fixture
def configs(models, protocol):
    """Folder -> ModelConfig, by Triton's own protocol."""
    from google.protobuf import text_format

    return {
        path.parent.name: text_format.Parse(path.read_text(), protocol.ModelConfig())
        for path in sorted(models.glob("*/config.pbtxt"))
    }


def graph_of(models, name):
    """The graph of a model; that of the core in the place of the engine's."""
    path = models / name / "1" / "model.onnx"
    return session(CORE.path if name == "infonet_network" else path, custom_ops=False)


def test_the_repository_has_what_triton_asks_for(models):
    assert (models / "infonet_network" / "1" / "model.plan").read_bytes() == PLAN
    assert (models / "infonet" / "1").is_dir()
    onnx = sorted(path.parent.parent.name for path in models.rglob("model.onnx"))
    assert onnx == ["infonet_answer", "infonet_ranks"]


def test_configurations_say_what_the_graphs_have(models, configs, protocol):
    assert {name: config.platform for name, config in configs.items()} == {
        "infonet": "ensemble",
        "infonet_answer": "onnxruntime_onnx",
        "infonet_network": "tensorrt_plan",
        "infonet_ranks": "onnxruntime_onnx",
    }
    for name, config in configs.items():
        assert config.name == name
        if name == "infonet":
            continue
        graph = graph_of(models, name)
        said, found = [*config.input, *config.output], [*graph.get_inputs(), *graph.get_outputs()]
        assert [value.name for value in said] == [value.name for value in found]
        for value, real in zip(said, found, strict=True):
            dims = value.reshape.shape if value.HasField("reshape") else value.dims
            assert list(dims) == [d if isinstance(d, int) else -1 for d in real.shape[1:]]
            assert protocol.DataType.Name(value.data_type) == KINDS[real.type]


def test_the_engine_has_all_of_its_profiles(configs):
    """Triton takes the first one alone unless it is told of others."""
    network = configs["infonet_network"]
    assert network.max_batch_size == 1024
    (group,) = network.instance_group
    assert list(group.profile) == ["0", "1", "2", "3"]
    assert configs["infonet"].max_batch_size == 256


def test_an_ensemble_is_consistent(configs):
    """What Triton checks when it loads one: names, types, shapes as models show them, batches."""
    whole = configs["infonet"]
    tensors = {value.name: (value.data_type, list(value.dims)) for value in whole.input}
    for step in whole.ensemble_scheduling.step:
        model = configs[step.model_name]
        assert model.max_batch_size >= whole.max_batch_size
        assert sorted(step.input_map) == sorted(value.name for value in model.input)
        for value in model.input:
            assert tensors[step.input_map[value.name]] == (value.data_type, list(value.dims))
        given = {value.name: (value.data_type, list(value.dims)) for value in model.output}
        tensors |= {name: given[own] for own, name in step.output_map.items()}
    for value in whole.output:
        assert tensors[value.name] == (value.data_type, list(value.dims))
    assert not any(v.HasField("reshape") for v in (*whole.input, *whole.output))


def test_the_steps_give_what_the_portable_file_gives(models, configs, tmp_path):
    write_portable(tmp_path / "portable.onnx")
    portable = session(tmp_path / "portable.onnx", custom_ops=False)
    rng = np.random.default_rng(0)
    for n in (10, 20, 500, 5000):
        samples = rng.standard_normal((4, n, 2)).astype(np.float32)
        samples[1, :, 1] += samples[1, :, 0]
        samples[2] = samples[2].round()
        samples[3, 0, 0] = np.nan
        tensors = {"samples": samples}
        for step in configs["infonet"].ensemble_scheduling.step:
            read = {own: tensors[name] for own, name in step.input_map.items()}
            names = list(step.output_map)
            answers = graph_of(models, step.model_name).run(names, read)
            tensors |= dict(zip((step.output_map[name] for name in names), answers, strict=True))
        outputs = [value.name for value in portable.get_outputs()]
        assert outputs == [value.name for value in configs["infonet"].output]
        for name, expected in zip(
            outputs, portable.run(outputs, {"samples": samples}), strict=True
        ):
            np.testing.assert_array_equal(tensors[name], expected)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backend": "tensorrt-rtx"}, "was built by tensorrt-rtx, and tensorrt was to load it"),
        ({"model_sha256": "ab" * 32}, "it was built from another model"),
    ],
)
def test_an_engine_that_does_not_fit(tmp_path, changes, words):
    result = export(tmp_path, replace(manifest(), **changes))
    assert result.exit_code == 1
    assert words in result.output
    assert not (tmp_path / "models").exists()


def test_wrong_usage(tmp_path):
    result = export(tmp_path, manifest(), model=tmp_path / "model.pt")
    assert result.exit_code == 2
    result = CliRunner().invoke(
        main, ["export", str(MODEL.path), "-o", "a.onnx", "--triton-engine", "b.engine"]
    )
    assert result.exit_code == 2
    assert "add --triton" in result.output


def test_an_engine_takes_the_place_of_the_portable_file(models, tmp_path):
    result = CliRunner().invoke(main, ["export", str(MODEL.path), "--triton", str(models)])
    assert result.exit_code == 0, result.output
    assert (models / "infonet" / "1" / "model.onnx").is_file()
    assert export(tmp_path, manifest()).exit_code == 0
    assert not (models / "infonet" / "1" / "model.onnx").exists()
