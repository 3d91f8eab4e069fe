"""Ranked columns in memory, or in a temporary file where they would take too much of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.pairwise.ranked import Block, Coding, Facts


class RankStore:
    """The codes of d columns of n rows. Columns may be written and blocks read from many threads.

    A file has no name and vanishes with the process, however that ends. It is read and written by
    position, not mapped: what a thread holds is what it asked for.

    Attributes:
        coding: see `infonet.pairwise.ranked.Coding`.
        facts: of each column, as soon as it is written.
    """

    def __init__(self, d: int, n: int, coding: Coding, folder: Path | None, spill: bool) -> None:
        self.coding = coding
        self.facts: list[Facts | None] = [None] * d
        self._n = n
        self._file: IO[bytes] | None = None
        self._codes: NDArray[Any] | None = None
        if spill:
            self._file = _temporary_file(folder, d * n * coding.dtype.itemsize)
        else:
            self._codes = np.empty((d, n), coding.dtype)

    def write(self, column: int, codes: NDArray[Any], facts: Facts) -> None:
        """Keep a column."""
        if self._codes is not None:
            self._codes[column] = codes
        else:
            assert self._file is not None
            _write(self._file.fileno(), codes.data.cast("B"), column * codes.nbytes)
        self.facts[column] = facts

    def block(self, columns: range) -> Block:
        """Columns that were written."""
        facts = tuple(fact for fact in self.facts[columns.start : columns.stop] if fact is not None)
        if self._codes is not None:
            return Block(self._codes[columns.start : columns.stop], facts, self.coding)
        assert self._file is not None
        codes = np.empty((len(columns), self._n), self.coding.dtype)
        start = columns.start * self._n * codes.itemsize
        _read(self._file.fileno(), codes.data.cast("B"), start)
        return Block(codes, facts, self.coding)


def zeros(shape: tuple[int, ...], dtype: Any, folder: Path | None, spill: bool) -> NDArray[Any]:
    """An array of zeros, in a mapped temporary file without a name if `spill`."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not spill or not size:
        return np.zeros(shape, dtype)
    with _temporary_file(folder, size) as file:
        return np.memmap(file, dtype, "r+", shape=shape)  # keeps the file open itself


def _temporary_file(folder: Path | None, size: int) -> IO[bytes]:
    where = folder or Path(tempfile.gettempdir())
    try:
        file = tempfile.TemporaryFile(dir=where)  # noqa: SIM115, lives as long as the store
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, max(size, 1))  # a full disk shows now, not later
        else:
            file.truncate(size)
    except OSError as error:
        raise InputError(
            f"cannot make a temporary file of {size / 1e6:.0f} MB in {where} ({error.strerror}): "
            "set TMPDIR to a folder with more space, or allow more memory"
        ) from None
    return file


def _write(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, position)
        data, position = data[written:], position + written


def _read(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        count = os.preadv(descriptor, [data], position)
        if not count:
            raise OSError("a temporary file of ranks ended early")
        data, position = data[count:], position + count
