"""Mutual information of many features with one target: each feature is ranked once.

Nothing here imports scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.batches import tile_size
from infonet.network import Network, Outputs
from infonet.ranking import RankedColumns
from infonet.tie_breaking import break_ties, order_classes
from infonet.tiles import Progress, run_tiles

Column = NDArray[Any]
Permutation = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """Features and a target.

    Attributes:
        features: [n, d], finite real numbers; class codes in the columns that are `nominal`.
        target: [n], finite real numbers, or class codes.
        nominal: bool [d], features whose values are classes without an order.
        nominal_target: whether the target's values are classes without an order.
        shuffles: two random permutations of 0 to n - 1, which break ties of features and target.
    """

    features: NDArray[Any]
    target: Column
    nominal: NDArray[np.bool_]
    nominal_target: bool
    shuffles: tuple[Permutation, Permutation]


@dataclass(frozen=True)
class _Tile:
    """Some features and the target, both without ties.

    Attributes:
        ranked: the features, then the target: one for all of them, or one for each.
        bounds: the largest mutual information possible for each feature, 0 for a constant one.
    """

    ranked: RankedColumns
    bounds: NDArray[np.float64]


def scores(network: Network, task: Task, threads: int = 1) -> NDArray[np.float64]:
    """Mutual information of each feature with the target in nats, float64 [d].

    Ties of variables with many of them are broken at random (see `tie_breaking`), classes are put
    in order for each feature. A constant variable has 0. Two nominal variables have NaN: their
    mutual information is one of counts, which needs no network.
    """
    result = np.zeros(task.features.shape[1])

    def fill(where: slice) -> None:
        result[where] = _estimate(network, _prepare(network, task, where, ordered=True))

    _run(network, task, fill, threads)
    if task.nominal_target:
        result[task.nominal] = np.nan
    return result


def p_values(network: Network, task: Task, threads: int = 1) -> NDArray[np.float64]:
    """P(test statistic at least as large, were the feature independent of the target), float64 [d].

    From the model's null distribution, which must cover n.
    """
    null = network.model.null
    assert null is not None
    n, d = task.features.shape
    result = np.ones(d)

    def fill(where: slice) -> None:
        tile = _prepare(network, task, where, ordered=False)
        result[where] = np.where(tile.bounds > 0, null.p_values(_statistics(network, tile), n), 1.0)

    _run(network, task, fill, threads)
    return result


def _run(network: Network, task: Task, fill: Callable[[slice], None], threads: int) -> None:
    n, d = task.features.shape
    tile = tile_size(network, n)

    def part(start: int) -> Callable[[], int]:
        def run() -> int:
            fill(slice(start, start + tile))
            return tile

        return run

    with Progress(d, "feature", show=False) as bar:
        run_tiles((part(start) for start in range(0, d, tile)), threads, bar)


def _prepare(network: Network, task: Task, where: slice, ordered: bool) -> _Tile:
    """Rank features and target without ties, classes in order for each feature if `ordered`."""
    xs: list[Column] = list(np.ascontiguousarray(task.features[:, where].T))
    ys: list[Column] = [task.target]
    ranked = network.prepare([*xs, *ys])
    entropy = np.where(ranked.constant, 0.0, ranked.entropy)
    bounds = np.minimum(entropy[:-1], entropy[-1])
    feature_shuffle, target_shuffle = task.shuffles
    for i in np.flatnonzero(ranked.tied[:-1]):
        if ordered and task.nominal[where][i]:
            xs[i] = order_classes(xs[i].astype(np.int64), ranked.rows[-1], feature_shuffle)
        else:
            xs[i] = break_ties(xs[i], feature_shuffle)
    if ordered and task.nominal_target:
        ys = [order_classes(task.target, row, target_shuffle) for row in ranked.rows[:-1]]
    elif ranked.tied[-1]:
        ys = [break_ties(task.target, target_shuffle)]
    changed = ranked.tied.any() or len(ys) > 1
    return _Tile(network.prepare([*xs, *ys]) if changed else ranked, bounds)


def _estimate(network: Network, tile: _Tile) -> NDArray[np.float64]:
    """Mutual information of each feature with its target."""
    result = np.zeros(tile.bounds.size)
    keep, outputs = _run_network(network, tile)
    result[keep] = np.clip(outputs.mi, 0.0, tile.bounds[keep])
    return result


def _statistics(network: Network, tile: _Tile) -> NDArray[np.float64]:
    """Test statistic of each feature with its target, least for a constant one."""
    result = np.full(tile.bounds.size, -np.inf)
    keep, outputs = _run_network(network, tile)
    result[keep] = outputs.statistic
    return result


def _run_network(network: Network, tile: _Tile) -> tuple[NDArray[np.int64], Outputs]:
    """Features that are not constant, and what the network gives for them."""
    d = tile.bounds.size
    keep = np.flatnonzero(tile.bounds > 0)
    one_target = len(tile.ranked.rows) == d + 1
    targets = np.full_like(keep, d) if one_target else d + keep
    return keep, network.run(tile.ranked, np.stack([keep, targets], axis=1))
