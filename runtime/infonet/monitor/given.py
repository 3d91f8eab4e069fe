"""Which variables are the condition of a monitor, and how it is taken out of a window.

Every window is conditioned by its own rows alone, as a table is by `pairwise(given=)`. A condition
that was learnt from an earlier window and kept would be wrong in both ways in which a common cause
drifts: it takes values that it did not take before, and variables follow it in another way than
before. Either would look like dependence of the variables, and that is what `given` is to prevent.

The parts that confirm a finding are cut from what is left of the whole window, not conditioned
each for itself. All rows together resolve the condition better, so less of it is left; what is left
is looked for in fewer rows at a time; and the condition is taken out once, not M times more. The
parts are as independent as those of a monitor without a condition: where x and y are independent
given Z, what is left of x is a function of x and Z, and what is left of y one of y and Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.table import pick
from infonet.model.load import Model
from infonet.pairs.engine import PairEngine
from infonet.pairs.parallel import Progress, run_tiles

if TYPE_CHECKING:
    from infonet.matrix.condition import TableCondition

Columns = NDArray[np.float64]
Left = NDArray[np.floating[Any]]


def as_given(given: Sequence[str | int] | None, names: Sequence[str]) -> tuple[int, ...]:
    """Positions of the variables of the condition; none for None.

    Raises:
        InputError: no such variable, one named twice, none at all, or fewer than two others.
    """
    if given is None:
        return ()
    found = tuple(pick(names, given, "given")[1])
    if not found:
        raise InputError("given names no column: name one at least, or pass None")
    others = len(names) - len(found)
    if others < 2:
        raise InputError(
            f"variables are {others} beside those given, at least two are needed: add variables"
        )
    return found


def check_watched(
    pairs: Sequence[tuple[int, int]], given: Sequence[int], names: Sequence[str]
) -> None:
    """Refuse a pair that holds a variable of the condition."""
    for pair in pairs:
        for place in pair:
            if place in given:
                raise InputError(
                    f"{names[place]!r} is given, and in the pair {names[pair[0]]!r}, "
                    f"{names[pair[1]]!r}: take it out of one of the two"
                )


def check_room(model: Model, window: int, count: int) -> None:
    """Refuse a condition of `count` variables for which the window or the model will not do."""
    if not count:
        return
    from infonet.matrix.condition import check_condition  # deferred: these need the vines
    from infonet.vines.variables import least_samples

    check_condition(model, count)
    least = least_samples(count + 2)
    if window < least:
        raise InputError(
            f"a window of {window} rows is too small for {count} columns given, which need {least} "
            "rows: enlarge the window, or name fewer"
        )


@dataclass(frozen=True)
class Conditioned:
    """A window without its condition.

    Attributes:
        columns: [n] each, of all variables: F(x | condition) as mid-ranks, float32, of those in
            pairs, the values themselves of the others.
        bounds: float64 [d], nats that nothing tells more of each, infinite where that is unknown.
        names: of the condition.
        notes: remarks about the condition in this window, one sentence each.
        known: positions of variables that are constant once the condition is known.
    """

    columns: list[Left]
    bounds: NDArray[np.float64]
    names: tuple[str, ...]
    notes: tuple[str, ...]
    known: frozenset[int]

    @staticmethod
    def of(
        engine: PairEngine,
        columns: Columns,
        given: Sequence[int],
        pairs: NDArray[np.int64],
        names: Sequence[str],
    ) -> Conditioned:
        """Take the condition out of the variables of some pairs in a window.

        Args:
            engine: with the model, the seed and the threads.
            columns: float64 [d, n], finite.
            given: positions of the condition, none for no condition.
            pairs: int64 [p, 2], positions of their variables.
            names: of the d variables.
        """
        found: list[Left] = list(columns)
        if not given:
            return Conditioned(found, np.full(len(found), np.inf), (), (), frozenset())
        from infonet.matrix.condition import TableCondition  # deferred: it needs the vines
        from infonet.matrix.ranks import most_told

        wanted = np.unique(pairs).tolist()
        threads = engine.backend.threads
        loads = [(names[place], partial(columns.__getitem__, place), False) for place in given]
        condition = TableCondition.of(engine, loads, columns.shape[1], "raise", threads)
        _take_out(condition, found, wanted, names, threads)
        flat = [names[i] for i in given if _is_constant(columns[i])]
        remark = f"{' and '.join(flat)} constant in this window: it tells nothing there"
        known = (i for i in wanted if _is_constant(found[i]) and not _is_constant(columns[i]))
        bounds = np.full(len(found), np.inf)
        bounds[wanted] = [most_told(columns[place]) for place in wanted]
        return Conditioned(
            found, bounds, condition.names, (remark,) if flat else (), frozenset(known)
        )

    def known_of(self, pair: Sequence[int], names: Sequence[str]) -> tuple[str, ...]:
        """A remark if the condition tells all of a variable of the pair."""
        known = [names[i] for i in pair if i in self.known]
        return (
            (f"{' and '.join(known)} known from the condition: nothing is left",) if known else ()
        )


def _take_out(
    condition: TableCondition,
    columns: list[Left],
    wanted: Sequence[int],
    names: Sequence[str],
    threads: int,
) -> None:
    """Put what is left of the variables at `wanted` in their places."""

    def task(place: int) -> int:
        columns[place] = condition.out_of(columns[place], names[place])
        return 1

    with Progress(len(wanted), "column", show=False) as bar:
        run_tiles((partial(task, place) for place in wanted), threads, bar)


def _is_constant(column: Left) -> bool:
    return bool(column.min() == column.max())
