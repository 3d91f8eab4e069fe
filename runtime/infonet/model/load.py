"""Open a model file: what it says of itself, what work it is, and which core belongs to it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infonet.errors import ModelError
from infonet.model.engine_file import is_engine_file, read_manifest
from infonet.model.metadata import FORMAT_VERSION, PREFIX, ModelMetadata
from infonet.model.null import NullDistribution
from infonet.model.onnx_metadata import read_metadata

_log = logging.getLogger("infonet")
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


@dataclass(frozen=True, kw_only=True)
class Model(ModelMetadata):
    """The validated metadata of one model file; see `ModelMetadata`.

    Attributes:
        path: the file.
        null: distribution of the test statistic under independence, if the file has it.
        metadata: all entries as they stand in the file.
    """

    path: Path
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
    version = metadata.get(f"{PREFIX}format_version")
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


def _parse(file: Path, props: dict[str, str]) -> Model:
    found = ModelMetadata.from_props(props)
    null = NullDistribution.from_json(found.null_distribution or "")
    if null is not None and null.statistic != found.test_statistic:
        raise ValueError(
            f"test statistic is {found.test_statistic!r}, that of the null distribution "
            f"{null.statistic!r}"
        )
    return Model(path=file, null=null, metadata=props, **vars(found))


def core_of(model: Model) -> Model | None:
    """Return the core graph that a CPU runs in the place of `model`, or None.

    Only the copula model has one: those of others are for GPUs.

    Raises:
        ModelError: `model` is itself the core of another architecture.
    """
    if model.graph == "portable":
        return None
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
