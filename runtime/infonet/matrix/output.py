"""Write a result to its final file: in order, a part at a time, and all or nothing.

Each format has a function of (result, open path) that needs memory for one part only, beside the
p-values. The bytes are a function of the result alone.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, MissingExtraError
from infonet.inputs.files import kind_of
from infonet.matrix.frames import adjust, long_rows
from infonet.matrix.result import PairwiseResult
from infonet.units import UNITS

Layout = Literal["long", "matrix"]
_PART = 1 << 16  # pairs at a time


@dataclass(frozen=True)
class Form:
    """How p-values are adjusted, and the unit of estimates: "nats" or "bits"."""

    adjust: str = "fdr_bh"
    unit: str = "nats"


Writer = Callable[[PairwiseResult, Path, Form], None]


def writer_for(path: Path, layout: str | None) -> Writer:
    """The function that writes the format of this path.

    Raises:
        InputError: another ending, or a layout that the format does not have.
        MissingExtraError: Parquet without pyarrow.
    """
    if layout not in (None, *get_args(Layout)):
        raise InputError(f"layout is {layout!r}, allowed are 'long', 'matrix' and None")
    ending = path.suffix.lower()
    found = _WRITERS.get((ending, layout))
    if found is None:
        known = (
            ".parquet and .csv (long tables), .npy (the matrix), .csv with layout 'matrix'"
            if ending in {suffix for suffix, _ in _WRITERS}
            else ".parquet, .csv and .npy"
        )
        kind = f" with layout {layout!r}" if layout else ""
        raise InputError(f"output is {path}{kind}, allowed are {known}: rename it")
    if ending == ".parquet":
        _parquet()
    return found


def check_not_input(output: Path, data: Any) -> None:
    """Refuse to write over the table that is read."""
    both = isinstance(data, (str, os.PathLike)) and output.exists() and Path(data).exists()
    if both and output.samefile(data):
        raise InputError(f"output {output} is the table itself: choose another file")


def final_path(path: Path) -> Path:
    """Where an output goes: for a symbolic link, the file that it points to; the link stays.

    Raises:
        InputError: a folder, a pipe or a device has the name, or links go round in a circle.
    """
    try:
        target = path.resolve() if path.is_symlink() else path
        kind = kind_of(target.stat().st_mode)
    except FileNotFoundError:
        return target
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links in a circle
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write {path}: {reason}; choose another output") from None
    if kind is not None:
        raise InputError(f"cannot write {path}: it is {kind}, give the name of a regular file")
    return target


def write(result: PairwiseResult, path: Path, writer: Writer, form: Form, scratch: Path) -> None:
    """Write to `scratch` first, and move that to `path` when it is on the disk.

    A symbolic link at `path` is written through; see `final_path`.
    """
    target = final_path(path)
    try:
        writer(result, scratch, form)
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None


def sync_folder(folder: Path) -> None:
    """Put the names of new files on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parts(result: PairwiseResult, form: Form) -> Iterator[dict[str, NDArray[Any]]]:
    p = result.p_values
    adjusted = adjust(p, form.adjust)
    for start in range(0, result.pairs.count, _PART):
        stop = min(start + _PART, result.pairs.count)
        yield long_rows(result, start, stop, p, adjusted, form.unit)


def _write_csv(result: PairwiseResult, path: Path, form: Form) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for k, part in enumerate(_parts(result, form)):
            if k == 0:
                writer.writerow(part)
            # Nine digits hold a float32 number, which estimates in nats are; repr holds any double.
            cells = [
                [("" if v != v else f"{v:.9g}") for v in column.tolist()]
                if name in ("mi", "low", "high", "correlation")
                else [("" if v != v else v) for v in column.tolist()]
                for name, column in part.items()
            ]
            writer.writerows(zip(*cells, strict=True))


def _write_parquet(result: PairwiseResult, path: Path, form: Form) -> None:
    arrow, parquet = _parquet()
    kinds = {"x": arrow.string(), "y": arrow.string(), "n": arrow.int64()}
    schema = arrow.schema(
        (name, kinds.get(name, arrow.float64()))
        for name in ("x", "y", "mi", "low", "high", "n", "p_value", "p_adjusted", "correlation")
    )
    with parquet.ParquetWriter(str(path), schema) as file:
        for part in _parts(result, form):
            # NaN, "there is none", is a null in a table.
            arrays = [arrow.array(part[f.name], f.type, from_pandas=True) for f in schema]
            file.write_table(arrow.Table.from_arrays(arrays, schema=schema))


def _parquet() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("writing Parquet files", "pyarrow") from None
    return pyarrow, pyarrow.parquet


def _write_npy(result: PairwiseResult, path: Path, form: Form) -> None:
    shape = (len(result.row_names), len(result.column_names))
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for row in result.mi_rows():
            file.write((row * UNITS[form.unit]).astype("<f8").tobytes())


def _write_csv_matrix(result: PairwiseResult, path: Path, form: Form) -> None:
    result.to_csv(path, form.unit)


_WRITERS: dict[tuple[str, str | None], Writer] = {
    (".parquet", None): _write_parquet,
    (".parquet", "long"): _write_parquet,
    (".csv", None): _write_csv,
    (".csv", "long"): _write_csv,
    (".csv", "matrix"): _write_csv_matrix,
    (".npy", None): _write_npy,
    (".npy", "matrix"): _write_npy,
}
