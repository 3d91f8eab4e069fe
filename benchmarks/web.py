"""The page in the browser beside the command line: seconds for whole tables.

    make web && python benchmarks/web.py

Both do everything from the file to the last pair, the command line with the start of Python, the
page in Chromium with the start of its workers and the network. They take turns, round by round, and
the medians count. Without Node, the packages of web/ or Chromium it says what is missing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
WEATHER = ROOT / "runtime" / "infonet" / "data" / "seattle-weather.csv"


def numbers(random, n, d):
    """Columns of continuous numbers with a cause in common."""
    columns = random.normal(size=(d, n)) + 0.5 * random.normal(size=n)
    return dict(enumerate(columns.round(6)))


def kinds(random, n, d):
    """Columns of all kinds in turn: numbers, tenths, counts, ratings, labels, amounts, gaps."""
    columns = {}
    for i in range(d):
        x = random.normal(size=n) + 0.5 * random.normal(size=n).cumsum() / n**0.5
        found = [
            *(x.round(6), x.round(6), x.round(1), random.poisson(np.exp(0.5 + 0.3 * x))),
            np.clip(np.rint(3 + x), 1, 5).astype(int),
            np.array(["red", "green", "blue", "black"])[np.clip((x + 2).astype(int), 0, 3)],
            np.where(x < 0.9, 0.0, np.exp(x)).round(2),
            np.where(random.random(n) < 0.02, "", x.round(6).astype(str)),
        ]
        columns[i] = found[i % len(found)]
    return columns


TABLES = {"50 x 5,000 numbers": (numbers, 5000, 50), "50 x 5,000 of all kinds": (kinds, 5000, 50)}


def write(path, make, n, d):
    columns = make(np.random.default_rng([n, d]), n, d)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(f"column {i}" for i in columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))


def command_line(file):
    command = [sys.executable, "-m", "infonet", "matrix", "--nan", "omit", "--json", str(file)]
    start = time.perf_counter()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def page(file):
    command = ["node", str(ROOT / "benchmarks" / "web.mjs"), str(file)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(found.stdout)["seconds"][0]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    count = parser.parse_args().rounds
    if shutil.which("node") is None or not (ROOT / "build" / "web" / "index.html").exists():
        raise SystemExit("Node and the page are needed: install Node, then  make web")
    print(f"{processor()}, {len(os.sched_getaffinity(0))} cores; medians of {count} rounds")
    print("| table | pairs | page, s | command line, s | times |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        files = {"the weather, 7 x 1,461": (WEATHER, 7)}
        for k, (table, (make, n, d)) in enumerate(TABLES.items()):
            path = Path(name, f"{k}.csv")
            write(path, make, n, d)
            files[table] = path, d
        for table, (path, d) in files.items():
            rounds = [(page(path), command_line(path)) for _ in range(count)]
            own, other = (statistics.median(times) for times in zip(*rounds, strict=True))
            ratio = statistics.median(a / b for a, b in rounds)
            print(f"| {table} | {d * (d - 1) // 2} | {own:.1f} | {other:.1f} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
