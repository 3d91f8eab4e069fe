"""Mutual information by counts in ever smaller cells; see `kernels/cpu/halving.hpp`."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import as_array, as_count
from infonet_kernels._choice import call

SIZES = 64  # classes of cells by their number of samples


def cell_information(
    x: ArrayLike, y: ArrayLike, fewest: int = 4, divisions: int = 4
) -> NDArray[np.float64]:
    """What ever smaller cells of ranks tell of the dependence of two columns.

    The unit square is divided into parts, and these are halved again and again, along x and y in
    turn (Darbellay & Vajda 1999). What a halving tells is its plug-in estimate less what that is on
    average for samples that are spread evenly in the cell, so that the sum is 0 on average for
    independent columns. Swapping the columns, or reversing one, changes nothing.

    Args:
        x, y: mid-ranks [n] in [0, 1], converted to float32.
        fewest: samples of a cell from which it is halved, at least 2.
        divisions: 1 to 4, ways to divide that the mean is taken of: into 4 x 5, 5 x 4, 6 x 7 and
            7 x 6 parts, each with x and with y first.

    Returns:
        float64 [64], nats: what halving cells of 2^j to 2^(j + 1) - 1 samples told. Summed from j
        on, the mutual information that cells of 2^j samples resolve.

    Raises:
        ValueError: NaN or a rank outside [0, 1], no ranks, columns of different lengths, or
            another `fewest` or `divisions`.

    Example:
        >>> ranks = (np.arange(1024) + 0.5) / 1024
        >>> round(float(np.exp(cell_information(ranks, ranks, 2).sum())))
        EIGHT
    """
    rows = [
        np.require(as_array(name, column), np.float32, ["C_CONTIGUOUS", "ALIGNED"])
        for name, column in (("x", x), ("y", y))
    ]
    if rows[0].ndim != 1 or rows[0].shape != rows[1].shape:
        raise ValueError(f"x, y: got shapes {rows[0].shape} and {rows[1].shape}; [n] is needed")
    found = np.empty(SIZES)
    call(
        *("infonet_cell_information", rows[0], rows[1], rows[0].size),
        *(as_count("fewest", fewest, 2), as_count("divisions", divisions, 1), found),
    )
    return found
