"""Estimate the pairs of one tile. Everything that computes pairs, on threads or on Ray, is this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.network import ONE_PAIR
from infonet.pairs.engine import PairEngine, PairEstimates
from infonet.pairwise.pairs import Indices, Tile
from infonet.pairwise.ranked import Block
from infonet.ranking import SeparateColumns


@dataclass(frozen=True)
class TileResult:
    """Estimates of p pairs.

    Attributes:
        values: float32 [p, 1 + levels]: the estimate and its quantiles in nats; NaN for a pair with
            too few complete rows.
        n: uint32 [p], rows used.
        about: uint8 [p]; see `infonet.pairs.engine.PairEstimates`.
        p_value: float64 [p], NaN where there is none.
    """

    values: NDArray[np.float32]
    n: NDArray[np.uint32]
    about: NDArray[np.uint8]
    p_value: NDArray[np.float64]


def local_pairs(tile: Tile) -> Indices:
    """The pairs of a tile by the position in its columns, those of `first` before `second`."""
    pairs = tile.pairs - tile.first.start
    if tile.second != tile.first:
        beyond = tile.pairs >= tile.second.start
        pairs[beyond] += len(tile.first) - (tile.second.start - tile.first.start)
    return pairs


def estimate_tile(engine: PairEngine, blocks: list[Block], pairs: Indices) -> TileResult:
    """Estimate pairs of columns, on this thread.

    Args:
        engine: with the model and the seed.
        blocks: the block of a tile on the diagonal, or both blocks of another.
        pairs: see `local_pairs`.
    """
    columns = [(block, i) for block in blocks for i in range(len(block.facts))]
    whole = np.array([block.facts[i].whole for block, i in columns])
    found = PairEstimates.empty(len(pairs), len(engine.model.quantile_levels))
    n = np.full(len(pairs), blocks[0].codes.shape[1], np.uint32)
    gaps = ~whole[pairs].all(axis=1)
    where = np.flatnonzero(~gaps)
    if where.size:
        ranked = _ranked(engine, blocks, np.unique(pairs[where]))
        found.fill(where, engine.estimate(ranked, pairs[where]))
    for k in np.flatnonzero(gaps):
        first, second = (columns[i] for i in pairs[k])
        keep = first[0].present(first[1]) & second[0].present(second[1])
        n[k] = keep.sum()
        if n[k] < engine.model.n_min:
            found.mi[k], found.quantiles[k] = np.nan, np.nan
            continue
        rows = [block.codes[i][keep] for block, i in (first, second)]
        nominal = np.array([block.facts[i].nominal for block, i in (first, second)])
        found.fill(
            [k], engine.estimate(engine.network.prepare(rows).with_nominal(nominal), ONE_PAIR)
        )
    values = np.column_stack([found.mi, found.quantiles]).astype(np.float32)
    return TileResult(values, n, found.about, found.p_value)


def _ranked(engine: PairEngine, blocks: list[Block], used: Indices) -> SeparateColumns:
    """What the network reads of each column; of those not used, anything."""
    facts = [fact for block in blocks for fact in block.facts]
    tied, constant, nominal = (
        np.array([getattr(fact, name) for fact in facts])
        for name in ("tied", "constant", "nominal")
    )
    entropy = np.array([fact.entropy for fact in facts])
    return SeparateColumns(_rows(engine, blocks, used), tied, constant, entropy, nominal)


def _rows(engine: PairEngine, blocks: list[Block], used: Indices) -> list[NDArray[np.float32]]:
    if not blocks[0].coding.values:
        return [row for block in blocks for row in block.rows()]
    values = [row for block in blocks for row in block.codes]
    rows = [np.empty(0, np.float32)] * len(values)
    for i, row in zip(used, engine.network.prepare([values[i] for i in used]).rows, strict=True):
        rows[i] = row
    return rows
