"""Which devices can run a model here, and why the others cannot."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from infonet.errors import DeviceError, InputError

DEVICES = ("cpu", "cuda", "tensorrt")
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
_FIX = "use device='cpu' or device='auto'"
_log = logging.getLogger("infonet")
_said = threading.Event()


@dataclass(frozen=True)
class Device:
    """A device and, if it cannot be used, the reason."""

    name: str
    available: bool
    reason: str = ""


def list_devices() -> tuple[Device, ...]:
    """Every device that infonet knows, usable or not."""
    import onnxruntime as ort

    providers = ort.get_available_providers()
    devices = [Device("cpu", True)]
    for name, provider in _PROVIDERS.items():
        missing = "" if provider in providers else f"onnxruntime here has no {provider}, and "
        reason = f"{missing}this release of infonet computes on the CPU only"
        devices.append(Device(name, False, reason))
    return tuple(devices)


def resolve_device(device: str) -> str:
    """Return the device to use for a request.

    "auto" takes the best that works and says once, through the logger "infonet", what it took.

    Raises:
        DeviceError: an explicitly asked-for device cannot be had.
        InputError: no such device.
    """
    if device == "auto":
        if not _said.is_set():
            _said.set()
            others = "; ".join(f"{d.name}: {d.reason}" for d in list_devices() if not d.available)
            _log.info("device='auto' uses the CPU (%s)", others)
        return "cpu"
    if device not in DEVICES:
        allowed = ", ".join(repr(name) for name in ("auto", *DEVICES))
        raise InputError(f"device is {device!r}, allowed are {allowed}")
    if device != "cpu":
        found = next(entry for entry in list_devices() if entry.name == device)
        if not found.available:
            raise DeviceError(f"device {device!r} cannot be used: {found.reason}; {_FIX}")
    return device
