"""Read and write protocol-buffer messages, which ONNX files are made of, without a library.

A message is a row of fields: a tag (the field's number and how its value is stored), then the
value. See https://protobuf.dev/programming-guides/encoding and onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(message: memoryview) -> Iterator[tuple[int, memoryview | int, int, int]]:
    """Yield the fields of one protocol-buffer message; ValueError if it is malformed.

    Each is (number, value, where the field begins, where its value begins).
    """
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        field, wire = tag >> 3, tag & 7
        if field == 0:
            raise ValueError("field number 0")
        if wire == _VARINT:
            place = at
            number, at = _varint(message, at)
            yield field, number, start, place
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + length > len(message):
            raise ValueError("truncated")
        yield field, message[at : at + length], start, at
        at += length


def packed(content: memoryview) -> Iterator[int]:
    """Yield whole numbers that stand one after the other; ValueError if they are malformed."""
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def block(field: int, content: bytes | str) -> bytes:
    """A field that holds a message, bytes or text."""
    data = content.encode() if isinstance(content, str) else content
    return _bytes_of(field << 3 | _BYTES) + _bytes_of(len(data)) + data


def number(field: int, value: int) -> bytes:
    """A field that holds a whole number of 64 bits."""
    return _bytes_of(field << 3 | _VARINT) + _bytes_of(value % 2**64)


def _bytes_of(value: int) -> bytes:
    """A whole number from 0, seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


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
