"""Where tiles are computed: on threads of this process, or on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from infonet.errors import InputError
from infonet.pairs.engine import PairEngine
from infonet.pairwise.estimate import TileResult, estimate_tile, local_pairs
from infonet.pairwise.pairs import Tile
from infonet.tiles import Progress, run_tiles

if TYPE_CHECKING:
    from infonet.pairwise.storage import RankStore

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
        from infonet.pairwise.ray_engine import ray_engine

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
