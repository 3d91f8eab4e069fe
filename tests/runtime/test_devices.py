"""Devices: explicit requests are kept or refused, "auto" falls back and says so."""

from __future__ import annotations

import logging

import infonet
import pytest
from infonet import devices
from infonet.tiles import Progress, count_threads, run_tiles


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_explicit_device_is_refused_with_reason_and_fix(device):
    with pytest.raises(infonet.DeviceError, match=f"'{device}' cannot be used: .*device='cpu'"):
        infonet.Estimator(device=device)


def test_auto_says_once_what_it_took(caplog):
    devices._said.clear()
    with caplog.at_level(logging.INFO, "infonet"):
        assert infonet.Estimator().device == "cpu"
        assert infonet.Estimator().device == "cpu"
    assert caplog.text.count("device='auto' uses the CPU") == 1


def test_every_device_has_a_state():
    found = {device.name: device for device in devices.list_devices()}
    assert tuple(found) == devices.DEVICES
    assert found["cpu"].available
    assert all(device.available or device.reason for device in found.values())


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
