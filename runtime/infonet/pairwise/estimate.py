"""Estimate the pairs of one tile. Everything that computes pairs, on threads or on Ray, is this."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.independence import without_ties
from infonet.network import ONE_PAIR, Network
from infonet.pairwise.pairs import Indices, Tile
from infonet.pairwise.ranked import Block
from infonet.ranking import SeparateColumns
from infonet.tie_breaking import break_ties, tie_orders

TIED, CONSTANT = np.uint8(1), np.uint8(2)


@dataclass(frozen=True)
class TileResult:
    """Estimates of p pairs.

    Attributes:
        values: float32 [p, 1 + levels]: the estimate and its quantiles in nats; NaN for a pair with
            too few complete rows.
        n: uint32 [p], rows used.
        flags: uint8 [p], the sum of TIED and CONSTANT where a column is so.
        statistic: float32 [p], for the p-value: of columns whose ties are broken at random.
    """

    values: NDArray[np.float32]
    n: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    statistic: NDArray[np.float32]


def local_pairs(tile: Tile) -> Indices:
    """The pairs of a tile by the position in its columns, those of `first` before `second`."""
    pairs = tile.pairs - tile.first.start
    if tile.second != tile.first:
        beyond = tile.pairs >= tile.second.start
        pairs[beyond] += len(tile.first) - (tile.second.start - tile.first.start)
    return pairs


def estimate_tile(network: Network, blocks: list[Block], pairs: Indices) -> TileResult:
    """Estimate pairs of columns, on this thread.

    Args:
        network: the model.
        blocks: the block of a tile on the diagonal, or both blocks of another.
        pairs: see `local_pairs`.
    """
    facts = [fact for block in blocks for fact in block.facts]
    whole = np.array([fact.whole for fact in facts])
    result = TileResult(
        np.full((len(pairs), 1 + len(network.model.quantile_levels)), np.nan, np.float32),
        np.full(len(pairs), blocks[0].codes.shape[1], np.uint32),
        np.zeros(len(pairs), np.uint8),
        np.full(len(pairs), np.nan, np.float32),
    )
    gaps = ~whole[pairs].all(axis=1)
    _whole_pairs(network, blocks, pairs, np.flatnonzero(~gaps), result)
    for k in np.flatnonzero(gaps):
        _pair_with_gaps(network, blocks, pairs[k], int(k), result)
    return result


def _whole_pairs(
    network: Network, blocks: list[Block], pairs: Indices, where: Indices, result: TileResult
) -> None:
    """Pairs of columns without missing values: of ranks made once."""
    if not where.size:
        return
    facts = [fact for block in blocks for fact in block.facts]
    tied = np.array([fact.tied for fact in facts])
    constant = np.array([fact.constant for fact in facts])
    entropy = np.array([fact.entropy for fact in facts])
    result.flags[where] = tied[pairs[where]].any(axis=1) * TIED
    flat = constant[pairs[where]].any(axis=1)
    result.flags[where[flat]] |= CONSTANT
    result.values[where[flat]] = 0
    where = where[~flat]
    if not where.size:
        return
    rows = _rows(network, blocks, np.unique(pairs[where]))
    outputs = network.run(SeparateColumns(rows, entropy), pairs[where])
    result.values[where, 0] = outputs.mi
    result.values[where, 1:] = outputs.quantiles
    result.statistic[where] = outputs.statistic
    some = np.flatnonzero(result.flags[where])
    null = network.model.null
    if some.size and null is not None and null.covers(rows[0].size):
        result.statistic[where[some]] = _untied(network, rows, tied, pairs[where[some]])


def _untied(
    network: Network, rows: list[NDArray[np.float32]], tied: NDArray[np.bool_], pairs: Indices
) -> NDArray[np.float64]:
    """Test statistics of pairs, ties broken in the order that belongs to each place of a pair."""
    orders = tie_orders(rows[0].size)
    places = [np.unique(pairs[:, place]) for place in (0, 1)]
    columns = [
        break_ties(rows[i], order) if tied[i] else rows[i]
        for used, order in zip(places, orders, strict=True)
        for i in used
    ]
    first = np.searchsorted(places[0], pairs[:, 0])
    second = len(places[0]) + np.searchsorted(places[1], pairs[:, 1])
    return network.run(network.prepare(columns), np.stack([first, second], axis=1)).statistic


def _rows(network: Network, blocks: list[Block], used: Indices) -> list[NDArray[np.float32]]:
    """What the network reads of each column; of those not used, anything."""
    if not blocks[0].coding.values:
        return [row for block in blocks for row in block.rows()]
    values = [row for block in blocks for row in block.codes]
    rows = [np.empty(0, np.float32)] * len(values)
    for i, row in zip(used, network.prepare([values[i] for i in used]).rows, strict=True):
        rows[i] = row
    return rows


def _pair_with_gaps(
    network: Network, blocks: list[Block], pair: Indices, k: int, result: TileResult
) -> None:
    """A pair with missing values: its complete rows alone, ranked anew."""
    columns = [(block, i) for block in blocks for i in range(len(block.facts))]
    (first, i), (second, j) = columns[pair[0]], columns[pair[1]]
    keep = first.present(i) & second.present(j)
    result.n[k] = n = int(keep.sum())
    if n < network.model.n_min:
        return
    ranked = network.prepare([first.codes[i][keep], second.codes[j][keep]])
    result.flags[k] = ranked.tied.any() * TIED + ranked.constant.any() * CONSTANT
    if ranked.constant.any():
        result.values[k] = 0
        return
    outputs = network.run(ranked, ONE_PAIR)
    result.values[k, 0] = outputs.mi[0]
    result.values[k, 1:] = outputs.quantiles[0]
    if ranked.tied.any():
        outputs = network.run(without_ties(network, ranked), ONE_PAIR)
    result.statistic[k] = outputs.statistic[0]
