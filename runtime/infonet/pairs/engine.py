"""Mutual information of batches of sample sets.

A pair of continuous variables is a pass of the network. A pair with a tied one (counts, labels,
zeros) is what `discrete` decides, with the p-value of `significance`. Constants, bounds and remarks
are seen to here, so that `estimate`, batches, matrices, sliced estimates, monitors and scikit-learn
cannot differ.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from infonet.errors import warn
from infonet.inputs.checks import check_finite, check_length
from infonet.model.libraries import kernels
from infonet.model.load import Model
from infonet.pairs.agreement import log_p_of_agreement
from infonet.pairs.atoms import log_p_of_atoms
from infonet.pairs.backend import Backend, EstimatedSets
from infonet.pairs.copies import answered
from infonet.pairs.crowded import WIDE
from infonet.pairs.discrete import Found, Method
from infonet.pairs.estimates import (
    BOUND,
    CONSTANT,
    METHOD_SHIFT,
    REPEATED,
    TIED,
    UNSURE,
    PairEstimates,
)
from infonet.pairs.networks import check_outputs
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.pmi import normalised
from infonet.pairs.ranking import RankedColumns, SeparateColumns, prepare_columns
from infonet.pairs.refine import LARGE, SHARP, refined
from infonet.pairs.significance import combined, is_table, log_p_values, uses_network
from infonet.pairs.structure import RankedVariable, Ranks, untied_pair

Pairs = NDArray[np.int64]
Columns = RankedColumns | SeparateColumns | EstimatedSets
ONE_PAIR = np.array([[0, 1]], np.int64)
_SAME, _SAME_SHARE = 0.05, 0.1  # nats, and share of an estimate, by which its table may differ


@dataclass(frozen=True)
class Outputs:
    """What the network gives for p pairs, in nats.

    Attributes:
        mi: float64 [p].
        quantiles: float64 [p, levels]; [p, 0] for a model that gives none.
        table: float32 [p, T, T], x along the second axis and y along the third, or None when not
            asked for.
        statistic: float64 [p], what tests of independence compare: the score of a model that has
            one (larger for more evident dependence), else the estimate as the network gives it.
        crowded: bool [p], which upper ends were moved by much, see `infonet.pairs.crowded`; None
            where none was.
    """

    mi: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    table: NDArray[np.float32] | None
    statistic: NDArray[np.float64]
    crowded: NDArray[np.bool_] | None = None


class PairEngine:
    """Estimates pairs of columns with a model. May be used from many threads at once.

    Attributes:
        backend: the model on its device.
        seed: of the random order of ties.
    """

    def __init__(self, backend: Backend, seed: int = 0) -> None:
        self.backend, self.seed = backend, seed

    @property
    def model(self) -> Model:
        """Metadata of the model."""
        return self.backend.model

    @cached_property
    def sha256(self) -> str:
        """Of the model file that computes, hexadecimal."""
        with self.backend.graph.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def rank_normalization(self) -> str:
        """Rank normalisation of the network's input (exact ranks only)."""
        # A graph that reads samples ranks again, and ranks rank as their values do.
        return self.model.normalize if self.backend.reads == "ranks" else "midrank"

    @property
    def counts_ties(self) -> bool:
        """Whether pairs with ties are counted: that needs plain ranks, and intervals to fill in."""
        model = self.model
        ranks = model.eps == 0 and model.normalize == "midrank"
        return model.architecture == "copula" and ranks and len(model.quantile_levels) == 3

    def with_seed(self, seed: int) -> PairEngine:
        """The same with another order of ties."""
        return self if seed == self.seed else PairEngine(self.backend, seed)

    def prepare(self, columns: Sequence[NDArray[Any]], threads: int = 1) -> RankedColumns:
        """Rank (or, for soft ranks, scale) each column once; see `rank_columns`."""
        reranked = self.backend.reads == "samples"
        return prepare_columns(columns, self.model, self.rank_normalization, reranked, threads)

    def prepare_sets(self, batch: Any, start: int, stop: int) -> RankedColumns | EstimatedSets:
        """Rank both columns of sets `start` to `stop`: 2 i and 2 i + 1 are those of the i-th.

        Raises:
            InputError: values that are not finite.
        """
        stop = min(stop, len(batch))
        estimated = self.backend.estimate_sets(batch, start, stop)
        if estimated is not None:
            return estimated
        sets = batch[start:stop]
        columns = [sets[i, :, v] for i in range(len(sets)) for v in (0, 1)]
        if sets.dtype.kind == "f" and not np.isfinite(sets).all():
            for index, column in enumerate(columns):  # which it is
                label = f"samples[{start + index // 2}, :, {index % 2}]"
                check_finite(column, label, can_omit=False)
        return self.prepare(columns)

    def run(
        self,
        ranked: Columns,
        pairs: Pairs,
        table: bool = False,
        *,
        balanced: bool = True,
        refine: bool = True,
    ) -> Outputs:
        """What the network says of pairs of prepared columns, on this thread.

        Args:
            ranked: columns from `prepare`; from `prepare_sets` without tables.
            pairs: int64 [p, 2], first and second variable of each pair.
            table: whether to return the tables.
            balanced: whether these are to have the margins of log p(x, y) / (p(x) p(y)); else they
                are as the network gives them, up to a function of x and one of y.
            refine: whether estimates of many samples are to be better than the network's own; not
                needed where its statistic or its table is all that is asked for.
        """
        model, backend = self.model, self.backend
        scored = model.test_statistic == "score"
        names = ["mi", *["quantiles"] * bool(model.quantile_levels), *["table"] * table]
        names += ["score"] * scored
        if isinstance(ranked, EstimatedSets):
            found = {name: ranked.outputs[name][pairs[:, 0] // 2] for name in names}
            check_outputs(found, backend.graph)
        else:
            found = backend.outputs(names, ranked.rows, pairs)
        found.setdefault("quantiles", np.empty((len(pairs), 0), np.float32))
        mi, quantiles, statistic = (
            found[name].astype(np.float64)
            for name in ("mi", "quantiles", "score" if scored else "mi")
        )
        crowded = None
        if refine and self.counts_ties and len(pairs):
            n = len(ranked.rows[int(pairs[0, 0])])
            widest = float((quantiles[:, 2] - quantiles[:, 0]).max())
            if n >= LARGE or mi.max() > SHARP or widest * math.sqrt(n) > WIDE:
                mi, quantiles, crowded = refined(mi, quantiles, ranked.rows, pairs)
        if not table:
            return Outputs(mi, quantiles, None, statistic, crowded)
        tables = found["table"]
        if model.table_layout.first_axis != "x":
            tables = np.ascontiguousarray(tables.transpose(0, 2, 1))
        if balanced:
            tables = normalised(
                tables, model, self.rank_normalization, ranked.rows, ranked.entropy, pairs
            )
        return Outputs(mi, quantiles, tables, statistic, crowded)

    def estimate(
        self,
        ranked: Columns,
        pairs: Pairs,
        *,
        table: bool = False,
        balanced: bool = True,
        test: bool = True,
        known: Mapping[int, RankedVariable] | None = None,
    ) -> PairEstimates:
        """Estimate pairs of columns, on this thread.

        Args:
            ranked: columns from `prepare` or `prepare_sets`.
            pairs: int64 [p, 2], x and y of each pair.
            table: whether to return tables.
            balanced: see `run`; tables of tied pairs are always.
            test: whether to return p-values.
            known: columns whose ties were looked at before, see `variable`.
        """
        if not (ranked.constant.any() or ranked.tied.any()):  # as most calls
            return self._by_network(ranked, pairs, table, balanced, test)
        size = self.model.table_grid
        found = PairEstimates.empty(len(pairs), len(self.model.quantile_levels))
        tables = np.zeros((len(pairs), size, size), np.float32) if table else None
        flat: NDArray[np.bool_] = np.any(ranked.constant[pairs], axis=1)
        found.about[flat] = CONSTANT | Method.CONSTANT << METHOD_SHIFT
        tied: NDArray[np.bool_] = np.any(ranked.tied[pairs], axis=1) & ~flat
        plain = np.flatnonzero(~flat & ~(tied & self.counts_ties))
        if plain.size:
            by_network = self._by_network(ranked, pairs[plain], table, balanced, test)
            found.fill(plain, by_network)
            if tables is not None:
                tables[plain] = by_network.table
        if self.counts_ties and tied.any():
            variables = dict(known or {})
            for k in np.flatnonzero(tied):
                x, y = (
                    variables.setdefault(i, self.variable(ranked, i)) for i in map(int, pairs[k])
                )
                self._tied(found, int(k), x, y, tables, test)
        return replace(found, table=tables)

    def variable(self, ranked: Columns, column: int) -> RankedVariable:
        """A column whose levels, once they are known, serve for all of its pairs."""
        return RankedVariable(
            ranked.rows[column],
            bool(ranked.tied[column]),
            bool(ranked.nominal[column]),
            self.seed,
        )

    def _by_network(
        self, ranked: Columns, pairs: Pairs, table: bool, balanced: bool, test: bool
    ) -> PairEstimates:
        """Pairs as the network gives them, bounded by the entropy of tied variables."""
        outputs = self.run(ranked, pairs, table, balanced=balanced)
        null = self.model.null
        mi, quantiles = outputs.mi, outputs.quantiles
        entropy = ranked.entropy[pairs].min(axis=1)
        if np.isfinite(entropy).any():
            bound = _float32_below(entropy)
            mi, quantiles = np.minimum(mi, bound), np.minimum(quantiles, bound[:, None])
        about = np.where(ranked.tied[pairs].any(axis=1), TIED, 0).astype(np.uint8)
        if outputs.crowded is not None:
            about |= np.where(outputs.crowded, UNSURE, 0).astype(np.uint8)
        p_value = np.full(len(pairs), np.nan)
        if test and null is not None and len(pairs):
            n = len(ranked.rows[pairs[0, 0]])
            if null.covers(n):
                p_value = null.p_values(outputs.statistic, n)
                about |= np.where(p_value <= null.smallest, BOUND, 0).astype(np.uint8)
        return PairEstimates(mi, quantiles, p_value, outputs.statistic, about, outputs.table)

    def _tied(
        self,
        found: PairEstimates,
        k: int,
        x: RankedVariable,
        y: RankedVariable,
        tables: NDArray[np.float32] | None,
        test: bool,
    ) -> None:
        """A pair with a tied variable."""
        x, y, answer, repeated, tested = answered(x, y, self._ask, self._p_value, test)
        values = np.array([answer.low, answer.mi, answer.high], np.float32)
        found.mi[k], found.quantiles[k] = values[1], values
        found.statistic[k] = answer.mi
        flags = TIED | REPEATED * repeated | UNSURE * answer.unsure
        found.about[k] = flags | answer.method << METHOD_SHIFT
        if tested is not None:
            found.p_value[k], bound = tested
            found.about[k] |= BOUND * bound
        if tables is not None:
            tables[k] = self._table(x, y, answer.mi)

    def _table(self, x: RankedVariable, y: RankedVariable, mi: float) -> NDArray[np.float32]:
        """The table of a pair that was tied, if it says what the estimate says; else NaN."""
        table = self._run(x.ranks, y.ranks, (x, y)).table
        assert table is not None
        rows = np.stack([x.ranks, y.ranks])
        counts = kernels().pair_histograms(rows, ONE_PAIR, self.model.table_grid)[0]
        mean = float((counts * table[0]).sum(dtype=np.float64)) / x.n
        near = abs(mean - mi) <= _SAME + _SAME_SHARE * mi
        return table[0] if near else np.full_like(table[0], np.nan)

    def _ask(self, x: Ranks, y: Ranks) -> Found:
        outputs = self._run(x, y, refine=True)
        low, *_, high = map(float, outputs.quantiles[0])
        return Found(
            float(outputs.mi[0]),
            low,
            high,
            Method.NETWORK,
            statistic=float(outputs.statistic[0]),
        )

    def _run(
        self,
        x: Ranks,
        y: Ranks,
        tied: tuple[RankedVariable, RankedVariable] | None = None,
        refine: bool = False,
    ) -> Outputs:
        """The network's outputs for two columns of ranks; with a table if ties are given."""
        none, entropy = np.zeros(2, np.bool_), np.full(2, np.inf)
        if tied is not None:
            entropy = np.array([v.entropy[0] if v.tied else np.inf for v in tied])
        columns = SeparateColumns([x, y], none, none, entropy, none)
        return self.run(columns, ONE_PAIR, tied is not None, refine=refine)

    def _p_value(self, x: RankedVariable, y: RankedVariable, answer: Found) -> tuple[float, bool]:
        """Of a pair that was tied, perhaps before repeated rows were left out; whether it is only
        an upper bound, because the null distribution of the network is not known further out."""
        tied = x.tied or y.tied
        logs = log_p_values(x, y) if tied else []
        if (of_atoms := log_p_of_atoms(x, y)) is not None:
            logs.append(of_atoms)
        fast = log_p_of_agreement(x, y) if tied and not is_table(x, y) else None
        null, bound = self.model.null, False
        if null is not None and null.covers(x.n) and (not tied or uses_network(x, y)):
            statistic = answer.statistic
            if math.isnan(statistic):
                statistic = float(self._run(*untied_pair(x, y)).statistic[0])
            p = null.p_value(statistic, x.n)
            logs.append(math.log(p))
            bound = (
                p <= null.smallest and logs[-1] <= min(logs) and (fast is None or fast > logs[-1])
            )
        return (combined(logs, fast) if logs else math.nan), bound


def tile_size(backend: Backend, n: int) -> int:
    """Pairs of n samples for one task: fewer where n is large, to bound the memory."""
    return max(1, min(backend.pairs_per_task, backend.samples_per_task // max(n, 1)))


def _float32_below(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Rounded down, so that every estimate is a float32 number."""
    rounded = values.astype(np.float32)
    below: NDArray[np.float32] = np.nextafter(rounded, np.float32(0))
    return np.where(rounded > values, below, rounded)


def estimate_batch(engine: PairEngine, samples: ArrayLike, progress: bool | None) -> PairEstimates:
    """See `Estimator.mi` and `Estimator.quantiles`; without tables and p-values."""
    backend = engine.backend
    batch = backend.open_batch(samples)
    check_length(batch.shape[1], engine.model.n_min, "each sample set")
    result = PairEstimates.empty(len(batch), len(engine.model.quantile_levels))
    with Progress(len(batch), "set", progress) as bar:
        run_tiles(_tasks(engine, batch, result), backend.batch_threads(batch), bar)
    constant = np.flatnonzero(result.constant) if result.about.any() else result.about[:0]
    if constant.size:
        warn(
            f"{constant.size} set(s) have a constant variable and mutual information 0 "
            f"(first: samples[{constant[0]}])"
        )
    return result


def _tasks(engine: PairEngine, batch: Any, result: PairEstimates) -> Iterator[Callable[[], int]]:
    tile = tile_size(engine.backend, batch.shape[1])

    def task(start: int) -> Callable[[], int]:
        def run() -> int:
            ranked = engine.prepare_sets(batch, start, start + tile)
            count = len(ranked.constant) // 2
            pairs = ONE_PAIR + 2 * np.arange(count)[:, None]
            result.fill(slice(start, start + count), engine.estimate(ranked, pairs, test=False))
            return count

        return run

    for start in range(0, len(batch), tile):
        yield task(start)
