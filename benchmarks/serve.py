"""Requests a second of `infonet serve` beside direct calls, and a minute of many clients.

Run in the environment of `make test-serve`. Everything is on one machine: clients take their share
of its cores, and direct calls have as many threads as there are clients. Rounds of direct calls,
HTTP and gRPC alternate, and ratios are medians of the ratios within a round. On a machine that does
other work, too, the seconds of processors (of client and server together) say more than rates.

    .venv-serve/bin/python benchmarks/serve.py                       # requests a second
    .venv-serve/bin/python benchmarks/serve.py --together 1 16       # joined and not, side by side
    .venv-serve/bin/python benchmarks/serve.py --soak 60             # 32 clients, errors counted
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import infonet
import numpy as np
import psutil
import tritonclient.grpc
import tritonclient.http

THREADS = len(os.sched_getaffinity(0))


class Server:
    """`infonet serve` on ports of its own."""

    def __init__(self, *options):
        command = [sys.executable, "-m", "infonet", "serve", "--http-port", "0", "--grpc-port", "0"]
        self.process = subprocess.Popen(
            [*command, *map(str, options)], stderr=subprocess.PIPE, text=True
        )
        found = re.search(r"HTTP at (\S+), gRPC at (\S+)", self.process.stderr.readline())
        self.http, self.grpc = found.groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def http_call(server):
    """A function that sends samples [pairs, n, 2] and returns mi, on a connection of its own."""
    client = tritonclient.http.InferenceServerClient(server.http, network_timeout=300)

    def call(samples):
        tensor = tritonclient.http.InferInput("samples", samples.shape, "FP32")
        tensor.set_data_from_numpy(samples)
        wanted = [tritonclient.http.InferRequestedOutput("mi")]
        return client.infer("infonet", [tensor], outputs=wanted).as_numpy("mi")

    return call


def grpc_call(server):
    client = tritonclient.grpc.InferenceServerClient(server.grpc)

    def call(samples):
        tensor = tritonclient.grpc.InferInput("samples", samples.shape, "FP32")
        tensor.set_data_from_numpy(samples)
        wanted = [tritonclient.grpc.InferRequestedOutput("mi")]
        return client.infer("infonet", [tensor], outputs=wanted).as_numpy("mi")

    return call


def measure(make, clients, batches, seconds, server=None):
    """Requests a second of that many clients at once, and seconds of processors for one request:
    of client and server together, and of the server alone.

    Args:
        make: gives a client its call.
        clients: how many, each on a thread of this process.
        batches: samples to send, in turn.
        seconds: to go on for.
        server: whose processor time counts beside that of this process.
    """
    ready = threading.Barrier(clients + 1)

    def client(first):
        try:
            call = make()  # on the thread that uses it: a connection of gevent belongs to a thread
            call(batches[0])
        except Exception:
            ready.abort()  # nobody is to wait for this one
            raise
        ready.wait()
        start, count = time.perf_counter(), 0
        while time.perf_counter() < start + seconds:
            call(batches[(first + count) % len(batches)])
            count += 1
        return count

    with ThreadPoolExecutor(clients) as pool:
        work = [pool.submit(client, first) for first in range(clients)]
        with contextlib.suppress(threading.BrokenBarrierError):  # the client's own error is next
            ready.wait()
        start, here, there = time.perf_counter(), time.process_time(), server_seconds(server)
        count = sum(one.result() for one in work)
        wall, here = time.perf_counter() - start, time.process_time() - here
        there = server_seconds(server) - there
    return count / wall, (here + there) / count, there / count


def server_seconds(server):
    if server is None:
        return 0.0
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


def draw(count, pairs, n, seed=0):
    samples = np.random.default_rng(seed).standard_normal((count, pairs, n, 2), np.float32)
    samples[..., 1] += 0.5 * samples[..., 0]
    return samples


def compare(arguments):
    estimator = infonet.Estimator(threads=1)
    with contextlib.ExitStack() as stack:
        makers = {"direct": (lambda: estimator.mi, None)}
        for together in arguments.together:
            server = stack.enter_context(Server("--together", together, "--threads", THREADS))
            for kind, call in (("http", http_call), ("grpc", grpc_call)):
                makers[f"{kind}, {together} together"] = (partial(call, server), server)
        print(f"n = {arguments.n}, {THREADS} threads; medians of {arguments.rounds} rounds")
        for pairs in arguments.pairs:
            batches = draw(16, pairs, arguments.n)
            for clients in arguments.clients:
                _compare(makers, batches, clients, arguments)


def _compare(makers, batches, clients, arguments):
    found = {name: [] for name in makers}
    for _ in range(arguments.rounds):
        for name, (make, server) in makers.items():
            found[name].append(measure(make, clients, batches, arguments.seconds, server))
    pairs = batches.shape[1]
    print(f"\n{pairs} pair(s) a request, {clients} client(s)")
    for name, rounds in found.items():
        rates, costs, served = zip(*rounds, strict=True)
        ratios = [a[0] / b[0] for a, b in zip(rounds, found["direct"], strict=True)]
        cheap = [b[1] / a[1] for a, b in zip(rounds, found["direct"], strict=True)]
        print(
            f"  {name:20} {statistics.median(rates):6.0f} requests/s"
            f"  {statistics.median(ratios):.2f} of direct ({min(ratios):.2f} to {max(ratios):.2f})"
            f"  {1e3 * statistics.median(costs) / pairs:.2f} ms of processors a pair"
            f" ({1e3 * statistics.median(served) / pairs:.2f} of the server),"
            f" direct / this {statistics.median(cheap):.2f}",
            flush=True,
        )


def soak(arguments):
    """Many clients for a while: every answer must have the bytes of a direct call."""
    batches = draw(16, 1, arguments.n)
    estimator = infonet.Estimator(threads=1)
    expected = [estimator.mi(samples) for samples in batches]
    with Server() as server:
        end = time.perf_counter() + arguments.soak

        def client(number):
            call = (http_call if number % 2 else grpc_call)(server)
            counts, slowest = Counter(), 0.0
            while time.perf_counter() < end:
                which = (number + sum(counts.values())) % len(batches)
                start = time.perf_counter()
                try:
                    same = np.array_equal(call(batches[which]), expected[which])
                    counts["answered" if same else "wrong"] += 1
                except Exception as error:
                    counts[f"{type(error).__name__}: {error}"] += 1
                slowest = max(slowest, time.perf_counter() - start)
            return counts, slowest

        with ThreadPoolExecutor(32) as pool:
            found = list(pool.map(client, range(32)))
    total = sum((counts for counts, _ in found), Counter())
    print(f"32 clients, {arguments.soak:g} s, n = {arguments.n}: {dict(total)}")
    print(f"slowest answer {max(slowest for _, slowest in found):.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--pairs", type=int, nargs="+", default=[1, 16], help="in a request")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--together", type=int, nargs="+", default=[16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--soak", type=float, help="seconds; no comparison")
    arguments = parser.parse_args()
    (compare if arguments.soak is None else soak)(arguments)


if __name__ == "__main__":
    main()
