"""How often tests reject at 0.05 where there is nothing to find, for `vectors.py`.

`--part rejections`: conditional independence under common causes. `--part series`: two independent
series with memory, tested as if they had none, and by blocks (`--permutations`; under independence
few of them reject as often as many); transfer entropy between them.

`--saved FILE` keeps each p-value as it comes and goes on from there; `--minutes` ends the run in
time, with the table of what is known by then. A file belongs to one state of the code: take a new
one after a change. Draws come in turn over all cases, so what is interrupted is even.
"""

from __future__ import annotations

import json
import time

import infonet
import numpy as np
from vector_conditions import causes

LEVEL = 0.05
MEMORY = 0.9  # of an autoregressive series of order 1: what is left of a value one step later


class Saved:
    """p-values by [case, n, seed, draw], in a file of JSON lines if there is one."""

    def __init__(self, path):
        self._path = path
        lines = path.read_text().splitlines() if path and path.exists() else []
        rows = (json.loads(line) for line in lines)
        self.known = {(*row["key"],): row["p"] for row in rows}

    def add(self, key, p):
        self.known[key] = p
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps({"key": key, "p": p}) + "\n")


def squeezed(values):
    """A single column as one, which is what people pass."""
    return values[:, 0] if values.shape[1] == 1 else values


def rejections(options, head, row):
    cases = {task.name: task for task in causes() if options.only in task.name}

    def p_value(name, n, draw):
        task = cases[name]
        sample = task.sample(np.random.default_rng([options.seed, task.number, n, draw]), n)
        return infonet.conditional_independence(*map(squeezed, sample)).p_value

    _table(options, list(cases), options.n or (500, 2000, 10_000), p_value, head, row)


def series(options, head, row):
    estimator, count = infonet.Estimator(threads=1), options.permutations
    tests = {
        "lag 0, samples taken for independent": lambda x, y: estimator.lagged(x, y, [0]),
        f"lag 0, {count} permutations of blocks": lambda x, y: estimator.lagged(
            x, y, [0], permutations=count
        ),
        "transfer entropy, history 1": estimator.transfer_entropy,
        f"transfer entropy, history 1, {count} permutations of blocks": (
            lambda x, y: estimator.transfer_entropy(x, y, permutations=count)
        ),
    }
    tests = {name: test for name, test in tests.items() if options.only in name}

    def p_value(name, n, draw):
        x, y = remembering(np.random.default_rng([options.seed, n, draw]), n)
        found = tests[name](x, y)
        return float(found[0].p_value if isinstance(found, infonet.LagProfile) else found.p_value)

    print(f"x(t) = {MEMORY} x(t-1) + noise, and y alike, independent of each other")
    _table(options, list(tests), options.n or (500, 2000), p_value, head, row)


def remembering(rng, n):
    """Two independent autoregressive series, as they are after a long time."""
    values = rng.standard_normal((2, n))
    values[:, 0] /= np.sqrt(1 - MEMORY**2)
    for t in range(1, n):
        values[:, t] += MEMORY * values[:, t - 1]
    return values


def _table(options, names, sizes, p_value, head, row):
    saved, end = Saved(options.saved), time.monotonic() + 60 * options.minutes
    jobs = [
        (name, n, options.seed, k) for k in range(options.count) for n in sizes for name in names
    ]
    for key in jobs:
        if key not in saved.known:
            if time.monotonic() > end:
                break
            name, n, _, draw = key
            saved.add(key, p_value(name, n, draw))
    found = {name: [] for name in names}
    for name in names:
        for n in sizes:
            keys = [key for key in jobs if key[:2] == (name, n) and key in saved.known]
            found[name].append([saved.known[key] <= LEVEL for key in keys])
    done = [min(len(found[name][j]) for name in names) for j in range(len(sizes))]
    counts = [f"n = {n:,} ({count} draws)" for n, count in zip(sizes, done, strict=True)]
    head(f"share of p <= {LEVEL}", *counts)
    if not all(done):
        return print("not every case has a draw yet: run on with --saved")
    shares = np.array([[np.mean(of_n) for of_n in of_case] for of_case in found.values()])
    for name, share in zip(names, shares, strict=True):
        row(name, *(f"{value:.1%}" for value in share))
    if len(names) > 4:
        for title, of in (("mean", np.mean), ("least", np.min), ("most", np.max)):
            row(title, *(f"{value:.1%}" for value in of(shares, 0)))
