"""Tiles as tasks on a Ray cluster.

Ray does the scheduling, the retries and the sharing of memory. Blocks of ranked columns are put
into its object store once; workers of a node read them there without a copy. Each worker process
loads the model once.
"""

from __future__ import annotations

import functools
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from infonet.errors import InfoNetError, MissingExtraError, ModelError
from infonet.model import DEFAULT_MODEL, load_model
from infonet.network import Network
from infonet.pairs.engine import PairEngine
from infonet.pairwise.estimate import TileResult, estimate_tile, local_pairs
from infonet.pairwise.pairs import Indices, Tile
from infonet.pairwise.ranked import Block
from infonet.tiles import Progress

if TYPE_CHECKING:
    from infonet.pairwise.engines import Engine, Finish
    from infonet.pairwise.storage import RankStore

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
    network, path = engine.network, engine.model.path
    known = None if path == DEFAULT_MODEL else str(path.resolve())
    model = (known, network.sha256, engine.seed)

    def compute(
        tiles: Iterator[Tile], store: RankStore, finish: Finish, bar: Progress, workers: int
    ) -> None:
        first = next(tiles, None)
        if first is None:
            return  # all are finished: no need of a cluster
        with _connected(ray, workers * network.threads_within):
            try:
                _run(ray, network, model, _chain(first, tiles), store, finish, bar)
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
    network: Network,
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
        num_cpus=max(1, min(network.threads_within, int(cpus))), max_retries=_RETRIES
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
            ref = task.remote(model, network.threads_within, local_pairs(tile), *used)
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
    network = Network(model, threads)
    if network.sha256 != sha256:
        raise ModelError(
            f"{model.path} on {os.uname().nodename} is not the model of the program that asks: "
            "install the same infonet on every node, or copy the model there under the same path"
        )
    return PairEngine(network, seed)


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
