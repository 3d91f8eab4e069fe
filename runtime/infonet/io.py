"""Read a table of numbers from a file: CSV, Parquet, .npy or .npz."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from infonet.checks import Column
from infonet.csv_file import read_csv
from infonet.errors import InputError, MissingExtraError

_TEXT = (".csv", ".tsv", ".txt", ".dat", ".data")
_KINDS = "CSV (.csv, .tsv, .txt), Parquet (.parquet), NumPy (.npy, .npz)"


@dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
        columns: numeric columns by name, in the order of the file; missing values are NaN.
        skipped: names of the columns that are not numeric.
    """

    columns: dict[str, Column]
    skipped: tuple[str, ...] = ()

    def column(self, name: str) -> Column:
        """One column; InputError if there is none of that name or it is not numeric."""
        if name in self.columns:
            return self.columns[name]
        choose = f"choose from {', '.join(self.columns)}" if self.columns else "it has none"
        if name in self.skipped:
            raise InputError(
                f"column {name!r} does not hold numbers, only real numbers are allowed: {choose}"
            )
        raise InputError(f"column {name!r} does not exist: {choose}")


def read_table(path: str | Path) -> Table:
    """Read the table in the file at `path`; its ending decides on the format.

    Raises:
        InputError: missing, unreadable, empty or malformed file, or an unknown ending.
        MissingExtraError: Parquet without pyarrow or polars.
    """
    file = Path(path)
    ending = file.suffix.lower()
    try:
        status = file.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise InputError(f"{file} is a pipe or a device: save the table to a file, give that")
        if stat.S_ISREG(status.st_mode) and status.st_size == 0:
            raise InputError(f"{file} is empty: give a file with a header and rows of numbers")
        if ending in _TEXT:
            return Table(*read_csv(file))
        if ending in (".parquet", ".pq"):
            return _read_parquet(file)
        if ending in (".npy", ".npz"):
            return _read_numpy(file)
    except FileNotFoundError:
        raise InputError(f"no file at {file}: check the path") from None
    except IsADirectoryError:
        raise InputError(f"{file} is a directory: give a file") from None
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from None
    raise InputError(f"{file} ends in {ending or 'nothing'}, allowed are {_KINDS}: convert it")


def _read_parquet(file: Path) -> Table:
    import narwhals.stable.v1 as nw

    from infonet.inputs import as_column

    for reader in ("pyarrow", "polars"):
        try:
            import_module(reader)
        except ImportError:
            continue
        break
    else:
        raise MissingExtraError("reading Parquet files", "infonet[parquet]")
    try:
        frame = nw.read_parquet(str(file), backend=reader)
    except OSError:
        raise
    except Exception as error:  # each library has its own
        raise _damaged(file, "Parquet", error) from None
    columns: dict[str, Column] = {}
    skipped = []
    for name in frame.columns:
        try:
            columns[name] = as_column(frame[name].to_native(), name)[1]
        except InputError:
            skipped.append(name)
    return Table(columns, tuple(skipped))


def _read_numpy(file: Path) -> Table:
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            arrays = {"": loaded}
        else:
            with loaded:
                arrays = dict(loaded)
    except OSError:
        raise
    except Exception as error:  # of NumPy, zipfile, zlib
        raise _damaged(file, "NumPy", error) from None
    foreign = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if foreign:
        raise InputError(f"{file} holds {foreign[0]!r}, which is no array: save arrays only")
    columns: dict[str, Column] = {}
    skipped = []
    for name, array in arrays.items():
        found = _split(name, array, alone=len(arrays) == 1)
        for label, column in found.items():
            if label in columns or label in skipped:
                raise InputError(f"{file} names columns twice ({label}): rename its arrays")
            if column.dtype.kind in "biuf":
                columns[label] = column
            else:
                skipped.append(label)
        if not found:
            raise InputError(
                f"{file} holds an array of shape {list(array.shape)}"
                f"{f' in {name!r}' if name else ''}, allowed are [n] and [n, columns]: reshape it"
            )
    sizes = {label: column.size for label, column in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{label}: {size}" for label, size in list(sizes.items())[:8])
        raise InputError(f"columns of {file} differ in length ({shown}): save equal lengths")
    return Table(columns, tuple(skipped))


def _split(name: str, array: Column, alone: bool) -> dict[str, Column]:
    """Columns of one array; nothing if it is neither [n] nor [n, columns]."""
    if array.dtype.names and array.ndim == 1:
        return {field: array[field] for field in array.dtype.names}
    if array.ndim == 1:
        return {name or "0": array}
    if array.ndim == 2:
        prefix = "" if alone else f"{name}."
        return {f"{prefix}{i}": array[:, i] for i in range(array.shape[1])}
    return {}


def _damaged(file: Path, kind: str, error: Exception) -> InputError:
    reason = (str(error).strip() or repr(error)).splitlines()[0].split(". ")[0].rstrip(".")
    return InputError(f"{file} is not a readable {kind} file ({reason}): write it again")
