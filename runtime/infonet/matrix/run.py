"""All pairs of columns: rank each column once, estimate tiles of pairs, put the answer together."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, warn
from infonet.inputs.checks import (
    Column,
    Missing,
    as_whole_number,
    check_finite,
    check_length,
    check_missing_policy,
)
from infonet.inputs.table import ColumnSource
from infonet.matrix.frames import check_method, check_unit
from infonet.matrix.options import Options, Table, checked_tile, open_table
from infonet.matrix.output import Form, check_not_input, write, writer_for
from infonet.matrix.plan import Plan, Sizes, Tile, make_plan, parse_memory
from infonet.matrix.ranks import Coding, RankStore, encode, most_told, zeros
from infonet.matrix.result import PairwiseResult
from infonet.matrix.resume import Manifest, PartialRun
from infonet.matrix.tile import Engine, TileResult, find_engine
from infonet.pairs.engine import PairEngine
from infonet.pairs.estimates import CONSTANT
from infonet.pairs.parallel import Progress, run_tiles

if TYPE_CHECKING:
    from infonet.matrix.condition import TableCondition

_log = logging.getLogger("infonet")


def pairwise(
    engine: PairEngine,
    data: Any,
    columns: Sequence[str | int] | None,
    targets: Sequence[str | int] | None,
    options: Options,
    given: Sequence[str | int] | None = None,
) -> PairwiseResult:
    """See `Estimator.pairwise`."""
    check_missing_policy(options.nan)
    check_method(options.adjust)
    check_unit(options.unit)
    engine = engine.with_seed(as_whole_number(options.seed, "seed", 0))
    model = engine.model
    executor = find_engine(options.engine, engine)
    memory = parse_memory(options.memory)
    tile = checked_tile(options.tile)
    output = None if options.output is None else Path(options.output)
    writer = None if output is None else writer_for(output, options.layout)
    if output is not None:
        check_not_input(output, data)
    table = open_table(data, columns, targets, given)
    if not isinstance(data, ColumnSource):  # who opened one has its notes
        for note in table.notes:
            _log.warning("%s", note)
    coding = Coding.of(engine, table.n)
    check_length(table.n, model.n_min, f"column {table.names[0]!r}")
    with ExitStack() as stack:
        run = None if output is None else stack.enter_context(PartialRun(output))
        if run is not None and tile is None and options.resume:
            tile = run.tile_size()
        sizes = Sizes(
            pairs=table.pairs,
            n=table.n,
            coding=coding,
            levels=len(model.quantile_levels),
            gaps=options.nan == "omit",
            tile=model.workload.matrix_tile,
        )
        plan = make_plan(sizes, engine.backend.threads, memory, tile)
        folder = None if run is None else run.folder
        store = RankStore(table.pairs.d, table.n, coding, folder, plan.spill_ranks)
        condition = None
        if table.given:
            from infonet.matrix.condition import TableCondition  # deferred: it needs the vines

            condition = TableCondition.of(engine, table.given, table.n, options.nan, plan.rankers)
        _rank(table, store, options, plan.rankers, run is not None, condition)
        if run is not None:
            digest = condition.digest if condition else ""
            run.start(_manifest(engine, table, store, options, plan.tile, digest), options.resume)
        result = _estimate(engine, executor, table, store, plan, run, options.progress)
        _warn(result, store, model.n_min)
        if run is not None and output is not None and writer is not None:
            form = Form(options.adjust, options.unit)
            write(result, output, writer, form, run.scratch)
            run.finish()
    return result


def _rank(
    table: Table,
    store: RankStore,
    options: Options,
    threads: int,
    fingerprint: bool,
    condition: TableCondition | None,
) -> None:
    """Load and rank each column once, a few at a time."""

    def task(column: int) -> Callable[[], int]:
        def run() -> int:
            values = _checked(table.load(column), table.names[column], table.n, options.nan)
            nominal, bound = table.nominal[column], math.inf
            if condition is not None:  # what is left has no levels
                bound = most_told(values)
                values, nominal = condition.out_of(values, table.names[column]), False
            codes, facts = encode(values, store.coding, nominal, fingerprint)
            store.write(column, codes, replace(facts, entropy=min(facts.entropy, bound)))
            return 1

        return run

    with Progress(table.pairs.d, "column", options.progress) as bar:
        run_tiles((task(column) for column in range(table.pairs.d)), threads, bar)


def _checked(values: Column, name: str, n: int, nan: Missing) -> Column:
    label = f"column {name!r}"
    if values.size != n:
        raise InputError(
            f"{label} has {values.size} rows and the table {n}: pass columns of one length"
        )
    if nan == "raise":
        check_finite(values, label)
    return values


def _estimate(
    engine: PairEngine,
    executor: Engine,
    table: Table,
    store: RankStore,
    plan: Plan,
    run: PartialRun | None,
    progress: bool | None,
) -> PairwiseResult:
    """Estimate all tiles that are not finished."""
    pairs = table.pairs
    complete = all(fact.whole for fact in store.facts if fact is not None)
    folder = None if run is None else run.folder

    def array(shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        return zeros(shape, dtype, folder, plan.spill_result)

    counts = table.n if complete else array((pairs.count,), np.uint32)
    result = PairwiseResult(
        row_names=tuple(table.names[i] for i in pairs.rows),
        column_names=tuple(table.names[j] for j in pairs.columns),
        pairs=pairs,
        values=array((pairs.count, 1 + len(engine.model.quantile_levels)), np.float32),
        counts=counts,
        about=array((pairs.count,), np.uint8),
        p_values=array((pairs.count,), np.float64),
        null=engine.model.null,
        notes=(*table.notes, *_given_note(table)),
        given=tuple(name for name, *_ in table.given),
    )

    def keep(tile: Tile, found: TileResult) -> int:
        where = pairs.position(tile.pairs[:, 0], tile.pairs[:, 1])
        result.values[where], result.about[where] = found.values, found.about
        result.p_values[where] = found.p_value
        if not isinstance(counts, int):
            counts[where] = found.n
        return len(where)

    def finish(tile: Tile, found: TileResult) -> int:
        if run is not None:
            run.save(tile, found)
        return keep(tile, found)

    def missing() -> Iterator[Tile]:
        for tile in pairs.tiles(plan.tile):
            found = None if run is None else run.load(tile)
            if found is None:
                yield tile
            else:
                bar.skip(keep(tile, found))

    with Progress(pairs.count, "pair", progress) as bar:
        executor(missing(), store, finish, bar, plan.workers)
    return result


def _given_note(table: Table) -> tuple[str, ...]:
    if not table.given:
        return ()
    names = ", ".join(name for name, *_ in table.given)
    return (f"given {names}, which was taken out of each column once: conditional on that",)


def _manifest(
    engine: PairEngine, table: Table, store: RankStore, options: Options, tile: int, condition: str
) -> Manifest:
    facts = [fact for fact in store.facts if fact is not None]
    return Manifest(
        model=engine.sha256,
        seed=engine.seed,
        n=table.n,
        columns=[table.names[i] for i in table.pairs.rows],
        targets=[table.names[j] for j in table.pairs.columns],
        names=list(table.names),
        nan=options.nan,
        tile=tile,
        data=[fact.digest for fact in facts],
        given=[name for name, *_ in table.given],
        condition=condition,
    )


def _warn(result: PairwiseResult, store: RankStore, n_min: int) -> None:
    constant = int(np.count_nonzero(result.about & CONSTANT))
    if constant:
        facts = zip(result.names, store.facts, strict=True)
        flat = [name for name, fact in facts if fact is not None and fact.constant]
        warn(
            f"{constant} pair(s) have a constant column and mutual information 0"
            + (f"; constant everywhere: {', '.join(flat)}" if flat else "")
        )
    if not isinstance(result.counts, int):
        short = int(np.count_nonzero(result.counts < n_min))
        if short:
            warn(f"{short} pair(s) have fewer than {n_min} complete rows and are NaN in the matrix")
