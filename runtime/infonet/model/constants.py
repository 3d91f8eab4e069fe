"""Read the constants of an ONNX graph, its weights among them, without the onnx package.

Numbers of fields are those of onnx.proto; see `infonet.model.protobuf`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import ModelError
from infonet.inputs.files import read_regular
from infonet.model.protobuf import fields, packed

_GRAPH, _INITIALIZER = 7, 5
_DIMENSION, _TYPE, _NAME, _RAW = 1, 2, 8, 9  # of a tensor
_TYPES = {1: "<f4", 10: "<f2"}
HALF = ".half"  # what the exporter appends to names of weights that it stores in 16 bits


def read_constants(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of float16 and float32 by their names; those stored in 16 bits without the ending.

    Raises:
        ModelError: the file cannot be read.
        ValueError: it is not an ONNX file.

    Example:
        >>> read_constants(path)["net.fine.bias"].shape
        (16,)
    """
    content = memoryview(read_regular(path, "model file", ModelError))
    found = {}
    for field, graph, *_ in fields(content):
        if field != _GRAPH or isinstance(graph, int):
            continue
        for part, tensor, *_ in fields(graph):
            if part == _INITIALIZER and not isinstance(tensor, int):
                named = _read(tensor)
                if named is not None:
                    found[named[0]] = named[1]
    return found


def _read(tensor: memoryview) -> tuple[str, NDArray[Any]] | None:
    """Name and values of a tensor; None of another type, or stored in another way than raw."""
    shape: list[int] = []
    kind, name, raw = "", "", None
    for field, value, *_ in fields(tensor):
        if isinstance(value, int):
            if field == _DIMENSION:
                shape.append(value)
            elif field == _TYPE:
                kind = _TYPES.get(value, "")
        elif field == _DIMENSION:
            shape.extend(packed(value))
        elif field == _NAME:
            name = bytes(value).decode()
        elif field == _RAW:
            raw = value
    if not kind or raw is None:
        return None
    return name.removesuffix(HALF), np.frombuffer(raw, kind).reshape(shape)
