"""`vectors.py --part speed`: what vectors and conditions cost, in multiples of one pair."""

from __future__ import annotations

import os
import statistics
import time

import infonet
import numpy as np
import vector_peers
from vector_conditions import common_cause
from vector_nearest import ksg
from vector_tasks import dense, sparse

N = 5000
WIDE = 10_000
COLUMNS = 100


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(functions, rounds):
    """Median seconds of each of {name: (function, calls a round, share of the rounds)}, in turn."""
    times = {name: [] for name in functions}
    for turn in range(rounds):
        for name, (function, calls, every) in functions.items():
            if turn % every == 0:
                if turn == 0:
                    function()  # the first call of anything is slower
                times[name].extend(timed(function) for _ in range(calls))
    return {name: statistics.median(values) for name, values in times.items()}


def pinned(cores):
    """So that nothing takes more than its number of threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def table(repeats, peers, head, row):
    rng = np.random.default_rng(0)
    one, two = infonet.Estimator(threads=1), infonet.Estimator(threads=2)
    allowed = os.sched_getaffinity(0)
    pinned(1)
    a, b, _ = sparse(2).sample(rng, N)
    x, y, _ = sparse(5).sample(rng, N)
    s, t, _ = dense(5).sample(rng, N)
    cause = common_cause("location and scale", 1)
    u, v, z = (values[:, 0] for values in cause.sample(rng, N))
    p, q, r = (values[:, 0] for values in cause.sample(rng, 1000))
    data = rng.standard_normal((N, COLUMNS)) + rng.standard_normal((N, 1))
    columns = {f"c{k}": data[:, k] for k in range(COLUMNS)}
    more = columns | {"g0": rng.standard_normal(N), "g1": data.mean(1) + rng.standard_normal(N)}
    rare = max(1, repeats // 3)
    pair = "one pair"
    functions = {
        pair: (lambda: one.estimate(a[:, 0], b[:, 0]), 10, 1),
        "5 + 5, sparse": (lambda: one.estimate(x, y), 1, 1),
        "5 + 5, dense": (lambda: one.estimate(s, t), 1, 1),
        "KSG 5 + 5, sparse (k-d tree)": (lambda: ksg(x, y), 1, rare),
        "1 + 1 given 1": (lambda: one.estimate(u, v, given=z), 3, 1),
        "test 1 + 1 given 1": (lambda: infonet.conditional_independence(u, v, z), 3, 1),
        "test 1 + 1 given 1, n = 1,000": (
            lambda: infonet.conditional_independence(p, q, r),
            3,
            1,
        ),
        f"{COLUMNS} columns": (lambda: one.pairwise(columns, progress=False), 1, rare),
        f"{COLUMNS} columns given two": (
            lambda: one.pairwise(more, given=["g0", "g1"], progress=False),
            1,
            rare,
        ),
    }
    seconds = interleaved(functions, repeats)
    os.sched_setaffinity(0, allowed)
    pinned(2)
    x, y, _ = sparse(25).sample(rng, WIDE)
    wide = {
        pair: (lambda: one.estimate(a[:, 0], b[:, 0]), 10, 1),
        f"25 + 25, sparse, n = {WIDE:,}, two threads": (lambda: two.estimate(x, y), 1, 1),
    }
    again = interleaved(wide, 3)
    os.sched_setaffinity(0, allowed)
    head(f"n = {N:,} if not said", "ms", "times one pair")
    for found in (seconds, again):
        for name, value in found.items():
            row(name, f"{1e3 * value:.2f}", f"{value / found[pair]:.1f}")
    print()
    ratio = seconds["KSG 5 + 5, sparse (k-d tree)"] / seconds["5 + 5, sparse"]
    print(f"KSG / ours, 5 + 5: {ratio:.1f}")
    matrix = f"{COLUMNS} columns"
    print(f"matrix given two / without: {seconds[matrix + ' given two'] / seconds[matrix]:.2f}")
    own = seconds["test 1 + 1 given 1, n = 1,000"]
    for name in vector_peers.TESTS:
        spent = [
            value
            for (case, n, test, _), (_, value) in vector_peers.results(peers).items()
            if (case, n, test) == (cause.name, 1000, name)
        ]
        if spent:
            print(f"{name} / ours, n = 1,000 (not in turn): {statistics.median(spent) / own:.0f}")
