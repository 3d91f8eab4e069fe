"""Engines that were built before: one file each, named by all that an engine depends on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infonet.errors import MissingExtraError, ModelError
from infonet.model.engine_file import Manifest, Profile, read_engine

_log = logging.getLogger("infonet")


@dataclass(frozen=True)
class Key:
    """What makes an engine: as the manifest has it, but for what the build finds out."""

    model_sha256: str
    backend: str
    backend_version: str
    version_compatible: bool
    compute_capabilities: tuple[str, ...]
    precision: str
    optimization_level: int | None
    profiles: tuple[Profile, ...]

    @property
    def digest(self) -> str:
        """The name of the engine in the cache, 64 hexadecimal digits."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def matches(self, manifest: Manifest) -> bool:
        """Whether an engine with this manifest was built for this key."""
        return all(getattr(manifest, name) == value for name, value in vars(self).items())


class EngineCache:
    """A folder of engine files and timings; several processes may share it."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: None for the user's cache, as the platform has it."""
        self.folder = folder or _user_folder()

    def path(self, key: Key) -> Path:
        """Where the engine of ``key`` is, or will be."""
        return self.folder / f"{key.digest}.engine"

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Wait until no other process has ``name``: what one builds the others then find."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with _file_lock(self.folder / f"{name}.lock"):
            yield

    def find(self, key: Key) -> tuple[Manifest, bytes] | None:
        """Manifest and engine for ``key`` if there are such; a damaged file is removed."""
        path = self.path(key)
        if not path.is_file():
            return None
        try:
            manifest, engine = read_engine(path)
        except ModelError as error:
            _log.warning("a cached engine cannot be used and is removed: %s", error)
            path.unlink(missing_ok=True)
            return None
        return (manifest, engine) if key.matches(manifest) else None

    def timings(self, key: Key) -> Path:
        """Where a backend that times kernels keeps the results, for all models."""
        targets = "_".join(key.compute_capabilities).replace("+", "")
        return self.folder / f"{key.backend}-{key.backend_version}-{targets}.timings"


def _user_folder() -> Path:
    try:
        import platformdirs
    except ImportError as error:
        raise MissingExtraError("the engine cache", "platformdirs", str(error)) from error
    return platformdirs.user_cache_path("infonet") / "engines"


def _file_lock(path: Path) -> Any:
    try:
        import filelock
    except ImportError as error:
        raise MissingExtraError("the engine cache", "filelock", str(error)) from error
    return filelock.FileLock(path)
