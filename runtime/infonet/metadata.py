"""Read the metadata of an ONNX file without the onnx package and without building a session.

An ONNX file is one protocol-buffer message, `ModelProto`. Its metadata are top-level entries
(field 14), so a walk over the top level that steps over the graph finds them in microseconds.
See https://protobuf.dev/programming-guides/encoding and onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from infonet.errors import ModelError

_IR_VERSION, _GRAPH, _METADATA_PROPS = 1, 7, 14
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_metadata(path: Path) -> dict[str, str]:
    """Return `metadata_props` of the ONNX file at `path`.

    Raises:
        ModelError: the file is missing, unreadable, or not a whole ONNX file.
    """
    try:
        content = memoryview(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(f"no model file at {path}: check the path") from None
    except OSError as error:
        raise ModelError(f"cannot read the model file {path}: {error.strerror}") from None
    metadata: dict[str, str] = {}
    found = set()
    try:
        for field, value in _fields(content):
            found.add(field)
            if field == _METADATA_PROPS and isinstance(value, memoryview):
                entry = {key: bytes(text) for key, text in _fields(value) if not _is_int(text)}
                metadata[entry.get(_KEY, b"").decode()] = entry.get(_VALUE, b"").decode()
    except (ValueError, TypeError):  # UnicodeDecodeError is a ValueError
        found.clear()
    if not {_IR_VERSION, _GRAPH} <= found:
        raise ModelError(
            f"{path} is damaged or is not an ONNX model: "
            "fetch it again, or give a file written by  infonet export"
        )
    return metadata


def _is_int(value: memoryview | int) -> bool:
    return isinstance(value, int)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield (field number, value) of one protocol-buffer message; ValueError if malformed."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        if field == 0:
            raise ValueError("field number 0")
        if wire == _VARINT:
            number, at = _varint(message, at)
            yield field, number
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + length > len(message):
            raise ValueError("truncated")
        yield field, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise ValueError("truncated")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("varint too long")
