"""What counts in coarse grids say of the independence of two columns of ranks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import as_array, as_rows
from infonet_kernels._choice import call


def chi_squared(
    u: ArrayLike, v: ArrayLike, shapes: Sequence[tuple[int, int]]
) -> NDArray[np.float64]:
    """Pearson's chi-squared of independence of points in grids of equal cells.

    Args:
        u, v: [n] in [0, 1], converted to float32.
        shapes: rows (along u) and columns of each grid, powers of two from 1 to 32.

    Returns:
        float64 [len(shapes)]; under independence of ranks chi-squared with (rows - 1) times
        (columns - 1) degrees of freedom.

    Raises:
        ValueError: rows of different lengths, no values, NaN or a value outside [0, 1], or another
            shape of a grid.
    """
    x, y = (
        as_rows(name, as_array(name, values)[None], np.float32)[0]
        for name, values in (("u", u), ("v", v))
    )
    if x.size != y.size or not x.size:
        raise ValueError(f"u and v: got {x.size} and {y.size} values; as many, at least one")
    grids = np.array(shapes, np.int64).reshape(-1, 2)
    statistics = np.empty(len(grids))
    call("infonet_chi_squared", x, y, x.size, grids, len(grids), statistics)
    return statistics
