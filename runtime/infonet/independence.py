"""Tests of independence of two variables: by the model's table, or by permutations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from infonet.batches import tile_size
from infonet.network import ONE_PAIR, Network
from infonet.null import NullDistribution
from infonet.ranking import RankedColumns
from infonet.result import BOUND_NOTE, TIES_NOTE
from infonet.tie_breaking import break_ties, tie_orders
from infonet.tiles import Progress, run_tiles


def table_p_value(
    null: NullDistribution | None, statistic: float, n: int
) -> tuple[float | None, str]:
    """Return (p-value, remark or ""), or (None, the reason why there is none)."""
    if null is None:
        return None, "no p-value: the model has no null distribution; pass permutations=999, say"
    if not null.covers(n):
        low, high = int(null.n[0]), int(null.n[-1])
        return None, (
            f"no p-value: the null distribution is known for n from {low} to {high}; "
            "pass permutations=999, say"
        )
    p = null.p_value(statistic, n)
    return p, BOUND_NOTE if p <= null.smallest else ""


def pair_p_value(
    network: Network, ranked: RankedColumns, statistic: float, permutations: int, seed: int
) -> tuple[float | None, tuple[str, ...]]:
    """p-value of one pair of prepared columns, and remarks.

    The table holds for continuous variables. Those with many ties get it after their ties were
    broken at random, which changes no mutual information and leaves independent variables
    independent and continuous (see `tie_breaking`).

    Args:
        network: the model.
        ranked: the two columns.
        statistic: of them; see `Outputs`.
        permutations: 0 for the table, else how many random permutations to compare with.
        seed: of the permutations, and of the random order of ties.
    """
    if permutations:
        return permutation_p_value(network, ranked, statistic, permutations, seed), ()
    n, notes = ranked.rows.shape[1], []
    if network.model.null is not None and network.model.null.covers(n) and ranked.tied.any():
        untied = network.run(without_ties(network, ranked, seed), ONE_PAIR)
        statistic = float(untied.statistic[0])
        notes.append(TIES_NOTE)
    p, note = table_p_value(network.model.null, statistic, n)
    return p, (*notes, *[note] * bool(note))


def without_ties(network: Network, ranked: RankedColumns, seed: int = 0) -> RankedColumns:
    """A pair of columns with the ties of tied ones broken at random."""
    rows = [
        break_ties(row, order) if tied else row
        for row, tied, order in zip(
            ranked.rows, ranked.tied, tie_orders(ranked.rows.shape[1], seed), strict=True
        )
    ]
    return replace(network.prepare(rows), constant=ranked.constant)


def permutation_p_value(
    network: Network, ranked: RankedColumns, statistic: float, permutations: int, seed: int
) -> float:
    """(1 + permutations of y whose statistic is as large) / (1 + permutations).

    Exact for rows that are independent draws, whatever ties there are (Phipson & Smyth 2010).
    """
    generator = np.random.default_rng(seed)
    n = ranked.rows.shape[1]
    tile = tile_size(network, n)
    found = np.empty(permutations)

    def task(start: int, rows: NDArray[np.float32]) -> Callable[[], int]:
        def run() -> int:
            pairs = np.stack([np.zeros(len(rows) - 1, np.int64), np.arange(1, len(rows))], axis=1)
            entropy = np.full(len(rows), np.inf)  # bounds estimates, and is of no use here
            flags = np.zeros(len(rows), np.bool_)
            columns = RankedColumns(rows, flags, flags, entropy)
            found[start : start + len(pairs)] = network.run(columns, pairs).statistic
            return len(pairs)

        return run

    def tasks() -> Iterator[Callable[[], int]]:
        # drawn here, one after the other, so that they do not depend on tiles and threads
        for start in range(0, permutations, tile):
            count = min(tile, permutations - start)
            shuffled = [generator.permutation(ranked.rows[1]) for _ in range(count)]
            yield task(start, np.stack([ranked.rows[0], *shuffled]))

    with Progress(permutations, "permutation", show=False) as bar:
        run_tiles(tasks(), network.threads, bar)
    return (1 + int((found >= statistic).sum())) / (1 + permutations)
