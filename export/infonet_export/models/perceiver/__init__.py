"""The network of the InfoNet paper: sizes, layers, read-out, and its published checkpoints."""

from infonet_export.models.perceiver.config import PRESETS, PerceiverConfig
from infonet_export.models.perceiver.network import Perceiver, PerceiverOutput
from infonet_export.models.perceiver.read_out import mutual_information

__all__ = ["PRESETS", "Perceiver", "PerceiverConfig", "PerceiverOutput", "mutual_information"]
