"""Devices: which there are, and a model on one of them."""

from infonet.devices.available import DEVICES, Device, list_devices, resolve_device

__all__ = ["DEVICES", "Device", "list_devices", "resolve_device"]
