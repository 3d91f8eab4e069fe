"""Core graphs of small random networks, as the exporters write them but without the whole file."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import onnx
import torch
from infonet_export.exporting import onnx_file, perceiver_file
from infonet_export.exporting.graphs import Core
from infonet_export.exporting.half_body import half_body
from infonet_export.exporting.half_storage import round_weights, store_half
from infonet_export.exporting.perceiver.graphs import PerceiverCore
from infonet_export.models.perceiver import PRESETS
from random_perceivers import SMALL, with_preset
from random_perceivers import random_net as random_perceiver
from tiny_models import random_net as random_copula
from tiny_models import tiny_config

_folder = tempfile.TemporaryDirectory()


@functools.cache
def copula_core(precision):
    net = round_weights(random_copula(tiny_config().model))
    core = Core(half_body(net) if precision == "fp16" else net).eval()
    model = onnx_file.trace(core, torch.rand(3, core.grid, core.grid), {0: "batch"}, "histogram")
    metadata = onnx_file.describe(net, "0" * 64, precision)
    onnx_file.add_metadata(
        model, {**metadata, "infonet.graph": "core", "infonet.null_distribution": ""}
    )
    store_half(model)
    return _save(model, f"copula_{precision}")


@functools.cache
def perceiver_core(preset, precision="fp16", grid=0):
    net = random_perceiver(with_preset(SMALL, PRESETS[preset]))
    core = PerceiverCore(net, grid, precision, splat="dense").eval()
    axes = {0: "batch", 1: "n"}
    model = onnx_file.trace(core, torch.rand(3, 50, 2), axes, "ranks", perceiver_file.OUTPUTS)
    metadata = perceiver_file.describe(net, "0" * 64, precision, grid)
    onnx_file.add_metadata(model, {**metadata, "infonet.graph": "core"})
    return _save(model, f"{preset}_{precision}_{grid}")


def _save(model, name):
    path = Path(_folder.name) / f"{name}.core.onnx"
    onnx.save_model(model, path)
    return path
