"""Projections drawn, ranked and estimated in chunks, and their permutations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.engine import PairEngine, tile_size
from infonet.ranking import RankedColumns
from infonet.sliced.options import SlicedOptions
from infonet.sliced.pairs import estimate_pairs
from infonet.sliced.variables import Variable
from infonet.tiles import Progress, run_tiles

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
        threads = max(self.engine.network.threads, self.engine.network.threads_within)
        x = self.engine.network.prepare(self.x.project(drawn[:, :dx], threads), threads)
        y = self.engine.network.prepare(self.y.project(drawn[:, dx:], threads), threads)
        values, statistics = np.empty((2, len(drawn)))
        constant = np.empty(len(drawn), np.bool_)
        tile = tile_size(self.engine.network, self.x.n)

        def estimate(at: range) -> Callable[[], int]:
            def run() -> int:
                part = slice(at.start, at.stop)
                found = estimate_pairs(self.engine, x, y, at, test=self.options.permutations > 0)
                values[part], statistics[part], constant[part] = found
                return len(at)

            return run

        tiles = [range(a, min(a + tile, len(drawn))) for a in range(0, len(drawn), tile)]
        run_tiles(map(estimate, tiles), self.engine.network.threads, bar)
        tested = range(min(len(drawn), self.tested - start))
        self.statistics[start : start + len(tested)] = statistics[: len(tested)]
        run_tiles(self._permutations(x, y, tested, start, tile), self.engine.network.threads, bar)
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
