"""A trained perceiver's order accuracy by the number of samples, and the cost of a training step.

    python benchmarks/perceiver_training.py order MODEL.pt [--triples 500]
    python benchmarks/perceiver_training.py step [CONFIG.yaml ...] [--device cuda] [--steps 3]

`order` judges on fresh mixtures that training never draws, and on those of the authors
(../shared/fixtures/gmm_eval.npz, where it is there). `step` runs whole steps of the configurations
(default: the two published ones) and prints seconds and peak memory. Nothing is asserted here.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import torch
from infonet_export.configuration import load_config
from infonet_export.perceiver.config import PerceiverTraining, ValidationConfig
from infonet_export.perceiver.data import TEST, draw_batch
from infonet_export.perceiver.order import judge, triples
from infonet_export.perceiver.published import load_perceiver
from infonet_export.perceiver.run import Run, Tables
from infonet_export.training.processes import Process, Share

ROOT = Path(__file__).parents[1]
MIXTURES = ROOT.parent / "shared" / "fixtures" / "gmm_eval.npz"
SIZES = (500, 1000, 2000, 5000)


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True)
    order = kinds.add_parser("order")
    order.add_argument("model", type=Path)
    order.add_argument("--triples", type=int, default=500, help="of each number of components")
    order.set_defaults(run=print_order)
    step = kinds.add_parser("step")
    step.add_argument("configs", nargs="*", type=Path)
    step.add_argument("--device", default="cpu")
    step.add_argument("--steps", type=int, default=3)
    step.add_argument("--threads", type=int, default=1)
    step.set_defaults(run=print_steps)
    options = parser.parse_args()
    options.run(options)


def print_order(options: argparse.Namespace) -> None:
    """Tables of order accuracy, RMSE and bias, at every n of SIZES."""
    torch.set_num_threads(1)
    net = load_perceiver(options.model)
    config = PerceiverTraining(model=net.config)
    files = {f"{options.triples} fresh mixtures of each K": None}
    if MIXTURES.exists():
        files["The authors' 500 mixtures of each K"] = str(MIXTURES)
    for n in SIZES:
        for name, file in files.items():
            chosen = replace(config, validation=ValidationConfig(samples=n, mixtures=file))
            drawn = triples(chosen, options.triples, TEST)
            scores = judge(Tables(net), drawn, 16, Process(Share(), torch.device("cpu")))
            print(f"### {name}, n = {n}\n\n{scores.table()}\n", flush=True)


def print_steps(options: argparse.Namespace) -> None:
    """Seconds and peak memory of every configuration."""
    published = [ROOT / "configs" / "perceiver" / name for name in ("softrank.yaml", "rank.yaml")]
    for path in options.configs or published:
        config = load_config(path)
        config = replace(config, training=replace(config.training, threads=options.threads))
        device = torch.device(options.device)
        run = Run(config, Process(Share(), device))
        size = sum(p.numel() for p in run.net.parameters()) / 1e6
        print(f"### {path.name}: {size:.2f} M parameters, batch {config.training.batch_size}")
        for step in range(options.steps):
            wall, processor = time.perf_counter(), time.process_time()
            batch = draw_batch(config, step, Share())
            drawn = time.perf_counter() - wall
            mi = float(run.train_on(batch)) / config.training.batch_size
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            print(
                f"step {step}: {wall:.2f} s ({processor:.2f} s of processor time, {drawn:.3f} s "
                f"to draw the data), bound {mi:+.4f} nats",
                flush=True,
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"peak memory {peak:.2f} GiB", end="")
        if device.type == "cuda":
            print(f", {torch.cuda.max_memory_allocated() / 2**30:.2f} GiB of the GPU", end="")
        print("\n")


if __name__ == "__main__":
    main()
