"""Tables in files: the ending decides on the format."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from infonet.errors import InputError
from infonet.tables.csv_files import csv_table, standard_input_table
from infonet.tables.numpy_files import numpy_table
from infonet.tables.parquet import parquet_table
from infonet.tables.source import RawTable

STANDARD_INPUT = "-"
_TEXT = (".csv", ".tsv", ".txt", ".dat", ".data")
_KINDS = "CSV (.csv, .tsv, .txt, also .gz), Parquet (.parquet), NumPy (.npy, .npz)"


def file_table(
    path: str | os.PathLike[str], columns: Sequence[str | int] | None = None
) -> RawTable:
    """The table in the file at `path`, or in CSV on standard input if that is "-".

    Of CSV, only `columns` are read; None for all.

    Raises:
        InputError: missing, unreadable, empty or malformed file, or an unknown ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    if os.fspath(path) == STANDARD_INPUT:
        return standard_input_table(columns)
    file = Path(path)
    endings = [ending.lower() for ending in file.suffixes[-2:]]
    ending = "".join(endings) if endings[-1:] == [".gz"] else "".join(endings[-1:])
    try:
        status = file.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise InputError(
                f"{file} is a pipe or a device: save the table to a file, and give that, or give "
                "CSV on standard input, and - for the file"
            )
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{file} is a directory: give a file")
        if status.st_size == 0:
            raise InputError(f"{file} is empty: give a file with a header and rows of numbers")
        if ending.removesuffix(".gz") in _TEXT:
            return csv_table(file, columns)
        if ending in (".parquet", ".pq"):
            return parquet_table(file)
        if ending in (".npy", ".npz"):
            return numpy_table(file)
    except FileNotFoundError:
        raise InputError(f"no file at {file}: check the path") from None
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from None
    raise InputError(f"{file} ends in {ending or 'nothing'}, allowed are {_KINDS}: convert it")
