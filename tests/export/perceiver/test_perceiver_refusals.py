"""An export of the paper's network that is off is refused, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from exported_perceivers import EXPORTED, copy_of, exported, run
from infonet_export.onnx.verify import ParityError
from infonet_export.perceiver import export as perceiver_export
from infonet_export.perceiver import parity
from infonet_export.perceiver.export import export_perceiver
from infonet_export.perceiver.parity import check_parity
from infonet_export.perceiver.published import load_perceiver
from onnx import numpy_helper
from random_perceivers import SMALL, random_net, write_published, write_trained


def _tamper(model, change):
    """``change`` applied to the largest float32 constant of a traced model."""
    constants = [c for c in model.graph.initializer if c.data_type == onnx.TensorProto.FLOAT]
    largest = max(constants, key=lambda c: np.prod(c.dims))
    value = change(numpy_helper.to_array(largest).copy())
    largest.CopyFrom(numpy_helper.from_array(value, largest.name))
    return model


def _one_weight_gone(value):
    value.flat[np.abs(value).argmax()] = 0
    return value


@pytest.mark.parametrize(
    "change", [lambda v: 1.5 * v, _one_weight_gone, lambda v: np.full_like(v, np.nan)]
)
@pytest.mark.parametrize("core", [False, True])
def test_a_file_that_is_off_is_refused_and_leaves_nothing(tmp_path, monkeypatch, change, core):
    made = exported("random")
    traces = [_tamper(copy_of(made.traces[0]), change), copy_of(made.traces[1])]
    monkeypatch.setattr(perceiver_export, "trace", lambda *_: traces.pop(0))
    output = tmp_path / "new" / "paper.onnx"
    with pytest.raises(ParityError, match=r"export refused: .*mi .*table .*allowed: mi 0\.0001"):
        export_perceiver(made.checkpoint, output, core=core)
    assert list(output.parent.iterdir()) == []


def test_a_refused_export_leaves_an_earlier_file_as_it_was(tmp_path, monkeypatch):
    made, output = exported("random"), tmp_path / "paper.onnx"
    output.write_bytes(b"earlier")
    trace = _tamper(copy_of(made.traces[0]), lambda value: -value)
    monkeypatch.setattr(perceiver_export, "trace", lambda *_: trace)
    with pytest.raises(ParityError):
        export_perceiver(made.checkpoint, output)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"earlier"]


def test_an_interrupted_export_leaves_nothing(tmp_path, monkeypatch):
    made = exported("random")

    def interrupted(*arguments):
        if arguments[3] == "ranks":
            raise KeyboardInterrupt
        return copy_of(made.traces[0])

    monkeypatch.setattr(perceiver_export, "trace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_perceiver(made.checkpoint, tmp_path / "paper.onnx", core=True)
    assert list(tmp_path.iterdir()) == []


def test_an_estimate_that_depends_on_the_switch_is_refused(monkeypatch):
    made = exported("random")

    class Fickle:
        def run(self, names, feeds):
            outputs = run(made.model, feeds["samples"], names)
            return outputs if len(names) == 2 else [outputs[0] + np.float32(1e-6)]

    monkeypatch.setattr(parity, "session", lambda *_, **__: Fickle())
    with pytest.raises(ParityError, match=r"with the table, .* without"):
        check_parity(load_perceiver(made.checkpoint), made.model, "fp32", histogram=False)


@pytest.mark.parametrize(
    ("shift", "precision", "histogram", "passes"),
    [
        (5e-5, "fp32", False, True),
        (3e-4, "fp32", False, False),
        (3e-4, "fp32", True, True),
        (2e-3, "fp32", True, False),
        (2e-3, "fp16", False, True),
        (2e-3, "fp16", True, True),
        (8e-3, "fp16", True, False),
    ],
)
def test_limits_of_mutual_information(monkeypatch, shift, precision, histogram, passes):
    made = exported("random")
    inner = parity.mutual_information
    monkeypatch.setattr(parity, "mutual_information", lambda *a: inner(*a) + shift)
    net = load_perceiver(made.checkpoint)
    if passes:
        report = check_parity(net, made.model, precision, histogram)
        assert report.mi == pytest.approx(shift, abs=2e-5)
        assert report.pairs == 8
        assert str(report).startswith("parity with PyTorch on 8 pairs, largest differences in nats")
    else:
        with pytest.raises(ParityError, match="export refused"):
            check_parity(net, made.model, precision, histogram)


def test_another_network_is_not_taken_for_the_file():
    with pytest.raises(ParityError, match="export refused"):
        check_parity(random_net(EXPORTED, seed=1), exported("random").model, "fp32", False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rewrite": "fast"}, "'fast', allowed are 'exact' and 'histogram'"),
        ({"grid": 64}, "only the rewriting 'histogram'"),
        ({"grid": 0}, "grid is 0"),
        ({"rewrite": "histogram", "grid": 1}, "grid is 1, .* at least 2"),
        ({"rewrite": "histogram", "grid": 0}, "grid is 0, .* at least 2"),
        ({"precision": "fp8"}, "'fp8', allowed are 'fp32' and 'fp16'"),
        ({"marginal": "pairs"}, "'pairs', allowed are 'all_pairs' and 'shuffle'"),
        ({"preset": "copula"}, "'copula', allowed are"),
    ],
)
def test_options_that_cannot_be(tmp_path, monkeypatch, options, message):
    monkeypatch.setattr(perceiver_export, "trace", None)  # refused before any work
    path = write_published(tmp_path / "a.pt", random_net(SMALL))
    with pytest.raises(ValueError, match=message):
        export_perceiver(path, tmp_path / "out.onnx", **options)
    assert list(tmp_path.iterdir()) == [path]


def test_more_samples_than_usual_may_be_the_minimum(tmp_path):
    net = random_net(SMALL)
    path = write_trained(tmp_path / "a.pt", net, n_min=2000, n_max=6000)
    sizes = [s.shape[1] for s in parity.parity_samples(load_perceiver(path).config.n_min)]
    assert sizes == [2000, 2000, 2000, 5000]
