"""The last rows of a stream, in memory that does not grow, and estimates of their pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import require_real
from infonet.inputs.convert import unbox
from infonet.inputs.numbers import EXACT
from infonet.inputs.table import is_records
from infonet.inputs.variables import as_columns
from infonet.monitor.decisions import Sample, normal_quantile
from infonet.monitor.given import Columns, Conditioned
from infonet.pairs.engine import ONE_PAIR, PairEngine, tile_size
from infonet.pairs.estimates import PairEstimates, method_of, notes_of
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import RankedColumns
from infonet.result import Estimate


class Window:
    """The last `size` rows of d variables, oldest first, as contiguous columns.

    Rows are appended to a buffer of twice the size; when it is full, the newest `size` move to its
    front. That copies each row once on average, so a push costs O(1) amortised.

    No sorted structure is kept. The histogram that the network reads needs the rank of every row of
    the window, so an evaluation takes O(size) whatever is kept between evaluations, and the radix
    sort of the kernels takes O(size) too: for 5,000 rows, a tenth of the time of the network.
    """

    def __init__(self, size: int, d: int) -> None:
        self.size = size
        self.rows = 0  # appended so far
        self._buffer = np.empty((d, 2 * size))
        self._end = 0

    def push(self, row: NDArray[np.float64]) -> None:
        """Append a row [d]."""
        if self._end == self._buffer.shape[1]:
            self._move_to_front()
        self._buffer[:, self._end] = row
        self._end += 1
        self.rows += 1

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows [m, d], m at most `size`."""
        m = len(rows)
        if self._end + m > self._buffer.shape[1]:
            self._move_to_front()
        self._buffer[:, self._end : self._end + m] = rows.T
        self._end += m
        self.rows += m

    def resume(self, columns: NDArray[np.float64], rows: int) -> None:
        """Take over the columns of another window to which `rows` rows have been appended."""
        self.extend(columns.T)
        self.rows = rows

    def columns(self) -> NDArray[np.float64]:
        """The window, float64 [d, rows]: a view that the next push may overwrite."""
        return self._buffer[:, max(self._end - self.size, 0) : self._end]

    def _move_to_front(self) -> None:
        kept = self.columns()
        self._buffer[:, : kept.shape[1]] = kept  # NumPy copies first if the two overlap
        self._end = kept.shape[1]


