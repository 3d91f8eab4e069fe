"""Exported files of the paper's network, made once for all tests: tracing takes seconds."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import infonet_kernels
import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.model.load import core_path
from infonet_export.onnx.trace import trace
from infonet_export.perceiver import export as perceiver_export
from random_perceivers import ODD, fixture_file, random_net, write_trained

# one head of each kind: every operator costs time at the tracing
EXPORTED = replace(
    ODD, table_grid=15, blocks=1, read_heads=1, process_heads=1, query_heads=1, n_min=5
)
# with soft ranks, and an even table of which a part can be left out, as published
AFFINE = replace(EXPORTED, eps=0.1, normalize="minmax", table_grid=32, n_min=20)
# name -> checkpoint, or sizes of a random network; options of `infonet export`. One network has the
# published size, whose tracing takes three times as long as the others'.
_KINDS = {
    "published": ("upstream_softrank_branch.ckpt", ()),
    "random": (EXPORTED, ("--core",)),
    "histogram": (AFFINE, ("--rewrite", "histogram")),
    "fp16": (AFFINE, ("--precision", "fp16")),
}
_folder = tempfile.TemporaryDirectory()


@dataclass(frozen=True)
class Exported:
    """checkpoint, the files, what the command printed, and what torch traced, in order."""

    checkpoint: Path
    model: Path
    core: Path
    printed: str
    traces: tuple[onnx.ModelProto, ...]


@functools.cache
def exported(kind):
    """By the command `infonet export`; skips the test without the shared fixtures."""
    source, options = _KINDS[kind]
    folder = Path(_folder.name) / kind
    if isinstance(source, str):
        checkpoint = fixture_file(source)
    else:
        folder.mkdir(exist_ok=True)
        checkpoint = write_trained(folder / "model.pt", random_net(source))
    model, traces = folder / "new" / "paper.onnx", []
    with pytest.MonkeyPatch.context() as patch:

        def keep(*arguments, **options):
            traces.append(trace(*arguments, **options))
            return copy_of(traces[-1])

        patch.setattr(perceiver_export, "trace", keep)
        result = CliRunner().invoke(main, ["export", str(checkpoint), "-o", str(model), *options])
    assert result.exit_code == 0, result.output
    return Exported(checkpoint, model, core_path(model), result.output, tuple(traces))


def copy_of(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


@functools.cache
def session(path, custom_ops=True):
    """A bare session, as any program would make it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    if custom_ops:
        options.register_custom_ops_library(str(infonet_kernels.library_path()))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(path, samples, outputs=("mi", "table"), **feeds):
    """samples [B, n, 2] through the whole file."""
    feeds = {name: np.array(value) for name, value in feeds.items()}
    return session(path).run(list(outputs), {"samples": np.asarray(samples, np.float32), **feeds})
