"""Tables in files: the ending decides on the format."""

from __future__ import annotations

import os
from pathlib import Path

from infonet.errors import InputError
from infonet.files import require_regular_file
from infonet.tables.csv_files import csv_table, standard_input_table
from infonet.tables.numpy_files import numpy_table
from infonet.tables.parquet import parquet_table
from infonet.tables.source import RawTable, Request

_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_PARQUET, _NUMPY = (".parquet", ".pq"), (".npy", ".npz")
_TEXT = (".csv", ".tsv", ".txt", ".dat", ".data")
_KINDS = "CSV (.csv, .tsv, .txt, also .gz), Parquet (.parquet), NumPy (.npy, .npz)"


def file_table(path: str | os.PathLike[str], request: Request) -> RawTable:
    """The table in the file at `path`, or in CSV on standard input if that is "-".

    Of CSV, only the columns of `request` are read.

    Raises:
        InputError: missing, unreadable, empty or malformed file, or an unknown ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    try:
        if os.fspath(path) in _STANDARD_INPUT:
            return standard_input_table(request)
        file = Path(path)
        status = require_regular_file(file, "file")
        endings = [ending.lower() for ending in file.suffixes[-2:]]
        ending = "".join(endings) if endings[-1:] == [".gz"] else "".join(endings[-1:])
        text = ending.removesuffix(".gz") in _TEXT
        if status.st_size == 0:
            raise InputError(f"{file} is empty: give a file with a header and rows of numbers")
        if text:
            return csv_table(file, request)
        if request.header is not None and ending in (*_PARQUET, *_NUMPY):
            raise InputError(f"{file} is no text file, only those have a header to choose")
        if ending in _PARQUET:
            return parquet_table(file)
        if ending in _NUMPY:
            return numpy_table(file)
    except FileNotFoundError:
        raise InputError(f"no file at {path!s}: check the path") from None
    except OSError as error:
        raise InputError(f"cannot read {path!s}: {error.strerror or error}") from None
    except MemoryError as error:
        raise InputError(
            f"{path!s} needs more memory than there is: read fewer columns, or use Parquet"
        ) from error
    raise InputError(f"{file} ends in {ending or 'nothing'}, allowed are {_KINDS}: convert it")
