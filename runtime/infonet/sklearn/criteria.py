"""Greedy selection of features that tell the target what those before them do not.

After each feature, the criterion asks of every other one how much it repeats that feature (mRMR),
or how much it tells beside it (JMI, CMIM): one pass a feature. So k of d features cost less than
d k passes, and every term is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn
from infonet.inputs.checks import finite_rows
from infonet.pairs.engine import PairEngine
from infonet.pairs.parallel import Progress, run_tiles
from infonet.sklearn.functions import scores
from infonet.sklearn.tasks import Task
from infonet.vines.estimate import check_model
from infonet.vines.singles import SinglesGiven
from infonet.vines.variables import MOST_SAMPLES

CRITERIA = ("relevance", "mrmr", "jmi", "cmim")


@dataclass(frozen=True)
class Selection:
    """Selected features.

    Attributes:
        order: int64 [s], the first one selected first.
        values: float64 [s], the criterion of each when it was selected, nats.
    """

    order: NDArray[np.int64]
    values: NDArray[np.float64]


def check_criterion(criterion: str, engine: PairEngine, n: int) -> None:
    """Refuse models and numbers of samples that have no conditional mutual information.

    Raises:
        InputError: such a model, or more than a million samples.
    """
    if criterion in ("jmi", "cmim"):
        check_model(engine.model)
        if n > MOST_SAMPLES:
            raise InputError(
                f"{n:,} samples, criterion={criterion!r} takes at most {MOST_SAMPLES:,}: pass a "
                "part of them, or use criterion='mrmr'"
            )


def empty_features(task: Task, n_min: int) -> NDArray[np.bool_]:
    """Which features are constant or have fewer than `n_min` values, bool [d].

    Nothing is known of them, while features that repeat others may have a negative criterion.
    """
    found = np.zeros(task.count, np.bool_)
    least = min(n_min, len(task.target))
    for place in range(task.count):
        column = task.features(place)
        values = column[finite_rows(column)]
        found[place] = values.size < least or bool((values == values[0]).all())
    return found


def by_relevance(relevance: NDArray[np.float64], empty: NDArray[np.bool_]) -> Selection:
    """All features by falling relevance, those that are `empty` last.

    Of equals the last one comes first, as `SelectKBest` does.
    """
    order = np.lexsort((relevance, ~empty))[::-1].astype(np.int64)
    return Selection(order, relevance[order])


def select(
    engine: PairEngine,
    task: Task,
    criterion: str,
    relevance: NDArray[np.float64],
    empty: NDArray[np.bool_],
    count: int,
    threads: int = 1,
    progress: bool | None = False,
) -> Selection:
    """Select features one after the other, the first by its relevance alone.

    Args:
        engine: with the model and the seed.
        task: features and target.
        criterion: "mrmr", "jmi" or "cmim".
        relevance: float64 [d], mutual information of each feature with the target.
        empty: bool [d], features to select after all others.
        count: how many to select, at most d.
        threads: features are shared out to so many; the result does not depend on it.
        progress: show a progress bar; None: if standard error is a terminal.
    """
    d = task.count
    if len(task.target) < engine.model.n_min:
        warn(
            f"criterion={criterion!r} needs at least {engine.model.n_min} samples: features are "
            "selected by relevance"
        )
        found = by_relevance(relevance, empty)
        return Selection(found.order[:count], found.values[:count])
    terms = redundancies if criterion == "mrmr" else conditionals
    left = np.ones(d, np.bool_)
    total, least = np.zeros(d), np.full(d, np.inf)
    order: list[int] = []
    values: list[float] = []
    passes = sum(d - step for step in range(1, count))
    with Progress(passes, "pair", progress) as bar:
        while len(order) < count:
            if not order:
                value = relevance
            elif criterion == "mrmr":
                value = relevance - total / len(order)
            elif criterion == "jmi":  # I(X, Xj; Y) = I(Xj; Y) + I(X; Y | Xj)
                value = total + relevance[order].sum()
            else:
                value = least
            open_to = left & ~empty if (left & ~empty).any() else left
            best = int(np.argmax(np.where(open_to, value, -np.inf)))
            order.append(best)
            values.append(float(value[best]))
            left[best] = False
            if len(order) < count:
                rest = np.flatnonzero(left)
                found_terms = terms(engine, task, best, rest.tolist(), threads, bar)
                total[rest] += found_terms
                least[rest] = np.minimum(least[rest], found_terms)
    return Selection(np.array(order, np.int64), np.array(values))


def redundancies(
    engine: PairEngine, task: Task, known: int, rest: Sequence[int], threads: int, bar: Progress
) -> NDArray[np.float64]:
    """I(X; X_known) of features `rest`, what `infonet.estimate` gives for the two, float64."""
    column = task.features(known)
    keep = finite_rows(column)
    if keep.sum() < engine.model.n_min:
        return np.zeros(len(rest))
    part = Task(
        lambda place: task.features(rest[place])[keep],
        len(rest),
        column[keep],
        task.nominal[list(rest)],
        bool(task.nominal[known]),
        False,
    )
    found = scores(engine, part, threads).mi
    bar.add(len(rest))
    return found


def conditionals(
    engine: PairEngine, task: Task, known: int, rest: Sequence[int], threads: int, bar: Progress
) -> NDArray[np.float64]:
    """I(X; Y | X_known) of features `rest`, float64.

    What `infonet.estimate` gives for X and Y given X_known: few levels of all three are counted,
    few levels of X_known are taken apart, and other ties are broken by the seed.
    """
    column = task.features(known)
    keep = finite_rows(column)
    found = np.zeros(len(rest))
    if keep.sum() < engine.model.n_min:
        return found
    target = task.target[keep]
    nominal, of_target = task.nominal.tolist(), task.nominal_target
    given = SinglesGiven(engine, [column[keep]], [nominal[known]])
    cleared = given.clear(target, of_target)

    def run(place: int) -> int:
        values = task.features(rest[place])[keep]
        whole = finite_rows(values)
        if whole.all():
            found[place] = given.pair(given.clear(values, nominal[rest[place]]), cleared).mi
        elif whole.sum() >= engine.model.n_min:
            some = SinglesGiven(engine, [column[keep][whole]], [nominal[known]])
            ends = (
                some.clear(values[whole], nominal[rest[place]]),
                some.clear(target[whole], of_target),
            )
            found[place] = some.pair(*ends).mi
        return 1

    tasks: list[Callable[[], int]] = [partial(run, place) for place in range(len(rest))]
    run_tiles(tasks, threads, bar)
    return found
