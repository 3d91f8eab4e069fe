"""What an InfoNet model file says about itself."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.errors import ModelError
from infonet.model.engine_file import is_engine_file, read_manifest
from infonet.model.null import NullDistribution
from infonet.model.onnx_metadata import read_metadata

_log = logging.getLogger("infonet")
FORMAT_VERSION = "1"
# What a core has in common with its model.
_SHARED = (
    "checkpoint_sha256",
    "architecture",
    "eps",
    "normalize",
    "quantile_levels",
    "precision",
    "parameters",
)
DEFAULT_MODEL = Path(__file__).parent.parent / "models" / "copula.onnx"


@dataclass(frozen=True)
class TableLayout:
    """Where the values of a table lie, in units of ranks (or of values scaled to [0, 1]).

    Attributes:
        first_axis: "x" or "y", the variable along the first axis of the graph's output. Tables
            that infonet returns always have x first.
        nodes: positions of the first and the last value; None where the values belong to cells,
            which divide [0, 1] evenly.
    """

    first_axis: str = "x"
    nodes: tuple[float, float] | None = None


@dataclass(frozen=True)
class Workload:
    """How much work one pair is for the network of an architecture, and what follows from it.

    Attributes:
        threads_within: threads work within a pair, one pair at a time; else they share out pairs.
        core_on_cpu: the CPU runs the core graph where there is one; else cores are for GPUs.
        fixed_samples: a call on a GPU is for a number of samples too, since the network reads them.
        agreement: a GPU is compared with the CPU before it is used, which takes a pair on each.
        cpu_pairs, gpu_pairs: pairs for one task of a thread.
        gpu_calls: pairs of a call on a GPU, ascending.
        gpu_samples: samples of a call on a GPU, at most.
        matrix_tile: columns along a side of a tile of a matrix, by default.
    """

    threads_within: bool
    core_on_cpu: bool
    fixed_samples: bool
    agreement: bool
    cpu_pairs: int
    gpu_pairs: int
    gpu_calls: tuple[int, ...]
    gpu_samples: int
    matrix_tile: int


# Half a millisecond a pair. 1,024 pairs fill a GPU of 132 multiprocessors, whose kernels take up to
# three buffers of 128 MB. A tile of 1024 pairs is half a second to a second of work of one thread:
# it is what an interrupted run may lose, and makes reading blocks of columns cheap.
_COPULA = Workload(
    threads_within=False,
    core_on_cpu=True,
    fixed_samples=False,
    agreement=True,
    cpu_pairs=32,
    gpu_pairs=1024,
    gpu_calls=(1, 4, 16, 64, 256, 1024),
    gpu_samples=2**24,
    matrix_tile=32,
)
# The paper's network: 0.1 to 2 s a pair and large matrices. Its attention takes some 10 KB a sample
# in float32 on a GPU.
_PERCEIVER = Workload(
    threads_within=True,
    core_on_cpu=False,
    fixed_samples=True,
    agreement=False,
    cpu_pairs=1,
    gpu_pairs=64,
    gpu_calls=(1, 2, 4, 8, 16, 32, 64),
    gpu_samples=2**17,
    matrix_tile=2,
)


@dataclass(frozen=True)
class Model:
    """The validated metadata of one model file.

    Attributes:
        path: the file.
        architecture: "copula" (the one in the package) or "perceiver" (the network of the paper).
        graph: "samples" (raw samples in) or "core" (what the kernels make of them in).
        eps, normalize: preprocessing, the attributes of the SoftRank kernel.
        histogram_grid: cells per axis of the input histogram; 0: the network reads none.
        table_grid: values per axis of the table.
        table_layout: where those values lie.
        quantile_levels: levels of the quantiles that the network gives; empty: it gives none, and
            estimates have no interval.
        n_min, n_max: range of sample counts that the network was trained on.
        test_statistic: "score" if the network gives one for tests of independence, else "mi".
        null: distribution of that statistic under independence, if the file has it.
        metadata: all entries as they stand in the file.
    """

    path: Path
    architecture: str
    graph: str
    eps: float
    normalize: str
    histogram_grid: int
    table_grid: int
    table_layout: TableLayout
    quantile_levels: tuple[float, ...]
    n_min: int
    n_max: int
    test_statistic: str
    precision: str
    parameters: int
    version: str
    checkpoint_sha256: str
    null: NullDistribution | None = field(repr=False)
    metadata: dict[str, str] = field(repr=False)

    @property
    def table_positions(self) -> NDArray[np.float64]:
        """Positions along each axis of the table, float64 [table_grid].

        Ranks (or samples scaled to [0, 1], for models that keep the scale) occupy 0 to 1. The
        cells of "copula" divide that range; the nodes of "perceiver" run from -1 to 1, as
        published, so that samples touch the upper half of each axis only.
        """
        size, nodes = self.table_grid, self.table_layout.nodes
        return (np.arange(size) + 0.5) / size if nodes is None else np.linspace(*nodes, size)

    @property
    def workload(self) -> Workload:
        """How much work one pair is."""
        return _COPULA if self.architecture == "copula" else _PERCEIVER


def load_model(path: str | Path | None = None) -> Model:
    """Read and validate the metadata of a model or engine file; None: the model in the package.

    The hash of all of its content is checked, where the file carries one (see `onnx_metadata`).

    Raises:
        ModelError: missing, damaged, of another program, or of another format version.
    """
    file = DEFAULT_MODEL if path is None else Path(path)
    metadata = read_manifest(file).metadata if is_engine_file(file) else read_metadata(file)
    version = metadata.get("infonet.format_version")
    if version is None:
        raise ModelError(
            f"{file} is an ONNX model of another program (it has no infonet metadata): "
            "give a file written by  infonet export"
        )
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{file} has format version {version}, this infonet reads version {FORMAT_VERSION}: "
            "run  pip install -U infonet  or export the model again"
        )
    try:
        return _parse(file, metadata)
    except KeyError as error:
        problem = f"lacks the metadata entry {error}"
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        problem = f"has malformed metadata ({' '.join(str(error).split())})"
    raise ModelError(f"{file} {problem}: export the model again with  infonet export")


def _parse(file: Path, metadata: dict[str, str]) -> Model:
    preprocessing = json.loads(metadata["infonet.preprocessing"])
    graph, normalize = metadata["infonet.graph"], str(preprocessing["normalize"])
    levels = tuple(float(level) for level in json.loads(metadata["infonet.quantile_levels"]))
    statistic = metadata.get("infonet.test_statistic", "mi")
    null = NullDistribution.from_json(metadata.get("infonet.null_distribution", ""))
    if statistic not in ("mi", "score") or (null is not None and null.statistic != statistic):
        found = "none" if null is None else repr(null.statistic)
        raise ValueError(f"test statistic is {statistic!r}, that of the null distribution {found}")
    if graph not in ("samples", "core"):
        raise ValueError(f"graph is {graph!r}, allowed are 'samples' and 'core'")
    if normalize not in ("midrank", "over_n", "minmax"):
        raise ValueError(f"normalize is {normalize!r}, allowed are midrank, over_n and minmax")
    if len(levels) == 1 or sorted(levels) != list(levels):
        raise ValueError(f"quantile levels {levels} do not increase")
    return Model(
        path=file,
        architecture=metadata["infonet.architecture"],
        graph=graph,
        eps=float(preprocessing["eps"]),
        normalize=normalize,
        histogram_grid=int(metadata["infonet.histogram_grid"]),
        table_grid=int(metadata["infonet.table_grid"]),
        table_layout=_table_layout(metadata.get("infonet.table_layout", "")),
        quantile_levels=levels,
        n_min=int(metadata["infonet.n_min"]),
        n_max=int(metadata["infonet.n_max"]),
        test_statistic=statistic,
        precision=metadata["infonet.precision"],
        parameters=int(metadata["infonet.parameters"]),
        version=metadata["infonet.version"],
        checkpoint_sha256=metadata["infonet.checkpoint_sha256"],
        null=null,
        metadata=metadata,
    )


def _table_layout(text: str) -> TableLayout:
    if not text.strip():
        return TableLayout()
    fields = json.loads(text)
    first, low, high = fields["first_axis"], float(fields["low"]), float(fields["high"])
    if first not in ("x", "y"):
        raise ValueError(f"the first axis of the table is {first!r}, allowed are 'x' and 'y'")
    if not low < high:
        raise ValueError(f"the nodes of the table run from {low:g} to {high:g}")
    return TableLayout(first, (low, high))


def core_of(model: Model) -> Model | None:
    """Return the core graph that a CPU runs in the place of `model`, or None.

    Only the copula model has one: those of others are for GPUs.

    Raises:
        ModelError: `model` is itself the core of another architecture.
    """
    if not model.workload.core_on_cpu:
        if model.graph == "samples":
            return None
        raise ModelError(
            f"{model.path} is the core of a {model.architecture} model, made for GPUs: "
            f"give the whole model, {model.path.name.replace('.core.onnx', '.onnx')}"
        )
    return model if model.graph == "core" else core_beside(model)


def core_path(model: Path) -> Path:
    """Where the core of a model file is looked for: model.onnx -> model.core.onnx."""
    return model.with_name(f"{model.stem}.core.onnx")


def is_core_of(core: Model, model: Model) -> bool:
    """Whether both were exported together: from one checkpoint, with one preprocessing.

    A left-over of an earlier export must not answer for the newer file. This is the one rule for
    what the CPU and GPUs run beside a model and for what engines are built from.
    """
    return core.graph == "core" and all(getattr(core, k) == getattr(model, k) for k in _SHARED)


def core_beside(model: Model) -> Model | None:
    """Return the core graph that was exported together with `model`, or None; see `is_core_of`."""
    beside = core_path(model.path)
    if not beside.is_file():
        return None
    core = load_model(beside)
    if is_core_of(core, model):
        return core
    _log.warning(
        "%s is not the core of %s and is not used: export the model again", beside, model.path
    )
    return None
