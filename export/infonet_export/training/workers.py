"""Worker processes that draw training data ahead of its use."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

Result = TypeVar("Result")


def drawn_ahead(
    draw: Callable[..., Result], tasks: Iterable[tuple[Any, ...]], workers: int, ahead: int
) -> Iterator[Result]:
    """``draw(*task)`` for every task, in order; ``workers`` processes work up to ``ahead`` tasks
    ahead. 0 workers: in this process, when asked for. No task, no process."""
    queue = iter(tasks)
    first = next(queue, None)
    if first is None:
        return
    if workers == 0:
        yield draw(*first)
        for task in queue:
            yield draw(*task)
        return
    # one thread a process: the workers themselves are the parallelism
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        pending: deque[Future[Result]] = deque([executor.submit(draw, *first)])
        pending.extend(executor.submit(draw, *task) for task in islice(queue, max(0, ahead - 1)))
        try:
            while pending:
                ready = pending.popleft().result()
                pending.extend(executor.submit(draw, *task) for task in islice(queue, 1))
                yield ready
        finally:
            for future in pending:
                future.cancel()
