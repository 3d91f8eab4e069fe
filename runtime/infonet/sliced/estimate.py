"""Sliced mutual information, from the variables to the answer.

Projections are drawn, ranked and estimated in chunks, and so are their permutations, until they are
enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import warn
from infonet.pairs.engine import PairEngine, tile_size
from infonet.pairs.estimates import TIED
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import RankedColumns, SeparateColumns
from infonet.result import SlicedEstimate
from infonet.sliced.variables import SlicedOptions, Variable, read_variables

_BATCH = 64


def standard_error(values: NDArray[np.float64]) -> float:
    """Standard error of the mean of `values`; NaN of a single one."""
    if values.size == 1:
        return math.nan
    return float(values.std(ddof=1)) / math.sqrt(values.size)


def projections_wanted(values: NDArray[np.float64], tolerance: float | None, most: int) -> int:
    """How many projections to have at the next look at their standard error.

    As many as the error so far predicts, in whole batches, but at least an eighth more than there
    are and at most twice as many. So looks are few, and the mean at the first one that satisfies
    the tolerance has little bias: what stops early is a sample of small variance, whose mean tends
    to be small too where values are skewed.

    Args:
        values: float64 [k], the projections so far, k >= 2.
        tolerance: largest standard error of the mean that is accepted, nats; None for any.
        most: largest number of projections.

    Returns:
        k if the tolerance is met or k is `most`, else more.
    """
    count = values.size
    error = standard_error(values)
    if tolerance is None or count >= most or error <= tolerance:
        return count
    predicted = min(2 * count, math.ceil(count * min(error / tolerance, 2.0) ** 2))
    wanted = max(predicted, count + count // 8, count + _BATCH)
    return min(-(-wanted // _BATCH) * _BATCH, most)


def estimate_pairs(
    engine: PairEngine,
    x: RankedColumns,
    y: RankedColumns,
    which: Sequence[int],
    order: NDArray[np.int64] | None = None,
    test: bool = False,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Estimate projections `which` of x with the same ones of y.

    Args:
        engine: with the model.
        x, y: prepared projections; a variable of one dimension has a single one for all.
        which: positions of the projections.
        order: permutation of the samples of y, [n]; None for none.
        test: whether the statistics are of use.

    Returns:
        Estimates in nats, float64 [pairs], those of permuted samples 0; what tests by permutations
        compare, the statistic of the network, float64 [pairs]; and which of them are 0 because a
        projection is constant, bool [pairs].
    """
    first = [i if x.constant.size > 1 else 0 for i in which]
    second = [i if y.constant.size > 1 else 0 for i in which]
    flat = x.constant[first] | y.constant[second]
    keep = np.flatnonzero(~flat)
    rows = [x.rows[first[i]] for i in keep]
    for i in keep:
        row = y.rows[second[i]]
        rows.append(row if order is None else row[order])

    facts = (
        np.concatenate([getattr(x, name)[first][keep], getattr(y, name)[second][keep]])
        for name in ("tied", "constant", "entropy", "nominal")
    )
    values, statistics = np.zeros((2, len(flat)))
    at = np.arange(keep.size)
    pairs = np.stack([at, keep.size + at], axis=1)
    columns = SeparateColumns(rows, *facts)
    if order is not None:
        statistics[keep] = engine.run(columns, pairs, refine=False).statistic
        return values, statistics, flat
    found = engine.estimate(columns, pairs, test=False)
    values[keep], statistics[keep] = found.mi, found.statistic
    tied = np.flatnonzero(found.about & TIED)
    if test and tied.size:  # which were estimated by other means
        statistics[keep[tied]] = engine.run(columns, pairs[tied], refine=False).statistic
    return values, statistics, flat


_CHUNK = 256  # projections at a time, at most: more gain nothing


