"""Saves samples of the 40 tasks of benchmark-mi, for `vectors.py --part bmi`.

    python3.11 -m venv /tmp/bmi-venv
    /tmp/bmi-venv/bin/pip install benchmark-mi "jax==0.4.33" "jaxlib==0.4.33" "equinox<0.11.9"
    /tmp/bmi-venv/bin/python benchmarks/vector_samples.py [--out /tmp/bmi-samples] [--seeds 5]

An environment of its own, with Python 3.11: benchmark-mi wants NumPy 1 and an old JAX, which need
not share a place with the runtime. For each task TASK.npz with the float32 arrays x_{n}_{seed} and
y_{n}_{seed} and the true `mi` (nats), and index.json with the name, the dimensions and the MI of
all. Seeds go one after the other over all tasks; what is there already is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from bmi.benchmark import BENCHMARK_TASKS

SIZES = (10_000, 5000, 1000)


def replace(path, write):
    """A reader sees the old file or the new one, never a part."""
    part = path.with_name(f"part-{path.name}")
    write(part)
    part.replace(path)


def add_draws(task, path, seeds):
    arrays = {"mi": np.float64(task.mutual_information)}
    if path.exists():
        with np.load(path) as saved:
            arrays.update(saved)
    before = len(arrays)
    for seed in seeds:
        for n in SIZES:
            if f"x_{n}_{seed}" not in arrays:
                x, y = task.sample(n, seed)
                arrays[f"x_{n}_{seed}"] = np.asarray(x, np.float32)
                arrays[f"y_{n}_{seed}"] = np.asarray(y, np.float32)
    if len(arrays) > before:
        replace(path, lambda part: np.savez(part, **arrays))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("/tmp/bmi-samples"))
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    index = [
        {
            "task": key,
            "name": task.name,
            "dim_x": task.dim_x,
            "dim_y": task.dim_y,
            "mi": float(task.mutual_information),
        }
        for key, task in BENCHMARK_TASKS.items()
    ]
    text = json.dumps(index, indent=1, ensure_ascii=False)
    replace(arguments.out / "index.json", lambda part: part.write_text(text, encoding="utf-8"))
    for seeds in ([0], range(1, arguments.seeds)):  # others can begin with the first
        for key, task in BENCHMARK_TASKS.items():
            add_draws(task, arguments.out / f"{key}.npz", seeds)
            print(key, *seeds, flush=True)


if __name__ == "__main__":
    main()
