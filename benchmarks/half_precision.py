"""How far the copula model in float16 is from float32, in ONNX Runtime on a CPU.

    python benchmarks/half_precision.py [CHECKPOINT] [--count 6] [--seed 1]

On held-out families, discrete tasks and independent data, n = 20 to 100,000; largest differences in
nats. ONNX Runtime computes float16 in float32 there: a GPU, which does not, rounds more often.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from infonet_export.copula.export import export_checkpoint
from infonet_export.copula.pool import finite_samples, histogram
from infonet_export.onnx.verify import session
from infonet_export.onnx.write import core_path
from infonet_export.samplers import discrete_tasks
from infonet_export.samplers.held_out import TEST

CHECKPOINT = Path(__file__).parents[1] / "export" / "checkpoints" / "copula.pt"
SIZES = (20, 50, 100, 1000, 10_000, 100_000)
GRID = 128


def data_sets(rng, n, count):
    """Samples [n, 2]: ``count`` of each family and of independence, and every discrete task."""
    with np.errstate(all="ignore"):
        for family in TEST.values():
            for _ in range(count):
                yield finite_samples(family(rng).sample(rng, n))
        for task in discrete_tasks.tasks().values():
            for distribution in task:
                yield distribution.sample(rng, n)
        for _ in range(count):
            yield rng.random((n, 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", nargs="?", type=Path, default=CHECKPOINT)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cores = []
        for precision in ("fp32", "fp16"):
            path = Path(folder) / f"{precision}.onnx"
            export_checkpoint(arguments.checkpoint, path, null_draws=0, precision=precision)
            cores.append(session(core_path(path), custom_ops=False))
        print("| n | data sets | MI | quantiles | table |\n|---:|---:|---:|---:|---:|")
        for n in SIZES:
            rng = np.random.default_rng([arguments.seed, n])
            worst, total = np.zeros(3), 0
            for samples in data_sets(rng, n, arguments.count):
                feed = {"histogram": histogram(samples, GRID)[None]}
                whole, half = (core.run(["mi", "quantiles", "table"], feed) for core in cores)
                pairs = zip(whole, half, strict=True)
                worst = np.maximum(worst, [np.abs(a - b).max() for a, b in pairs])
                total += 1
            print(
                f"| {n:,} | {total} | " + " | ".join(f"{w:.4f}" for w in worst) + " |", flush=True
            )


if __name__ == "__main__":
    main()