def as_row(row: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """One row [d]: a sequence, or a mapping from names to numbers; None and NA are missing."""
    if isinstance(row, Mapping):
        row = _picked(row, names, "the row")
    values = _as_float(row, "the row")
    if values.shape != (len(names),):
        raise InputError(
            f"the row has shape {list(values.shape)}, allowed is [{len(names)}], one number for "
            f"each of {', '.join(names)}: use extend for many rows"
        )
    return values


def as_rows(rows: Any, names: Sequence[str]) -> NDArray[np.float64]:
    """Rows [m, d]: an array, a list of rows or of mappings, or a data frame or mapping by name."""
    if is_records(rows):
        rows = [_picked(row, names, f"row {i}") for i, row in enumerate(rows, 1)]
    if isinstance(rows, (np.ndarray, list, tuple)):
        values = _as_float(rows, "rows") if len(rows) else np.empty((0, len(names)))
    else:
        columns = as_columns(rows, list(names), only_numbers=True)[1]
        values = np.stack([_as_float(column, "a column") for column in columns], axis=1)
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InputError(
            f"rows have shape {list(values.shape)}, allowed is [m, {len(names)}], one column for "
            f"each of {', '.join(names)}"
        )
    return values


def _picked(row: Mapping[Any, Any], names: Sequence[str], label: str) -> list[Any]:
    """Values of a mapping in the order of `names`."""
    missing = [name for name in names if name not in row]
    if missing:
        raise InputError(
            f"{label} lacks {', '.join(missing)}: give a number for each variable, or None where "
            "one is missing"
        )
    return [row[name] for name in names]


def _as_float(values: Any, label: str) -> NDArray[np.float64]:
    if isinstance(values, np.ma.MaskedArray):
        gaps = np.ma.getmaskarray(values)
        whole = _as_float(np.asarray(values.data), label)
        return np.where(gaps, np.nan, whole)
    try:
        array = np.asarray(values)
    except ValueError:  # ragged
        raise InputError(f"{label} is a ragged list, allowed are rows of one length") from None
    if array.dtype == np.float64:
        # NumPy makes floats of whole numbers that stand beside floats.
        if isinstance(values, (list, tuple)) and (np.abs(array) >= EXACT).any():
            _unboxed(np.array(values, object), label)
        return array
    if array.dtype == object:
        array = _unboxed(array, label)
    require_real(array, label)
    wide = array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size > 0
    if wide and max(-int(array.min()), int(array.max())) > EXACT:
        raise _rounded(label)
    return array.astype(np.float64)


def _rounded(label: str) -> InputError:
    return InputError(
        f"{label} holds whole numbers beyond 2**53, which would be rounded: subtract an offset "
        "first"
    )


def _unboxed(array: NDArray[Any], label: str) -> NDArray[Any]:
    """Numbers of an array of objects: None, NA and NaN are missing; Decimals become floats."""
    objects = array.ravel()
    if any(not isinstance(v, float) and _is_long(v) for v in objects.tolist()):
        raise _rounded(label)
    present, missing, remarks = unbox(objects)
    if present is None or present.dtype.kind not in "biuf" or remarks:
        raise InputError(
            f"{label} holds Python objects, only real numbers, and None where one is missing, are "
            "allowed: convert it to numbers"
        )
    numbers = np.full(array.size, np.nan)
    numbers[~missing] = present
    return numbers.reshape(array.shape)


def _is_long(value: Any) -> bool:
    if isinstance(value, Decimal) and value.is_nan():
        return False
    return isinstance(value, (int, Decimal, Fraction)) and not -EXACT <= value <= EXACT


Pairs = NDArray[np.int64]


class WindowEstimates:
    """Estimates of the pairs of one window.

    Args:
        engine: with the model and the seed.
        columns: float64 [d, n], finite.
        pairs: int64 [p, 2].
        names: of the d variables.
        given: positions of the variables of the condition; none of them is in a pair.

    Attributes:
        estimates: one for each pair, the same to the last byte as `Estimator.estimate` of its
            columns (without its table), or given others as `Estimator.pairwise`.
    """

    def __init__(
        self,
        engine: PairEngine,
        columns: Columns,
        pairs: Pairs,
        names: Sequence[str],
        given: Sequence[int] = (),
    ) -> None:
        self._engine, self._pairs, self._n = engine, pairs, columns.shape[1]
        self._without = Conditioned.of(engine, columns, given, pairs, names)
        ranked = engine.prepare(self._without.columns, engine.backend.threads)
        ranked = replace(ranked, entropy=np.minimum(ranked.entropy, self._without.bounds))
        self._found = _run(engine, ranked, pairs)
        self.estimates = [self._estimate(i, names) for i in range(len(pairs))]

    def whole(self, i: int) -> Sample:
        """Pair i in the window."""
        return self._sample(self._found, i)

    def parts(self, i: int, count: int) -> tuple[Sample, ...]:
        """Pair i in `count` parts of the window, each of every `count`-th row."""
        size = self._n // count * count
        return tuple(self._part(i, slice(k, size, count)) for k in range(count))

    def _part(self, i: int, rows: slice) -> Sample:
        without, pair = self._without, self._pairs[i]
        ranked = self._engine.prepare([without.columns[v][rows] for v in pair])
        ranked = replace(ranked, entropy=np.minimum(ranked.entropy, without.bounds[pair]))
        return self._sample(self._engine.estimate(ranked, ONE_PAIR), 0)

    def _sample(self, found: PairEstimates, i: int) -> Sample:
        if found.constant[i]:
            return Sample(0.0, 0.0, 1.0)
        levels = self._engine.model.quantile_levels
        widths = normal_quantile(levels[-1]) - normal_quantile(levels[0])
        error = float(found.quantiles[i, -1] - found.quantiles[i, 0]) / widths
        return Sample(float(found.mi[i]), error, float(found.p_value[i]))

    def _estimate(self, i: int, names: Sequence[str]) -> Estimate:
        found, n, without = self._found, self._n, self._without
        interval = float(found.quantiles[i, 0]), float(found.quantiles[i, -1])
        p = float(found.p_value[i])
        notes = without.known_of(self._pairs[i], names) or notes_of(
            int(found.about[i]), p, interval, self._engine.model.null, n
        )
        pair = names[self._pairs[i, 0]], names[self._pairs[i, 1]]
        return Estimate(
            *(float(found.mi[i]), interval, None if np.isnan(p) else p, n, pair),
            notes=(*without.notes, *notes),
            method=method_of(int(found.about[i])),
            given=without.names,
        )


def _run(engine: PairEngine, ranked: RankedColumns, pairs: Pairs) -> PairEstimates:
    """Estimates of all pairs, on several threads if they are many."""
    result = PairEstimates.empty(len(pairs), len(engine.model.quantile_levels))
    tile = tile_size(engine.backend, ranked.rows.shape[1])

    def part(where: slice) -> Callable[[], int]:
        def run() -> int:
            result.fill(where, engine.estimate(ranked, pairs[where]))
            return len(pairs[where])

        return run

    def tasks() -> Iterator[Callable[[], int]]:
        for start in range(0, len(pairs), tile):
            yield part(slice(start, start + tile))

    with Progress(len(pairs), "pair", show=False) as bar:
        run_tiles(tasks(), engine.backend.threads, bar)
    return result
