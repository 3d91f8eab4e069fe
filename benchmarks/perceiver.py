"""The paper's network at full size: exported files beside the same network in PyTorch.

    python benchmarks/perceiver.py [--preset perceiver_softrank] [--threads 2] [--repeats 5]

Weights are random: neither time nor memory depends on them. Prints the time of export, the error
of each file against PyTorch, seconds for one pair (calls of all contestants in turn, medians) and
the peak memory of a process that estimates one pair. PyTorch runs the network twice: as the authors
wrote it (einsum, softmax over a whole matrix of attention) and with the fused attention of PyTorch.
Nothing is asserted here.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import infonet
import numpy as np

# the grid that trained networks need (random ones are smoother, and would be content with 64)
HISTOGRAM = {"rewrite": "histogram", "grid": 256}
FILES = {
    "exported, exact": {},
    "exported, histogram": HISTOGRAM,
    "exported, exact, fp16": {"precision": "fp16"},
    "exported, histogram, fp16": {**HISTOGRAM, "precision": "fp16"},
}
TIMED = ["exported, exact", "exported, histogram"]  # processors have no float16 products
EAGER = ["PyTorch, as published", "PyTorch, fused attention"]


def samples(n):
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    return x, 0.8 * x + 0.6 * rng.standard_normal(n)


def build(preset, folder):
    """Random weights, exported in every way; prints what the export reports."""
    import torch
    from infonet_export.perceiver import PRESETS, Perceiver
    from infonet_export.perceiver.export import export_perceiver
    from infonet_export.perceiver.published import FORMAT

    torch.manual_seed(0)
    net = Perceiver(PRESETS[preset])
    checkpoint = folder / "model.pt"
    config = {"model": asdict(PRESETS[preset])}
    torch.save({"format": FORMAT, "config": config, "model": net.state_dict()}, checkpoint)
    print(f"{sum(p.numel() for p in net.parameters()) / 1e6:.1f} million parameters\n")
    for number, (name, options) in enumerate(FILES.items()):
        start = time.perf_counter()
        result = export_perceiver(checkpoint, folder / f"{number}.onnx", **options)
        seconds = time.perf_counter() - start
        size = result.model.stat().st_size / 1e6
        print(f"{name}: {seconds:.0f} s, {size:.0f} MB\n  {result.parity}", flush=True)
        for error in result.grid_errors:
            print(f"  {error}")


def contestant(name, folder, threads):
    """A function of x and y that estimates their MI."""
    if name in FILES:
        path = folder / f"{list(FILES).index(name)}.onnx"
        estimator = infonet.Estimator(path, threads=threads)
        return lambda x, y: float(estimator.mi(np.stack([x, y], 1)[None])[0])
    import torch
    from infonet_export import soft_rank
    from infonet_export.perceiver import mutual_information, network
    from infonet_export.perceiver.published import load_perceiver

    torch.set_num_threads(threads)
    net = load_perceiver(folder / "model.pt")
    fused = network.Attention.forward
    forward = fused if name == EAGER[1] else published_attention

    def run(x, y):
        network.Attention.forward = forward
        try:
            with torch.no_grad():
                pair = torch.from_numpy(np.stack([x, y], 1)[None].astype(np.float32))
                ranks = soft_rank(pair, net.config.eps, net.config.normalize)
                return float(mutual_information(net(ranks).table, ranks)[0])
        finally:
            network.Attention.forward = fused

    return run


def published_attention(self, queries, keys, values):
    """The arithmetic of the authors' code: all heads in one tensor, nothing fused."""
    import torch

    heads = [
        layer(x).reshape(*x.shape[:2], self.heads, -1)
        for layer, x in ((self.query, queries), (self.key, keys), (self.value, values))
    ]
    energy = torch.einsum("bqhd,bkhd->bhqk", heads[0], heads[1])
    weights = torch.softmax(energy / heads[0].shape[-1] ** 0.5, dim=3)
    mixed = torch.einsum("bhqk,bkhd->bqhd", weights, heads[2])
    return self.projection(mixed.flatten(2))


def times(folder, sizes, threads, repeats):
    runners = {name: contestant(name, folder, threads) for name in TIMED + EAGER}
    print(f"\nseconds for one pair, {threads} threads, and times as fast as each PyTorch")
    for n in sizes:
        x, y = samples(n)
        # as published, attention alone needs 8 x 1000 x n floats several times over
        names = [k for k in runners if k != EAGER[0] or n <= 10_000]
        taken = {name: [] for name in names}
        for repeat in range(repeats + 1):
            for name in names:
                start = time.perf_counter()
                runners[name](x, y)
                if repeat:
                    taken[name].append(time.perf_counter() - start)
        median = {name: statistics.median(values) for name, values in taken.items()}
        for name in names:
            ratios = [f"{median[k] / median[name]:.1f}x" for k in EAGER if k in median]
            print(f"  n = {n:<7} {name:26} {median[name]:8.3f}   {'  '.join(ratios)}", flush=True)


def growth(folder, sizes, threads, repeats):
    """The histogram form alone, sizes in turn: beside slow contestants its weights leave the
    caches, and the longer the others take, the more."""
    run = contestant(TIMED[1], folder, threads)
    pairs = {n: samples(n) for n in sizes}
    taken = {n: [] for n in sizes}
    for _ in range(4 * repeats):
        for n, (x, y) in pairs.items():
            start = time.perf_counter()
            run(x, y)
            taken[n].append(time.perf_counter() - start)
    print(f"\n{TIMED[1]}, by itself")
    for n, values in taken.items():
        ratio = statistics.median(values) / statistics.median(taken[sizes[0]])
        print(f"  n = {n:<7} {statistics.median(values):8.3f}   {ratio:.2f} of n = {sizes[0]}")


def memory(folder, sizes, threads):
    print("\npeak memory of a process that estimates one pair, MB")
    for name in TIMED + EAGER:
        row = []
        for n in sizes:
            if name == EAGER[0] and n > 10_000:
                row.append("   -")
                continue
            command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
            command += ["--sizes", str(n), "--threads", str(threads)]
            row.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        values = "   ".join(f"n = {n}: {v.strip()}" for n, v in zip(sizes, row, strict=True))
        print(f"  {name:26} {values}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="perceiver_softrank")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 5000, 50_000])
    parser.add_argument("--folder", type=Path, help="keep the files here, and use those there")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        contestant(options.child, options.folder, options.threads)(*samples(options.sizes[0]))
        # not getrusage: its maximum counts the parent, whose copy the child was at first
        status = Path("/proc/self/status").read_text()
        print(round(int(status.split("VmHWM:")[1].split()[0]) / 1e3))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "model.pt").exists():
            build(options.preset, folder)
        times(folder, options.sizes, options.threads, options.repeats)
        growth(folder, options.sizes, options.threads, options.repeats)
        memory(folder, options.sizes, options.threads)


if __name__ == "__main__":
    main()
