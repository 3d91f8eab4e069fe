"""What is finished of an interrupted run: a folder beside the output, with one file a tile.

A manifest says what the run computes, so that only the same run goes on with it.

OUTPUT.partial/ holds `lock`, whose text says that the folder is ours, `manifest.json`, which says
what is computed of which data, and `tile-A-B.npz` for the tile of the blocks that begin at columns
A and B. A file gets its name when its content is on the disk, so that whatever is there under its
name is whole; manifest and tiles carry hashes, for what happens to them later. The folder goes when
the output is written.

Nothing else is touched: a folder without our text, a link of its name, and files with names that
are not ours are refused, and only files of ours are ever deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import logging
import os
import re
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from infonet.errors import InputError
from infonet.inputs.files import kind_of, read_regular
from infonet.matrix.output import final_path, sync_folder
from infonet.matrix.plan import LARGEST_TILE, Tile
from infonet.matrix.tile import TileResult
from infonet.model.onnx_metadata import ZEROS

_FORMAT = 3
_WORDS = {
    "model": "the model",
    "n": "the number of rows",
    "columns": "the columns",
    "targets": "the targets",
    "given": "the condition",
    "data": "the data",
    "tile": "the size of tiles",
    "seed": "the seed",
    "nan": "the policy for missing values",
    "format": "the version of infonet",
}


@dataclass(frozen=True)
class Manifest:
    """What a run computes; two runs of equal manifests give the same tiles.

    Attributes:
        model: SHA-256 of the model file that computes.
        seed: of the random order of ties.
        n: number of rows.
        columns, targets: names of the rows and the columns of the matrix.
        names: names of all columns that take part.
        nan: policy for missing values.
        tile: columns a side of a tile.
        data: fingerprints of the ranks of each of `names`.
        given: names of the columns of the condition.
        condition: fingerprint of their ranks; empty without a condition.
    """

    model: str
    seed: int
    n: int
    columns: list[str]
    targets: list[str]
    names: list[str]
    nan: str
    tile: int
    data: list[str]
    given: list[str] = field(default_factory=list)
    condition: str = ""
    format: int = _FORMAT


def is_manifest(fields: dict[str, Any] | None) -> bool:
    """Whether these are the fields of a manifest, of this version of infonet or of another."""
    return fields is not None and {"format", "model", "tile", "data"} <= fields.keys()


def difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first thing in which two manifests differ, in words."""
    for key in ("format", "model", "n", "columns", "targets", "given", "nan", "tile", "seed"):
        then, now = found.get(key), wanted[key]
        if then == now:
            continue
        if key in ("columns", "targets", "given"):
            return f"{_WORDS[key]} ({_shown(then)} then, {_shown(now)} now)"
        if key == "model":
            return _WORDS[key]
        return f"{_WORDS[key]} ({' '.join(str(then).split())[:40]} then, {now} now)"
    if found.get("condition") != wanted["condition"]:
        return f"{_WORDS['data']} of the condition"
    then = found.get("data")
    then = then if isinstance(then, list) else []
    both = zip_longest(wanted["names"], then, wanted["data"])
    changed = [name for name, a, b in both if a != b]
    return f"{_WORDS['data']} of {_shown(changed)}" if changed else "its manifest"


def _shown(names: Sequence[str] | None, most: int = 3) -> str:
    if not isinstance(names, list):
        return "none"
    rest = len(names) - most
    return ", ".join(map(repr, names[:most])) + (f" and {rest} more" if rest > 0 else "")


_log = logging.getLogger("infonet")
_MARK = b"Unfinished work of infonet. This folder goes when the output is written.\n"
_OURS = re.compile(r"lock|(manifest\.json|tile-\d+-\d+\.npz)(\.writing)?|output\.\w+")
_HASH = "content_sha256"
_DIGEST = hashlib.sha256().digest_size
_START_OVER = (
    "pass resume=False (--no-resume on the command line) to start over, or choose another output"
)


