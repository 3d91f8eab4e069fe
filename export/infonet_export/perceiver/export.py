"""A checkpoint of the paper's network -> one ONNX file, verified against PyTorch."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import torch
from infonet.model.load import core_path
from infonet.model.metadata import ModelMetadata, TableLayout
from torch import nn

from infonet_export.checkpoints import Checkpoint, open_checkpoint
from infonet_export.onnx.precision import Precision
from infonet_export.onnx.table_switch import put_behind_switch
from infonet_export.onnx.trace import trace
from infonet_export.onnx.write import add_metadata, all_or_none, save
from infonet_export.perceiver import Perceiver
from infonet_export.perceiver.graphs import PerceiverCore, PerceiverFromSamples, Rewrite, Splat
from infonet_export.perceiver.grids import GRIDS, GridError, choose, grid_errors
from infonet_export.perceiver.parity import PerceiverParity, check_parity, parity_samples
from infonet_export.perceiver.published import load_perceiver
from infonet_export.perceiver.read_out import Marginal

OUTPUTS = ("mi", "table")


@dataclass(frozen=True)
class PerceiverExport:
    """What was written, and how far it is from PyTorch.

    core: the graph from ranks on, if it was asked for. grid: nodes of the histogram, 0 if exact.
    grid_errors: what each grid changes, if a grid was asked for.
    """

    model: Path
    core: Path | None
    parity: PerceiverParity
    grid: int
    grid_errors: tuple[GridError, ...]


def export_perceiver(
    checkpoint: Path | Checkpoint,
    output: Path,
    *,
    preset: str | None = None,
    rewrite: Rewrite = "exact",
    grid: int | None = None,
    precision: Precision = "fp32",
    marginal: Marginal = "all_pairs",
    core: bool = False,
    splat: Splat = "dense",
) -> PerceiverExport:
    """Write ``output``: raw samples in, mi [B] and table [B, D, D] out (nats).

    preset: preprocessing of a published checkpoint ("perceiver_softrank", "perceiver_rank").
    rewrite: "exact", or "histogram" for a cost that does not grow with n.
    grid: nodes of that histogram; None for the smallest that changes MI by less than 2e-4 nats.
    precision: of the matrix products; ranks, softmax and everything after the table are float32.
    marginal: "all_pairs", or "shuffle" for the published five permutations, made reproducible.
    core: also write the graph from ranks on, for backends that cannot hold custom operators.
    splat: how that graph counts samples: "dense" for TensorRT, which has no scatter that adds.
    Raises ValueError for a file that is not the paper's network, and ParityError, leaving no file
    behind, when ONNX Runtime and PyTorch differ by more than the precision explains.
    """
    _check_options(rewrite, grid, precision, marginal)
    source = open_checkpoint(checkpoint)
    net = load_perceiver(source, preset)
    errors: list[GridError] = []
    if rewrite == "histogram":
        samples = parity_samples(net.config.n_min)
        errors = grid_errors(net, samples, (grid,) if grid else GRIDS)
        grid = grid or choose(errors)
    graph = PerceiverCore(net, grid or 0, precision, marginal).eval()
    from_ranks = PerceiverCore(net, grid or 0, precision, marginal, splat).eval() if core else None
    whole = PerceiverFromSamples(graph, net.config.eps, net.config.normalize).eval()
    metadata = describe(net, source.sha256, precision, grid or 0, marginal)
    parts: list[tuple[Path, nn.Module, str, str]] = [(output, whole, "samples", "samples")]
    if from_ranks is not None:
        parts.append((core_path(output), from_ranks, "ranks", "core"))
    with all_or_none(path for path, *_ in parts) as partial:
        for path, module, name, kind in parts:
            model = trace(module, torch.rand(3, 50, 2), {0: "batch", 1: "n"}, name, OUTPUTS)
            if kind == "samples":
                put_behind_switch(model)
            add_metadata(model, replace(metadata, graph=kind).to_props())
            save(model, partial[path])
        report = check_parity(
            net, partial[output], precision, bool(grid), marginal, partial.get(core_path(output))
        )
    return PerceiverExport(
        output, core_path(output) if core else None, report, grid or 0, tuple(errors)
    )


def _check_options(rewrite: str, grid: int | None, precision: str, marginal: str) -> None:
    choices = {"rewrite": Rewrite, "precision": Precision, "marginal": Marginal}
    given = {"rewrite": rewrite, "precision": precision, "marginal": marginal}
    for name, value in given.items():
        allowed = get_args(choices[name])
        if value not in allowed:
            raise ValueError(f"{name} is {value!r}, allowed are {' and '.join(map(repr, allowed))}")
    if grid is not None and grid < 2:
        raise ValueError(f"grid is {grid}, a histogram has at least 2 nodes a side")
    if grid is not None and rewrite == "exact":
        raise ValueError("a grid was given, which only the rewriting 'histogram' has")


def describe(
    net: Perceiver, checkpoint_sha256: str, precision: Precision, grid: int, marginal: str
) -> ModelMetadata:
    """All that the runtime must know about the model."""
    config = net.config
    return ModelMetadata(
        architecture="perceiver",
        eps=config.eps,
        normalize=config.normalize,
        histogram_grid=0,
        attention_grid=str(grid),
        table_grid=config.table_grid,
        table_layout=TableLayout("y", (-1.0, 1.0)),
        quantile_levels=(),
        n_min=config.n_min,
        n_max=config.n_max,
        precision=precision,
        parameters=sum(p.numel() for p in net.parameters()),
        null_distribution="",
        core_inputs=json.dumps(["ranks"]),
        version=version("infonet"),
        checkpoint_sha256=checkpoint_sha256,
        marginal=marginal,
    )
