"""Checkpoint -> ONNX: the whole estimator and its core, with metadata, verified against PyTorch."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import onnx
import torch
from infonet.model.onnx_metadata import with_content_hash
from torch import nn

from infonet_export.exporting.graphs import EPS, NORMALIZE, Core, FromSamples
from infonet_export.exporting.half_body import half_body
from infonet_export.exporting.half_storage import round_weights, store_half
from infonet_export.exporting.null_distribution import simulate_null
from infonet_export.exporting.parity import ParityReport, check_parity, session
from infonet_export.exporting.perceiver.precision import Precision
from infonet_export.exporting.translations import OPSET, translation_table
from infonet_export.models.copula import QUANTILE_LEVELS, CopulaNet
from infonet_export.training.checkpoint import load_model

IR_VERSION = 8  # what ONNX Runtime 1.17, the oldest supported, reads
OUTPUTS = ("mi", "quantiles", "table", "score")


@dataclass(frozen=True)
class ExportResult:
    """Where the two graphs were written, and how far they are from PyTorch."""

    model: Path
    core: Path
    parity: ParityReport


def core_path(model: Path) -> Path:
    """model.onnx -> model.core.onnx, where the runtime looks for it."""
    return model.with_name(f"{model.stem}.core.onnx")


def export_checkpoint(
    checkpoint: Path, output: Path, null_draws: int = 20_000, precision: Precision = "fp32"
) -> ExportResult:
    """Write ``output`` (samples in) and its core (histogram in).

    null_draws: simulations of independence for each n of the p-value table (fewer for large n);
    0 for no table. precision: of the U-Net; densities, statistics, heads and MI are float32.
    Raises ValueError for a file that is no checkpoint and ParityError, leaving no file behind, when
    ONNX Runtime and PyTorch in float32 differ by more than 1e-4 nats (5e-3 for fp16).
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision is {precision!r}, allowed are 'fp32' and 'fp16'")
    trained = load_model(checkpoint)
    net = round_weights(trained.net)
    # of weak dependence the estimate's rounding in 16 bits would be all that is left
    combined = precision == "fp32"
    reference = FromSamples(Core(net, trained.interval_factors, combined)).eval()
    exported = half_body(net) if precision == "fp16" else net
    core = Core(exported, trained.interval_factors, combined).eval()
    whole = FromSamples(core).eval()
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    output.parent.mkdir(parents=True, exist_ok=True)
    metadata = describe(trained.net, digest, precision)
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
    partial = {path: path.with_suffix(".partial") for path in graphs}
    try:
        models = {}
        for path, (module, example, dynamic, name, kind) in graphs.items():
            models[path] = trace(module, example, dynamic, name)
            add_metadata(models[path], {**metadata, "infonet.graph": kind})
            store_half(models[path])
            save(models[path], partial[path])
        report = check_parity(reference, partial[output], partial[core_path(output)], precision)
        null = _null_distribution(partial[core_path(output)], core.grid, null_draws)
        for path, model in models.items():
            add_metadata(model, {"infonet.null_distribution": null})
            save(model, partial[path])
    except BaseException:
        for path in partial.values():
            path.unlink(missing_ok=True)
        raise
    for path, temporary in partial.items():
        temporary.replace(path)
    return ExportResult(output, core_path(output), report)


def _null_distribution(core: Path, grid: int, draws: int) -> str:
    """The metadata entry, simulated with the file that will be shipped; "" for no draws."""
    if not draws:
        return ""
    runner = session(core, custom_ops=False)
    statistic = lambda histogram: runner.run(["score"], {"histogram": histogram})[0]  # noqa: E731
    return json.dumps(simulate_null(statistic, grid, draws=draws))


def trace(
    module: nn.Module,
    example: torch.Tensor,
    dynamic: dict[int, str],
    name: str,
    outputs: tuple[str, ...] = OUTPUTS,
) -> onnx.ModelProto:
    """torch.onnx.export with our operators, the pinned opset and named dynamic axes."""
    shapes = ({axis: torch.export.Dim(label, min=1) for axis, label in dynamic.items()},)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[name],
            output_names=list(outputs),
            dynamic_shapes=shapes,
            custom_translation_table=translation_table(),
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    model.ir_version = IR_VERSION
    strip_traces(model)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("", 0) != OPSET:
        raise RuntimeError(
            f"torch wrote opset {opsets.get('')}, {OPSET} was asked for: pin torch 2.13"
        )
    return model


def add_metadata(model: onnx.ModelProto, metadata: dict[str, str]) -> None:
    """Add entries to the model's metadata, in place."""
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a model with the hash of all of its content; see `infonet.model.onnx_metadata`."""
    onnx.save_model(model, path)
    path.write_bytes(with_content_hash(path.read_bytes()))


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove, in place, the stack traces and file paths that torch notes at nodes and values."""
    graph = model.graph
    parts = [graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer]
    for part in [*parts, *model.functions]:
        del part.metadata_props[:]
        part.ClearField("doc_string")


def describe(
    net: CopulaNet, checkpoint_sha256: str, precision: Precision = "fp32"
) -> dict[str, str]:
    """The metadata that the runtime reads, but for the null distribution: all it must know about
    the model."""
    config = net.config
    return {
        "infonet.format_version": "1",
        "infonet.architecture": "copula",
        "infonet.preprocessing": json.dumps({"eps": EPS, "normalize": NORMALIZE}),
        "infonet.histogram_grid": str(config.histogram_grid),
        "infonet.table_grid": str(config.table_grid),
        "infonet.quantile_levels": json.dumps(QUANTILE_LEVELS),
        "infonet.n_min": str(config.n_min),
        "infonet.n_max": str(config.n_max),
        "infonet.test_statistic": "score",
        "infonet.precision": precision,
        "infonet.parameters": str(sum(p.numel() for p in net.parameters())),
        "infonet.version": version("infonet"),
        "infonet.checkpoint_sha256": checkpoint_sha256,
    }
