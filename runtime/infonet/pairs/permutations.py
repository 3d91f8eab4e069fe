"""The p-value of one pair by permutations of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.engine import PairEngine, tile_size
from infonet.pairs.estimates import TIED, PairEstimates
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import RankedColumns


def permutation_p_value(
    engine: PairEngine,
    ranked: RankedColumns,
    found: PairEstimates,
    permutations: int,
    shuffle: Callable[[np.random.Generator], NDArray[np.intp]] | None = None,
) -> float:
    """(1 + permutations of y that are as extreme) / (1 + permutations), for one pair.

    Exact for rows that are independent draws, whatever ties there are (Phipson & Smyth 2010).
    What is compared is the statistic of the network, or of tied pairs the p-value of the tests
    that see ties.

    Args:
        engine: that made the estimate.
        ranked: the two columns.
        found: their estimate, with its p-value.
        permutations: how many.
        shuffle: draws an order of the n rows of y; None: all are equally likely.
    """
    draw = shuffle or (lambda generator: generator.permutation(n))
    generator = np.random.default_rng(engine.seed)
    n, tied = len(ranked.rows[0]), bool(found.about[0] & TIED) and engine.counts_ties
    tile = tile_size(engine.backend, n)
    drawn = np.empty(permutations)

    def task(start: int, rows: NDArray[np.float32]) -> Callable[[], int]:
        def run() -> int:
            count = len(rows) - 1
            pairs = np.stack([np.zeros(count, np.int64), np.arange(1, count + 1)], axis=1)
            columns = ranked.repeated((1, count), rows)
            part = slice(start, start + count)
            if tied:
                drawn[part] = -engine.estimate(columns, pairs).p_value
            else:
                drawn[part] = engine.run(columns, pairs, refine=False).statistic
            return count

        return run

    def tasks() -> Iterator[Callable[[], int]]:
        # drawn here, one after the other, so that they do not depend on tiles and threads
        for start in range(0, permutations, tile):
            count = min(tile, permutations - start)
            shuffled = [ranked.rows[1][draw(generator)] for _ in range(count)]
            yield task(start, np.stack([ranked.rows[0], *shuffled]))

    with Progress(permutations, "permutation", show=False) as bar:
        run_tiles(tasks(), engine.backend.threads, bar)
    observed = -found.p_value[0] if tied else found.statistic[0]
    return (1 + int((drawn >= observed).sum())) / (1 + permutations)
