"""Read the metadata of an ONNX file without the onnx package and without building a session.

An ONNX file is one protocol-buffer message, `ModelProto`. Its metadata are top-level entries
(field 14), so a walk over the top level that steps over the graph finds them in microseconds.
See `infonet.model.protobuf`.

One entry, `infonet.content_sha256`, is the hash of the file: the SHA-256, in 64 hexadecimal digits,
of all of its bytes with these 64 digits replaced by the digit 0. It is checked whenever metadata
are read. Files of earlier exporters lack it and are read as they are.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from infonet.errors import ModelError
from infonet.inputs.files import read_regular
from infonet.model.protobuf import block, fields

_log = logging.getLogger("infonet")
CONTENT_HASH = "infonet.content_sha256"
ZEROS = b"0" * 64  # what stands for the digits of a hash while it is taken
_IR_VERSION, _GRAPH, _METADATA_PROPS = 1, 7, 14
_KEY, _VALUE = 1, 2
# The entries of files without a hash: another one is this entry or theirs, damaged.
_BEFORE_HASHES = frozenset(
    f"infonet.{name}"
    for name in (
        *("format_version", "architecture", "graph", "preprocessing", "histogram_grid"),
        *("attention_grid", "table_grid", "table_layout", "quantile_levels", "n_min", "n_max"),
        *("test_statistic", "null_distribution", "precision", "parameters", "version"),
        *("checkpoint_sha256", "core_inputs", "marginal"),
    )
)


@dataclass(frozen=True)
class _Entry:
    """A metadata entry: its key and value, and the bytes of the file that hold it and its value."""

    key: str
    value: str
    whole: slice
    digits: slice


def read_metadata(path: Path) -> dict[str, str]:
    """Return `metadata_props` of the ONNX file at `path`, its hash checked.

    Raises:
        ModelError: the file is missing, unreadable, not a whole ONNX file, or damaged.
    """
    content = read_regular(path, "model file", ModelError)
    try:
        entries = _entries(memoryview(content))
        intact = _is_intact(content, entries)
    except (ValueError, TypeError):  # UnicodeDecodeError is a ValueError
        raise ModelError(
            f"{path} is damaged or is not an ONNX model: "
            "fetch it again, or give a file written by  infonet export"
        ) from None
    if not intact:
        raise ModelError(
            f"{path} is damaged: its content does not have the hash that was written into it; "
            "fetch it again, or export the model again with  infonet export"
        )
    metadata = {entry.key: entry.value for entry in entries}
    if CONTENT_HASH not in metadata and "infonet.format_version" in metadata:
        _log.debug("%s carries no hash of its content: it was exported before there was one", path)
    return metadata


def with_content_hash(content: bytes) -> bytes:
    """An ONNX file with the entry `infonet.content_sha256` as its last bytes.

    Args:
        content: of an ONNX file; all of its bytes are kept but those of such an entry it has.

    Raises:
        ValueError: not an ONNX file.

    Example:
        >>> path.write_bytes(with_content_hash(model.SerializeToString()))
    """
    for entry in reversed(_entries(memoryview(content))):
        if entry.key == CONTENT_HASH:
            content = content[: entry.whole.start] + content[entry.whole.stop :]
    entry_bytes = block(_METADATA_PROPS, block(_KEY, CONTENT_HASH) + block(_VALUE, ZEROS))
    content += entry_bytes[: -len(ZEROS)]
    return content + hashlib.sha256(content + ZEROS).hexdigest().encode()


def zeroed_sha256(content: bytes, digits: slice) -> str:
    """SHA-256, hexadecimal, of `content` with the digits of its own hash replaced by zeros."""
    view, digest = memoryview(content), hashlib.sha256()
    for part in (view[: digits.start], ZEROS, view[digits.stop :]):
        digest.update(part)
    return digest.hexdigest()


def _is_intact(content: bytes, entries: list[_Entry]) -> bool:
    found = [entry for entry in entries if entry.key == CONTENT_HASH]
    if not found:
        ours = {entry.key for entry in entries if entry.key.startswith("infonet.")}
        return ours <= _BEFORE_HASHES
    if len(found) > 1 or len(found[0].value) != len(ZEROS):
        return False
    return zeroed_sha256(content, found[0].digits) == found[0].value


def _entries(content: memoryview) -> list[_Entry]:
    """The metadata of a model; ValueError or TypeError if it is none."""
    entries, found = [], set()
    for field, value, start, at in fields(content):
        found.add(field)
        if field != _METADATA_PROPS or isinstance(value, int):
            continue
        texts: dict[int, tuple[str, slice]] = {}
        for part, text, _, place in fields(value):
            if not isinstance(text, int):
                where = slice(at + place, at + place + len(text))
                texts[part] = bytes(text).decode(), where
        key, _ = texts.get(_KEY, ("", slice(0, 0)))
        text, where = texts.get(_VALUE, ("", slice(0, 0)))
        entries.append(_Entry(key, text, slice(start, at + len(value)), where))
    if not {_IR_VERSION, _GRAPH} <= found:
        raise ValueError("no graph")
    return entries
