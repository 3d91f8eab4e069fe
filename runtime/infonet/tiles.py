"""Run tasks over a few threads, with bounded memory and a progress bar on a terminal."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain, islice
from types import TracebackType
from typing import Any

from infonet.errors import InputError


def count_threads(threads: int | None) -> int:
    """Threads to use: the given number, or the cores that this process may run on."""
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        count = 0 if isinstance(threads, bool) else operator.index(threads)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"threads is {threads!r}, allowed are whole numbers from 1, or None")
    return count


def run_tiles(tasks: Iterable[Callable[[], int]], threads: int, progress: Progress) -> None:
    """Run every task; each returns the amount of work done, for the progress bar.

    At most two tasks per thread are drawn from `tasks` ahead of time. The first error, or an
    interruption, cancels what has not started and is raised.
    """
    if threads > 1:  # a single task needs no pool of threads
        drawn = iter(tasks)
        first = list(islice(drawn, 2))
        tasks, threads = chain(first, drawn), threads if len(first) > 1 else 1
    if threads == 1:
        for task in tasks:
            progress.add(task())
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="infonet") as pool:
        pending: set[Future[int]] = set()
        try:
            for task in tasks:
                pending.add(pool.submit(task))
                if len(pending) >= 2 * threads:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    progress.add(sum(future.result() for future in done))
            for future in pending:
                progress.add(future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Progress:
    """A progress bar: shown if asked for, or by default if standard error is a terminal."""

    def __init__(self, total: int, unit: str, show: bool | None = None) -> None:
        self._bar: Any = None
        if show or (show is None and sys.stderr.isatty()):
            from tqdm import tqdm  # deferred: most calls show nothing

            self._bar = tqdm(total=total, unit=unit, file=sys.stderr, leave=False)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, amount: int) -> None:
        """Advance by `amount`."""
        if self._bar is not None:
            self._bar.update(amount)

    def skip(self, amount: int) -> None:
        """Advance by work of an earlier run, which says nothing about the speed."""
        if self._bar is not None:
            self._bar.initial += amount
            self._bar.update(amount)
