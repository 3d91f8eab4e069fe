"""Soft ranks of rows of values, and their gradient."""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import (
    Float,
    Normalize,
    as_float,
    as_normalize,
    as_real,
    as_rows,
    as_threads,
)
from infonet_kernels._choice import call


@overload
def soft_rank(
    values: ArrayLike, eps: float = 0.0, normalize: Normalize = "midrank", threads: int = 1
) -> NDArray[np.float32]: ...
@overload
def soft_rank(
    values: ArrayLike,
    eps: float = 0.0,
    normalize: Normalize = "midrank",
    threads: int = 1,
    *,
    dtype: type[Float],
) -> NDArray[Float]: ...
def soft_rank(
    values: ArrayLike,
    eps: float = 0.0,
    normalize: Normalize = "midrank",
    threads: int = 1,
    *,
    dtype: Any = np.float32,
) -> NDArray[Any]:
    """Rank the values of each row, softly if ``eps > 0``.

    With ``eps == 0`` the rank r is the average rank: 1 for the smallest value, n for the largest,
    ties share their mean. Infinities are ordinary values; -0.0 ties with 0.0.

    With ``eps > 0`` the row is scaled to [0, 1] by its minimum and maximum, and r is the Euclidean
    projection of the scaled values / eps onto the permutahedron (Blondel et al., "Fast
    differentiable sorting and ranking", ICML 2020; torchsort's ``soft_rank`` with "l2"). As eps
    falls, r becomes the average rank; from eps = 2/n up, r is an affine function of the values.
    Values must be finite.

    Args:
        values: [rows, n], converted to `dtype`. Any row may be constant; its ranks are equal.
        eps: regularization strength, 0 or above.
        normalize: "midrank" gives (r - 1/2) / n, "over_n" gives r / n, and "minmax" gives
            (r - min r) / (max r - min r), or 1/2 throughout a constant row.
        threads: upper bound of the threads used; results do not depend on it.
        dtype: numpy.float32 or numpy.float64. Sums are held in double precision for both.

    Returns:
        Array of `dtype` and of the shape of `values`, all in [0, 1].

    Raises:
        ValueError: NaN (or an infinity when eps > 0), with its row and index; a wrong shape,
            dtype, eps or normalization.
    """
    kind = as_float(dtype)
    rows = as_rows("values", values, kind)
    code, count = as_normalize(normalize), as_threads(threads)
    ranks = np.empty_like(rows)
    name = "infonet_soft_rank" + ("_f64" if kind is np.float64 else "")
    call(name, rows, *rows.shape, as_real("eps", eps), code, count, ranks)
    return ranks


def soft_rank_backward(
    values: ArrayLike,
    gradient: ArrayLike,
    eps: float = 0.0,
    normalize: Normalize = "midrank",
    threads: int = 1,
    *,
    dtype: type[Float] = np.float32,  # type: ignore[assignment]  # a default of a TypeVar
) -> NDArray[Float]:
    """Gradient by the values of a function whose gradient by their soft ranks is known.

    It is the exact one, of the scaling to [0, 1] and of the normalization too. With ``eps == 0``
    ranks are piecewise constant and it is zero. With ``eps > 0`` a value that is pooled with no
    other has a constant rank and gets nothing, but for what the smallest and the largest value
    have as bounds of the scaling. Values tied there share that evenly, as torch.amin and amax have
    it. A constant row has gradient zero. At kinks, where the pooling is about to change, the
    gradient is one-sided.

    Args:
        values, eps, normalize, threads, dtype: as for `soft_rank`.
        gradient: [rows, n], by the ranks; converted to `dtype`.

    Returns:
        Array of `dtype` and of the shape of `values`. A NaN or an infinity in a row of `gradient`
        spoils that row.

    Raises:
        ValueError: as `soft_rank`; shapes that differ.
    """
    kind = as_float(dtype)
    rows, by = as_rows("values", values, kind), as_rows("gradient", gradient, kind)
    if rows.shape != by.shape:
        raise ValueError(
            f"values has shape {rows.shape} and gradient {by.shape}; they must be equal"
        )
    code, count = as_normalize(normalize), as_threads(threads)
    result: NDArray[Any] = np.empty_like(rows)
    name = "infonet_soft_rank_backward" + ("_f64" if kind is np.float64 else "")
    call(name, rows, by, *rows.shape, as_real("eps", eps), code, count, result)
    return result
