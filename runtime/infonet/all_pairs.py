"""Mutual information of all pairs of columns: each column ranked once, pairs in tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.checks import Missing, check_finite, check_length, check_missing_policy, finite_rows
from infonet.errors import InputError, warn
from infonet.inputs import as_columns
from infonet.matrix import PairwiseResult
from infonet.network import ONE_PAIR, Network
from infonet.tiles import Progress, run_tiles

Column = NDArray[Any]


def pairwise(
    network: Network,
    data: Any,
    columns: Sequence[str | int] | None,
    nan: Missing,
    progress: bool | None,
) -> PairwiseResult:
    """See `Estimator.pairwise`."""
    check_missing_policy(nan)
    names, values = as_columns(data, columns)
    if len(values) < 2:
        raise InputError(f"data have {len(values)} column(s), at least two are needed: add columns")
    n, n_min = values[0].size, network.model.n_min
    check_length(n, n_min, f"column {names[0]!r}")
    for name, column in zip(names, values, strict=True):
        if nan == "raise":
            check_finite(column, f"column {name!r}")
    whole = np.array([bool(finite_rows(column).all()) for column in values])
    result = _empty_result(names, n, len(network.model.quantile_levels), network)
    with Progress(len(values) * (len(values) - 1) // 2, "pair", progress) as bar:
        run_tiles(_whole_tasks(network, values, whole, result), network.threads, bar)
        run_tiles(_gap_tasks(network, values, whole, result), network.threads, bar)
    _warn(result, values, n_min)
    return result


def _empty_result(names: list[str], n: int, levels: int, network: Network) -> PairwiseResult:
    d = len(names)
    return PairwiseResult(
        names=tuple(names),
        mi=np.full((d, d), np.nan),
        quantiles=np.full((d, d, levels), np.nan),
        n=np.full((d, d), n, np.int64),
        tied=np.zeros((d, d), np.bool_),
        constant=np.zeros((d, d), np.bool_),
        null=network.model.null,
    )


def _whole_tasks(
    network: Network, values: list[Column], whole: NDArray[np.bool_], result: PairwiseResult
) -> Iterator[Callable[[], int]]:
    """Tasks for the pairs of columns without missing values."""
    where = np.flatnonzero(whole)
    if where.size < 2:
        return
    ranked = network.prepare([values[i] for i in where], network.threads)
    block = np.ix_(where, where)
    result.tied[block] = ranked.tied[:, None] | ranked.tied
    result.constant[block] = ranked.constant[:, None] | ranked.constant
    first, second = np.triu_indices(where.size, 1)
    flat = ranked.constant[first] | ranked.constant[second]
    _store(result, where[first[flat]], where[second[flat]], 0.0, 0.0)
    pairs = np.stack([first[~flat], second[~flat]], axis=1).astype(np.int64)

    def task(tile: NDArray[np.int64]) -> Callable[[], int]:
        def run() -> int:
            outputs = network.run(ranked, tile)
            _store(result, where[tile[:, 0]], where[tile[:, 1]], outputs.mi, outputs.quantiles)
            return len(tile)

        return run

    for start in range(0, len(pairs), network.tile):
        yield task(pairs[start : start + network.tile])


def _gap_tasks(
    network: Network, values: list[Column], whole: NDArray[np.bool_], result: PairwiseResult
) -> Iterator[Callable[[], int]]:
    """Tasks for pairs with missing values: each keeps its own complete rows and ranks them."""

    def task(i: int, j: int) -> Callable[[], int]:
        def run() -> int:
            keep = finite_rows(values[i], values[j])
            n = int(keep.sum())
            result.n[i, j] = result.n[j, i] = n
            if n < network.model.n_min:
                return 1
            ranked = network.prepare([values[i][keep], values[j][keep]])
            result.tied[i, j] = result.tied[j, i] = ranked.tied.any()
            result.constant[i, j] = result.constant[j, i] = ranked.constant.any()
            if result.constant[i, j]:
                _store(result, i, j, 0.0, 0.0)
            else:
                outputs = network.run(ranked, ONE_PAIR)
                _store(result, i, j, outputs.mi[0], outputs.quantiles[0])
            return 1

        return run

    for j in range(len(values)):
        for i in range(j):
            if not (whole[i] and whole[j]):
                yield task(i, j)


def _store(result: PairwiseResult, i: Any, j: Any, mi: Any, quantiles: Any) -> None:
    result.mi[i, j] = result.mi[j, i] = mi
    result.quantiles[i, j] = result.quantiles[j, i] = quantiles


def _warn(result: PairwiseResult, values: list[Column], n_min: int) -> None:
    off_diagonal = ~np.eye(len(values), dtype=np.bool_)
    constant = int((result.constant & off_diagonal).sum()) // 2
    if constant:
        finite = [column[finite_rows(column)] for column in values]
        flat = [
            name
            for name, column in zip(result.names, finite, strict=True)
            if column.size and column.min() == column.max()
        ]
        warn(
            f"{constant} pair(s) have a constant column and mutual information 0"
            + (f"; constant everywhere: {', '.join(flat)}" if flat else "")
        )
    short = int(((result.n < n_min) & off_diagonal).sum()) // 2
    if short:
        warn(f"{short} pair(s) have fewer than {n_min} complete rows and are NaN in the matrix")
