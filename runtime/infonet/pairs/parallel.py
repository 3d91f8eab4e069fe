"""Run tasks over a few threads, with bounded memory and a progress bar on a terminal."""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from threading import Lock, Thread
from types import TracebackType
from typing import Any

from infonet.errors import InputError, names_lack_of_memory


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


@names_lack_of_memory
def run_tiles(tasks: Iterable[Callable[[], int]], threads: int, progress: Progress) -> None:
    """Run every task; each returns the amount of work done, for the progress bar.

    Threads draw tasks from `tasks` one at a time, when they are free. The first error, or an
    interruption, keeps further tasks from being begun and is raised. Where memory is limited, or
    threads cannot be had, there are fewer of them: results do not depend on their number.

    Raises:
        OutOfMemoryError: of a task or a thread.
    """
    drawn = iter(tasks)
    if threads > 1:  # a single task needs no pool of threads
        first = list(islice(drawn, 2))
        threads = _that_fit(threads) if len(first) > 1 else 1
        drawn = chain(first, drawn)
    work = _Work(drawn, progress)
    helpers: list[Thread] = []
    try:
        while threads > 1 and len(helpers) < threads:
            helper = Thread(target=work.run, name=f"infonet_{len(helpers)}")
            try:
                helper.start()
            except (RuntimeError, MemoryError):
                break  # no more threads: those there are, or this one, do the work
            helpers.append(helper)
        if not helpers:
            work.run()
        for helper in helpers:
            helper.join()
    except BaseException:
        work.stopped = True
        for helper in helpers:
            helper.join()
        raise
    if work.error is not None:
        raise work.error


class _Work:
    """Tasks that threads draw until there are none, or one has failed."""

    def __init__(self, tasks: Iterator[Callable[[], int]], progress: Progress) -> None:
        self._tasks, self._progress, self._lock = tasks, progress, Lock()
        self.stopped = False
        self.error: BaseException | None = None

    def run(self) -> None:
        """Take part, on this thread, until the end."""
        try:
            while not self.stopped:
                with self._lock:
                    task = next(self._tasks, None)
                if task is None:
                    return
                done = task()
                with self._lock:
                    self._progress.add(done)
        except BaseException as error:
            self.stopped = True
            self.error = self.error or error


def _that_fit(threads: int) -> int:
    from infonet_kernels._memory import threads_that_fit  # deferred, as all that is compiled

    return threads_that_fit(threads)


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
