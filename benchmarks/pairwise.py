"""All pairs of columns: throughput, memory, interruption, Ray.

    python benchmarks/pairwise.py wide [--columns 1000] [--rows 5000] [--threads 2]
    python benchmarks/pairwise.py tall [--columns 20] [--rows 5000000] [--threads 2]
    python benchmarks/pairwise.py resume [--columns 200] [--rows 5000]
    python benchmarks/pairwise.py ray [--columns 100] [--rows 5000]

Each measured run is a process of its own, whose peak memory is VmHWM of /proc, and gets a few pairs
first, so that loading is not timed. Rivals run in turn with a sample of ours, with as many threads,
and are projected to all pairs; medians. Nothing is asserted here.
"""

# ruff: noqa: E402

import os

# Before NumPy is loaded: its libraries and scikit-learn's would use every core.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

CHILD = """
import json, sys, time, infonet
options = json.loads(sys.argv[1])
data, threads = options.pop("data"), options.pop("threads")
estimator = infonet.Estimator(threads=threads)
estimator.pairwise([[i, i * i % 7] for i in range(100)])
start = time.perf_counter()
result = estimator.pairwise(data, **options)
seconds = time.perf_counter() - start
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
digest = __import__("hashlib").sha256(result.values.tobytes()).hexdigest()
print(json.dumps({"seconds": seconds, "peak": peak / 1e6 * 1024, "digest": digest}))
"""