@dataclass
class Projections:
    """The projections so far.

    Attributes:
        tested: the first of the projections, which the permutation test uses.
        values: mutual information of each, float64 [so far].
        statistics: what the test compares, of the first `tested`, float64 [tested].
        permuted: the same with rows of y permuted, float64 [permutations, tested].
        constant: how many projections are constant.
        directions: of the largest value, of unit length, float64 [dx] and [dy].
    """

    engine: PairEngine
    x: Variable
    y: Variable
    options: SlicedOptions
    tested: int
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    constant: int = 0
    directions: tuple[NDArray[np.float64], NDArray[np.float64]] = (np.empty(0), np.empty(0))

    def __post_init__(self) -> None:
        self.statistics = np.empty(self.tested)
        self.permuted = np.empty((self.options.permutations, self.tested))
        self._generator = np.random.default_rng(self.options.seed)

    def extend(self, total: int, progress: bool | None) -> None:
        """Add projections until there are `total`."""
        d = self.x.dimensions + self.y.dimensions
        chunk = max(1, min(_CHUNK, self.options.memory // (16 * self.x.n + 16 * d)))
        before = len(self.values)
        passes = total - before + self.options.permutations * max(self.tested - before, 0)
        with Progress(passes, "projection", progress) as bar:
            for start in range(before, total, chunk):
                # One after the other, so that they depend neither on chunks nor on the total.
                drawn = self._generator.standard_normal((min(chunk, total - start), d))
                self._add(drawn, bar)

    def _add(self, drawn: NDArray[np.float64], bar: Progress) -> None:
        dx, start = self.x.dimensions, len(self.values)
        threads = max(self.engine.backend.threads, self.engine.backend.threads_within)
        x = self.engine.prepare(self.x.project(drawn[:, :dx], threads), threads)
        y = self.engine.prepare(self.y.project(drawn[:, dx:], threads), threads)
        values, statistics = np.empty((2, len(drawn)))
        constant = np.empty(len(drawn), np.bool_)
        tile = tile_size(self.engine.backend, self.x.n)

        def estimate(at: range) -> Callable[[], int]:
            def run() -> int:
                part = slice(at.start, at.stop)
                found = estimate_pairs(self.engine, x, y, at, test=self.options.permutations > 0)
                values[part], statistics[part], constant[part] = found
                return len(at)

            return run

        tiles = [range(a, min(a + tile, len(drawn))) for a in range(0, len(drawn), tile)]
        run_tiles(map(estimate, tiles), self.engine.backend.threads, bar)
        tested = range(min(len(drawn), self.tested - start))
        self.statistics[start : start + len(tested)] = statistics[: len(tested)]
        run_tiles(self._permutations(x, y, tested, start, tile), self.engine.backend.threads, bar)
        best = int(values.argmax())
        if start == 0 or values[best] > self.values.max():
            ends = drawn[best, :dx], drawn[best, dx:]
            one, other = (np.ones(1) if v.size == 1 else v / np.linalg.norm(v) for v in ends)
            self.directions = one, other
        self.values = np.concatenate([self.values, values])
        self.constant += int(constant.sum())

    def _permutations(
        self, x: RankedColumns, y: RankedColumns, tested: range, start: int, tile: int
    ) -> Iterator[Callable[[], int]]:
        """Tasks that estimate projections `tested` of this chunk, each with permuted rows of y."""

        def permute(number: int) -> Callable[[], int]:
            def run() -> int:
                seed = np.random.SeedSequence(self.options.seed, spawn_key=(number,))
                order = np.random.default_rng(seed).permutation(self.x.n)
                for a in range(0, len(tested), tile):
                    at = tested[a : a + tile]
                    found = estimate_pairs(self.engine, x, y, at, order)[1]
                    self.permuted[number, start + at.start : start + at.stop] = found
                return len(tested)

            return run

        return map(permute, range(self.options.permutations if tested else 0))

    def p_value(self) -> float | None:
        """(1 + permutations with a mean at least as large) / (1 + permutations)."""
        if not self.options.permutations:
            return None
        observed = float(self.statistics.mean())
        as_large = sum(float(row.mean()) >= observed for row in self.permuted)
        return (1 + as_large) / (1 + self.options.permutations)


def sliced(
    engine: PairEngine,
    x: Any,
    y: Any,
    options: SlicedOptions,
    progress: bool | None,
    names: tuple[str, str],
) -> SlicedEstimate:
    """See `Estimator.sliced`."""
    names, (first, second), hints = read_variables(
        x, y, names, options, engine.model.n_min, engine.backend.threads, progress
    )
    # Two variables of one dimension have one projection, whatever its direction.
    single = max(first.dimensions, second.dimensions) == 1
    run = Projections(
        engine.with_seed(options.seed), first, second, options, 1 if single else options.tested
    )
    wanted = 1 if single else options.least
    while wanted > len(run.values):
        run.extend(wanted, progress)
        if not single:
            wanted = projections_wanted(run.values, options.tolerance, options.most)
    values = np.repeat(run.values, options.least) if single else run.values
    error = 0.0 if single and len(values) > 1 else standard_error(values)
    reached = None if options.tolerance is None else error <= options.tolerance
    notes = list(hints)
    if run.constant:
        notes.append(f"{run.constant} projection(s) are constant: mutual information 0")
        warn(f"{names[0]} with {names[1]}: {notes[-1]}")
    if reached is False:
        notes.append(
            f"the standard error is {error:.2g} nats after {len(values)} projections, above the "
            f"tolerance of {options.tolerance:.2g}: allow more with max_projections"
        )
    return SlicedEstimate(
        mean=float(values.mean()),
        standard_error=error,
        max=float(values.max()),
        values=values,
        projections=len(values),
        n=first.n,
        seed=options.seed,
        scale=options.scale,
        names=names,
        notes=tuple(notes),
        directions=run.directions,
        tolerance=options.tolerance,
        tolerance_reached=reached,
        p_value=run.p_value(),
        permutations=options.permutations,
        permutation_projections=run.tested if options.permutations else 0,
    )
