"""Which devices can run a model here, and why the others cannot."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from infonet.devices.requirements import describe, missing_for
from infonet.errors import DeviceError, InputError

DEVICES = ("cpu", "cuda", "tensorrt")
_FIX = "use device='cpu' or device='auto'"
_log = logging.getLogger("infonet")
_said = threading.Event()


@dataclass(frozen=True)
class Device:
    """A device and, if it cannot be used, the reason and what helps."""

    name: str
    available: bool
    reason: str = ""


def list_devices() -> tuple[Device, ...]:
    """Every device that infonet knows, usable or not."""
    found = {name: missing_for(name) for name in DEVICES[1:]}
    others = (Device(name, not missing, describe(missing)) for name, missing in found.items())
    return Device("cpu", True), *others


def resolve_device(device: str, engine: bool = False) -> str:
    """Return the device to use for a request.

    "auto" takes a GPU if everything is there, and says once, through the logger "infonet", why it
    does not.

    Args:
        device: "auto", "cpu", "cuda" or "tensorrt".
        engine: whether the model is a TensorRT engine, which runs on "tensorrt" alone.

    Raises:
        DeviceError: a device that is asked for, or that the engine needs, cannot be had.
        InputError: no such device.
    """
    if device not in ("auto", *DEVICES):
        allowed = ", ".join(repr(name) for name in ("auto", *DEVICES))
        raise InputError(f"device is {device!r}, allowed are {allowed}")
    if device == "auto" and not engine:
        return _best()
    wanted = "tensorrt" if device == "auto" else device
    missing = () if wanted == "cpu" else missing_for(wanted)
    if missing:
        fix = "give the ONNX model to compute on the CPU" if engine else _FIX
        raise DeviceError(f"device {wanted!r} cannot be used: {describe(missing)}; {fix}")
    return wanted


def say_cpu(reasons: str) -> None:
    """Log, once a process, that "auto" computes on the CPU."""
    if not _said.is_set():
        _said.set()
        _log.info("device='auto' uses the CPU (%s)", reasons)


def _best() -> str:
    cuda = missing_for("cuda")
    if not cuda:
        return "cuda"
    if not _said.is_set():
        say_cpu(f"cuda: {describe(cuda)}")
    return "cpu"
