"""Variables of several columns, read, checked and ranked for a vine."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import (
    Column,
    Missing,
    check_finite,
    check_length,
    finite_rows,
)
from infonet.inputs.open import NamedColumn, as_variable
from infonet.pairs.ranking import fingerprint, in_random_order, rank_columns
from infonet.vines.copula import Ranks

MOST_VARIABLES = 128
MOST_SAMPLES = 1_000_000


@dataclass
class Variable:
    """Columns of one variable.

    Attributes:
        name: of the variable, or of its one column.
        names: of the columns, for people.
        labels: of the columns, for messages.
        columns: values [n] each.
        ranks: mid-ranks without ties, float32 [n] each, once they are ranked.
        tied: whether ties of each column were broken.
    """

    name: str
    names: list[str]
    labels: list[str]
    columns: list[Column]
    ranks: list[Ranks] = field(default_factory=list)
    tied: list[bool] = field(default_factory=list)

    def keep(self, places: Sequence[int]) -> None:
        """Keep these columns, in this order."""
        for name in ("names", "labels", "columns", "ranks", "tied"):
            values = getattr(self, name)
            if values:
                setattr(self, name, [values[place] for place in places])

    @property
    def key(self) -> tuple[int, list[int]]:
        """Of the ranks alone, whatever the order in which the columns came."""
        return len(self.ranks), sorted(map(fingerprint, self.ranks))


def as_single(values: Any) -> Any:
    """The only column of `values`, if they have one only; else `values` as they are."""
    if isinstance(values, np.ndarray) and values.dtype.names is None:
        return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if isinstance(values, Mapping):
        return next(iter(values.values())) if len(values) == 1 else values
    if isinstance(values, (list, tuple)):
        rows = (list, tuple, np.ndarray)
        single = len(values) and all(isinstance(row, rows) and len(row) == 1 for row in values)
        return [row[0] for row in values] if single else values
    if hasattr(values, "columns") or hasattr(values, "column_names"):
        import narwhals.stable.v1 as nw

        frame = nw.from_native(values, pass_through=True)
        if isinstance(frame, nw.DataFrame) and len(frame.columns) == 1:
            return frame.get_column(frame.columns[0]).to_native()
    return values


def is_several(values: Any) -> bool:
    """Whether `values` are several columns, rather than one."""
    if isinstance(values, NamedColumn):
        return False
    if isinstance(values, np.ndarray):
        return values.ndim == 2
    if isinstance(values, Mapping):
        return True
    if isinstance(values, (list, tuple)):
        first = values[0] if len(values) else None
        width = len(first) if isinstance(first, (list, tuple, np.ndarray, Mapping)) else 1
        return width != 1 or isinstance(first, Mapping)
    if hasattr(values, "columns") or hasattr(values, "column_names"):  # a data frame
        return True
    return getattr(values, "ndim", 1) == 2


def read(values: Any, name: str) -> Variable:
    """Read one variable: [n], [n, d], a frame or a mapping of columns.

    Raises:
        InputError: another shape, no column, or not numbers.
    """
    if isinstance(values, NamedColumn):  # of a table that was read
        return Variable(values.name, [values.name], [values.name], [values.values])
    found, labels, columns = as_variable(values, name)
    return Variable(found, [_plain(label, found) for label in labels], labels, columns)


def _plain(label: str, variable: str) -> str:
    start, end = "column ", f" of {variable}"
    if label.startswith(start) and label.endswith(end):
        return str(ast.literal_eval(label[len(start) : -len(end)]))
    return label


def check(variables: Sequence[Variable], nan: Missing, n_min: int) -> int:
    """Check lengths, limits and missing values of all variables, and leave out rows if asked to.

    Returns:
        The number of samples.

    Raises:
        InputError: as `estimate` says.
    """
    every = [(label, c) for v in variables for label, c in zip(v.labels, v.columns, strict=True)]
    first, n = every[0][0], every[0][1].size
    for label, column in every:
        if column.size != n:
            raise InputError(
                f"{first} and {label} differ in length ({n} and {column.size}): pass one row of "
                "each variable per sample"
            )
    if len(every) > MOST_VARIABLES:
        raise InputError(
            f"{len(every)} variables in all, at most {MOST_VARIABLES} are allowed: leave some out, "
            "or use sliced mutual information"
        )
    label = first
    if nan == "omit":
        keep = finite_rows(*[column for _, column in every])
        if not keep.all():
            label = f"{first} with the others, rows with missing values left out,"
            n = int(keep.sum())
            for variable in variables:
                variable.columns = [column[keep] for column in variable.columns]
    check_length(n, n_min, label)
    if n > MOST_SAMPLES:
        raise InputError(
            f"{first} has {n:,} samples, at most {MOST_SAMPLES:,} are allowed for several "
            "variables: pass a part of them"
        )
    for variable in variables:
        for name, column in zip(variable.labels, variable.columns, strict=True):
            check_finite(column, name)
    return n


def rank_variables(
    variables: Sequence[Variable], seed: int, threads: int
) -> tuple[list[str], list[str]]:
    """Rank all columns, ties in a random order by `seed`. Constant columns are left out, and so is
    a copy of a column of the same variable, because they add nothing.

    Returns:
        Names of the columns left out because they are constant, and because they are copies.
    """
    constant: list[str] = []
    copies: list[str] = []
    for variable in variables:
        ranked = rank_columns(variable.columns, threads=threads)
        variable.ranks, variable.tied = [], []
        kept: dict[int, int] = {}
        for place, row in enumerate(ranked.rows):
            key = fingerprint(row)
            if ranked.constant[place]:
                constant.append(variable.names[place])
            elif key in kept:
                copies.append(variable.names[place])
            else:
                kept[key] = place
            tied = bool(ranked.tied[place]) or _has_ties(row)
            # As `RankedVariable.untied` does, so that a column has one order in all answers.
            variable.ranks.append(in_random_order(row, (seed, key, 0)) if tied else row)
            variable.tied.append(bool(ranked.tied[place]))
        # The order of columns must not matter: they stand by their ranks.
        variable.keep([kept[key] for key in sorted(kept)])
        if not kept:
            variable.ranks, variable.tied, variable.names = [], [], []
    return constant, copies


def _has_ties(ranks: NDArray[np.float32]) -> bool:
    places = np.sort(ranks)
    return bool((places[1:] == places[:-1]).any())


def refuse_permutations(permutations: int) -> None:
    """Raise InputError for a number of permutations other than 0."""
    if permutations:
        raise InputError(
            f"permutations is {permutations} for several columns or a condition, allowed is 0: "
            "their test needs none"
        )
