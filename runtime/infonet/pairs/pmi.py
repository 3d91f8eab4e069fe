"""Tables of pointwise mutual information, on the scale that they are documented to have.

A network knows log p(x, y) / (p(x) p(y)) only up to a constant, which the Donsker-Varadhan value
that it was trained on does not see, and roughly up to a function of x and one of y. What fixes them
is that p(x | y) / p(x) has the mean 1 over x, whatever y is, and p(y | x) / p(y) over y. So the
rows and columns of exp(table) are scaled until they have it (Sinkhorn & Knopp 1967): in the mean
over cells for a continuous variable, over where its values lie for one with ties.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.model.load import Model
from infonet.pairs.backend import Rows
from infonet.pairs.ranking import is_tied

Array = NDArray[np.float64]

# Margins of the default model's tables are off by 0.04 to 0.2, and by more than 1 where there are
# ties. For Gaussian variables 2 to 10 rounds, of 15 microseconds each, leave 0.001 up to a
# correlation of 0.9; the rounds that are allowed leave 0.003 for 0.99 and 0.999.
_CLOSE, _ROUNDS = 2e-3, 20  # change of a scale in a round, of which the margins keep a third
_RANGE = 600.0  # nats below the largest value; not much more, and exp is 0 in double precision


class Marginal(NamedTuple):
    """Where the samples of a variable lie along an axis of T values of a table.

    Attributes:
        weights: share of the samples at each of these values, float64 [T], of sum 1.
        source: the value of the axis that holds what is said of each of them, float64 [T]; between
            two values if it is not whole. A level of a tied variable owns a range of ranks, but all
            its samples lie at the middle of the range, and the table knows of these only.
    """

    weights: Array
    source: Array


def marginal(places: NDArray[np.floating[Any]], size: int) -> Marginal:
    """The marginal of samples at `places` [n] of an axis, from 0 to size - 1, read bilinearly."""
    places = np.clip(np.asarray(places, np.float64), 0, size - 1)
    low = np.minimum(places.astype(np.intp), size - 2)
    share = places - low
    weights = np.bincount(low, 1 - share, size) + np.bincount(low + 1, share, size)
    cells = np.arange(size)
    middle = ((cells + 0.5) * (places.size / size)).astype(np.intp)
    owners = np.partition(places, middle)[middle]  # of the ranks in the middle of each cell
    # A level between two cells is both. One too rare to own a cell keeps the one that it lies in.
    wide = np.zeros(size, np.bool_)
    wide[1:] = owners[1:] == owners[:-1]
    wide[:-1] |= wide[1:]
    owned = (weights == 0) | (wide & (np.abs(owners - cells) < 1))
    return Marginal(weights / places.size, np.where(owned, owners, cells))


def balanced(
    table: NDArray[np.floating[Any]], x: Marginal | None = None, y: Marginal | None = None
) -> NDArray[np.float32]:
    """A table of cells of ranks as log p(x, y) / (p(x) p(y)): with the margins of such a table.

    Swapping the variables transposes the answer, to the last byte.

    Args:
        table: [T, T], nats, known up to f(x) + g(y), x along the first axis.
        x, y: marginals of tied variables; None for continuous ones, of which each cell holds as
            many samples as another.

    Returns:
        float32 [T, T], nats. The mean of its exponential, weighted by the marginals, is 1: over all
        cells to rounding, along each row and column within 0.001 (0.005 where dependence is very
        sharp). Cells of tied variables without samples repeat those of the level that owns them.

    Example:
        >>> np.exp(balanced(np.zeros((64, 64)) - 3)).mean()
        1.0
    """
    table = np.asarray(table, np.float64)
    flat = Marginal(np.full(len(table), 1 / len(table)), np.arange(len(table), dtype=np.float64))
    (p, rows), (q, columns) = x or flat, y or flat
    # A transposed copy, so that rows and columns are added up alike: swapped, the same bytes.
    cells = np.exp(np.maximum(table - table.max(), -_RANGE))
    turned = np.ascontiguousarray(cells.T)
    # Rows and columns are scaled at once, which makes two sequences of the classical steps in turn,
    # one that begins with the rows, one with the columns. Neither would treat x and y alike.
    f, g = np.ones_like(p), np.ones_like(q)
    for _ in range(_ROUNDS):
        f_between, g_between = 1 / (cells @ (q * g)), 1 / (turned @ (p * f))
        f_next, g_next = 1 / (cells @ (q * g_between)), 1 / (turned @ (p * f_between))
        moved = max(np.abs(f / f_next - 1).max(), np.abs(g / g_next - 1).max())
        f, g = f_next, g_next
        if moved < _CLOSE:
            break
    f, g = (np.log(f) + np.log(f_between)) / 2, (np.log(g) + np.log(g_between)) / 2
    found = centred(table + (f[:, None] + g), p, q)
    if x is not None or y is not None:
        found = _read(found, rows, columns)
    return found.astype(np.float32)


def centred(table: Array, p: Array, q: Array) -> Array:
    """`table` [T, T] less the log of the mean of its exponential by weights p, q [T] of sum 1."""
    used = np.ix_(np.flatnonzero(p), np.flatnonzero(q))
    p, q, inside = p[p > 0], q[q > 0], table[used]
    top = inside.max()
    cells = np.exp(inside - top)
    mean = (p @ (cells @ q) + q @ (np.ascontiguousarray(cells.T) @ p)) / 2
    found: Array = table - (top + np.log(mean))
    return found


def has_plain_margins(model: Model) -> bool:
    """Whether tables of a model are of cells of ranks, which continuous variables fill alike."""
    return model.table_layout.nodes is None and model.eps == 0


def normalised(
    tables: NDArray[np.float32],
    model: Model,
    normalization: str,
    rows: Rows,
    entropy: Array,
    pairs: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Tables of pairs of columns, as a network gives them, as log p(x, y) / (p(x) p(y)).

    Those of cells of ranks are `balanced`. Those on nodes, of the paper's network, keep their shape
    as published and lose their constant only, under the marginals of the samples: what is left has
    the Donsker-Varadhan estimate as its mean over the samples.

    Args:
        tables: float32 [p, T, T], x along the second axis.
        model: what made them.
        normalization: of the ranks in `rows`.
        rows, entropy: of columns prepared for that model; see `RankedColumns`.
        pairs: int64 [p, 2], first and second column of each pair.
    """
    positions, cells = model.table_positions, model.table_layout.nodes is None
    size, n = len(positions), len(rows[0])

    def place(column: int) -> Marginal | None:
        if has_plain_margins(model) and not is_tied(entropy[column], n):
            return None
        ranks = rows[column]
        if normalization != model.normalize:  # the graph ranks again, by itself
            ranks = kernels().soft_rank(ranks[None], model.eps, model.normalize)[0]
        return marginal((ranks - positions[0]) / (positions[1] - positions[0]), size)

    found = np.empty_like(tables)
    for target, table, pair in zip(found, tables, pairs, strict=True):
        x, y = (place(int(column)) for column in pair)
        if cells:
            target[...] = balanced(table, x, y)
        elif x is not None and y is not None:
            target[...] = centred(table.astype(np.float64), x.weights, y.weights)
    return found


def _read(table: Array, rows: Array, columns: Array) -> Array:
    """The table at places of its axes, bilinearly."""
    (i, s), (j, t) = _split(rows), _split(columns)
    k, m = np.minimum(i + 1, len(table) - 1), np.minimum(j + 1, len(table) - 1)
    s = s[:, None]
    straight = table[np.ix_(i, j)] * ((1 - s) * (1 - t)) + table[np.ix_(k, m)] * (s * t)
    across = table[np.ix_(i, m)] * ((1 - s) * t) + table[np.ix_(k, j)] * (s * (1 - t))
    found: Array = straight + across
    return found


def _split(places: Array) -> tuple[NDArray[np.intp], Array]:
    whole = places.astype(np.intp)
    return whole, places - whole
