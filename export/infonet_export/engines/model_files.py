"""The graph that an engine is built from: the core beside a model, in the precision asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from infonet.errors import InputError, MissingExtraError, ModelError
from infonet.model.engine_file import is_engine_file
from infonet.model.load import Model, core_path, is_core_of, load_model
from infonet.model.metadata import ModelMetadata


@dataclass(frozen=True)
class CoreGraph:
    """An ONNX graph of standard operators alone, and the hash of the file that it came from."""

    model: Model
    content: bytes
    sha256: str


def load_core(path: Path, precision: str | None) -> CoreGraph:
    """The core of ``path``, or ``path`` if it is one. TensorRT-RTX takes no custom operators.

    Networks are strongly typed, so the graph decides of the precision. That of a copula model in
    float32 is changed to float16 if asked for (onnx/precision.py); the hash stays the file's.
    Such an engine gives no p-values: their table was simulated in float32, and where dependence is
    weak the score in float16 is another statistic.

    Raises ModelError without a core, and InputError for a precision that cannot be had.
    """
    if is_engine_file(path):
        raise ModelError(f"{path} is an engine already: give the ONNX model to build one from")
    model = load_model(path)
    if model.graph != "core":
        beside = core_path(path)
        if not beside.is_file():
            raise ModelError(
                f"{path} ranks samples, which TensorRT cannot, and has no core {beside.name} "
                "beside it: export it again with  infonet export --core"
            )
        core = load_model(beside)
        if not is_core_of(core, model):
            raise ModelError(
                f"{beside} was not exported together with {path}: export both again with  "
                "infonet export --core"
            )
        model = core
    content = model.path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if precision not in (None, model.precision):
        if (model.architecture, model.precision, precision) != ("copula", "fp32", "fp16"):
            raise InputError(
                f"{model.path} is {model.precision}, and {precision} was asked for: export it with "
                f"infonet export --precision {precision}"
            )
        content = _half(content)
        half = replace(
            ModelMetadata.from_props(model.metadata), precision="fp16", null_distribution=""
        )
        metadata = {**model.metadata, **half.to_props()}
        model = replace(model, precision="fp16", null=None, metadata=metadata)
    return CoreGraph(model, content, digest)


def _half(content: bytes) -> bytes:
    try:
        from infonet_export.onnx.precision import halve
    except ModuleNotFoundError as error:
        what = "a float16 engine of a float32 model"
        raise MissingExtraError(what, "onnx", str(error)) from error
    return halve(content)
