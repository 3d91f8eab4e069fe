"""Sliced mutual information of large memory-mapped variables: time and memory.

    python benchmarks/sliced_scale.py [--cases 1000000x64,20000x4096] [--projections 64]

X and Y are float32 files [n, d], mapped. For each case, in a process of its own:

    projecting   X onto 32 directions by `infonet`, from the mapped file to float64, beside NumPy's
                 X @ directions (BLAS) of arrays in memory, in float64 and in float32; in turns,
                 medians of --repeats
    estimating   the whole of Estimator.sliced, seconds a projection
    memory       the largest amount that belongs to the process (RssAnon, sampled every 2 ms), less
                 that before the call, and VmHWM, which counts the mapped files too
"""

# ruff: noqa: E402

import os

# Before NumPy is loaded: one thread for its libraries.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from infonet import Estimator
from infonet.sliced.samples import prepare
from infonet.sliced.variables import project, ranges
from numpy.lib.format import open_memmap

DIRECTIONS = 32  # as many as one pass projects, or more


def memory(key):
    """A line of /proc/self/status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024 / 1e6
    raise KeyError(key)


class Peak:
    """The largest RssAnon while it is entered."""

    def __enter__(self):
        self.before = self.largest = memory("RssAnon")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._over.wait(0.002):
            self.largest = max(self.largest, memory("RssAnon"))

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(folder, options):
    """One case, in this process."""
    x, y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in "xy")
    estimator = Estimator(options.model, threads=options.threads)
    estimator.sliced(x[:100], y[:100], 2)  # loads everything
    with Peak() as peak:
        whole = seconds(lambda: estimator.sliced(x, y, options.projections, progress=False))
    result = {
        "seconds a projection": whole / options.projections,
        "memory": peak.largest - peak.before,
        "VmHWM": memory("VmHWM"),
    }
    x = np.asarray(x)
    samples = prepare([x], [ranges(x, None, 1, False)], None, False)
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, x.shape[1]))
    single, double = x.copy(), x.astype(np.float64)
    contenders = {
        "ours": lambda: project(samples, directions, 1),
        "float64": lambda: double @ directions.T,
        "float32": lambda: single @ directions.T.astype(np.float32),
    }
    times = {name: [] for name in contenders}
    for _ in range(options.repeats):
        for name, function in contenders.items():
            times[name].append(seconds(function))
    return result | {name: float(np.median(values)) for name, values in times.items()}


def draw(folder, n, d):
    rng = np.random.default_rng(0)
    files = [open_memmap(folder / f"{name}.npy", "w+", np.float32, shape=(n, d)) for name in "xy"]
    step = max(1, 10**7 // d)
    for start in range(0, n, step):
        x = rng.standard_normal((min(step, n - start), d), np.float32)
        files[0][start : start + step] = x
        files[1][start : start + step] = x + rng.standard_normal(x.shape, np.float32)
    for file in files:
        file.flush()


def cases(text):
    return [tuple(int(number) for number in case.split("x")) for case in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="default: the model in the package")
    parser.add_argument("--cases", type=cases, default=cases("1000000x64,20000x4096,5000x1000"))
    parser.add_argument("--projections", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the child process
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(measure(options.folder, options)))
        return
    columns = ["n", "d", "files", "projecting: ours", "float64 BLAS", "float32 BLAS", "ratio"]
    columns += ["sliced, a projection", "memory", "VmHWM"]
    print(f"| {' | '.join(columns)} |\n|{'---:|' * len(columns)}")
    for n, d in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            draw(Path(folder), n, d)
            command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder]
            child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(child.stdout)
        print(
            f"| {n:,} | {d:,} | {2 * 4 * n * d / 1e6:.0f} MB | {found['ours']:.2f} s | "
            f"{found['float64']:.2f} s | {found['float32']:.2f} s | "
            f"{found['ours'] / found['float64']:.2f} | {found['seconds a projection']:.3f} s | "
            f"{found['memory']:.0f} MB | {found['VmHWM']:.0f} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
