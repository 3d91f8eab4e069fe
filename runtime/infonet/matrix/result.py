"""The answer for all pairs of columns: a labelled matrix, and a list of pairs."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.matrix import frames
from infonet.matrix.frames import adjust, why_none
from infonet.matrix.plan import Indices, Pairs
from infonet.model.null import NullDistribution
from infonet.notebook import html_matrix, html_table
from infonet.pairs.estimates import CONSTANT, TIED, method_of, notes_of
from infonet.result import Estimate
from infonet.units import as_correlation, unit_scale

Matrix = NDArray[np.float64]
_WIDEST, _LONGEST = 20, 60  # columns and rows that a notebook shows


class _Notes:
    """The field `notes`: what is stored, and why there are no p-values, known when pairs are."""

    def __set__(self, result: PairwiseResult, notes: tuple[str, ...]) -> None:
        vars(result)["notes"] = tuple(notes)

    def __get__(
        self, result: PairwiseResult | None, owner: type[PairwiseResult]
    ) -> tuple[str, ...]:
        if result is None:
            return ()  # the default
        return tuple(dict.fromkeys([*vars(result)["notes"], *result._why_no_p_values()]))


@dataclass(frozen=True, eq=False, repr=False)
class PairwiseResult:
    """Mutual information of pairs of columns of a table, in nats.

    A matrix of R rows and C columns: symmetric, or of some columns of the table against others.
    A column of the table with itself is NaN there: the mutual information of a continuous variable
    with itself is infinite. `result["a", "b"]` is the Estimate of one pair, and
    `numpy.asarray(result)` is `mi`.

    Each pair is kept once, 25 bytes a pair (29 where rows are left out for missing values): 112 MB
    for all pairs of 3,000 columns. Matrices are made when asked for, `mi` only once.

    Attributes:
        row_names, column_names: names of the rows and the columns of the matrix.
        pairs: the pairs and their order.
        values: float32 [pairs, 1 + levels]: each estimate and its quantiles, in nats. NaN means too
            few complete rows.
        counts: rows used: one number, or uint32 [pairs].
        about: uint8 [pairs]: how each estimate was made, and what `notes_of` says of it.
        p_values: float64 [pairs]: of the tests of independence, NaN where there is none.
        null: distribution of the test statistic under independence, if the model has it.
        notes: what was done to columns of the table, and why pairs have no p-value; one sentence
            each.
        given: names of the columns of the condition, which every estimate is given.

    Example:
        >>> result = infonet.pairwise(frame)
        >>> result["age", "income"].mi, result[2020, 2021].p_value, result.correlation[0, 1]
    """

    row_names: tuple[str, ...]
    column_names: tuple[str, ...]
    pairs: Pairs
    values: NDArray[np.float32]
    counts: int | NDArray[np.uint32]
    about: NDArray[np.uint8]
    p_values: NDArray[np.float64]
    null: NullDistribution | None = None
    notes: _Notes = _Notes()
    given: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows, columns = len(self.row_names), len(self.column_names)
        return f"PairwiseResult({rows} x {columns} matrix, {self.pairs.count} pairs)"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The matrix `mi`: itself where neither another type nor a copy is asked for.

        Raises:
            ValueError: copy=False, and another type than float64.
        """
        wanted = np.dtype(np.float64 if dtype is None else dtype)
        if copy is False and wanted != self.mi.dtype:
            raise ValueError(f"the matrix of float64 cannot be {wanted} without a copy: copy=None")
        return self.mi.astype(wanted, copy=bool(copy))

    def _repr_html_(self) -> str:
        rows, columns = self.row_names, self.column_names
        condition = f" given {', '.join(self.given)}" if self.given else ""
        title = f"mutual information{condition} in nats, {len(rows)} x {len(columns)} matrix"
        if len(columns) > _WIDEST or len(rows) > _LONGEST:
            strongest = {" and ".join(pair.names): f"{pair.mi:.3f}" for pair in self.strongest(10)}
            return html_table(f"{title}: the strongest pairs", strongest, self.notes)
        cells = (["" if np.isnan(mi) else f"{mi:.3f}" for mi in row] for row in self.mi_rows())
        return html_matrix(title, rows, columns, cells, self.notes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all columns of the table that take part, each once."""
        names = np.empty(self.pairs.d, object)
        names[self.pairs.rows] = self.row_names
        names[self.pairs.columns] = self.column_names
        return tuple(names)

    @cached_property
    def mi(self) -> Matrix:
        """Estimates, float64 [R, C], nats. NaN: a column with itself, or too few complete rows."""
        return self._matrix(self.values[:, 0], np.nan, np.float64)

    @property
    def correlation(self) -> Matrix:
        """Normalised mutual information, 0 to 1, float64 [R, C]; see `Estimate.correlation`."""
        found: Matrix = as_correlation(self.mi)
        return found

    @property
    def quantiles(self) -> Matrix:
        """Quantiles of the belief about the true value, float64 [R, C, levels], nats.

        First and last are the 90 % interval. [R, C, 0] from a model that gives none.
        """
        return self._matrix(self.values[:, 1:], np.nan, np.float64)

    @property
    def interval(self) -> tuple[Matrix, Matrix] | None:
        """Lower and upper bounds of the 90 % intervals, float64 [R, C] each, nats.

        None if the model gives no intervals.
        """
        if self.values.shape[1] < 2:
            return None
        low, high = (self._matrix(self.values[:, k], np.nan, np.float64) for k in (1, -1))
        return low, high

    @property
    def n(self) -> NDArray[np.int64]:
        """Rows used for each pair, int64 [R, C]; of a column with itself the largest number."""
        if isinstance(self.counts, int):
            return np.full((len(self.row_names), len(self.column_names)), self.counts, np.int64)
        return self._matrix(self.counts, self.counts.max(initial=0), np.int64)

    @property
    def tied(self) -> NDArray[np.bool_]:
        """Pairs with a column of many equal values, bool [R, C].

        For their p-values equal values were put in random order.
        """
        return self._matrix((self.about & TIED) != 0, False, np.bool_)

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Pairs with a column whose values are all equal, bool [R, C]; their mi is 0."""
        return self._matrix((self.about & CONSTANT) != 0, False, np.bool_)

    @property
    def p_value(self) -> Matrix:
        """p-values, float64 [R, C]; NaN where there is none (`notes` says why)."""
        return self._matrix(self.p_values, np.nan, np.float64)

    def adjusted(self, method: str = "fdr_bh") -> Matrix:
        """p-values adjusted for the number of pairs, float64 [R, C]; see `p_value`.

        Every pair counts as one test, also where the matrix shows it twice; one without a p-value
        does not count. The smallest p-value that a model gives (1e-9, say) is an upper bound: with
        m pairs, "bonferroni" and "holm" cannot go below m times that.

        Args:
            method: "bonferroni", "holm", "fdr_bh" or "fdr_by", as statsmodels calls them.
        """
        return self._matrix(adjust(self.p_values, method), np.nan, np.float64)

    def _why_no_p_values(self) -> tuple[str, ...]:
        # constant columns and too few complete rows are left out: those pairs say so themselves
        testable = ((self.about & CONSTANT) == 0) & ~np.isnan(self.values[:, 0])
        return why_none(self.null, int((testable & np.isnan(self.p_values)).sum()), testable.size)

    def __getitem__(self, pair: tuple[Hashable, Hashable]) -> Estimate:
        """The estimate of two columns, by their labels or positions, as `columns=` takes them.

        A whole number is the label that reads so if there is one, else a position.

        Raises:
            InputError: no such column, not two, or not one of the pairs.
        """
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InputError(f"the pair is {pair!r}, pass two columns: result['a', 'b']")
        a, b = self._columns(*pair)
        if a == b:
            raise InputError(f"{pair[0]!r} with itself has no estimate: name two columns")
        return self._estimate(a, b, int(self.pairs.position(np.array(a), np.array(b))))

    def strongest(self, k: int = 10) -> list[Estimate]:
        """The `k` pairs of largest mi, strongest first."""
        mi = self.values[:, 0]
        order = np.argsort(-mi, kind="stable")
        order = order[: min(max(k, 0), int((~np.isnan(mi)).sum()))]  # NaN sorts last
        columns = [self.pairs.between(position, position + 1)[0] for position in order]
        return [self._estimate(a, b, k) for (a, b), k in zip(columns, order, strict=True)]

    def _estimate(self, a: int, b: int, k: int) -> Estimate:
        """The pair at position k, columns a and b of the table."""
        n = self.counts if isinstance(self.counts, int) else int(self.counts[k])
        mi, *quantiles = (float(value) for value in self.values[k])
        interval = (quantiles[0], quantiles[-1]) if quantiles else None
        p = float(self.p_values[k])
        notes: tuple[str, ...] = ("no estimate: too few complete rows",)
        if np.isnan(mi):
            interval = None
        else:
            notes = notes_of(int(self.about[k]), p, interval, self.null, n)
        names = (self.names[a], self.names[b])
        return Estimate(
            *(mi, interval, None if np.isnan(p) else p, n, names, notes),
            method=method_of(int(self.about[k])),
            given=self.given,
        )

    def _columns(self, x: Hashable, y: Hashable) -> tuple[int, int]:
        """Columns of the table: a row and a column of the matrix, or labels the other way round."""
        try:
            return self._row(x), self._column(y)
        except InputError:
            if {str(x), str(y)} <= {*self.names}:
                try:
                    return self._column(x), self._row(y)
                except InputError:
                    pass
            raise

    def _row(self, label: Hashable) -> int:
        return int(self.pairs.rows[_position(label, self.row_names)])

    def _column(self, label: Hashable) -> int:
        return int(self.pairs.columns[_position(label, self.column_names)])

    def to_long(self, adjust: str = "fdr_bh", unit: str = "nats") -> dict[str, NDArray[Any]]:
        """One row a pair: columns x, y, mi, low, high, n, p_value, p_adjusted, correlation.

        x is the row of the matrix and y its column. "low" and "high" are the 90 % interval, NaN
        from a model that gives none; so are p-values that cannot be given. "correlation" is the
        normalised mutual information, in any unit.

        Args:
            adjust: see `adjusted`.
            unit: "nats" or "bits", of mi, low and high.
        """
        return frames.long_table(self, adjust, unit)

    def to_frame(self, backend: str = "pandas", adjust: str = "fdr_bh", unit: str = "nats") -> Any:
        """`to_long` as a data frame of "pandas", "polars" or "pyarrow".

        Raises:
            MissingExtraError: the library is not installed.
        """
        return frames.to_frame(self.to_long(adjust, unit), backend, "to_frame")

    def to_dataframe(self, backend: str = "pandas") -> Any:
        """The matrix as a data frame of "pandas", "polars" or "pyarrow".

        pandas gets the row names as its index; the others, which have none, as a first column
        "column" (with underscores added where a variable is called so).

        Raises:
            MissingExtraError: the library is not installed.
        """
        data = dict(zip(self.column_names, self.mi.T, strict=True))
        return frames.labelled_frame(data, self.row_names, backend)

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON: NaN becomes None. `unit` is "nats" or "bits".

        "low" and "high" are None if the model gives no intervals. "names" are those of the rows;
        "columns" those of the columns, where they differ.
        """
        scale = unit_scale(unit)
        low, high = self.interval or (None, None)
        columns = {} if self.pairs.square else {"columns": list(self.column_names)}
        return {
            "names": list(self.row_names),
            **columns,
            **({"given": list(self.given)} if self.given else {}),
            "unit": unit,
            "mi": _plain(self.mi * scale),
            "low": None if low is None else _plain(low * scale),
            "high": None if high is None else _plain(high * scale),
            "n": self.n.tolist(),
            "notes": list(self.notes),
        }

    def to_csv(self, target: str | Path | IO[str], unit: str = "nats") -> None:
        """Write the matrix, with names in the first row and column; NaN is an empty cell."""
        scale = unit_scale(unit)
        if isinstance(target, (str, Path)):
            with Path(target).open("w", newline="", encoding="utf-8") as file:
                return self.to_csv(file, unit)
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["", *self.column_names])
        for name, row in zip(self.row_names, self.mi_rows(), strict=True):
            cells = ("" if np.isnan(value) else f"{value:.8g}" for value in row * scale)
            writer.writerow([name, *cells])

    def mi_rows(self) -> Iterator[Matrix]:
        """The rows of `mi`, one at a time, so that a large matrix need not fit in memory."""
        for row in range(len(self.row_names)):
            yield self._matrix_row(row, self.values[:, 0], np.nan, np.float64)

    def _matrix(self, of_pairs: NDArray[Any], own: Any, dtype: Any) -> NDArray[Any]:
        """Values of pairs as a matrix, with `own` for a column with itself."""
        shape = (len(self.row_names), len(self.column_names), *of_pairs.shape[1:])
        matrix = np.empty(shape, dtype)
        for row in range(len(self.row_names)):
            matrix[row] = self._matrix_row(row, of_pairs, own, dtype)
        return matrix

    def _matrix_row(self, row: int, of_pairs: NDArray[Any], own: Any, dtype: Any) -> NDArray[Any]:
        a, columns = self.pairs.rows[row], self.pairs.columns
        found = np.full((len(columns), *of_pairs.shape[1:]), own, dtype)
        others = columns != a
        partner: Indices = columns[others]
        found[others] = of_pairs[self.pairs.position(np.full_like(partner, a), partner)]
        return found


def _position(label: Hashable, names: tuple[str, ...]) -> int:
    """Where a label, which names hold as text, or else a position, is among them."""
    if str(label) in names:
        return names.index(str(label))
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        position = int(label)
        if -len(names) <= position < len(names):
            return position % len(names)
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    raise InputError(f"column {label!r} does not exist: choose from {shown}")


def _plain(matrix: Matrix) -> list[list[float | None]]:
    return [[None if np.isnan(value) else float(value) for value in row] for row in matrix]
