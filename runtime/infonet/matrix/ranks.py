"""Columns ranked once, kept small in memory or in a temporary file, and handed out in blocks.

For a model that reads ranks, a column becomes its ranks: whole numbers of 16 bits where twice the
number of rows fits, else float32, in which up to 2**23 rows all ranks are different. Ranks of some
rows of a column are the ranks of its ranks there, so pairs with missing values need no more than
these. For a model that reads values (soft ranks), a column is kept as float64.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import Column, finite_rows
from infonet.pairs.engine import PairEngine
from infonet.pairs.ranking import rank_columns


@dataclass(frozen=True)
class Coding:
    """How columns of n rows are kept.

    Attributes:
        dtype: of the codes: uint16, float32 or float64. Missing values are 0 or NaN.
        values: whether the codes are the values themselves, not ranks.
        normalize: of the ranks; see `infonet_kernels.soft_rank`.
    """

    dtype: np.dtype[Any]
    values: bool
    normalize: str

    @staticmethod
    def of(engine: PairEngine, n: int) -> Coding:
        """The smallest coding from which a network can be given exactly what it reads."""
        model = engine.model
        if model.eps != 0:
            return Coding(np.dtype(np.float64), True, "midrank")
        normalize = engine.rank_normalization
        # Both of these are whole numbers up to 2n, divided by 2n.
        small = normalize in ("midrank", "over_n") and 2 * n <= np.iinfo(np.uint16).max
        return Coding(np.dtype(np.uint16 if small else np.float32), False, normalize)


@dataclass(frozen=True)
class Facts:
    """Summary of a column: whether it is complete, tied, constant, its entropy, its fingerprint.

    Attributes:
        whole: no value is missing.
        tied, constant, entropy: see `infonet.pairs.ranking.RankedColumns`; of the values present.
        nominal: the values are codes of categories whose order means nothing.
        digest: fingerprint of the codes, hexadecimal; empty where none was asked for.
    """

    whole: bool
    tied: bool
    constant: bool
    entropy: float
    nominal: bool = False
    digest: str = ""


@dataclass(frozen=True)
class Block:
    """Some neighbouring columns: all that a task has to be given of them.

    Attributes:
        codes: [columns, n]; see `Coding`.
        facts: of each column.
        coding: how to read the codes.
    """

    codes: NDArray[Any]
    facts: tuple[Facts, ...]
    coding: Coding

    def rows(self) -> NDArray[np.float32]:
        """Ranks as the network reads them, float32 [columns, n]; wrong for gaps."""
        if self.codes.dtype == np.float32:
            return self.codes
        # The same bytes as the kernel's: it divides in double precision and rounds once more, which
        # changes nothing for whole numbers of 16 bits.
        ranks: NDArray[np.float32]
        ranks = np.divide(self.codes, np.float32(2 * self.codes.shape[1]), dtype=np.float32)
        return ranks

    def present(self, column: int) -> NDArray[np.bool_]:
        """Mask [n] of the rows of a column that are not missing."""
        codes = self.codes[column]
        mask: NDArray[np.bool_] = codes != 0 if codes.dtype == np.uint16 else ~np.isnan(codes)
        return mask


def encode(
    values: Column, coding: Coding, nominal: bool, fingerprint: bool
) -> tuple[NDArray[Any], Facts]:
    """Rank a column; values that are not finite are missing ones.

    Args:
        values: real numbers [n].
        coding: see `Coding.of`.
        nominal: whether the values are codes of categories whose order means nothing.
        fingerprint: whether to fill in `Facts.digest`.
    """
    present = finite_rows(values)
    whole = bool(present.all())
    n = values.size
    used = values if whole else values[present]
    if used.size:
        ranked = rank_columns([used], coding.normalize)
        codes = values if coding.values else _small(ranked.rows[0], coding.dtype)
        tied, constant = bool(ranked.tied[0]), bool(ranked.constant[0])
        entropy = float(ranked.entropy[0])
    else:
        codes, tied, constant, entropy = used, True, True, 0.0
    if not whole:
        gaps = np.full(n, np.nan if coding.dtype.kind == "f" else 0, coding.dtype)
        gaps[present] = used if coding.values else codes
        codes = gaps
    codes = np.ascontiguousarray(codes, coding.dtype)
    digest = hashlib.sha256(codes.data).hexdigest()[:32] if fingerprint else ""
    return codes, Facts(whole, tied, constant, entropy, nominal, digest)


def most_told(values: Column) -> float:
    """The entropy in nats of the values of a column, infinite where they differ.

    Nothing tells more of it. What is left of it after a condition has no ties any more: of columns
    that say the same they are broken alike, and what is left of both is one and the same number.
    """
    present = finite_rows(values)
    return float(rank_columns([values[present]]).entropy[0]) if present.any() else 0.0


def _small(ranks: NDArray[np.float32], dtype: np.dtype[Any]) -> NDArray[Any]:
    return (
        ranks if dtype == np.float32 else np.rint(ranks * np.float32(2 * ranks.size)).astype(dtype)
    )


class RankStore:
    """The codes of d columns of n rows. Columns may be written and blocks read from many threads.

    A file has no name and vanishes with the process, however that ends. It is read and written by
    position, not mapped: what a thread holds is what it asked for.

    Attributes:
        coding: see `infonet.matrix.ranks.Coding`.
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
