"""A test of independence for series with memory: permutations of blocks.

Samples that follow each other in a series are alike, and two series that have nothing to do with
each other may go the same way for a while. Tests that take n samples for n independent ones then
see dependence where there is none. Here one of the series is cut into blocks, whose order is
changed at random (Künsch, Annals of Statistics 1989; Politis & Romano 1994): memory within blocks
stays as it is, and dependence between the series goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column
from infonet.inputs.variables import NamedColumn, NamedColumns
from infonet.model.libraries import kernels
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.permutations import permutation_p_value
from infonet.pairs.ranking import rank_columns
from infonet.result import Estimate
from infonet.series.shifts import Rows
from infonet.vines.condition import prepare, take_out
from infonet.vines.estimate import estimate_vectors
from infonet.vines.variables import Group, rank_groups

Order = NDArray[np.intp]
_LEAST_BLOCKS = 10
_MEMORIES = 4  # blocks are that many times as long as the memory


def memory(columns: Sequence[Column]) -> int:
    """The first lag at which the autocorrelation of ranks is within 2 / sqrt(n) of 0, which is
    what chance does; of several columns the longest."""
    ranked = rank_columns(list(columns))
    n = len(ranked.rows[0])
    longest = 1
    for row in ranked.rows:
        scores = kernels().normal_scores(row)
        scores = scores - scores.mean()
        power = np.abs(np.fft.rfft(scores, 2 * n)) ** 2  # padded, so that the end meets no start
        products = np.fft.irfft(power)[: n // 2 + 1]
        if products[0] > 0:
            small = np.flatnonzero(np.abs(products / products[0]) < 2 / math.sqrt(n))
            longest = max(longest, int(small[0]) if small.size else n // 2)
    return longest


class Tested(NamedTuple):
    """What a test by blocks found.

    Attributes:
        p_value: of independence.
        block: samples in a block.
        short: whether both series remember for longer than blocks of `block` samples keep.
    """

    p_value: float
    block: int
    short: bool


def block_length(x: Sequence[Column], y: Sequence[Column]) -> int:
    """Samples in a block: four times the memory of the series that has the shorter one, because
    dependence by chance lasts no longer than that, and what crosses the ends of blocks is lost; at
    least the cube root of n, at most a tenth of n."""
    n = int(x[0].size)
    by_memory = _MEMORIES * min(memory(x), memory(y))
    return max(1, min(max(by_memory, math.ceil(math.cbrt(n))), n // _LEAST_BLOCKS))


def shuffled(n: int, block: int, generator: np.random.Generator) -> Order:
    """The places 0 .. n - 1 in blocks of a random order; where the first block begins is random,
    and the end of the series is followed by its start."""
    starts = np.arange(0, n, block)
    generator.shuffle(starts)
    parts = [np.arange(start, min(start + block, n)) for start in map(int, starts)]
    order: Order = (np.concatenate(parts) + int(generator.integers(n))) % n
    return order


def block_test(
    engine: PairEngine,
    rows: Rows,
    permutations: int,
    block: int | None,
    threads: int,
) -> Tested:
    """The test of independence of x and y given the condition.

    Its p-value is (1 + permutations that look as dependent) / (1 + permutations). A condition is
    taken out of x and y first, and blocks of what is left of y are permuted: so what the condition
    explains stays as it is.

    Args:
        engine: of the model in use, with its seed.
        rows: x, y and the condition, without missing values.
        permutations: how many, at least 1.
        block: samples in a block; None chooses, see `block_length`.
        threads: results do not depend on it.
    """
    x, y = rows.x, rows.y
    if rows.given is not None:
        x, y = _residuals(engine, x, y, rows.given, threads)
    short = False
    if block is None:
        block = block_length(_values(x), _values(y))
        short = block < min(memory(_values(x)), memory(_values(y)))
    shuffle = partial(shuffled, rows.n, block)
    one, other = x.alone, y.alone
    if one is not None and other is not None:
        ranked = engine.prepare((one.values, other.values))
        ranked = ranked.with_nominal(np.array([one.nominal, other.nominal]))
        found = engine.estimate(ranked, ONE_PAIR)
        p = permutation_p_value(engine, ranked, found, permutations, shuffle)
    else:
        p = _test_vectors(engine, x, y, permutations, shuffle, threads)
    return Tested(p, block, short)


def _values(series: NamedColumns) -> list[Column]:
    return [column.values for column in series.columns]


def _ranked(series: NamedColumns, engine: PairEngine, threads: int) -> Group:
    group = Group.of(series)
    rank_groups([group], engine.seed, threads)
    return group


def _residuals(
    engine: PairEngine, x: NamedColumns, y: NamedColumns, given: NamedColumns, threads: int
) -> tuple[NamedColumns, NamedColumns]:
    """x and y with the condition taken out of each column.

    But not out of categories on one side, which would become numbers in random order: what is left
    of the other side has nothing to do with the condition, so it is enough to take it out there.
    """
    condition = prepare(engine, _ranked(given, engine, threads))
    categories = [any(column.nominal for column in side.columns) for side in (x, y)]
    sides = []
    for side, kept in ((x, categories[0]), (y, categories[1] and not categories[0])):
        columns = [column for column in side.columns if kept and column.nominal]
        others = [column for column in side.columns if not (kept and column.nominal)]
        if others:
            group = _ranked(_side(side, others), engine, threads)
            left = take_out(condition, group.ranks, group.columns, threads, False)
            columns += [NamedColumn(*one, (), False) for one in zip(group.names, left, strict=True)]
        sides.append(_side(side, columns))
    return sides[0], sides[1]


def _side(side: NamedColumns, columns: Sequence[NamedColumn]) -> NamedColumns:
    labels = tuple(column.name for column in columns)
    return replace(side, columns=tuple(columns), labels=labels)


def _test_vectors(
    engine: PairEngine,
    x: NamedColumns,
    y: NamedColumns,
    permutations: int,
    shuffle: Callable[[np.random.Generator], Order],
    threads: int,
) -> float:
    generator = np.random.default_rng(engine.seed)
    orders = [shuffle(generator) for _ in range(permutations)]
    observed = _evidence(estimate_vectors(engine, x, y, progress=False))
    as_dependent = np.zeros(permutations, np.bool_)

    def task(k: int) -> int:
        moved = tuple(column._replace(values=column.values[orders[k]]) for column in y.columns)
        found = estimate_vectors(engine, x, replace(y, columns=moved), progress=False)
        as_dependent[k] = _evidence(found) >= observed
        return 1

    with Progress(permutations, "permutation", show=False) as bar:
        run_tiles((partial(task, k) for k in range(permutations)), threads, bar)
    return (1 + int(as_dependent.sum())) / (1 + permutations)


def _evidence(found: Estimate) -> tuple[float, float]:
    """Of dependence: the p-value, and where it is as small as it can be, the estimate."""
    return (-1.0 if found.p_value is None else -found.p_value, found.mi)
