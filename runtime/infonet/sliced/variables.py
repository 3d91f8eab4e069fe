"""Variables of several dimensions and the options: checked, then projected onto directions."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import (
    Column,
    Missing,
    as_whole_number,
    check_finite,
    check_length,
    check_missing_policy,
    require_real,
)
from infonet.inputs.series import pairing_notes
from infonet.inputs.variables import as_variable, log_notes
from infonet.matrix.plan import parse_memory
from infonet.model.libraries import kernels
from infonet.pairs.parallel import Progress, run_tiles
from infonet.sliced.samples import Samples, prepare

Scale = Literal["minmax"] | None
_MOST = 16_384  # projections, unless more are asked for
# A standard error of fewer values is itself too uncertain to stop by.
LEAST_FOR_TOLERANCE = 64
_MEMORY = 2**28
_TESTED = 64  # projections that are permuted, unless said otherwise


@dataclass(frozen=True)
class SlicedOptions:
    """See the arguments of `Estimator.sliced`.

    Attributes:
        least: projections to begin with.
        most: projections to end with; `least` if there is no tolerance.
        tested: the first of the projections, which the permutation test uses.
        memory: bytes for projections and ranks held at a time.
    """

    least: int
    most: int
    seed: int
    scale: Scale
    nan: Missing
    tolerance: float | None
    permutations: int
    tested: int
    memory: int


def read_options(
    projections: int,
    seed: int,
    scale: Scale,
    nan: Missing,
    tolerance: float | None,
    max_projections: int | None,
    permutations: int,
    permutation_projections: int | None,
    memory: int | float | str | None,
) -> SlicedOptions:
    """Check the arguments of `Estimator.sliced`.

    Raises:
        InputError: an option that is not allowed.
    """
    check_missing_policy(nan)
    if scale not in (None, "minmax"):
        raise InputError(f"scale is {scale!r}, allowed are None and 'minmax'")
    least = most = as_whole_number(projections, "projections", 1)
    if tolerance is not None:
        tolerance = _tolerance(tolerance)
        if least < LEAST_FOR_TOLERANCE:
            raise InputError(
                f"projections is {least}, with a tolerance they are the least number and allowed "
                f"from {LEAST_FOR_TOLERANCE}: pass more, or no tolerance"
            )
        most = max(least, _MOST)
        if max_projections is not None:
            most = as_whole_number(max_projections, "max_projections", least)
    elif max_projections is not None:
        raise InputError(
            f"max_projections is {max_projections!r} without a tolerance, which alone adds "
            "projections: pass tolerance, or projections for a fixed number"
        )
    rounds = as_whole_number(permutations, "permutations", 0)
    tested = min(least, _TESTED)
    if permutation_projections is not None:
        if not rounds:
            raise InputError(
                f"permutation_projections is {permutation_projections!r} without permutations: "
                "pass permutations=199, say"
            )
        tested = as_whole_number(permutation_projections, "permutation_projections", 1)
        if tested > least:
            raise InputError(
                f"permutation_projections is {tested}, allowed are 1 to {least} (projections): "
                "pass fewer, or more projections"
            )
    return SlicedOptions(
        *(least, most, as_whole_number(seed, "seed", 0), scale, nan, tolerance, rounds, tested),
        _MEMORY if memory is None else parse_memory(memory),
    )


def _tolerance(value: float) -> float:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 < value < math.inf:
        raise InputError(f"tolerance is {value!r}, allowed are positive numbers (nats), or None")
    return float(value)


_BLOCK = 2**19  # values at a time
_LONG = 2**27  # values whose reading deserves a progress bar


def finite_rows(
    arrays: Sequence[NDArray[Any]], threads: int, progress: bool | None
) -> NDArray[np.int64] | None:
    """Positions of the rows that are finite in all `arrays` [n, k]; None if all are."""
    mask = np.ones(len(arrays[0]), np.bool_)

    def check(rows: tuple[int, int]) -> None:
        for array in arrays:
            if array.dtype.kind == "f":
                mask[slice(*rows)] &= np.isfinite(array[slice(*rows)]).all(axis=1)

    _over_rows(check, mask.size, max(a.shape[1] for a in arrays), threads, progress)
    return None if mask.all() else np.flatnonzero(mask)


def ranges(
    values: NDArray[Any], keep: NDArray[np.int64] | None, threads: int, progress: bool | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Smallest and largest value of each column of `values` [n, k]; NaN where one is NaN."""
    n = len(values) if keep is None else keep.size
    found: list[tuple[NDArray[Any], NDArray[Any]]] = []

    def look(rows: tuple[int, int]) -> None:
        block = values[slice(*rows)] if keep is None else values[keep[slice(*rows)]]
        if block.dtype == np.float16:
            block = block.astype(np.float32)  # five times as fast
        found.append((block.min(axis=0), block.max(axis=0)))

    _over_rows(look, n, values.shape[1], threads, progress)
    lows, highs = zip(*found, strict=True)
    return np.minimum.reduce(lows), np.maximum.reduce(highs)


def _over_rows(
    work: Callable[[tuple[int, int]], None],
    n: int,
    columns: int,
    threads: int,
    progress: bool | None,
) -> None:
    """Call `work` with ranges of rows."""
    size = max(1, _BLOCK // columns)

    def task(start: int) -> Callable[[], int]:
        def run() -> int:
            end = min(start + size, n)
            work((start, end))
            return end - start

        return run

    with Progress(n, "row", progress if n * columns >= _LONG else False) as bar:
        run_tiles((task(start) for start in range(0, n, size)), threads, bar)


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
        Names and samples of the two, and notes on rows and on columns of very different scales.

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
    variables, notes = [], [*pairing_notes(x, y)]
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
    found = as_variable(values, default_name)
    log_notes(found.notes)
    return found.name, list(found.labels), [column.values[:, None] for column in found.columns]


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
