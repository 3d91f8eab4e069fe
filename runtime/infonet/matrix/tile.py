"""Estimate tiles of pairs, on threads of this process or as tasks of Ray.

Everything that computes pairs of a matrix is `estimate_tile`.

Ray does the scheduling, the retries and the sharing of memory. Blocks of ranked columns are put
into its object store once; workers of a node read them there without a copy. Each worker process
loads the model once.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InfoNetError, InputError, MissingExtraError, ModelError
from infonet.matrix.plan import Indices, Tile
from infonet.matrix.ranks import Block
from infonet.model.load import DEFAULT_MODEL, load_model
from infonet.pairs.backend import Backend, CpuBackend
from infonet.pairs.engine import ONE_PAIR, PairEngine
from infonet.pairs.estimates import PairEstimates
from infonet.pairs.parallel import Progress, run_tiles
from infonet.pairs.ranking import SeparateColumns

if TYPE_CHECKING:
    from infonet.matrix.ranks import RankStore


@dataclass(frozen=True)
class TileResult:
    """Estimates of p pairs.

    Attributes:
        values: float32 [p, 1 + levels]: the estimate and its quantiles in nats; NaN for a pair with
            too few complete rows.
        n: uint32 [p], rows used.
        about: uint8 [p]; see `infonet.pairs.estimates.PairEstimates`.
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
        facts = [block.facts[i] for block, i in (first, second)]
        pair = engine.prepare(rows).with_nominal(np.array([fact.nominal for fact in facts]))
        # Of columns that a condition was taken out of, ranks do not show how much they can tell.
        bounds = [math.inf if fact.tied else fact.entropy for fact in facts]
        pair = replace(pair, entropy=np.minimum(pair.entropy, bounds))
        found.fill([k], engine.estimate(pair, ONE_PAIR))
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
    for i, row in zip(used, engine.prepare([values[i] for i in used]).rows, strict=True):
        rows[i] = row
    return rows


# engine(tiles, ranks, finish, bar, workers) computes each tile and calls `finish(tile, result)`,
# which returns the number of its pairs, perhaps from several threads at once. `workers` bounds the
# threads of this process.
Finish = Callable[[Tile, TileResult], int]
Engine = Callable[[Iterator[Tile], "RankStore", Finish, Progress, int], None]


def find_engine(name: str, engine: PairEngine) -> Engine:
    """The engine of this name.

    Raises:
        InputError: there is none.
        MissingExtraError: Ray is not installed.
    """
    if name == "threads":
        return threads_engine(engine)
    if name == "ray":
        return ray_engine(engine)
    raise InputError(f"engine is {name!r}, allowed are 'threads' and 'ray'")


def threads_engine(engine: PairEngine) -> Engine:
    """Tiles on the threads of the estimator, one tile a thread."""

    def compute(
        tiles: Iterator[Tile], store: RankStore, finish: Finish, bar: Progress, workers: int
    ) -> None:
        def task(tile: Tile) -> Callable[[], int]:
            def run() -> int:
                blocks = [store.block(block) for block in dict.fromkeys((tile.first, tile.second))]
                return finish(tile, estimate_tile(engine, blocks, local_pairs(tile)))

            return run

        run_tiles((task(tile) for tile in tiles), workers, bar)

    return compute


_RETRIES = 5  # of a tile whose worker died


def ray_engine(engine: PairEngine) -> Engine:
    """Tiles on Ray: the cluster that is connected, running or at RAY_ADDRESS, or one of our own.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError("engine='ray'", "infonet[ray]") from None
    backend, path = engine.backend, engine.model.path
    known = None if path == DEFAULT_MODEL else str(path.resolve())
    model = (known, engine.sha256, engine.seed)

    def compute(
        tiles: Iterator[Tile], store: RankStore, finish: Finish, bar: Progress, workers: int
    ) -> None:
        first = next(tiles, None)
        if first is None:
            return  # all are finished: no need of a cluster
        with _connected(ray, workers * backend.threads_within):
            try:
                _run(ray, backend, model, _chain(first, tiles), store, finish, bar)
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, InfoNetError):
                    raise error.cause from None
                raise
            except ray.exceptions.RayError as error:
                reason = str(error).strip().splitlines()[0]
                raise InfoNetError(
                    f"Ray gave up on a tile after {_RETRIES} retries ({reason}): see the logs of "
                    "Ray; finished tiles of an output are kept"
                ) from error

    return compute


def _chain(first: Tile, rest: Iterator[Tile]) -> Iterator[Tile]:
    yield first
    yield from rest


def _run(
    ray: Any,
    backend: Backend,
    model: tuple[str | None, str, int],
    tiles: Iterator[Tile],
    store: RankStore,
    finish: Finish,
    bar: Progress,
) -> None:
    cpus = max(
        (node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=1
    )
    task = ray.remote(
        num_cpus=max(1, min(backend.threads_within, int(cpus))), max_retries=_RETRIES
    )(compute_tile)
    blocks: dict[range, Any] = {}
    pending: dict[Any, Tile] = {}

    def put(block: range) -> Any:
        if block not in blocks:
            blocks[block] = ray.put(store.block(block))
        return blocks[block]

    def gather() -> None:
        for ref in ray.wait(list(pending))[0]:
            bar.add(finish(pending.pop(ref), ray.get(ref)))

    try:
        for tile in tiles:
            used = [put(block) for block in dict.fromkeys((tile.first, tile.second))]
            ref = task.remote(model, backend.threads_within, local_pairs(tile), *used)
            pending[ref] = tile
            # One tile waits, so that no worker does; what is lost if this process dies is little.
            while len(pending) > ray.cluster_resources().get("CPU", 1):
                gather()
        while pending:
            gather()
    finally:
        for ref in pending:  # after an error
            ray.cancel(ref)


def compute_tile(
    model: tuple[str | None, str, int], threads: int, pairs: Indices, *blocks: Block
) -> TileResult:
    """The task: see `estimate_tile`."""
    return estimate_tile(_engine(*model, threads), list(blocks), np.asarray(pairs))


@functools.cache
def _engine(path: str | None, sha256: str, seed: int, threads: int) -> PairEngine:
    """The model, loaded once a process."""
    model = load_model(path)
    engine = PairEngine(CpuBackend(model, threads), seed)
    if engine.sha256 != sha256:
        raise ModelError(
            f"{model.path} on {os.uname().nodename} is not the model of the program that asks: "
            "install the same infonet on every node, or copy the model there under the same path"
        )
    return engine


@contextmanager
def _connected(ray: Any, cpus: int) -> Iterator[None]:
    """A connection to a cluster; what is opened here is closed here."""
    if ray.is_initialized():
        yield
        return
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = os.environ.get("RAY_ADDRESS", "")
    try:
        _check_listening(address)
        ray.init(address="auto", **quiet)
    except ConnectionError as error:
        if address and address != "local":
            raise InfoNetError(
                f"no Ray cluster answers at RAY_ADDRESS={address}: start it, or unset RAY_ADDRESS "
                "to compute on this machine"
            ) from error
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    try:
        yield
    finally:
        ray.shutdown()  # stops a local Ray; of a cluster it takes leave


def _check_listening(address: str) -> None:
    """Raise ConnectionError where nothing listens at host:port; Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit():
        return  # "auto", "local", or an address of another form
    try:
        socket.create_connection((host, int(port)), timeout=20).close()
    except OSError as error:
        raise ConnectionError(str(error)) from error
