"""Core graphs of small random networks, as the exporters write them but without the whole file."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from infonet_export.copula import export as copula_export
from infonet_export.copula.graphs import Core, half_body, round_weights
from infonet_export.onnx.precision import store_half
from infonet_export.onnx.trace import trace
from infonet_export.onnx.write import add_metadata, save
from infonet_export.perceiver import PRESETS
from infonet_export.perceiver import export as perceiver_export
from infonet_export.perceiver.graphs import PerceiverCore
from random_perceivers import SMALL, with_preset
from random_perceivers import random_net as random_perceiver
from tiny_models import random_net as random_copula
from tiny_models import tiny_config

# every head costs time at the tracing; one layer has several
FEW_HEADS = replace(SMALL, read_heads=1, process_heads=2, query_heads=1, decode_heads=1)
_folder = tempfile.TemporaryDirectory()


@functools.cache
def copula_core(precision):
    net = round_weights(random_copula(tiny_config().model))
    core = Core(half_body(net) if precision == "fp16" else net).eval()
    model = trace(
        core, torch.rand(3, core.grid, core.grid), {0: "batch"}, "histogram", copula_export.OUTPUTS
    )
    metadata = copula_export.describe(net, "0" * 64, precision)
    add_metadata(model, replace(metadata, graph="core", null_distribution="").to_props())
    store_half(model)
    return _save(model, f"copula_{precision}")


@functools.cache
def perceiver_core(preset, precision="fp16", grid=0):
    net = random_perceiver(with_preset(FEW_HEADS, PRESETS[preset]))
    core = PerceiverCore(net, grid, precision, splat="dense").eval()
    axes = {0: "batch", 1: "n"}
    model = trace(core, torch.rand(3, 50, 2), axes, "ranks", perceiver_export.OUTPUTS)
    metadata = perceiver_export.describe(net, "0" * 64, precision, grid, "all_pairs")
    add_metadata(model, replace(metadata, graph="core").to_props())
    return _save(model, f"{preset}_{precision}_{grid}")


def _save(model, name):
    path = Path(_folder.name) / f"{name}.core.onnx"
    save(model, path)
    return path
