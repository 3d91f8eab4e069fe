"""What an InfoNet model file says about itself."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

from infonet.errors import ModelError
from infonet.metadata import read_metadata
from infonet.null import NullDistribution

_log = logging.getLogger("infonet")
FORMAT_VERSION = "1"
DEFAULT_MODEL = Path(__file__).parent / "models" / "copula.onnx"


@dataclass(frozen=True)
class Model:
    """The validated metadata of one model file.

    Attributes:
        path: the file.
        graph: "samples" (raw samples in) or "core" (histogram in).
        eps, normalize: preprocessing, the attributes of the SoftRank kernel.
        histogram_grid, table_grid: cells per axis of the input histogram and of the table.
        quantile_levels: levels of the quantiles that the network gives.
        n_min, n_max: range of sample counts that the network was trained on.
        null: distribution of the estimate under independence, if the file has it.
        metadata: all entries as they stand in the file.
    """

    path: Path
    architecture: str
    graph: str
    eps: float
    normalize: str
    histogram_grid: int
    table_grid: int
    quantile_levels: tuple[float, ...]
    n_min: int
    n_max: int
    precision: str
    parameters: int
    version: str
    checkpoint_sha256: str
    null: NullDistribution | None = field(repr=False)
    metadata: dict[str, str] = field(repr=False)


def load_model(path: str | Path | None = None) -> Model:
    """Read and validate the metadata of a model file; None means the model in the package.

    Raises:
        ModelError: missing, damaged, of another program, or of another format version.
    """
    file = DEFAULT_MODEL if path is None else Path(path)
    metadata = read_metadata(file)
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
    except (ValueError, TypeError) as error:
        problem = f"has malformed metadata ({error})"
    raise ModelError(f"{file} {problem}: export the model again with  infonet export")


def _parse(file: Path, metadata: dict[str, str]) -> Model:
    preprocessing = json.loads(metadata["infonet.preprocessing"])
    graph, normalize = metadata["infonet.graph"], str(preprocessing["normalize"])
    levels = tuple(float(level) for level in json.loads(metadata["infonet.quantile_levels"]))
    if graph not in ("samples", "core"):
        raise ValueError(f"graph is {graph!r}, allowed are 'samples' and 'core'")
    if normalize not in ("midrank", "over_n", "minmax"):
        raise ValueError(f"normalize is {normalize!r}, allowed are midrank, over_n and minmax")
    if len(levels) < 2 or sorted(levels) != list(levels):
        raise ValueError(f"quantile levels {levels} do not increase")
    return Model(
        path=file,
        architecture=metadata["infonet.architecture"],
        graph=graph,
        eps=float(preprocessing["eps"]),
        normalize=normalize,
        histogram_grid=int(metadata["infonet.histogram_grid"]),
        table_grid=int(metadata["infonet.table_grid"]),
        quantile_levels=levels,
        n_min=int(metadata["infonet.n_min"]),
        n_max=int(metadata["infonet.n_max"]),
        precision=metadata["infonet.precision"],
        parameters=int(metadata["infonet.parameters"]),
        version=metadata["infonet.version"],
        checkpoint_sha256=metadata["infonet.checkpoint_sha256"],
        null=NullDistribution.from_json(metadata.get("infonet.null_distribution", "")),
        metadata=metadata,
    )


def core_of(model: Model) -> Model | None:
    """Return the core graph that was exported together with `model`, or None.

    `X.core.onnx` beside `X.onnx` counts only if both come from the same checkpoint and
    preprocessing: a left-over of an earlier export must not answer for the newer file.
    """
    if model.graph == "core":
        return model
    beside = model.path.with_name(model.path.stem + ".core.onnx")
    if not beside.is_file():
        return None
    core = load_model(beside)
    same = ("checkpoint_sha256", "eps", "normalize", "quantile_levels", "precision", "parameters")
    if core.graph == "core" and all(getattr(core, k) == getattr(model, k) for k in same):
        return core
    _log.warning(
        "%s is not the core of %s and is not used: export the model again", beside, model.path
    )
    return None
