"""A D-vine: the terms of the chain rule of mutual information, one pair copula each.

    I(X; Y | Z) = sum over i, j of I(X_i; Y_j | X_1 .. X_i-1, Z, Y_1 .. Y_j-1)

In the order X_dx .. X_1, Y_1 .. Y_dy the edge (a, b) of tree t is conditioned on the t - 1
variables between a and b, and the edges that join an X with a Y are those terms (Aas, Czado,
Frigessi & Bakken, Insurance: Mathematics and Economics 2009). Z was taken out of each variable
before, see `conditioning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.parallel import Progress, run_tiles
from infonet.vines.changes import Conditions, fit
from infonet.vines.copula import Array, PairCopula, PairCopulas, Ranks, rank
from infonet.vines.discrete import Codes


@dataclass(frozen=True)
class Edge:
    """One edge: places of its variables, first < second, in the order of the vine, and its copula.

    The variables between them are its condition; `correlation` is that of normal scores of both
    given that.
    """

    first: int
    second: int
    mi: float
    p_value: float
    leaves: int
    correlation: float


@dataclass(frozen=True)
class Vine:
    """Edges that were asked for, tree by tree, and their log densities at the samples, summed."""

    edges: list[Edge]
    log_density: Array  # [n], nats


def fit_vine(
    copulas: PairCopulas,
    columns: Sequence[Ranks],
    asked: Callable[[int, int], bool],
    given: Sequence[Ranks] = (),
    levels: Sequence[Codes | None] = (),
    threads: int = 1,
    progress: bool | None = None,
) -> Vine:
    """Fit the D-vine of columns in their order.

    Args:
        copulas: what fits one copula.
        columns: mid-ranks [n] without ties, independent of `given`.
        asked: whether the edge between two places is asked for: others are only passed through.
        given: mid-ranks of conditions, with which copulas may change, too.
        levels: of each of `columns` and then of `given`, see `changes.Conditions`; empty: none.
        threads: to spread the edges of a tree over; results do not depend on it.
        progress: show a progress bar; None: if standard error is a terminal.
    """
    size = len(columns)
    squares = _running_squares([*given, *columns])
    edges: list[Edge] = []
    total = np.zeros(columns[0].size)
    left, right = list(columns[:-1]), list(columns[1:])
    with Progress(size * (size - 1) // 2, "pair", progress) as bar:
        for tree in range(1, size):
            level = _Tree(copulas, columns, left, right, asked, given, levels, squares, tree)
            run_tiles(level.tasks(), threads, bar)
            fitted = level.fitted
            for place, copula in enumerate(fitted):
                if asked(place, place + tree):
                    facts = copula.mi, copula.p_value, copula.leaves, copula.correlation
                    edges.append(Edge(place, place + tree, *facts))
                    total += copula.log_density
            if len(fitted) > 1:
                # F(a | b, between) of each edge meets F(c | b, between) of the next one.
                left = rank([copula.of_u for copula in fitted[:-1]])
                right = rank([copula.of_v for copula in fitted[1:]])
    return Vine(edges, total)


def _running_squares(columns: Sequence[Ranks]) -> list[Array]:
    """Sums of squared normal scores of the first 0, 1, 2 .. columns, float64 [n] each."""
    sums = [np.zeros(columns[0].size)]
    for column in columns:
        scores = kernels().normal_scores(column)
        sums.append(sums[-1] + scores * scores)
    return sums


class _Tree:
    """Tree number `tree` of a vine: its edges, each a task. See `fit_vine`."""

    def __init__(
        self,
        copulas: PairCopulas,
        columns: Sequence[Ranks],
        left: Sequence[Ranks],
        right: Sequence[Ranks],
        asked: Callable[[int, int], bool],
        given: Sequence[Ranks],
        levels: Sequence[Codes | None],
        squares: list[Array],
        tree: int,
    ) -> None:
        self._copulas, self._columns, self._given = copulas, columns, given
        self._squares, self._levels = squares, levels
        self._left, self._right, self._asked, self._tree = left, right, asked, tree
        self._found: list[PairCopula | None] = [None] * len(left)

    @property
    def fitted(self) -> list[PairCopula]:
        """The copulas, once all tasks have run."""
        return [copula for copula in self._found if copula is not None]

    def tasks(self) -> Iterator[Callable[[], int]]:
        """One task for each edge; each returns 1, the edges that it fitted."""
        for place in range(len(self._left)):
            yield partial(self._fit, place)

    def _fit(self, place: int) -> int:
        end = place + self._tree
        between = [*self._columns[place + 1 : end], *self._given]
        levels = [*self._levels[place + 1 : end], *self._levels[len(self._columns) :]]
        # Sums over what is given come first; those over the columns before are taken off again.
        first = len(self._given)
        squares = self._squares[first + end] - self._squares[first + place + 1]
        squares = squares + self._squares[first]
        self._found[place] = fit(
            self._copulas,
            self._left[place],
            self._right[place],
            Conditions.of(between, squares, levels) if between else None,
            self._asked(place, place + self._tree),
        )
        return 1
