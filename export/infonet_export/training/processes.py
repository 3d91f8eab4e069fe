"""Where a training runs: its device, its processes (``torchrun``), and workers that draw data."""

from __future__ import annotations

import gc
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Share:
    """Part ``rank`` of ``size`` equal parts."""

    rank: int = 0
    size: int = 1

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This part of ``items``: a stretch of them, so that the parts in order are the whole."""
        first, last = (len(items) * r // self.size for r in (self.rank, self.rank + 1))
        return items[first:last]


@dataclass(frozen=True)
class Process:
    """One of the processes that train together, and its device."""

    share: Share
    device: torch.device

    @property
    def main(self) -> bool:
        """Whether this one writes and reports."""
        return self.share.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Sum of ``values`` over the processes."""
        if self.share.size > 1:
            values = values.to(self.device)
            distributed.all_reduce(values)
        return values.cpu()


@contextmanager
def join(device: str | None) -> Iterator[Process]:
    """The place of this process among those that ``torchrun`` started, if it did.

    Gradients travel by NCCL between GPUs and by Gloo between CPUs. Raises ValueError for CUDA where
    there is no GPU, or fewer of them than processes.
    """
    place = choose_device(device)
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Process(Share(), place)
        return
    if place.type == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise ValueError(
                f"process {local} of this machine finds {torch.cuda.device_count()} GPUs: start "
                "as many processes as there are GPUs (torchrun --nproc-per-node)"
            )
        place = torch.device("cuda", local)
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Process(Share(int(os.environ["RANK"]), size), place)
    finally:
        # A network that is left in a reference cycle would keep the group, whose threads must end
        # before the interpreter does.
        gc.collect()
        distributed.destroy_process_group()


def choose_device(name: str | None) -> torch.device:
    """``name`` ("cpu" or "cuda"), or CUDA where there is a GPU. Raises ValueError for CUDA without
    one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but PyTorch finds no GPU: use 'cpu'")
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


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
