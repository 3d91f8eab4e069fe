"""Model files: their names and metadata, and how several are written together or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
from infonet.model.onnx_metadata import with_content_hash


def add_metadata(model: onnx.ModelProto, metadata: dict[str, str]) -> None:
    """Add entries to the model's metadata, in place."""
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a model with the hash of all of its content; see `infonet.model.onnx_metadata`."""
    onnx.save_model(model, path)
    path.write_bytes(with_content_hash(path.read_bytes()))


@contextlib.contextmanager
def all_or_none(paths: Iterable[Path]) -> Iterator[dict[Path, Path]]:
    """Write files under other names and verify them before they take the place of ``paths``.

    Yields path -> the name to write to for now. When the block ends, every file gets its own name;
    when it raises, all that was written is removed, and older files stay as they were.
    """
    partial = {path: path.with_suffix(".partial") for path in paths}
    for path in partial:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
    except BaseException:
        for temporary in partial.values():
            temporary.unlink(missing_ok=True)
        raise
    for path, temporary in partial.items():
        temporary.replace(path)
