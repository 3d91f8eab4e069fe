"""Mutual information of pairs of projections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.engine import TIED, PairEngine
from infonet.ranking import RankedColumns, SeparateColumns


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
        statistics[keep] = engine.network.run(columns, pairs).statistic
        return values, statistics, flat
    found = engine.estimate(columns, pairs, test=False)
    values[keep], statistics[keep] = found.mi, found.statistic
    tied = np.flatnonzero(found.about & TIED)
    if test and tied.size:  # which were estimated by other means
        statistics[keep[tied]] = engine.network.run(columns, pairs[tied]).statistic
    return values, statistics, flat
