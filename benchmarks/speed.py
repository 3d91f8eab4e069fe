"""Speed of the kernels and of the estimator, beside NumPy's argsort and scikit-learn's KSG.

    python benchmarks/speed.py [--threads 1] [--repeats 30]

What is compared runs in turn within one process, about 20 ms at a turn, so that the machine's
mood falls on all alike; medians of single calls are printed. Nothing is asserted here.
"""

# ruff: noqa: E402

import os
import sys

# Before NumPy is loaded: its libraries and scikit-learn's would use every core.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import resource
import statistics
import time

import infonet
import infonet_kernels
import numpy as np
from infonet.pairs.backend import CpuBackend
from infonet.pairs.engine import PairEngine

GRID = 128
BATCH = 32


def interleaved(functions, repeats):
    """Median seconds of a call of each function, over `repeats` rounds of turns."""
    times = {name: [] for name in functions}
    for name, function in functions.items():
        timed(function)  # the first call of anything is slower
        times[name].append(timed(function))
    calls = {name: max(1, int(0.02 / first)) for name, (first,) in times.items()}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].extend(timed(function) for _ in range(calls[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def alternating(functions, repeats):
    """Median seconds of a call of each function, single calls one after the other: each finds the
    caches as the others left them."""
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(timed(function))
    return {name: statistics.median(values) for name, values in times.items()}


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def show(title, seconds, unit="ms", scale=1e3):
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:<44}{value * scale:10.3f} {unit}")


def kernels(n, repeats):
    values = np.random.default_rng(0).standard_normal((1, n)).astype(np.float32)
    ranks = infonet_kernels.soft_rank(values)
    others = infonet_kernels.soft_rank(values[:, ::-1] ** 3)
    seconds = interleaved(
        {
            "np.argsort": lambda: np.argsort(values[0]),
            "soft_rank, eps = 0": lambda: infonet_kernels.soft_rank(values),
            "soft_rank, eps = 0.1 (affine)": lambda: infonet_kernels.soft_rank(values, 0.1),
            "soft_rank, eps = 1/n (pooled)": lambda: infonet_kernels.soft_rank(values, 1 / n),
            f"joint_histogram, grid {GRID}": lambda: infonet_kernels.joint_histogram(
                ranks, others, GRID
            ),
        },
        repeats,
    )
    show(f"Kernels, one row of n = {n:,} float32", seconds)


def one_pair(n, threads, repeats, ksg):
    x, noise = np.random.default_rng(0).standard_normal((2, n)).astype(np.float32)
    y = 0.6 * x + 0.8 * noise
    estimator = infonet.Estimator(threads=threads)
    samples = np.stack([x, y], axis=1)[None]
    functions = {
        "two np.argsort": lambda: (np.argsort(x), np.argsort(y)),
        "infonet.mutual_information": lambda: infonet.mutual_information(x, y),
        "Estimator.mi": lambda: estimator.mi(samples),
    }
    if ksg:
        from sklearn.feature_selection import mutual_info_regression

        functions["scikit-learn KSG, k = 3"] = lambda: mutual_info_regression(
            x[:, None], y, n_neighbors=3
        )
        batch = np.stack([x, y], axis=1) + 0.01 * np.random.default_rng(1).normal(
            size=(BATCH, n, 2)
        )
        functions[f"Estimator.mi, a batch of {BATCH}"] = lambda: estimator.mi(batch)
        by_graph = infonet.Estimator(threads=threads)
        by_graph.engine = PairEngine(CpuBackend(by_graph.model, threads, use_compiled=False))
        functions["the same, network by ONNX Runtime"] = lambda: by_graph.mi(batch)
    seconds = interleaved(functions, repeats)
    show(f"One pair, n = {n:,}, raw arrays in", seconds)
    ours = seconds["Estimator.mi"]
    print(f"  {'ours / two np.argsort':<44}{ours / seconds['two np.argsort']:10.2f}")
    if ksg:
        rival = "scikit-learn KSG, k = 3"
        print(f"  {'KSG / ours':<44}{seconds[rival] / ours:10.1f}")
        together = seconds[f"Estimator.mi, a batch of {BATCH}"] / BATCH
        print(f"  {'KSG / ours, in batches':<44}{seconds[rival] / together:10.1f}")
        graph = seconds["the same, network by ONNX Runtime"] / BATCH
        print(f"  {'ONNX Runtime / compiled, in batches':<44}{graph / together:10.2f}")
        pair = {name: functions[name] for name in ("Estimator.mi", rival)}
        cold = alternating(pair, 5 * repeats)
        print(f"  {'KSG / ours, strictly alternating calls':<44}", end="")
        print(f"{cold[rival] / cold['Estimator.mi']:10.1f}")


def matrix(columns, n, threads):
    random = np.random.default_rng(0)
    data = random.standard_normal((n, columns)) + random.standard_normal((n, 1))
    estimator = infonet.Estimator(threads=threads)
    estimator.pairwise(data[:, :3])
    start = time.perf_counter()
    estimator.pairwise(data)
    seconds = time.perf_counter() - start
    pairs = columns * (columns - 1) // 2
    print(f"\nMatrix of {columns} columns, {n:,} rows")
    print(f"  {pairs} pairs in {seconds:.2f} s: {pairs / seconds:.0f} a second")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 if sys.platform == "darwin" else 1024
    )
    print(f"  peak memory of the process {peak:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    print(f"infonet {infonet.__version__}, numpy {np.__version__}, threads: {options.threads}")
    matrix(100, 5000, options.threads)  # first: the peak of memory is this one's
    kernels(5000, options.repeats)
    kernels(1_000_000, max(3, options.repeats // 5))
    one_pair(5000, options.threads, options.repeats, ksg=True)
    one_pair(1_000_000, options.threads, max(3, options.repeats // 5), ksg=False)


if __name__ == "__main__":
    main()
