"""The graph that an engine is built from: the core beside a model, in the precision asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from infonet.errors import InputError, ModelError
from infonet.model import Model, load_model


@dataclass(frozen=True)
class CoreGraph:
    """An ONNX file of standard operators alone, and its hash."""

    model: Model
    content: bytes
    sha256: str


def load_core(path: Path, precision: str | None) -> CoreGraph:
    """The core of ``path``, or ``path`` if it is one. TensorRT-RTX takes no custom operators.

    Raises ModelError without a core, and InputError for another precision: networks are strongly
    typed, so it is the exporter that decides.
    """
    model = load_model(path)
    if model.graph != "core":
        beside = path.with_name(f"{path.stem}.core.onnx")
        if not beside.is_file():
            raise ModelError(
                f"{path} ranks samples, which TensorRT cannot, and has no core {beside.name} "
                "beside it: export it again with  infonet export --core"
            )
        core = load_model(beside)
        same = ("checkpoint_sha256", "architecture", "eps", "normalize", "precision")
        if core.graph != "core" or any(getattr(core, k) != getattr(model, k) for k in same):
            raise ModelError(
                f"{beside} was not exported together with {path}: export both again with  "
                "infonet export --core"
            )
        model = core
    if precision is not None and precision != model.precision:
        raise InputError(
            f"{model.path} is {model.precision}, and {precision} was asked for: an engine has the "
            f"precision of its graph, so export it with  infonet export --precision {precision}"
        )
    content = model.path.read_bytes()
    return CoreGraph(model, content, hashlib.sha256(content).hexdigest())
