"""Peak memory and time of reading a Parquet file one column at a time.

    python benchmarks/read_columns.py [--rows 5000000] [--columns 5]

Each way of reading runs in a process of its own, which prints its VmHWM when the file is open and
when all columns were read. Half of the columns are float64, the others int64 with missing values.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

READ = """
import sys, time, re, importlib
for name in {libraries}: importlib.import_module(name)
for name in {hidden}: sys.modules[name] = None
from infonet.inputs.open import open_columns
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
source = open_columns({path!r})
before, start = peak(), time.perf_counter()
total = 0.0
for i in range(len(source.names)):
    column = source.load(i)
    total += float(column[-1])
    del column
print(f"{{before:.0f}} {{peak():.0f}} {{time.perf_counter() - start:.2f}}")
"""
WAYS = {
    "Parquet, pyarrow": ("t.parquet", ["pyarrow.parquet", "narwhals.stable.v1"], []),
    "Parquet, polars": ("t.parquet", ["polars", "narwhals.stable.v1"], ["pyarrow"]),
    ".npy, C order": ("c.npy", [], []),
    ".npy, Fortran order": ("f.npy", [], []),
}


def write(folder: Path, rows: int, columns: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    kinds = [pa.float64() if i % 2 == 0 else pa.int64() for i in range(columns)]
    schema = pa.schema([(f"c{i}", kind) for i, kind in enumerate(kinds)])
    mapped = [
        np.lib.format.open_memmap(
            folder / name, "w+", np.float64, (rows, columns), fortran_order=order
        )
        for name, order in (("c.npy", False), ("f.npy", True))
    ]
    with pq.ParquetWriter(folder / "t.parquet", schema) as writer:
        for start in range(0, rows, 500_000):
            part = rng.standard_normal((min(500_000, rows - start), columns))
            for array in mapped:
                array[start : start + len(part)] = part
            arrays = [
                pa.array(part[:, i])
                if kind == pa.float64()
                else pa.array((part[:, i] * 1e9).astype(np.int64), mask=part[:, i] > 3)
                for i, kind in enumerate(kinds)
            ]
            writer.write_table(pa.table(arrays, schema=schema))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--columns", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, arguments.rows, arguments.columns)
        column = arguments.rows * 8 / 2**20
        print(f"one column: {column:.0f} MB as float64\n")
        print("| | before, MB | peak, MB | peak / columns | seconds |\n|---|---:|---:|---:|---:|")
        for way, (file, libraries, hidden) in WAYS.items():
            code = READ.format(path=str(folder / file), libraries=libraries, hidden=hidden)
            found = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            )
            before, peak, seconds = map(float, found.stdout.split())
            above = (peak - before) / column
            print(f"| {way} | {before:.0f} | {peak:.0f} | {above:.1f} | {seconds:.2f} |")


if __name__ == "__main__":
    main()
