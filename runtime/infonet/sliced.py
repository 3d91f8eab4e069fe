"""Sliced mutual information: the mean over random one-dimensional projections.

Goldfeld & Greenewald, "Sliced Mutual Information: A Scalable Measure of Statistical Dependence",
NeurIPS 2021, https://arxiv.org/abs/2110.05279.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.batches import tile_size
from infonet.checks import Missing, check_missing_policy
from infonet.errors import InputError, warn
from infonet.network import Network
from infonet.result import SlicedEstimate
from infonet.tiles import Progress, run_tiles
from infonet.variables import Scale, Variable, read_variables


def sliced(
    network: Network,
    x: Any,
    y: Any,
    projections: int,
    seed: int,
    scale: Scale,
    nan: Missing,
    progress: bool | None,
    names: tuple[str, str],
) -> SlicedEstimate:
    """See `Estimator.sliced`."""
    check_missing_policy(nan)
    count = _whole(projections, "projections", 1)
    generator = np.random.default_rng(_whole(seed, "seed", 0))
    names, variables = read_variables(x, y, names, nan, network.model.n_min, scale)
    n = len(variables[0].block)
    # Two variables of one dimension have one projection, whatever its direction.
    distinct = 1 if max(v.dimensions for v in variables) == 1 else count
    values, constant = np.zeros(distinct), np.zeros(distinct, np.bool_)
    with Progress(distinct, "projection", progress) as bar:
        tasks = _tasks(network, variables, generator, values, constant)
        run_tiles(tasks, network.threads, bar)
    notes = []
    if constant.any():
        notes.append(f"{constant.sum()} projection(s) are constant: mutual information 0")
        warn(f"{names[0]} with {names[1]}: {notes[0]}")
    return SlicedEstimate(
        mean=float(values.mean()),
        standard_error=_standard_error(values, count),
        max=float(values.max()),
        values=values if distinct == count else np.repeat(values, count),
        projections=count,
        n=n,
        seed=int(seed),
        scale=scale,
        names=names,
        notes=tuple(notes),
    )


def _standard_error(values: NDArray[np.float64], count: int) -> float:
    if values.size < count:
        return 0.0
    return float(values.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan


def _tasks(
    network: Network,
    variables: tuple[Variable, Variable],
    generator: np.random.Generator,
    values: NDArray[np.float64],
    constant: NDArray[np.bool_],
) -> Iterator[Callable[[], int]]:
    x, y = variables
    tile = tile_size(network, len(x.block))

    def task(start: int, directions: NDArray[np.float64]) -> Callable[[], int]:
        def run() -> int:
            size = len(directions)
            first = x.project(directions[:, : x.dimensions])
            second = y.project(directions[:, x.dimensions :])
            ranked = network.prepare([*first, *second])
            at = np.arange(size)
            pairs = np.stack(  # a variable of one dimension has a single column for all
                [at % len(first), len(first) + at % len(second)], axis=1
            )
            flat = ranked.constant[pairs].any(axis=1)
            constant[start : start + size] = flat
            keep = np.flatnonzero(~flat)
            values[start + keep] = network.run(ranked, pairs[keep]).mi
            return size

        return run

    # Drawn here, one after the other, so that they do not depend on tiles and threads.
    for start in range(0, len(values), tile):
        size = min(tile, len(values) - start)
        yield task(start, generator.standard_normal((size, x.dimensions + y.dimensions)))


def _whole(value: int, name: str, low: int) -> int:
    try:
        number = low - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = low - 1
    if number < low:
        raise InputError(f"{name} is {value!r}, allowed are whole numbers from {low}")
    return number
