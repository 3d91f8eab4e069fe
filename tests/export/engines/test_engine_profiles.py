"""Profiles, the file of profiles, and which graph an engine is built from: without TensorRT."""

from __future__ import annotations

import importlib.util
import shutil

import pytest
from core_graphs import copula_core
from infonet.errors import InputError, MissingExtraError, ModelError
from infonet.model.engine_file import MAGIC, Profile
from infonet_export.engines.backends import load_backend
from infonet_export.engines.model_files import load_core
from infonet_export.engines.profiles import DEFAULT_FILE, choose_ranges, load_ranges, parse_range


def test_ranges_fill_free_axes():
    batch = parse_range("b", "1:8:16").fill((-1, 32, 32))
    assert batch == Profile("b", (1, 32, 32), (8, 32, 32), (16, 32, 32))
    both = parse_range("n", "1x20:8x256:64x512").fill((-1, -1, 2))
    assert both == Profile("n", (1, 20, 2), (8, 256, 2), (64, 512, 2))
    assert both.covers((64, 20, 2))
    assert not both.covers((65, 20, 2))
    assert not both.covers((1, 19, 2))
    assert not both.covers((8, 256))
    with pytest.raises(InputError, match=r"has 1 sizes, .* 2 free axes \(batch x n\)"):
        parse_range("b", "1:8:16").fill((-1, -1, 2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1:2", "expected min:opt:max"),
        ("1:2:3:4", "expected min:opt:max"),
        ("0:1:2", "expected min:opt:max"),
        ("1:two:3", "expected min:opt:max"),
        ("", "expected min:opt:max"),
        ("-1:2:3", "expected min:opt:max"),
        ("3:2:4", "batch has min 3, opt 2, max 4"),
        ("1x9:1x8:1x9", "n has min 9, opt 8, max 9"),
        ("1:1x2:1", "same one or two sizes"),
        ("1x1x1:1x1x1:1x1x1", "same one or two sizes"),
    ],
)
def test_malformed_ranges(text, words):
    with pytest.raises(InputError, match=words):
        parse_range("p", text)


def test_the_default_file_covers_every_shape_once():
    copula = load_ranges(DEFAULT_FILE, "copula").values()
    for batch in range(1, 1025):
        assert sum(r.min[0] <= batch <= r.max[0] for r in copula) == 1
    perceiver = load_ranges(DEFAULT_FILE, "perceiver").values()
    for n in (2, 20, 255, 256, 257, 1000, 5000, 8192, 8193, 32_767, 32_768):
        assert sum(r.min[1] <= n <= r.max[1] for r in perceiver) == 1
    assert max(r.max[0] for r in perceiver) == 1024
    assert all(r.max[0] * r.max[1] <= 2**18 for r in perceiver)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("copula: {b: 1:32:32}", "in quotes"),
        ("copula: [1]", "no profiles for 'copula'"),
        ("perceiver: {}", "no profiles for 'copula'"),
        ("copula: {b: [", "cannot read"),
        ("copula: {b: '1:0:1'}", "expected min:opt:max"),
    ],
)
def test_mistakes_in_a_file(text, words, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        load_ranges(path, "copula")


def test_choice():
    known = load_ranges(DEFAULT_FILE, "copula")
    assert choose_ranges((), known) == tuple(known.values())
    chosen = choose_ranges(("x=1:2:3", "batch32"), known)
    assert chosen == (parse_range("x", "1:2:3"), known["batch32"])
    for wanted, words in ((("x",), "batch1, batch32"), (("x=1:1:1", "x=1:1:2"), "given twice")):
        with pytest.raises(InputError, match=words):
            choose_ranges(wanted, known)
    with pytest.raises(InputError, match="letters, digits"):
        choose_ranges(("a b=1:1:1",), known)


def test_unknown_and_missing_backends():
    with pytest.raises(InputError, match="'tensorrt-rtx' and 'tensorrt'"):
        load_backend("trt")
    if importlib.util.find_spec("tensorrt") is None:
        command = r"pip install --extra-index-url https://pypi.nvidia.com 'infonet\[tensorrt\]'"
        with pytest.raises(MissingExtraError, match=command):
            load_backend("tensorrt")


def test_a_model_without_a_core(tmp_path):
    import infonet
    from infonet.model.load import DEFAULT_MODEL

    shutil.copy(DEFAULT_MODEL, tmp_path / "m.onnx")
    with pytest.raises(ModelError, match=r"no core m\.core\.onnx beside it"):
        load_core(tmp_path / "m.onnx", None)
    shutil.copy(copula_core("fp32"), tmp_path / "m.core.onnx")  # of another checkpoint
    with pytest.raises(ModelError, match="not exported together"):
        load_core(tmp_path / "m.onnx", None)
    shutil.copy(DEFAULT_MODEL.with_name("copula.core.onnx"), tmp_path / "m.core.onnx")
    found = load_core(tmp_path / "m.onnx", "fp32")
    assert found.model.checkpoint_sha256 == infonet.load_model().checkpoint_sha256
    with pytest.raises(ModelError):
        load_core(tmp_path / "none.onnx", None)
    (tmp_path / "e.onnx").write_bytes(MAGIC + bytes(100))
    with pytest.raises(ModelError, match="is an engine already"):
        load_core(tmp_path / "e.onnx", None)
