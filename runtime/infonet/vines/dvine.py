"""A D-vine: the terms of the chain rule of mutual information, one pair copula each.

    I(X; Y | Z) = sum over i, j of I(X_i; Y_j | X_1 .. X_i-1, Z, Y_1 .. Y_j-1)

In the order X_dx .. X_1, Y_1 .. Y_dy the edge (a, b) of tree t is conditioned on the t - 1 variables
between a and b, and the edges that join an X with a Y are those terms (Aas, Czado, Frigessi &
Bakken, Insurance: Mathematics and Economics 2009). Z was taken out of each variable before, see
`conditioning`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from infonet.pairs.parallel import Progress, run_tiles
from infonet.vines.changes import Conditions, fit
from infonet.vines.copula import Array, PairCopula, PairCopulas, Ranks, rank


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
    threads: int = 1,
    progress: bool | None = None,
) -> Vine:
    """Fit the D-vine of columns in their order.

    Args:
        copulas: what fits one copula.
        columns: mid-ranks [n] without ties, independent of `given`.
        asked: whether the edge between two places is asked for: others are only passed through.
        given: mid-ranks of conditions, with which copulas may change, too.
        threads: to spread the edges of a tree over; results do not depend on it.
        progress: show a progress bar; None: if standard error is a terminal.
    """
    size, n = len(columns), columns[0].size
    edges: list[Edge] = []
    total = np.zeros(n)
    left, right = list(columns[:-1]), list(columns[1:])
    with Progress(size * (size - 1) // 2, "pair", progress) as bar:
        for tree in range(1, size):
            found: list[PairCopula | None] = [None] * (size - tree)

            def tasks(
                tree: int = tree, found: list[PairCopula | None] = found
            ) -> Iterator[Callable[[], int]]:
                for place in range(size - tree):
                    yield _task(place, tree, found)

            def _task(place: int, tree: int, found: list[PairCopula | None]) -> Callable[[], int]:
                def run() -> int:
                    between = [*columns[place + 1 : place + tree], *given]
                    conditions = Conditions(between) if between else None
                    test = asked(place, place + tree)
                    found[place] = fit(copulas, left[place], right[place], conditions, test)
                    return 1

                return run

            run_tiles(tasks(), threads, bar)
            fitted = [copula for copula in found if copula is not None]
            for place, copula in enumerate(fitted):
                if asked(place, place + tree):
                    facts = copula.mi, copula.p_value, copula.leaves, copula.correlation
                    edges.append(Edge(place, place + tree, *facts))
                    total += copula.log_density
            # F(a | b, between) of each edge meets F(c | b, between) of the next one.
            left = rank([copula.of_u for copula in fitted[:-1]]) if len(fitted) > 1 else []
            right = rank([copula.of_v for copula in fitted[1:]]) if len(fitted) > 1 else []
    return Vine(edges, total)
