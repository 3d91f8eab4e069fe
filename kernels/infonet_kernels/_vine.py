"""What a vine of pair copulas needs beside the network; see `kernels/cpu/vine.hpp`."""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet_kernels._arrays import as_array, as_rows
from infonet_kernels._choice import call
from infonet_kernels._library import Rows

Ranks = NDArray[np.float32]
Array = NDArray[np.float64]
PRODUCTS = 9  # of two polynomials of degrees 1 to 3


def normal_scores(ranks: ArrayLike) -> Array:
    """Standard normal quantiles of ranks (Wichura's algorithm AS 241).

    Args:
        ranks: [n] in [0, 1], converted to float32; 0 and 1 count as half a sample from them.

    Returns:
        float64 [n].

    Raises:
        ValueError: NaN or a rank outside [0, 1], or no ranks.
    """
    row = _row("ranks", ranks)
    scores = np.empty(row.size)
    call("infonet_normal_scores", row, row.size, scores)
    return scores


def conditionals(table: ArrayLike, u: ArrayLike, v: ArrayLike) -> tuple[Ranks, Ranks, Ranks]:
    """Conditional distribution functions of a pair copula (Aas et al. 2009), and its log density.

    Args:
        table: [grid, grid], the logarithm of the density up to f(u) + g(v), u along the first axis;
            converted to float32.
        u, v: [n] points in [0, 1], converted to float32.

    Returns:
        F(u | v), F(v | u) and the log density in nats at the points, float32 [n] each.

    Raises:
        ValueError: a shape that does not fit, no points, NaN, or a point outside [0, 1].
    """
    cells, x, y = as_rows("table", table, np.float32), _row("u", u), _row("v", v)
    if cells.shape[0] != cells.shape[1]:
        raise ValueError(f"table: got shape {cells.shape}; a square [grid, grid] is needed")
    if x.size != y.size:
        raise ValueError(f"u and v: got {x.size} and {y.size} points; as many are needed")
    if not np.isfinite(cells).all():
        raise ValueError("table: got a value that is not finite; finite ones are needed")
    found = np.empty((3, x.size), np.float32)
    call("infonet_conditionals", cells, len(cells), x, y, x.size, found[0], found[1], found[2])
    return found[0], found[1], found[2]


def moments(u: ArrayLike, v: ArrayLike, w: Sequence[Ranks] = ()) -> tuple[Array, Array, Array]:
    """Means of products of orthonormal Legendre polynomials P_1 to P_3 of ranks.

    Args:
        u, v: [n] in [0, 1], converted to float32.
        w: any number of further rows [n].

    Returns:
        Means of P_a(u) P_b(v), float64 [9], (a, b) in the order of rows; of the products of two of
        these, [9, 9], zeros without a row w; and of P_a(u) P_b(v) P_c(w), [len(w), 3, 9].

    Raises:
        ValueError: rows of different lengths, or no values.
    """
    x, y = _row("u", u), _row("v", v)
    rows = [_row("w", row) for row in w]
    if any(row.size != x.size for row in (y, *rows)):
        raise ValueError(f"u, v and w: got {[r.size for r in (x, y, *rows)]} values; as many each")
    pair, square = np.empty(PRODUCTS), np.empty((PRODUCTS, PRODUCTS))
    triple = np.empty((len(rows), 3, PRODUCTS))
    addresses = np.array([row.ctypes.data for row in rows], np.uintp)
    assert addresses.itemsize == ctypes.sizeof(ctypes.c_void_p)
    further = Rows(rows, addresses)
    call("infonet_moments", x, y, further, len(rows), x.size, pair, square, triple)
    return pair, square, triple


def products(rows: ArrayLike) -> Array:
    """Sums of the products of each two rows, in the same order on every machine.

    Args:
        rows: [count, n], converted to float64.

    Returns:
        float64 [count, count].

    Raises:
        ValueError: not numeric, or not two-dimensional.
    """
    values = as_rows("rows", rows, np.float64)
    sums = np.empty((len(values), len(values)))
    call("infonet_products", values, *values.shape, sums)
    return sums


def _row(name: str, values: ArrayLike) -> Ranks:
    row: Ranks = as_rows(name, as_array(name, values)[None], np.float32)[0]
    if not row.size:
        raise ValueError(f"{name}: got no values; at least one is needed")
    return row
