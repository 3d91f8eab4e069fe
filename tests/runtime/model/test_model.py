"""Model files: metadata, damage, other programs, left-overs."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
from pathlib import Path

import infonet
import numpy as np
import pytest
from infonet.model.load import DEFAULT_MODEL, core_of, load_model
from infonet.model.metadata import ModelMetadata
from infonet.model.onnx_metadata import CONTENT_HASH, read_metadata, with_content_hash
from infonet.pairs.networks import COMPILED, Session, open_network

onnx = pytest.importorskip("onnx")
CORE = DEFAULT_MODEL.with_name("copula.core.onnx")


def rewrite(target, changes, source=CORE):
    """Copy a model with other metadata; None removes an entry."""
    proto = onnx.load(source)
    entries = {entry.key: entry.value for entry in proto.metadata_props} | changes
    del proto.metadata_props[:]
    kept = {key: value for key, value in entries.items() if value is not None}
    onnx.helper.set_model_props(proto, kept)
    target.write_bytes(with_content_hash(proto.SerializeToString()))
    return target


@pytest.mark.parametrize("path", [DEFAULT_MODEL, CORE])
def test_metadata_agree_with_onnx(path):
    expected = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert read_metadata(path) == expected


@pytest.mark.parametrize("path", [DEFAULT_MODEL, CORE])
def test_what_the_exporter_writes_is_what_the_runtime_reads(path):
    props = {k: v for k, v in load_model(path).metadata.items() if k != CONTENT_HASH}
    assert ModelMetadata.from_props(props).to_props() == props


def test_default_model():
    model = load_model()
    assert model.path == DEFAULT_MODEL
    assert (model.graph, core_of(model).path) == ("samples", CORE)
    assert model.n_min <= 50
    assert model.n_max >= 100_000
    assert model.quantile_levels == (0.05, 0.5, 0.95)
    assert DEFAULT_MODEL.stat().st_size + CORE.stat().st_size < 6_000_000


def test_core_alone_is_a_model(tmp_path, estimator, gaussian):
    alone = infonet.Estimator(shutil.copy(CORE, tmp_path / "some.onnx"))
    assert alone.estimate(*gaussian(0.5, 400)).mi == estimator.estimate(*gaussian(0.5, 400)).mi


@pytest.mark.usefixtures("operators")
def test_core_of_another_checkpoint_is_not_used(tmp_path, caplog, gaussian):
    full = shutil.copy(DEFAULT_MODEL, tmp_path / "model.onnx")
    rewrite(tmp_path / "model.core.onnx", {"infonet.checkpoint_sha256": "f" * 64})
    with caplog.at_level(logging.WARNING, "infonet"):
        alone = infonet.Estimator(full)
    assert "is not the core of" in caplog.text
    expected = infonet.mutual_information(*gaussian(0.5, 400))
    assert alone.estimate(*gaussian(0.5, 400)).mi == pytest.approx(expected, abs=1e-5)


STRANGERS = {
    "infonet.checkpoint_sha256": "f" * 64,
    "infonet.architecture": "perceiver",
    "infonet.preprocessing": '{"eps": 0.0, "normalize": "over_n"}',
    "infonet.quantile_levels": "[0.1, 0.5, 0.9]",
    "infonet.precision": "fp16",
    "infonet.parameters": "7",
    "infonet.graph": "samples",
}


@pytest.mark.parametrize("key", STRANGERS)
def test_the_core_of_a_stranger_is_refused_by_all(tmp_path, key):
    """The CPU, which runs the core, and `infonet build`, which makes engines of it: one rule."""
    from infonet_export.engines.model_files import load_core

    model = tmp_path / "model.onnx"
    shutil.copy(DEFAULT_MODEL, model)
    shutil.copy(CORE, tmp_path / "model.core.onnx")
    assert core_of(load_model(model)) is not None
    assert load_core(model, None).model.graph == "core"
    rewrite(tmp_path / "model.core.onnx", {key: STRANGERS[key]})
    assert core_of(load_model(model)) is None
    with pytest.raises(infonet.ModelError, match="was not exported together with"):
        load_core(model, None)


def test_table_and_preprocessing_of_other_models(tmp_path, gaussian):
    """Soft ranks with eps > 0: here so large that ranks are affine in the values."""
    preprocessing = '{"eps": 10.0, "normalize": "minmax"}'
    path = rewrite(tmp_path / "soft.onnx", {"infonet.preprocessing": preprocessing})
    x, y = gaussian(0.5, 400)
    soft = infonet.Estimator(path)
    found = soft.estimate(x, y)
    assert found.mi != infonet.mutual_information(x, y)
    assert soft.estimate(x + 1e6, y * 1e200).mi == pytest.approx(found.mi, abs=1e-3)
    assert soft.pairwise({"x": x, "y": y})["x", "y"].mi == found.mi


def changed(content, place):
    content = bytearray(content)
    content[place] ^= 1
    return bytes(content)


BAD = {
    "text": (lambda p: p.write_text("n,mi\n1,2\n"), "damaged or is not an ONNX"),
    "empty": (lambda p: p.write_bytes(b""), "damaged or is not an ONNX"),
    "random": (lambda p: p.write_bytes(np.random.default_rng(0).bytes(5000)), "damaged or is not"),
    "cut": (lambda p: p.write_bytes(DEFAULT_MODEL.read_bytes()[:-40_000]), "damaged or is not"),
    "overwritten": (
        lambda p: p.write_bytes(CORE.read_bytes()[:300] + b"\xff" * 300 + CORE.read_bytes()[600:]),
        "damaged",
    ),
    "weights": (lambda p: p.write_bytes(changed(CORE.read_bytes(), 700_000)), "is damaged: its"),
    "hash": (lambda p: p.write_bytes(changed(CORE.read_bytes(), -1)), "is damaged: its content"),
    "key of the hash": (
        lambda p: p.write_bytes(CORE.read_bytes().replace(b"content_sha256", b"content_sha257")),
        "is damaged: its content",
    ),
    "two hashes": (
        lambda p: p.write_bytes(CORE.read_bytes() + CORE.read_bytes()[-92:]),
        "is damaged: its content",
    ),
    "longer": (lambda p: p.write_bytes(CORE.read_bytes() + b"\x08\x08"), "is damaged: its content"),
    "version": (
        lambda p: rewrite(p, {"infonet.format_version": "2"}),
        "format version 2, this infonet reads version 1: run  pip install -U infonet",
    ),
    "lacking": (lambda p: rewrite(p, {"infonet.n_min": None}), "lacks .*'infonet.n_min'.*export"),
    "malformed": (lambda p: rewrite(p, {"infonet.n_min": "few"}), r"malformed metadata .*few"),
    "graph": (lambda p: rewrite(p, {"infonet.graph": "half"}), "graph is 'half', allowed"),
    "null": (lambda p: rewrite(p, {"infonet.null_distribution": "[1"}), "malformed metadata"),
    "levels": (lambda p: rewrite(p, {"infonet.quantile_levels": "[0.9, 0.1]"}), "do not increase"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files(tmp_path, kind):
    make, message = BAD[kind]
    path = tmp_path / "model.onnx"
    make(path)
    with pytest.raises(infonet.ModelError, match=message) as caught:
        infonet.Estimator(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_hash_is_what_the_documentation_says():
    """SHA-256 of the file with the 64 digits of the hash as zeros, read by the onnx package."""
    for path in (DEFAULT_MODEL, CORE):
        content = path.read_bytes()
        entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        digits = entries[CONTENT_HASH].encode()
        assert content.count(digits) == 1
        assert hashlib.sha256(content.replace(digits, b"0" * 64)).hexdigest().encode() == digits
        assert with_content_hash(content) == content


def test_files_without_a_hash_are_read_as_before(tmp_path, caplog, gaussian):
    proto = onnx.load(CORE)
    later = (CONTENT_HASH, "infonet.network")
    kept = {e.key: e.value for e in proto.metadata_props if e.key not in later}
    onnx.helper.set_model_props(proto, kept)
    path = tmp_path / "old.onnx"
    onnx.save(proto, path)
    with caplog.at_level(logging.DEBUG, "infonet"):
        found = infonet.Estimator(path).estimate(*gaussian(0.5, 400))
    assert "carries no hash" in caplog.text
    assert all(record.levelno <= logging.INFO for record in caplog.records)
    expected = infonet.mutual_information(*gaussian(0.5, 400))
    assert found.mi == pytest.approx(expected, abs=1e-5)


def test_a_damaged_core_is_not_passed_over(tmp_path):
    shutil.copy(DEFAULT_MODEL, tmp_path / "model.onnx")
    (tmp_path / "model.core.onnx").write_bytes(changed(CORE.read_bytes(), 500_000))
    with pytest.raises(infonet.ModelError, match=r"model\.core\.onnx is damaged"):
        infonet.Estimator(tmp_path / "model.onnx")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["mi", "quantiles", "score", "table"])
def test_what_is_not_finite_is_never_an_answer(tmp_path, gaussian, name, value):
    """A broken checkpoint, exported with a right hash."""
    proto = onnx.load(CORE)
    for node in proto.graph.node:
        node.output[:] = [f"{o}_whole" if o == name else o for o in node.output]
        node.input[:] = [f"{i}_whole" if i == name else i for i in node.input]
    constant = onnx.numpy_helper.from_array(np.float32(value), "broken")
    proto.graph.initializer.append(constant)
    proto.graph.node.append(onnx.helper.make_node("Add", [f"{name}_whole", "broken"], [name]))
    path = tmp_path / "broken.onnx"
    others = {e.key: e.value for e in proto.metadata_props if e.key != "infonet.network"}
    onnx.helper.set_model_props(proto, others)  # its formulas are others now
    path.write_bytes(with_content_hash(proto.SerializeToString()))
    broken = infonet.Estimator(path)
    with pytest.raises(infonet.ModelError, match=f"gives {name} that is not finite"):
        broken.estimate(*gaussian(0.5, 400))


def test_weights_that_are_not_finite_are_refused_by_the_compiled_network(tmp_path, gaussian):
    proto = onnx.load(CORE)
    for tensor in proto.graph.initializer:
        if tensor.name == "net.head.4.bias":
            tensor.CopyFrom(
                onnx.numpy_helper.from_array(np.full(3, np.nan, np.float32), tensor.name)
            )
    path = tmp_path / "broken.onnx"
    path.write_bytes(with_content_hash(proto.SerializeToString()))
    broken = infonet.Estimator(path)
    with pytest.raises(infonet.ModelError, match="that is not finite"):
        broken.estimate(*gaussian(0.5, 400))


def test_which_files_the_compiled_network_runs(tmp_path, estimator, gaussian):
    """Files without the name of their formulas, as before, and of other ones: ONNX Runtime."""
    proto = onnx.load(CORE)
    entries = {e.key: e.value for e in proto.metadata_props}
    assert entries["infonet.network"] in COMPILED
    x, y = gaussian(0.5, 400)
    expected = estimator.estimate(x, y)
    for name in (None, "copula-1000"):
        others = {k: v for k, v in entries.items() if k != "infonet.network"}
        onnx.helper.set_model_props(proto, others | ({"infonet.network": name} if name else {}))
        path = tmp_path / "other.onnx"
        path.write_bytes(with_content_hash(proto.SerializeToString()))
        assert isinstance(open_network(load_model(path)), Session)
        found = infonet.Estimator(path).estimate(x, y)
        assert found.mi == pytest.approx(expected.mi, abs=1e-5)
        assert found.interval == pytest.approx(expected.interval, abs=1e-5)


def other_program(path):
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(v, 1, ["n"]) for v in "xy"]
    graph = onnx.helper.make_graph([node], "g", values[:1], values[1:])
    onnx.save(onnx.helper.make_model(graph), path)
    return path


def test_model_of_another_program(tmp_path):
    path = other_program(tmp_path / "other.onnx")
    with pytest.raises(infonet.ModelError, match=r"of another program .*infonet export"):
        infonet.Estimator(path)


def test_infonet_metadata_on_a_foreign_graph(tmp_path):
    foreign = other_program(tmp_path / "other.onnx")
    path = rewrite(tmp_path / "model.onnx", read_metadata(CORE), source=foreign)
    with pytest.raises(infonet.ModelError, match=r"has outputs \['y'\], expected"):
        infonet.Estimator(path)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(infonet.ModelError, match=r"no model file at .*check the path"):
        infonet.Estimator(tmp_path / "none.onnx")
    with pytest.raises(infonet.ModelError, match=r"cannot read the model file .*it is a folder"):
        infonet.Estimator(tmp_path)


def test_pipes_devices_and_sockets_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.onnx")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        for path, kind in (
            (tmp_path / "pipe.onnx", "a pipe"),
            (Path("/dev/zero"), "a device"),
            (tmp_path / "socket", "cannot read the model file"),
        ):
            with pytest.raises(infonet.ModelError, match=kind):
                infonet.Estimator(path)
    shutil.copy(DEFAULT_MODEL, tmp_path / "model.onnx")
    os.mkfifo(tmp_path / "model.core.onnx")  # beside a model: no core
    assert core_of(load_model(tmp_path / "model.onnx")) is None
    with pytest.raises(infonet.ModelError, match="no model file at"):
        infonet.Estimator("model\0.onnx")
