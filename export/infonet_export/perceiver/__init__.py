"""The network of the InfoNet paper: sizes, layers, read-out, and its published checkpoints."""

from infonet_export.perceiver.network import Perceiver, PerceiverOutput
from infonet_export.perceiver.read_out import mutual_information
from infonet_export.perceiver.sizes import PRESETS, PerceiverConfig

__all__ = ["PRESETS", "Perceiver", "PerceiverConfig", "PerceiverOutput", "mutual_information"]
