"""Soft ranks of rows of values."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import Normalize, as_normalize, as_rows, as_threads
from infonet_kernels._library import call


def soft_rank(
    values: ArrayLike, eps: float = 0.0, normalize: Normalize = "midrank", threads: int = 1
) -> NDArray[np.float32]:
    """Rank the values of each row, softly if ``eps > 0``.

    With ``eps == 0`` the rank r is the average rank: 1 for the smallest value, n for the largest,
    ties share their mean. Infinities are ordinary values; -0.0 ties with 0.0.

    With ``eps > 0`` the row is scaled to [0, 1] by its minimum and maximum, and r is the Euclidean
    projection of the scaled values / eps onto the permutahedron (Blondel et al., "Fast
    differentiable sorting and ranking", ICML 2020; torchsort's ``soft_rank`` with "l2"). As eps
    falls, r becomes the average rank; from eps = 2/n up, r is an affine function of the values.
    Values must be finite.

    Args:
        values: [rows, n], converted to float32. Any row may be constant; its ranks are equal.
        eps: regularization strength, 0 or above.
        normalize: "midrank" gives (r - 1/2) / n, "over_n" gives r / n, and "minmax" gives
            (r - min r) / (max r - min r), or 1/2 throughout a constant row.
        threads: upper bound of the threads used; results do not depend on it.

    Returns:
        float32 array of the shape of `values`, all in [0, 1].

    Raises:
        ValueError: NaN (or an infinity when eps > 0), with its row and index; a wrong shape,
            dtype, eps or normalization.
    """
    rows = as_rows("values", values)
    code, count = as_normalize(normalize), as_threads(threads)
    ranks = np.empty_like(rows)
    call("infonet_soft_rank", rows, *rows.shape, float(eps), code, count, ranks)
    return ranks
