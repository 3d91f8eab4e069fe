"""Runs that are watched, or interrupted, at the calls by which they put files on the disk."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def interrupted(folder, when):
    """Interrupt the run, as Ctrl+C does, at the first `os.fsync` for which `when(folder)` holds."""
    sync, seen = os.fsync, []

    def fsync(descriptor):
        if when(folder):
            seen.append(descriptor)
            raise KeyboardInterrupt
        return sync(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(KeyboardInterrupt):
            yield
    assert len(seen) == 1


def finished_tiles(folder):
    """Names of the tiles in the folder of a run."""
    return sorted(path.name for path in Path(folder).glob("tile-*.npz"))


def tiles_are_done(count):
    """For `interrupted`: while the tile after the first `count` is written."""

    def when(folder):
        return len(finished_tiles(folder)) == count and any(Path(folder).glob("tile-*.writing"))

    return when


def output_is_written(folder):
    """For `interrupted`: before the output gets its name."""
    return any(Path(folder).glob("output.*"))


@contextmanager
def counted_tiles(then=None):
    """A list that grows by the name of each tile that a run puts into its folder."""
    replace, tiles = os.replace, []

    def recorded(source, target, **options):
        replace(source, target, **options)
        if Path(target).name.startswith("tile-"):
            tiles.append(Path(target).name)
            if then is not None:
                then(Path(target).parent)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", recorded)
        yield tiles
