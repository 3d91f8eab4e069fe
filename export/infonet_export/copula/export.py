"""A checkpoint of the copula model -> ONNX: the whole estimator and its core, verified."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import torch
from infonet.model.load import core_path
from infonet.model.load import load_model as load_core
from infonet.model.metadata import NULL_DISTRIBUTION, ModelMetadata
from infonet.pairs.networks import open_network
from torch import nn

from infonet_export.checkpoints import Checkpoint, open_checkpoint
from infonet_export.copula.checkpoint import load_model
from infonet_export.copula.graphs import (
    EPS,
    NORMALIZE,
    Core,
    FromSamples,
    half_body,
    round_weights,
)
from infonet_export.copula.network import QUANTILE_LEVELS, CopulaNet
from infonet_export.copula.null_distribution import simulate_null
from infonet_export.copula.parity import OUTPUTS, ParityReport, check_parity
from infonet_export.onnx.precision import Precision, store_half
from infonet_export.onnx.trace import trace
from infonet_export.onnx.write import add_metadata, all_or_none, save

# The formulas of `Core` with the combined score, which kernels/cpu/network has, too. Whoever
# changes them gives them another name: files of that name are run by ONNX Runtime until the kernels
# follow.
NETWORK = "copula-1"


@dataclass(frozen=True)
class ExportResult:
    """Where the two graphs were written, and how far they are from PyTorch."""

    model: Path
    core: Path
    parity: ParityReport


def export_checkpoint(
    checkpoint: Path | Checkpoint,
    output: Path,
    null_draws: int = 20_000,
    precision: Precision = "fp32",
) -> ExportResult:
    """Write ``output`` (samples in) and its core (histogram in).

    null_draws: simulations of independence for each n of the p-value table (fewer for large n);
    0 for no table. precision: of the U-Net; densities, statistics, heads and MI are float32.
    Raises ValueError for a file that is no checkpoint and ParityError, leaving no file behind, when
    ONNX Runtime and PyTorch in float32 differ by more than 1e-4 nats (5e-3 for fp16).
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision is {precision!r}, allowed are 'fp32' and 'fp16'")
    source = open_checkpoint(checkpoint)
    trained = load_model(source)
    net = round_weights(trained.net)
    # of weak dependence the estimate's rounding in 16 bits would be all that is left
    combined = precision == "fp32"
    reference = FromSamples(Core(net, trained.interval_factors, combined)).eval()
    exported = half_body(net) if precision == "fp16" else net
    core = Core(exported, trained.interval_factors, combined).eval()
    whole = FromSamples(core).eval()
    metadata = describe(trained.net, source.sha256, precision)
    graphs: dict[Path, tuple[nn.Module, torch.Tensor, dict[int, Any], str, str]] = {
        output: (whole, torch.rand(3, 50, 2), {0: "batch", 1: "n"}, "samples", "samples"),
        core_path(output): (
            core,
            torch.rand(3, core.grid, core.grid),
            {0: "batch"},
            "histogram",
            "core",
        ),
    }
    with all_or_none(graphs) as partial:
        models = {}
        for path, (module, example, dynamic, name, kind) in graphs.items():
            models[path] = trace(module, example, dynamic, name, OUTPUTS)
            add_metadata(models[path], replace(metadata, graph=kind).to_props())
            store_half(models[path])
            save(models[path], partial[path])
        report = check_parity(reference, partial[output], partial[core_path(output)], precision)
        null = _null_distribution(partial[core_path(output)], core.grid, null_draws)
        for path, model in models.items():
            add_metadata(model, {NULL_DISTRIBUTION: null})
            save(model, partial[path])
    return ExportResult(output, core_path(output), report)


def _null_distribution(core: Path, grid: int, draws: int) -> str:
    """The metadata entry, simulated with what will compute; "" for no draws."""
    if not draws:
        return ""
    network = open_network(load_core(core))
    statistic = lambda histogram: network.run(["score"], histogram)[0]  # noqa: E731
    return json.dumps(simulate_null(statistic, grid, draws=draws))


def describe(
    net: CopulaNet, checkpoint_sha256: str, precision: Precision = "fp32"
) -> ModelMetadata:
    """All that the runtime must know about the model, but for the null distribution."""
    config = net.config
    return ModelMetadata(
        architecture="copula",
        eps=EPS,
        normalize=NORMALIZE,
        histogram_grid=config.histogram_grid,
        table_grid=config.table_grid,
        quantile_levels=QUANTILE_LEVELS,
        n_min=config.n_min,
        n_max=config.n_max,
        test_statistic="score",
        precision=precision,
        network=NETWORK if precision == "fp32" else None,
        parameters=sum(p.numel() for p in net.parameters()),
        version=version("infonet"),
        checkpoint_sha256=checkpoint_sha256,
    )
