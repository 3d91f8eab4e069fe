"""What is finished of an interrupted run: a folder beside the output, with one file a tile.

OUTPUT.partial/ holds `manifest.json`, which says what is computed of which data, and
`tile-A-B.npz` for the tile of the blocks that begin at columns A and B. A file gets its name when
its content is on the disk, so that whatever is there under its name is whole. The folder goes when
the output is written.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zipfile
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from infonet.errors import InputError
from infonet.pairwise.estimate import TileResult
from infonet.pairwise.manifest import Manifest, difference
from infonet.pairwise.output import sync_folder
from infonet.pairwise.pairs import Tile


class PartialRun:
    """The folder of one output, locked for this process.

    Args:
        output: path of the final file.

    Raises:
        InputError: another process is at it, or the folder cannot be made.
    """

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(output.name + ".partial")
        self._output = output
        try:
            self._lock = self._locked()
        except OSError as error:
            raise InputError(
                f"cannot write {output}: {self.folder.name} for unfinished work cannot be made "
                f"({error.strerror}): choose another output"
            ) from None

    def _locked(self) -> IO[bytes]:
        path = self.folder / "lock"
        while True:
            self.folder.mkdir(exist_ok=True)
            try:
                file = path.open("ab")
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
                return file
            file.close()

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
        return self.folder / f"output{self._output.suffix}"

    def tile_size(self) -> int | None:
        """Size of the tiles of the unfinished run; None if there is none."""
        fields = self._read_manifest()
        size = fields.get("tile") if fields else None
        return size if isinstance(size, int) and size > 0 else None

    def start(self, manifest: Manifest, resume: bool) -> None:
        """Begin, or go on with, a run.

        Raises:
            InputError: the folder is of another run.
        """
        found = self._read_manifest()
        wanted = asdict(manifest)
        if resume and found is not None:
            if found == wanted:
                return
            raise InputError(
                f"{self.folder} is of an unfinished run that differs in "
                f"{difference(found, wanted)}: pass resume=False (--no-resume on the command "
                "line) to start over, or choose another output"
            )
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()
        self._write("manifest.json", json.dumps(wanted, indent=1).encode())

    def load(self, tile: Tile) -> TileResult | None:
        """A finished tile; None if it is not."""
        try:
            with np.load(self.folder / _name(tile), allow_pickle=False) as file:
                found = TileResult(*(file[name] for name in ("values", "n", "about", "p_value")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # damaged by the disk: computed again
        whole = len(found.values) == len(found.n) == len(found.about) == len(tile.pairs)
        return found if whole else None

    def save(self, tile: Tile, result: TileResult) -> None:
        """Keep a finished tile. May be called from many threads."""
        name = _name(tile)
        scratch = self.folder / f"{name}.writing"
        try:
            with scratch.open("wb") as file:
                np.savez(file, **vars(result))
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(self.folder / name)
        except OSError as error:
            raise InputError(f"cannot write {self.folder / name}: {error.strerror}") from None

    def finish(self) -> None:
        """Remove the folder: the output is written."""
        shutil.rmtree(self.folder)

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            fields = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
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


def _name(tile: Tile) -> str:
    return f"tile-{tile.first.start}-{tile.second.start}.npz"