def child(data, threads, **options):
    """Seconds, peak memory in MB and the digest of the answer of a run in its own process."""
    text = json.dumps({"data": str(data), "threads": threads, **options})
    found = subprocess.run(
        [sys.executable, "-c", CHILD, text], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(found.stdout.splitlines()[-1])


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def medians(functions, repeats):
    """Median seconds of each function, called in turn."""
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            times[name].append(timed(function))
    return {name: statistics.median(values) for name, values in times.items()}


def make_table(rows, columns):
    random = np.random.default_rng(0)
    common = random.standard_normal((rows, 1))
    return common + random.standard_normal((rows, columns)) * random.uniform(0.5, 5, columns)


def wide(columns, rows, threads, repeats, folder):
    """Throughput and peak memory; scikit-learn and ennemi projected from a sample."""
    data = make_table(rows, columns)
    np.save(folder / "wide.npy", data)
    pairs = columns * (columns - 1) // 2
    found = child(folder / "wide.npy", threads)
    print(f"{columns} columns x {rows:,} rows, {pairs:,} pairs, {threads} thread(s)")
    rate, peak = pairs / found["seconds"], found["peak"]
    print(f"  infonet: {found['seconds']:.1f} s, {rate:.0f} pairs a second, peak {peak:.0f} MB")
    rivals(data, pairs, threads, repeats)


def rivals(data, pairs, threads, repeats):
    import infonet
    from sklearn.feature_selection import mutual_info_regression

    estimator = infonet.Estimator(threads=threads)
    ours, few = data[:, :40], data[:, :8]
    functions = {"infonet": (lambda: estimator.pairwise(ours), 780)}

    def sklearn():
        for j in (8, 9):
            mutual_info_regression(few, data[:, j], n_neighbors=3, n_jobs=threads)

    functions["scikit-learn, mutual_info_regression"] = (sklearn, 16)
    try:
        from ennemi import pairwise_mi
    except ImportError:
        print("  (ennemi is not installed: pip install ennemi)")
    else:
        functions["ennemi, pairwise_mi"] = (
            lambda: pairwise_mi(few, k=3, max_threads=threads),
            28,
        )
    for function, _ in functions.values():
        function()  # the first call of anything is slower
    seconds = medians({name: function for name, (function, _) in functions.items()}, repeats)
    base = seconds["infonet"] / 780
    for name, (_, count) in functions.items():
        pair = seconds[name] / count
        print(
            f"  {name:<38}{pair * 1e3:8.2f} ms a pair (sample of {count} pairs), all pairs "
            f"{pair * pairs / 60:8.1f} min, {pair / base:6.1f} times infonet"
        )


def tall(columns, rows, threads, repeats, folder):
    """Peak memory and time from a Parquet file, beside sorting the same columns in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    common = random.standard_normal(rows)
    names = [f"c{i}" for i in range(columns)]
    data = [common * (i % 3) + random.standard_normal(rows) for i in range(columns)]
    table = pa.table(dict(zip(names, data, strict=True)))
    pq.write_table(table, folder / "tall.parquet", row_group_size=1_000_000, use_dictionary=False)
    del table

    def each(function):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(function, data))

    runs = []
    functions = {
        "infonet, from Parquet": lambda: runs.append(child(folder / "tall.parquet", threads)),
        "np.argsort, one thread": lambda: [np.argsort(column) for column in data],
        f"np.argsort, {threads} threads": lambda: each(np.argsort),
        "np.argsort(kind='stable'), one thread": lambda: [
            np.argsort(column, kind="stable") for column in data
        ],
        "np.sort, one thread": lambda: [np.sort(column) for column in data],
    }
    seconds = medians(functions, repeats)
    ours = statistics.median(run["seconds"] for run in runs)
    peak = max(run["peak"] for run in runs)
    print(f"{columns} columns x {rows:,} rows from Parquet, {threads} thread(s)")
    print(f"  infonet: {ours:.2f} s, peak {peak:.0f} MB")
    for name in list(functions)[1:]:
        print(f"  {name:<40}{seconds[name]:8.2f} s, infonet / this {ours / seconds[name]:6.2f}")
    low = child(folder / "tall.parquet", threads, memory=rows * 150)
    same = "same" if low["digest"] == runs[0]["digest"] else "OTHER"
    print(
        f"  with memory={rows * 150 / 1e6:.0f}MB: {low['seconds']:.2f} s, peak {low['peak']:.0f} "
        f"MB, {same} bytes"
    )


def resume(columns, rows, threads, repeats, folder):
    """SIGKILL in the middle, then the same command again."""
    del repeats
    np.save(folder / "data.npy", make_table(rows, columns))
    output, partial = folder / "killed.parquet", folder / "killed.parquet.partial"
    options = {"data": str(folder / "data.npy"), "threads": threads, "tile": 16}
    whole = child(**options, output=str(folder / "whole.parquet"))
    options["output"], tiles = str(output), -(-columns // 16) * (-(-columns // 16) + 1) // 2
    process = subprocess.Popen([sys.executable, "-c", CHILD, json.dumps(options)])
    while process.poll() is None and len(list(partial.glob("tile-*.npz"))) < tiles // 2:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = len(list(partial.glob("tile-*.npz")))
    rest = child(**options)
    same = output.read_bytes() == (folder / "whole.parquet").read_bytes()
    print(f"{columns} columns x {rows:,} rows, {threads} thread(s)")
    print(f"  killed after {done} of {tiles} tiles")
    print(f"  undisturbed {whole['seconds']:.1f} s, resumed {rest['seconds']:.1f} s")
    print(f"  final files: {'same' if same else 'OTHER'} bytes")


def ray(columns, rows, threads, repeats, folder):
    """Two nodes of one CPU on this machine, a worker killed in the middle."""
    del repeats, threads
    import infonet
    import psutil
    import ray
    from ray.cluster_utils import Cluster

    data = make_table(rows, columns)
    estimator = infonet.Estimator(threads=2)
    plain = timed(lambda: estimator.pairwise(data))
    expected = estimator.pairwise(data).values.tobytes()
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    nodes = [node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()]
    try:
        estimator.pairwise(data[:, :20], engine="ray", tile=5)  # starts workers, loads the model
        answers = []
        quiet = timed(lambda: answers.append(estimator.pairwise(data, engine="ray")))
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(estimator.pairwise, data, engine="ray")
            time.sleep(quiet / 2)
            killed = kill_worker(psutil, nodes)
            answers.append(run.result())
    finally:
        ray.shutdown()
        cluster.shutdown()
    print(f"{columns} columns x {rows:,} rows")
    print(f"  2 threads {plain:.1f} s; Ray, 2 nodes of 1 CPU {quiet:.1f} s")
    for name, answer in zip(("undisturbed", f"worker {killed} killed"), answers, strict=True):
        print(f"  {name}: {'same' if answer.values.tobytes() == expected else 'OTHER'} bytes")


def kill_worker(psutil, nodes):
    """Kill one process that computes a tile; its id."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for node in nodes:
            for worker in psutil.Process(node).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if "ray::compute_tile" in " ".join(worker.cmdline()):
                        worker.kill()
                        return worker.pid
    return None


PARTS = {
    "wide": (wide, 1000, 5000),
    "tall": (tall, 20, 5_000_000),
    "resume": (resume, 200, 5000),
    "ray": (ray, 100, 5000),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--columns", type=int)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    function, columns, rows = PARTS[options.part]
    with tempfile.TemporaryDirectory() as folder:
        function(
            options.columns or columns,
            options.rows or rows,
            options.threads,
            options.repeats,
            Path(folder),
        )


if __name__ == "__main__":
    main()
