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

    "auto" takes the CPU, and says once, through the logger "infonet", whether a GPU could be used;
    of an engine it takes "tensorrt".

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
        return _cpu()
    wanted = "tensorrt" if device == "auto" else device
    missing = () if wanted == "cpu" else missing_for(wanted)
    if missing:
        fix = "give the ONNX model to compute on the CPU" if engine else _FIX
        raise DeviceError(f"device {wanted!r} cannot be used: {describe(missing)}; {fix}")
    return wanted


def _cpu() -> str:
    """The CPU, said once a process. A GPU has to be asked for by name: these releases were written
    and checked without one, and what nobody asked for must not be what nobody has run."""
    # What a GPU lacks is looked up for readers of the log alone: it loads the driver.
    if not _said.is_set() and _log.isEnabledFor(logging.INFO):
        _said.set()
        missing = missing_for("cuda")
        reason = f"cuda: {describe(missing)}" if missing else "a GPU is here: device='cuda' uses it"
        _log.info("device='auto' uses the CPU (%s)", reason)
    return "cpu"
