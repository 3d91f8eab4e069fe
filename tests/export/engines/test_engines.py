"""Engines, really built with TensorRT-RTX, with or without a GPU."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import onnx
import pytest
from click.testing import CliRunner
from core_graphs import copula_core, perceiver_core
from infonet.cli import main
from infonet.errors import DeviceError, InputError, ModelError
from infonet.model.engine_file import (
    Profile,
    Tensor,
    gpu_compute_capability,
    read_engine,
    read_manifest,
    write_engine,
)
from infonet_export.engines.backends import load_backend
from infonet_export.engines.builder import BuildError, Options, build_engine
from infonet_export.engines.cache import EngineCache
from infonet_export.engines.model_files import load_core
from infonet_export.engines.networks import inspect_engine
from infonet_export.engines.profiles import parse_range
from infonet_export.onnx.write import save
from onnx import TensorProto, helper

trt = pytest.importorskip(
    "tensorrt_rtx", reason="needs TensorRT-RTX: pip install 'infonet[tensorrt-rtx]'"
)
ONE = (parse_range("one", "1:1:1"),)
PLAIN = Options()
LENGTHS = (
    parse_range("n256", "1x2:4x256:16x256"),
    parse_range("n1024", "1x257:2x1024:8x1024"),
    parse_range("n5000", "1x1025:1x5000:2x5000"),
)
needs_gpu = pytest.mark.skipif(gpu_compute_capability() is None, reason="needs a GPU")


@pytest.fixture
def backend():
    return load_backend("tensorrt-rtx")


def _run(*arguments):
    return CliRunner().invoke(main, ["build", *map(str, arguments)])


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_copula(precision, tmp_path, backend):
    model, output = copula_core(precision), tmp_path / "new" / "copula.engine"
    result = _run(
        model, "-o", output, "--precision", precision, "--no-cache",
        "--profile", "batch1", "--profile", "b64=2:64:64",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "profile b64: histogram 2x32x32 : 64x32x32 : 64x32x32\n" in result.output
    assert [path.name for path in output.parent.iterdir()] == ["copula.engine"]
    manifest, engine = read_engine(output)
    assert manifest == read_manifest(output)
    assert manifest.model_sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert (manifest.backend, manifest.backend_version) == ("tensorrt-rtx", trt.__version__)
    assert manifest.precision == precision
    assert manifest.compute_capabilities == ("8.0", "8.6", "8.9", "12.0+")
    assert manifest.profiles == (
        Profile("batch1", (1, 32, 32), (1, 32, 32), (1, 32, 32)),
        Profile("b64", (2, 32, 32), (64, 32, 32), (64, 32, 32)),
    )
    assert manifest.inputs == (Tensor("histogram", "float32", (-1, 32, 32)),)
    assert manifest.outputs == (
        Tensor("mi", "float32", (-1,)),
        Tensor("quantiles", "float32", (-1, 3)),
        Tensor("table", "float32", (-1, 16, 16)),
        Tensor("score", "float32", (-1,)),
    )
    stored = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    assert manifest.metadata == stored
    assert len(engine) == manifest.engine_bytes > 10_000
    for tensor in (*manifest.inputs, *manifest.outputs):
        assert tensor.name.encode() in engine


def test_float16_from_the_float32_model_of_the_package(tmp_path):
    from infonet.model.load import DEFAULT_MODEL

    output = tmp_path / "e.engine"
    result = _run("-o", output, "--precision", "fp16", "--no-cache", "--profile", "batch32")
    assert result.exit_code == 0, result.output
    manifest = read_manifest(output)
    core = DEFAULT_MODEL.with_name("copula.core.onnx")
    assert manifest.model_sha256 == hashlib.sha256(core.read_bytes()).hexdigest()
    assert manifest.precision == manifest.metadata["infonet.precision"] == "fp16"
    assert "no p-values: this graph has no table for them" in result.output
    assert manifest.metadata["infonet.null_distribution"] == ""


def test_perceiver_with_three_ranges_of_lengths(tmp_path, backend):
    """From ranks on the graph of every preset is the same."""
    graph = load_core(perceiver_core("perceiver_rank"), "fp16")
    built = build_engine(graph, tmp_path / "p.engine", backend, LENGTHS)
    manifest = read_manifest(built.path)
    assert manifest == built.manifest
    assert manifest.precision == "fp16"
    assert [(p.name, p.min, p.opt, p.max) for p in manifest.profiles] == [
        ("n256", (1, 2, 2), (4, 256, 2), (16, 256, 2)),
        ("n1024", (1, 257, 2), (2, 1024, 2), (8, 1024, 2)),
        ("n5000", (1, 1025, 2), (1, 5000, 2), (2, 5000, 2)),
    ]
    assert manifest.inputs == (Tensor("ranks", "float32", (-1, -1, 2)),)
    assert manifest.outputs == (
        Tensor("mi", "float32", (-1,)),
        Tensor("table", "float32", (-1, 24, 24)),
    )


def test_perceiver_that_reads_a_histogram(tmp_path, backend):
    graph = load_core(perceiver_core("perceiver_rank", "fp16", 16), None)
    built = build_engine(graph, tmp_path / "p.engine", backend, LENGTHS[:1])
    assert built.manifest.metadata["infonet.attention_grid"] == "16"


@needs_gpu
def test_a_loaded_engine_is_what_its_manifest_says(tmp_path, backend):
    here = gpu_compute_capability()
    if here == "9.0":
        pytest.skip("TensorRT-RTX does not run on Hopper")
    built = build_engine(load_core(copula_core("fp16"), None), tmp_path / "e", backend, ONE)
    assert built.loaded


@pytest.mark.skipif(gpu_compute_capability() is not None, reason="there is a GPU")
def test_without_a_gpu_loading_says_so(tmp_path, backend):
    built = build_engine(load_core(copula_core("fp16"), None), tmp_path / "e", backend, ONE)
    assert not built.loaded
    with pytest.raises(DeviceError, match="on a GPU, and there is none"):
        inspect_engine(backend, read_engine(built.path)[1])


def test_the_cache_is_keyed_by_all_that_matters(tmp_path, backend):
    cache, graph = EngineCache(tmp_path / "cache"), load_core(copula_core("fp16"), None)

    def build(name, graph=graph, ranges=ONE, options=PLAIN):
        return build_engine(graph, tmp_path / name, backend, ranges, options, cache)

    first, again = build("a"), build("b")
    assert (first.cached, again.cached) == (False, True)
    assert first.path.read_bytes() == again.path.read_bytes()
    others = [
        build("c", ranges=(parse_range("one", "1:1:2"),)),
        build("d", ranges=(parse_range("other", "1:1:1"),)),
        build("e", options=Options(compute_capabilities=("8.9",))),
        build("f", options=Options(optimization_level=0)),
        build("g", graph=load_core(copula_core("fp32"), None)),
    ]
    assert not any(built.cached for built in others)
    assert others[2].manifest.compute_capabilities == ("8.9",)
    assert len(list(cache.folder.glob("*.engine"))) == 6
    assert build("h", options=Options(compute_capabilities=("8.9",))).cached


def test_a_damaged_or_foreign_engine_in_the_cache_is_built_again(tmp_path, backend):
    cache, graph = EngineCache(tmp_path / "cache"), load_core(copula_core("fp16"), None)

    def build():
        return build_engine(graph, tmp_path / "e", backend, ONE, Options(), cache)

    build()
    (kept,) = cache.folder.glob("*.engine")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-1])
    assert not build().cached
    manifest, engine = read_engine(kept)
    write_engine(kept, replace(manifest, precision="fp32"), engine)
    assert not build().cached
    assert build().cached


def test_what_the_backend_cannot_hold_is_named(tmp_path, backend):
    model = onnx.load(copula_core("fp32"))
    node = helper.make_node("Bernoulli", ["histogram"], ["noise"])
    model.graph.node.append(node)
    model.graph.output.append(helper.make_tensor_value_info("noise", TensorProto.FLOAT, None))
    path = tmp_path / "x.core.onnx"
    save(model, path)
    with pytest.raises(ModelError, match=r"tensorrt-rtx .* cannot hold .*x\.core\.onnx \(.*Bernou"):
        build_engine(load_core(path, None), tmp_path / "e", backend, ONE)
    assert not (tmp_path / "e").exists()


def test_a_scatter_that_adds_is_what_the_core_must_not_have():
    """Why the cores of perceivers count samples in another way."""
    core = onnx.load(perceiver_core("perceiver_rank"))
    assert "ScatterElements" not in {node.op_type for node in core.graph.node}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(version_compatible=True), "version that built them alone"),
        (Options(compute_capabilities=("9.0",)), "'9.0', tensorrt-rtx builds for 7.5, 8.0"),
    ],
)
def test_options_that_do_not_apply(options, words, tmp_path, backend):
    with pytest.raises(InputError, match=words):
        build_engine(load_core(copula_core("fp16"), None), tmp_path / "e", backend, ONE, options)
    assert list(tmp_path.iterdir()) == []


def test_profiles_that_do_not_fit_the_model(tmp_path, backend):
    graph = load_core(copula_core("fp16"), None)
    with pytest.raises(InputError, match=r"'n256' has 2 sizes, .* has 1 free axes \(batch\)"):
        build_engine(graph, tmp_path / "e", backend, LENGTHS)


def test_a_refused_build_gives_the_reasons(tmp_path, backend, monkeypatch):
    graph = load_core(copula_core("fp16"), None)
    # the library, not we, refuses a fixed axis of another size
    monkeypatch.setattr(
        "infonet_export.engines.profiles.Range.fill",
        lambda self, shape: Profile("odd", (1, 8, 8), (1, 8, 8), (1, 8, 8)),
    )
    with pytest.raises(BuildError, match=r"tensorrt-rtx .* (failed|refused)"):
        build_engine(graph, tmp_path / "e", backend, ONE)
    assert not (tmp_path / "e").exists()


def test_an_interrupted_build_stops_and_leaves_nothing(tmp_path, backend, monkeypatch):
    from infonet_export.engines import builder

    class Bar(builder.tqdm):
        def refresh(self, *arguments, **options):
            raise KeyboardInterrupt

    monkeypatch.setattr(builder, "tqdm", Bar)
    monkeypatch.setattr(builder, "TICK", 0.01)
    cache = EngineCache(tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        build_engine(
            load_core(perceiver_core("perceiver_rank"), None),
            tmp_path / "e", backend, LENGTHS, Options(), cache,
        )  # fmt: skip
    assert not (tmp_path / "e").exists()
    assert not list(cache.folder.glob("*.engine"))


def test_messages_of_the_command(tmp_path):
    model = copula_core("fp16")
    for arguments, words in (
        (["--precision", "fp32"], "is fp16, and fp32 was asked for"),
        (["--profile", "huge"], "no profile is called 'huge'"),
        (["--profile", "a=1:2:1"], "batch has min 1, opt 2, max 1"),
    ):
        result = _run(model, "-o", tmp_path / "e", "--cache", tmp_path / "c", *arguments)
        assert result.exit_code == 1, result.output
        assert words in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    nowhere = tmp_path / "file" / "c"
    nowhere.parent.write_text("")
    for arguments in (["-o", tmp_path / "e", "--cache", nowhere], ["-o", nowhere, "--no-cache"]):
        result = _run(model, *arguments, "--profile", "batch1")
        assert result.exit_code == 1
        assert "choose another --output or --cache" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    both = _run(model, "-o", tmp_path / "e", "--cache", tmp_path / "c", "--no-cache")
    assert both.exit_code == 2
