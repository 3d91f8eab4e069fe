"""An export of the copula model that is off is refused, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from infonet.model.load import core_path
from infonet_export.copula import export as copula_export
from infonet_export.copula.export import export_checkpoint
from infonet_export.onnx.verify import ParityError


@pytest.mark.parametrize("error", [0.5, float("nan")])
@pytest.mark.parametrize("target", ["samples", "core"])
def test_a_file_that_differs_from_pytorch_is_refused_and_removed(
    tmp_path, checkpoint, monkeypatch, target, error
):
    save = onnx.save_model

    def perturb(model, path):
        graph = {p.key: p.value for p in model.metadata_props}["infonet.graph"]
        if graph == target:
            name = next(t.name for t in model.graph.initializer if "head.4.bias" in t.name)
            for tensor in model.graph.initializer:
                if tensor.name == name:
                    values = onnx.numpy_helper.to_array(tensor).copy() + np.float32(error)
                    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
        save(model, path)

    monkeypatch.setattr(onnx, "save_model", perturb)
    with pytest.raises(ParityError, match=r"export refused.*allowed: mi 0\.0001"):
        export_checkpoint(checkpoint, tmp_path / "bad.onnx", null_draws=0)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_midway_leaves_nothing_behind(tmp_path, checkpoint, monkeypatch):
    inner, calls = copula_export.trace, []

    def second_fails(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("out of memory")
        return inner(*arguments)

    monkeypatch.setattr(copula_export, "trace", second_fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        export_checkpoint(checkpoint, tmp_path / "half.onnx", null_draws=0)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_export_keeps_the_older_files(tmp_path, exported, checkpoint, monkeypatch):
    old = tmp_path / "model.onnx"
    for source, target in ((exported[1].model, old), (exported[1].core, core_path(old))):
        target.write_bytes(source.read_bytes())

    def refuse(*_):
        raise ParityError("export refused")

    monkeypatch.setattr(copula_export, "check_parity", refuse)
    with pytest.raises(ParityError):
        export_checkpoint(checkpoint, old, null_draws=0)
    assert old.read_bytes() == exported[1].model.read_bytes()
    assert core_path(old).read_bytes() == exported[1].core.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_file_that_is_no_checkpoint_is_refused_before_anything_is_written(tmp_path, content):
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="infonet train"):
        export_checkpoint(path, tmp_path / "out" / "x.onnx")
    assert not (tmp_path / "out").exists()
