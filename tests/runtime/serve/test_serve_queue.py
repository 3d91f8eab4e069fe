"""How the pairs of many requests are spread and joined, without a server."""

from __future__ import annotations

import asyncio
import threading

import infonet
import numpy as np
import pytest
from infonet.pairs.engine import PairEngine
from infonet.serve.queue import PairQueue


class Watched(PairEngine):
    """The engine, which notes what it is given, fails for marked samples and waits when told."""

    def __init__(self, backend):
        super().__init__(backend)
        self.calls, self.go = [], threading.Event()
        self.go.set()

    def prepare(self, columns, threads=1):
        self.go.wait()
        self.calls.append([len(column) for column in columns])
        if any(column[0] == MARK for column in columns):
            raise MemoryError("of this one")
        return super().prepare(columns, threads)


MARK = 12345.0


def draw(pairs, n, seed):
    samples = np.random.default_rng(seed).standard_normal((pairs, n, 2))
    samples[..., 1] += samples[..., 0]
    return samples


@pytest.fixture
def engine(estimator):
    return Watched(estimator.engine.backend)


def ask(engine, requests, threads=1, joined=16, hold=False):
    """Answers to requests that come together, or errors; None for one that was given up."""
    joined_pairs = []
    queue = PairQueue(engine, threads, joined, joined_pairs.append)

    async def one(samples):
        return await queue.estimate(samples)

    async def run():
        if hold:
            engine.go.clear()
        tasks = [asyncio.create_task(one(samples)) for samples in requests]
        await asyncio.sleep(0.05 if hold else 0)
        engine.go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    try:
        return asyncio.run(run()), joined_pairs
    finally:
        queue.close()


@pytest.mark.parametrize("threads", [1, 3])
def test_joined_pairs_have_the_bytes_of_single_calls(engine, threads):
    requests = [draw(1 + i % 3, 100 + 50 * (i % 2), i) for i in range(20)]
    requests += [draw(40, 64, 99), draw(2, 100, 100).round(1), draw(2, 100, 5).astype(np.float32)]
    answers, _ = ask(engine, requests, threads, hold=True)
    single = infonet.Estimator(threads=1)
    for samples, found in zip(requests, answers, strict=True):
        assert found.mi.tobytes() == single.mi(samples).tobytes()
        assert found.quantiles.tobytes() == single.quantiles(samples).tobytes()
        expected = [single.estimate(*pair.T).p_value for pair in samples]
        assert found.p_value.tolist() == expected


def test_what_waits_is_joined_and_different_lengths_never_are(engine):
    requests = [draw(1, 100 + 50 * (i % 2), i) for i in range(24)]
    _, pairs = ask(engine, requests, joined=8, hold=True)
    assert all(len(set(lengths)) == 1 for lengths in engine.calls)
    assert sum(pairs) == 24
    assert max(pairs) == 8
    assert len(pairs) <= 6


def test_one_a_call_joins_nothing(engine):
    _, pairs = ask(engine, [draw(1, 100, i) for i in range(6)], joined=1, hold=True)
    assert pairs == [1] * 6


def test_an_error_stays_with_the_request_that_made_it(engine):
    requests = [draw(1, 100, i) for i in range(12)]
    requests[7][0, 0, 0] = MARK
    answers, _ = ask(engine, requests, hold=True)
    assert isinstance(answers[7], MemoryError)
    for i in set(range(12)) - {7}:
        assert answers[i].mi.tobytes() == infonet.Estimator(threads=1).mi(requests[i]).tobytes()


def test_an_error_in_one_part_of_a_large_request_is_raised_once(engine):
    large = draw(50, 100, 0)
    large[33, 0, 0] = MARK
    answers, _ = ask(engine, [large, draw(1, 100, 1)], threads=2)
    assert isinstance(answers[0], MemoryError)
    assert answers[1].mi.shape == (1,)


def test_a_large_request_takes_turns_with_small_ones(engine):
    """The small one, which comes second, is answered before the large one has ended."""
    order = []
    queue = PairQueue(engine, 1, 4, lambda _: None)

    async def one(name, samples):
        await queue.estimate(samples)
        order.append(name)

    async def run():
        large = asyncio.create_task(one("large", draw(40, 100, 0)))
        await asyncio.sleep(0)
        await asyncio.gather(large, one("small", draw(1, 200, 1)))

    try:
        asyncio.run(run())
    finally:
        queue.close()
    assert order == ["small", "large"]
    assert [200, 200] in engine.calls[:3]


def test_what_nobody_waits_for_is_not_estimated(engine):
    queue = PairQueue(engine, 1, 1, lambda _: None)

    async def run():
        engine.go.clear()
        first = asyncio.create_task(queue.estimate(draw(1, 100, 0)))
        await asyncio.sleep(0.05)
        given_up = asyncio.create_task(queue.estimate(draw(1, 300, 1)))
        await asyncio.sleep(0.05)
        given_up.cancel()
        await asyncio.sleep(0)
        engine.go.set()
        await first
        await queue.estimate(draw(1, 200, 2))

    try:
        asyncio.run(run())
    finally:
        queue.close()
    assert engine.calls == [[100, 100], [200, 200]]