class PartialRun:
    """The folder of one output, locked for this process.

    Args:
        output: path of the final file; see `final_path` for what a symbolic link means.

    Raises:
        InputError: another process is at it, the folder cannot be made, or something that infonet
            did not make has its name or lies in it.
    """

    def __init__(self, output: Path) -> None:
        self._output, self._suffix = output, output.suffix
        target = final_path(output)
        self.folder = target.with_name(target.name + ".partial")
        self._run = b""  # what tiles are bound to; known when the run starts
        try:
            self._lock = self._locked()
        except OSError as error:
            raise InputError(
                f"cannot write {output}: {self.folder.name} for unfinished work cannot be made "
                f"({error.strerror}): choose another output"
            ) from None

    def _locked(self) -> IO[bytes]:
        path = self.folder / "lock"
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        while True:
            with contextlib.suppress(FileExistsError):
                self.folder.mkdir()
            try:
                self._check_ours()
                file = os.fdopen(os.open(path, flags, 0o666), "r+b")
            except FileNotFoundError:
                continue  # another run has just finished and removed the folder
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                raise InputError(
                    f"another process is writing {self._output}: wait for it, or choose another "
                    "output"
                ) from None
            if path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno())):
                if not file.read(1):
                    file.write(_MARK)
                    file.flush()
                return file
            file.close()

    def _check_ours(self) -> None:
        """Refuse a folder that holds anything that infonet did not write."""
        kind = kind_of(os.lstat(self.folder).st_mode)
        if not stat.S_ISDIR(os.lstat(self.folder).st_mode):
            raise self._not_ours(f"is {kind or 'a file'}")
        with os.scandir(self.folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        strange = [entry.name for entry in entries if not _is_ours(entry)]
        if not strange and not self._is_marked():
            strange = [entry.name for entry in entries if entry.name != "lock"]
        if strange:
            more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
            raise self._not_ours(f"holds {strange[0]!r}{more}")

    def _is_marked(self) -> bool:
        """Whether the folder says that it is ours. That of an earlier version has a manifest."""
        try:
            content = read_regular(self.folder / "lock", "lock")
        except InputError:
            content = b""
        if content and content != _MARK:
            raise self._not_ours("holds 'lock'")
        return bool(content) or is_manifest(self._read_manifest())

    def _not_ours(self, what: str) -> InputError:
        return InputError(
            f"cannot write {self._output}: {self.folder}, the folder for unfinished work, {what}, "
            "which infonet did not write: move that away, or choose another output"
        )

    def __enter__(self) -> PartialRun:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.close()

    @property
    def scratch(self) -> Path:
        """Where the final file is put together."""
        return self.folder / f"output{self._suffix}"

    def tile_size(self) -> int | None:
        """Size of the tiles of the unfinished run; None if there is none."""
        fields = self._read_manifest()
        size = fields.get("tile") if fields else None
        return size if type(size) is int and 1 <= size <= LARGEST_TILE else None

    def start(self, manifest: Manifest, resume: bool) -> None:
        """Begin, or go on with, a run.

        Raises:
            InputError: the folder is of another run.
        """
        found = self._read_manifest()
        wanted = asdict(manifest)
        self._run = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).digest()
        if resume and found is not None:
            digest = found.pop(_HASH, None)
            whole = digest == _digest(found)
            if whole and found == wanted:
                return
            other = difference(found, wanted) if found != wanted else "its manifest"
            damaged = "" if whole else " (its manifest.json is damaged)"
            raise InputError(
                f"{self.folder} is of an unfinished run that differs in {other}: "
                f"{_START_OVER}{damaged}"
            )
        self._delete(keep="lock")
        fields = {_HASH: _digest(wanted), **wanted}
        self._write("manifest.json", json.dumps(fields, indent=1).encode())

    def load(self, tile: Tile) -> TileResult | None:
        """A finished tile; None if it is not, or is not of this run to the last byte."""
        name = _name(tile)
        try:
            content = read_regular(self.folder / name, "tile")
            payload, digest = content[:-_DIGEST], content[-_DIGEST:]
            if digest != self._tile_digest(name, payload):
                return None  # damaged: computed again
            with np.load(io.BytesIO(payload), allow_pickle=False) as file:
                found = TileResult(*(file[name] for name in ("values", "n", "about", "p_value")))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # InputError is a ValueError: there is none
        whole = len(found.values) == len(found.n) == len(found.about) == len(tile.pairs)
        return found if whole else None

    def save(self, tile: Tile, result: TileResult) -> None:
        """Keep a finished tile. May be called from many threads."""
        name = _name(tile)
        scratch = self.folder / f"{name}.writing"
        try:
            buffer = io.BytesIO()
            np.savez(buffer, **vars(result))
            payload = buffer.getvalue()
            with scratch.open("wb") as file:
                file.write(payload)
                file.write(self._tile_digest(name, payload))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.folder / name)
        except OSError as error:
            raise InputError(f"cannot write {self.folder / name}: {error.strerror}") from None

    def finish(self) -> None:
        """Remove the folder: the output is written. What others put into it stays, and it."""
        try:
            self._delete(keep="")
            self.folder.rmdir()
        except OSError as error:
            if (self.folder / "lock").exists():
                return  # another run has begun
            _log.warning(
                "%s is written; its folder %s stays (%s)", self._output, self.folder, error.strerror
            )

    def _delete(self, keep: str) -> None:
        """Delete the files that infonet wrote, but for `keep`; the lock goes last."""
        with os.scandir(self.folder) as found:
            names = [entry.name for entry in found if _is_ours(entry) and entry.name != keep]
        for name in sorted(names, key=lambda name: name == "lock"):
            (self.folder / name).unlink()

    def _tile_digest(self, name: str, payload: bytes) -> bytes:
        """Of a tile of this run: one of another run, or under another name, has another."""
        return hashlib.sha256(self._run + name.encode() + payload).digest()

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            if not os.path.lexists(self.folder / "manifest.json"):
                return None
            fields = json.loads(read_regular(self.folder / "manifest.json", "manifest"))
        except (OSError, ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _write(self, name: str, content: bytes) -> None:
        scratch = self.folder / f"{name}.writing"
        with scratch.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.folder / name)
        sync_folder(self.folder)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    """Whether a file has one of our names; links, folders and pipes of these names are not ours."""
    return bool(_OURS.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False)


def _digest(fields: dict[str, Any]) -> str:
    """The hash of a manifest: SHA-256 of its file with the digits of the hash as zeros."""
    text = json.dumps({_HASH: ZEROS.decode(), **fields}, indent=1)
    return hashlib.sha256(text.encode()).hexdigest()


def _name(tile: Tile) -> str:
    return f"tile-{tile.first.start}-{tile.second.start}.npz"
