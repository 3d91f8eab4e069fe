"""Variables of several dimensions: read them, check them, and project them onto directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Column, Missing, check_finite, check_length, finite_rows
from infonet.errors import InputError
from infonet.inputs import as_variable

Scale = Literal["minmax"] | None
_NOTHING = -(2**20)  # an exponent below that of every number


@dataclass(frozen=True)
class Variable:
    """Samples of a variable of d dimensions, ready to be projected.

    Attributes:
        column: the samples as they came, [n], if d = 1, else None.
        block: float64 [n, d] within -1..1, C order: the samples times one power of two (or each
            dimension scaled to 0..1), constants taken off dimensions far from 0.
    """

    column: Column | None
    block: NDArray[np.float64]

    @property
    def dimensions(self) -> int:
        """The number d of dimensions."""
        return int(self.block.shape[1])

    def project(self, directions: NDArray[np.float64]) -> list[Column]:
        """Samples [n] along each of `directions`, float64 [p, d].

        Mutual information does not change when a variable is scaled or its sign flips, so a
        variable of one dimension is returned as it is, once.
        """
        if self.column is not None:
            return [self.column]
        # Not BLAS: that rounds an element differently depending on where it lies in the matrix, so
        # results would depend on the tile, and equal rows would no longer be equal after it.
        return list(np.einsum("pd,nd->pn", np.ascontiguousarray(directions), self.block))


def read_variables(
    x: Any, y: Any, names: tuple[str, str], nan: Missing, n_min: int, scale: Scale
) -> tuple[tuple[str, str], tuple[Variable, Variable]]:
    """Check two variables, leave out rows with missing values if asked to, and prepare both.

    Returns:
        Names and samples of the two.

    Raises:
        InputError: not real numbers, not finite, of unequal lengths, too few samples, or no such
            scale.
    """
    if scale not in (None, "minmax"):
        raise InputError(f"scale is {scale!r}, allowed are None and 'minmax'")
    x_name, x_labels, x_columns = as_variable(x, names[0])
    y_name, y_labels, y_columns = as_variable(y, names[1])
    if x_columns[0].size != y_columns[0].size:
        raise InputError(
            f"{x_name} and {y_name} differ in length ({x_columns[0].size} and {y_columns[0].size}):"
            " pass one row of y for each row of x"
        )
    label = x_name
    if nan == "omit":
        keep = finite_rows(*x_columns, *y_columns)
        if not keep.all():
            x_columns = [column[keep] for column in x_columns]
            y_columns = [column[keep] for column in y_columns]
            label = f"{x_name} with {y_name}, rows with missing values left out,"
    check_length(x_columns[0].size, n_min, label)
    for name, column in zip(x_labels + y_labels, x_columns + y_columns, strict=True):
        check_finite(column, name)
    return (x_name, y_name), (_prepare(x_columns, scale), _prepare(y_columns, scale))


def _prepare(columns: list[Column], scale: Scale) -> Variable:
    block = np.empty((columns[0].size, len(columns)))
    exponents = np.empty(len(columns), np.int64)
    for i, column in enumerate(columns):
        block[:, i], exponents[i] = _fraction(column)
    if scale is None:
        np.ldexp(block, (exponents - exponents.max()).astype(np.int32), out=block)
    else:
        low = block.min(axis=0)
        span = block.max(axis=0) - low
        block -= low
        block /= np.where(span > 0, span, 1.0)  # a constant dimension becomes 0
    return Variable(columns[0] if len(columns) == 1 else None, block)


def _fraction(column: Column) -> tuple[NDArray[np.float64], int]:
    """(f, e) with f * 2**e the column, perhaps less a constant, and f within -1..1.

    So projections of the largest doubles do not overflow. The constant is taken off only where
    that loses nothing: time stamps keep the digits that tell them apart.
    """
    low, high = column.min(), column.max()
    if column.dtype.kind in "iu":  # as 64-bit words differences are exact, even from end to end
        values = (column.astype(np.uint64) - low.astype(np.uint64)).astype(np.float64)
    elif column.dtype.kind == "b":
        values = column.astype(np.float64)
    else:
        values = column.astype(np.promote_types(column.dtype, np.float64))
        if low > 0 and high / 2 <= low:
            values = values - low  # exact (Sterbenz): within a factor of two of each other
        elif high < 0 and low / 2 >= high:
            values = values - high
    exponent = int(np.frexp(np.abs(values).max())[1])
    if not values.any():
        return np.zeros(column.size), _NOTHING
    return np.ldexp(values, -exponent).astype(np.float64), exponent
