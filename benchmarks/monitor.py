"""Cost, memory, false alarms and delay of `infonet.Monitor`.

    python benchmarks/monitor.py [--window 5000] [--rows 1000000] [--windows 1000]

One thread. False alarms: independent variables (continuous, binary, counts) and variables of
constant dependence, --windows windows of 1,000 rows each; the stated number is an upper bound.
Delay: rows from a change of the correlation to the alert, in 20 streams. Nothing is asserted here.
"""

# ruff: noqa: E402

import os
import sys

# Before NumPy is loaded: its libraries would use every core.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import resource
import statistics
import time
from collections import Counter

import infonet
import infonet_kernels
import numpy as np

ESTIMATOR = infonet.Estimator(threads=1)
CHUNK = 10_000


def gaussian(rho, n, random):
    x, noise = random.standard_normal((2, n))
    return np.stack([x, rho * x + np.sqrt(1 - rho**2) * noise], axis=1)


def median_us(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def peak_mb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def cost(window, rows):
    random = np.random.default_rng(0)
    monitor = infonet.Monitor(window, estimator=ESTIMATOR)
    print(f"\nTwo variables, window {window:,}, an evaluation every {monitor.stride} rows")
    peaks, seconds = {}, {"push": 0.0, "extend": 0.0}
    for part in range(rows // CHUNK):
        values = random.standard_normal((CHUNK, 2))
        as_lists = values.tolist()
        start = time.perf_counter()
        if part % 2:
            monitor.extend(values)
        else:
            for row in as_lists:
                monitor.push(row)
        seconds["extend" if part % 2 else "push"] += time.perf_counter() - start
        peaks[monitor.rows] = peak_mb()
    for name, value in seconds.items():
        print(f"  {name + ', all in':<38}{value / (rows / 2) * 1e6:8.2f} us a row")
    for at in (rows // 10, rows):
        print(f"  peak memory after {at:>9,} rows          {peaks[at]:8.1f} MB")
    evaluation(window, monitor, random)


def evaluation(window, monitor, random):
    """What an evaluation is made of, in turn."""
    values = random.standard_normal((window, 2))
    columns = list(np.ascontiguousarray(values.T))
    engine = ESTIMATOR.engine
    ranked, pair = engine.prepare(columns), np.array([[0, 1]])
    parts = {
        "evaluation": lambda: monitor._evaluate(0, None),
        "ranks of both columns": lambda: infonet_kernels.rank_columns(columns),
        "histogram and network": lambda: engine.run(ranked, pair),
        "push, without evaluation": lambda: [monitor._window.push(row) for row in values],
    }
    times = {name: [] for name in parts}
    for _ in range(20):
        for name, function in parts.items():
            times[name].append(median_us(function, 5 if "push" not in name else 1))
    times["push, without evaluation"] = [t / window for t in times["push, without evaluation"]]
    for name, found in times.items():
        print(f"  {name:<38}{statistics.median(found):8.2f} us")


STREAMS = {
    "independent, continuous": lambda n, r: r.standard_normal((n, 2)),
    "independent, binary": lambda n, r: r.integers(0, 2, (n, 2)),
    "independent, counts and continuous": lambda n, r: np.stack(
        [r.poisson(3, n), r.standard_normal(n)], axis=1
    ),
    "Gaussian, rho 0.3": lambda n, r: gaussian(0.3, n, r),
    "Gaussian, rho 0.9": lambda n, r: gaussian(0.9, n, r),
    "Gaussian, rho 0.6, rounded": lambda n, r: np.round(gaussian(0.6, n, r)),
}


def false_alarms(windows, stated=0.1, window=1000):
    print(f"\nFalse alarms in {windows} windows of {window:,} rows; stated: at most")
    print(f"{stated:g} in a window, so {stated * windows:g} expected at most")
    for name, draw in STREAMS.items():
        monitor = infonet.Monitor(window, false_alarms=stated, estimator=ESTIMATOR)
        random, found = np.random.default_rng(1), Counter()
        for _ in range(windows // 10):
            for one in monitor.extend(draw(10 * window, random)):
                found.update(alert.kind for alert in one.alerts)
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items())) or "none"
        print(f"  {name:<38}{counts}")


def delay(window, repeats=20):
    print(f"\nRows from a change to the alert, window {window:,}, {repeats} streams")
    for before, after in ((0.0, 0.3), (0.0, 0.1), (0.3, 0.5), (0.5, 0.0)):
        delays = []
        for seed in range(repeats):
            random = np.random.default_rng(seed)
            monitor = infonet.Monitor(window, estimator=ESTIMATOR)
            monitor.extend(gaussian(before, 4 * window, random))
            changed = monitor.extend(gaussian(after, 3 * window, random))
            rows = [alert.row for one in changed for alert in one.alerts]
            delays.append(rows[0] - 4 * window if rows else np.inf)
        shown = f"median {np.median(delays):6.0f}, longest {max(delays):6.0f}"
        print(f"  rho {before:g} to {after:<30g}{shown}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--window", type=int, default=5000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--windows", type=int, default=1000)
    options = parser.parse_args()
    print(f"infonet {infonet.__version__}, numpy {np.__version__}, one thread")
    cost(options.window, options.rows)  # first: the peaks of memory are its own
    delay(options.window)
    false_alarms(options.windows)


if __name__ == "__main__":
    main()
