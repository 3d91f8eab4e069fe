"""How are the pairs of many requests spread over threads, and when are they estimated together?

A thread that is free takes its share of what waits: pairs of the same number of samples, of one
request or of several, up to a limit. Nothing waits for others to come. So a server with little to
do answers at once, and one with much to do saves what a call costs beside the estimate. Estimates
have the same bytes alone and together.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.engine import ONE_PAIR, PairEngine, tile_size
from infonet.pairs.estimates import PairEstimates


class _Part:
    """Some pairs of one request, and who waits for them."""

    def __init__(self, samples: NDArray[Any]) -> None:
        self.samples = samples  # [pairs, n, 2], checked
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[PairEstimates] = self.loop.create_future()

    def answer(self, found: PairEstimates | Exception) -> None:
        if self.future.done():  # given up
            return
        if isinstance(found, Exception):
            self.future.set_exception(found)
        else:
            self.future.set_result(found)


class PairQueue:
    """Estimates the pairs of requests on threads of its own.

    Args:
        engine: with the model; its backend is called from several threads.
        threads: how many estimate at a time.
        joined: pairs in one call of the engine, at most.
        observe: is told the number of pairs of each call.
    """

    def __init__(
        self, engine: PairEngine, threads: int, joined: int, observe: Callable[[int], None]
    ) -> None:
        self._engine, self._joined, self._observe = engine, joined, observe
        self._waiting: deque[_Part] = deque()
        self._ready = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"infonet_pairs_{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End the threads when nothing waits any more."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    async def estimate(self, samples: NDArray[Any]) -> PairEstimates:
        """Estimates with p-values of checked samples [pairs, n, 2]."""
        step = self._most(samples.shape[1])
        if len(samples) <= step:
            return await self._ask(samples)
        found = PairEstimates.empty(len(samples), len(self._engine.model.quantile_levels))
        starts = iter(range(0, len(samples), step))

        async def feed() -> None:
            for start in starts:
                part = slice(start, start + step)
                found.fill(part, await self._ask(samples[part]))

        # As many parts wait at a time as there are threads: a large request may have all of them
        # while nobody else is there, and takes turns with others while they are.
        try:
            async with asyncio.TaskGroup() as group:
                for _ in self._threads:
                    group.create_task(feed())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return found

    async def _ask(self, samples: NDArray[Any]) -> PairEstimates:
        part = _Part(samples)
        with self._ready:
            self._waiting.append(part)
            self._ready.notify()
        return await part.future

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._waiting:
                    if self._closed:
                        return
                    self._ready.wait()
                parts = self._take()
            parts = [part for part in parts if not part.future.cancelled()]
            if parts:
                found = self._estimate(parts)
                with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits
                    parts[0].loop.call_soon_threadsafe(_answer, parts, found)

    def _most(self, n: int) -> int:
        """Pairs of n samples in one call: fewer where n is large, to bound the memory."""
        return min(self._joined, tile_size(self._engine.backend, n))

    def _take(self) -> list[_Part]:
        """The parts that this thread estimates next, by the order in which they came."""
        first = self._waiting.popleft()
        parts, pairs, n = [first], len(first.samples), first.samples.shape[1]
        most = self._most(n)
        share = -(-(len(self._waiting) + 1) // len(self._threads))
        passed: list[_Part] = []
        while self._waiting and len(parts) < share and pairs < most:
            part = self._waiting.popleft()
            if part.samples.shape[1] == n and pairs + len(part.samples) <= most:
                parts.append(part)
                pairs += len(part.samples)
            else:
                passed.append(part)
        self._waiting.extendleft(reversed(passed))
        return parts

    def _estimate(self, parts: list[_Part]) -> list[PairEstimates | Exception]:
        try:
            return list(self._together(parts))
        except Exception as error:
            if len(parts) == 1:
                return [error]
        # One of them cannot be estimated: who sent the others is not to know.
        return [found for part in parts for found in self._estimate([part])]

    def _together(self, parts: list[_Part]) -> list[PairEstimates]:
        columns = [pair[:, v] for part in parts for pair in part.samples for v in (0, 1)]
        pairs = ONE_PAIR + 2 * np.arange(len(columns) // 2)[:, None]
        found = self._engine.estimate(self._engine.prepare(columns), pairs)
        self._observe(len(pairs))
        ends = np.cumsum([len(part.samples) for part in parts])
        return [
            _some(found, slice(end - len(part.samples), end))
            for part, end in zip(parts, ends, strict=True)
        ]


def _some(found: PairEstimates, which: slice) -> PairEstimates:
    return PairEstimates(
        *(found.mi[which], found.quantiles[which], found.p_value[which]),
        *(found.statistic[which], found.about[which]),
    )


def _answer(parts: list[_Part], found: list[PairEstimates | Exception]) -> None:
    for part, answer in zip(parts, found, strict=True):
        part.answer(answer)
