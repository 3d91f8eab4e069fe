"""Variables of several dimensions: read them, check them, and project them onto directions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, check_finite, check_length, require_real
from infonet.errors import InputError
from infonet.inputs import as_variable
from infonet.session import kernels
from infonet.sliced.options import SlicedOptions
from infonet.sliced.passes import finite_rows, ranges
from infonet.sliced.samples import Samples, prepare
from infonet.tiles import Progress, run_tiles

_OUTWEIGHS = 100  # times the standard deviation of another dimension
_ROWS, _LOOKED_AT = 2000, 2**16  # rows, and values at a time, to tell that by


@dataclass(frozen=True)
class Variable:
    """Samples of a variable of d dimensions, ready to be projected.

    Attributes:
        samples: the samples as they came, [n], if d = 1, else in blocks.
    """

    samples: Column | Samples

    @property
    def dimensions(self) -> int:
        """The number d of dimensions."""
        return self.samples.dimensions if isinstance(self.samples, Samples) else 1

    @property
    def n(self) -> int:
        """The number of samples."""
        return self.samples.n if isinstance(self.samples, Samples) else self.samples.size

    def project(self, directions: NDArray[np.float64], threads: int) -> list[Column]:
        """Samples [n] along each of `directions`, float64 [p, d].

        Mutual information does not change when a variable is scaled or its sign flips, so a
        variable of one dimension is returned as it is, once.
        """
        if isinstance(self.samples, Samples):
            return list(project(self.samples, directions, threads))
        return [self.samples]


def project(samples: Samples, directions: NDArray[np.float64], threads: int) -> NDArray[np.float64]:
    """Projections [p, n] of `samples` onto `directions` [p, d].

    Not by BLAS: that may round an element differently depending on where it lies in the matrix, so
    results would depend on blocks and machines, and equal rows would no longer be equal after it.
    """
    laid_out = kernels().Directions(directions)
    out = np.empty((len(directions), samples.n))

    def task(rows: tuple[int, int]) -> Callable[[], int]:
        def run() -> int:
            for columns in samples.column_blocks():
                block = samples.read(rows, columns)
                kernels().project(block, laid_out, out[:, slice(*rows)], columns[0])
            return rows[1] - rows[0]

        return run

    with Progress(samples.n, "row", False) as silent:
        run_tiles((task(rows) for rows in samples.row_blocks()), threads, silent)
    return out


def read_variables(
    x: Any,
    y: Any,
    names: tuple[str, str],
    options: SlicedOptions,
    n_min: int,
    threads: int,
    progress: bool | None,
) -> tuple[tuple[str, str], tuple[Variable, Variable], tuple[str, ...]]:
    """Check two variables, leave out rows with missing values if asked to, and prepare both.

    Returns:
        Names and samples of the two, and notes on columns of very different scales.

    Raises:
        InputError: not real numbers, not finite, of unequal lengths, or too few samples.
    """
    read = [_read(values, name) for values, name in zip((x, y), names, strict=True)]
    (x_name, _, x_arrays), (y_name, _, y_arrays) = read
    n, other = len(x_arrays[0]), len(y_arrays[0])
    if n != other:
        raise InputError(
            f"{x_name} and {y_name} differ in length ({n} and {other}): pass one row of y for each "
            "row of x"
        )
    label, keep = x_name, None
    if options.nan == "omit":
        keep = finite_rows([*x_arrays, *y_arrays], threads, progress)
        if keep is not None:
            n, label = keep.size, f"{x_name} with {y_name}, rows with missing values left out,"
    check_length(n, n_min, label)
    variables, notes = [], []
    for name, labels, arrays in read:
        bounds = [ranges(array, keep, threads, progress) for array in arrays]
        _check_finite(arrays, bounds, labels)
        if len(labels) == 1:
            variables.append(Variable(arrays[0][:, 0] if keep is None else arrays[0][keep, 0]))
        else:
            variables.append(Variable(prepare(arrays, bounds, keep, options.scale == "minmax")))
            if options.scale is None:
                notes += _scale_notes(name, labels, arrays, keep)
    return (x_name, y_name), (variables[0], variables[1]), tuple(notes)


def _read(values: Any, default_name: str) -> tuple[str, list[str], list[NDArray[Any]]]:
    """Name, labels of the dimensions for messages, and the dimensions as arrays [n, k]."""
    plain = isinstance(values, np.ndarray) and not isinstance(values, np.ma.MaskedArray)
    if plain and values.ndim == 2 and values.dtype.kind not in "OMm" and values.shape[1] > 0:
        require_real(values, default_name)
        labels = [f"{default_name}[:, {i}]" for i in range(values.shape[1])]
        return default_name, labels, [np.asarray(values)]  # one array: in place, mapped or not
    name, labels, columns = as_variable(values, default_name)
    return name, labels, [column[:, None] for column in columns]


def _scale_notes(
    name: str, labels: list[str], arrays: list[NDArray[Any]], keep: NDArray[np.int64] | None
) -> list[str]:
    """What to say if one dimension outweighs the others in every random direction."""
    n = len(arrays[0]) if keep is None else keep.size
    rows = np.unique(np.linspace(0, n - 1, min(n, _ROWS)).astype(np.int64))
    rows = rows if keep is None else keep[rows]
    found = np.concatenate([_log_deviations(array, rows) for array in arrays])
    varying = np.flatnonzero(np.isfinite(found))
    if not varying.size:
        return []
    small, large = (varying[which(found[varying])] for which in (np.argmin, np.argmax))
    times = found[large] - found[small]
    if times <= math.log2(_OUTWEIGHS):
        return []
    return [
        f"{labels[large]} varies 1e{times * math.log10(2):.0f} times as much as {labels[small]}, "
        "so that random directions see little else: pass scale='minmax' (--scale minmax on the "
        f"command line) if the columns of {name} have different units"
    ]


def _log_deviations(array: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Binary logarithms of the standard deviations of each column of [n, k]; -inf of constants."""
    found = []
    step = max(1, _LOOKED_AT // rows.size)
    for start in range(0, array.shape[1], step):
        block = array[rows, start : start + step]
        exact = block.dtype.kind == "f" and block.dtype.itemsize <= 8
        block = block.astype(np.float64 if exact else np.longdouble)
        exponent = np.frexp(np.abs(block).max(axis=0))[
            1
        ]  # of the largest doubles, squares overflow
        block = np.ldexp(block, -exponent)
        deviation = (block - block[0]).std(axis=0).astype(np.float64)
        logs = np.full(deviation.shape, -np.inf)
        np.log2(deviation, out=logs, where=deviation > 0)
        found.append(logs + exponent)
    return np.concatenate(found)


def _check_finite(
    arrays: list[NDArray[Any]], bounds: list[tuple[Column, Column]], labels: list[str]
) -> None:
    first = 0
    for array, (low, high) in zip(arrays, bounds, strict=True):
        if low.dtype.kind == "f":
            for i in np.flatnonzero(~(np.isfinite(low) & np.isfinite(high))):
                check_finite(array[:, i], labels[first + i])
        first += array.shape[1]
