"""A D-vine: the terms of the chain rule of mutual information, one pair copula each.

    I(X; Y | Z) = sum over i, j of I(X_i; Y_j | X_1 .. X_i-1, Z, Y_1 .. Y_j-1)

In the order X_dx .. X_1, Y_1 .. Y_dy the edge (a, b) of tree t is conditioned on the t - 1
variables between a and b, and the edges that join an X with a Y are those terms (Aas, Czado,
Frigessi & Bakken, Insurance: Mathematics and Economics 2009). Z was taken out of each variable
before, see `conditioning`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.significance import combined
from infonet.vines.changes import Conditions, fit, large_levels
from infonet.vines.copula import Array, PairCopula, PairCopulas, Ranks, rank
from infonet.vines.discrete import FrequentLevels, fisher, is_label

_NEAREST = 3  # variables of D that are looked at within the levels of a label
_SEEN = 0.01  # p-value up to which what they tell counts


@dataclass(frozen=True)
class Edge:
    """One edge: places of its variables, first < second, in the order of the vine, and its copula.

    The variables between them are its condition; `correlation` is that of normal scores of both
    given that, and `gaussian` whether its copula is no more than that. `error` is that of a label
    that was counted.
    """

    first: int
    second: int
    mi: float
    p_value: float
    leaves: int
    correlation: float
    gaussian: bool
    error: float


@dataclass(frozen=True)
class Vine:
    """A fitted vine.

    Attributes:
        edges: that were asked for, tree by tree.
        log_density: theirs at the samples, summed, nats, [n].
        read: share of the copulas, asked for or not, that are not Gaussian: the network read them.
    """

    edges: list[Edge]
    log_density: Array
    read: float


def fit_vine(
    copulas: PairCopulas,
    columns: Sequence[Ranks],
    asked: Callable[[int, int], bool],
    given: Sequence[Ranks] = (),
    levels: Sequence[FrequentLevels | None] = (),
    threads: int = 1,
    progress: bool | None = None,
) -> Vine:
    """Fit the D-vine of columns in their order.

    Args:
        copulas: what fits one copula.
        columns: mid-ranks [n] without ties, independent of `given`.
        asked: whether the edge between two places is asked for: others are only passed through.
        given: mid-ranks of conditions, with which copulas may change, too.
        levels: of each of `columns` and then of `given`; empty: none has any.
        threads: to spread the edges of a tree over; results do not depend on it.
        progress: show a progress bar; None: if standard error is a terminal.
    """
    size = len(columns)
    squares = _running_squares([*given, *columns])
    edges: list[Edge] = []
    total, read = np.zeros(columns[0].size), 0
    left, right = list(columns[:-1]), list(columns[1:])
    with Progress(size * (size - 1) // 2, "pair", progress) as bar:
        for tree in range(1, size):
            level = _Tree(copulas, columns, left, right, asked, given, levels, squares, tree)
            run_tiles(level.tasks(), threads, bar)
            fitted = level.fitted
            read += sum(not copula.gaussian for copula in fitted)
            for place, copula in enumerate(fitted):
                if asked(place, place + tree):
                    facts = copula.mi, copula.p_value, copula.leaves, copula.correlation
                    edges.append(Edge(place, place + tree, *facts, copula.gaussian, copula.error))
                    total += copula.log_density
            if len(fitted) > 1:
                # F(a | b, between) of each edge meets F(c | b, between) of the next one.
                left = rank([copula.of_u for copula in fitted[:-1]])
                right = rank([copula.of_v for copula in fitted[1:]])
    return Vine(edges, total, read / max(1, size * (size - 1) // 2))


def fit_edge(
    copulas: PairCopulas,
    u: Ranks,
    v: Ranks,
    between: Sequence[Ranks] = (),
    conditions: Conditions | None = None,
    ends: tuple[FrequentLevels | None, FrequentLevels | None] = (None, None),
) -> PairCopula:
    """The copula of an edge that was asked for, tested.

    Args:
        copulas: what fits one copula.
        u, v: mid-ranks [n] without ties, independent of D each.
        between: mid-ranks of the variables of D.
        conditions: of these.
        ends: levels of the two columns that u and v were made of.
    """
    found = fit(copulas, u, v, conditions, test=True)
    # What is left of one column, and the label at the other end.
    counted, p = [], found.p_value
    for number, levels in ((u, ends[1]), (v, ends[0])):
        if levels is None:
            continue
        if is_label(levels):
            counted.append(_with_label(copulas, number, levels, between))
        elif levels.nominal:  # rare categories are levels to a pair, not to a vine
            told = copulas.with_label(number, levels.values, True, test=True)
            counted.append((told.mi, told.error, False))
            p = combined([math.log(max(one, 1e-300)) for one in (p, told.p_value)])
    mi, error = found.mi, 0.0
    if counted:
        whole = [told for told in counted if told[2]]
        mi, error, _ = max(whole or [*counted, (found.mi, 0.0, True)])
    # Ties of equal columns are broken alike, which would look like one and the same number.
    mi = min([mi, *(levels.entropy for levels in ends if levels is not None)])
    if counted or mi < found.mi:
        found = replace(found, mi=mi, p_value=p, gaussian=False, error=error)
    return found


def _with_label(
    copulas: PairCopulas, u: Ranks, label: FrequentLevels, between: Sequence[Ranks]
) -> tuple[float, float, bool]:
    """I(u; b | D) of a label b, its standard error, and whether all of b and D took part.

    As u is independent of D, it is I(u; b) + I(u; D | b). So the label itself is counted, and D is
    looked at within its levels; ranks of a label, with ties in random order, would tell less.
    """
    mi, error, _ = copulas.with_label(u, label.codes, label.nominal)
    near = between[-_NEAREST:]
    if not near:
        return mi, error, True
    more, p_values, samples = 0.0, [], 0
    for inside in large_levels(label.codes):
        columns = rank([u[inside], *[row[inside] for row in near]])
        vine = fit_vine(copulas, columns, lambda i, j: i == 0, threads=1, progress=False)
        more += sum(edge.mi for edge in vine.edges) * inside.size / u.size
        p_values += [edge.p_value for edge in vine.edges]
        samples += inside.size
    whole = samples == u.size and len(near) == len(between)
    return mi + more * (bool(p_values) and fisher(p_values) < _SEEN), error, whole


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
        levels: Sequence[FrequentLevels | None],
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
        codes = [found.codes if found and found.some else None for found in levels]
        conditions = Conditions.of(between, squares, codes) if between else None
        columns = self._copulas, self._left[place], self._right[place]
        if self._asked(place, end):
            ends = (self._levels[place], self._levels[end]) if self._levels else (None, None)
            self._found[place] = fit_edge(*columns, between, conditions, ends)
        else:
            self._found[place] = fit(*columns, conditions)
        return 1
