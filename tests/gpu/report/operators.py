"""Gradients of soft ranks beside torchsort's, and joint histograms: times and shares of bandwidth.

    python tests/gpu/report/operators.py [--device cuda] [--sizes 1024x5000 ...]

Sizes are rows x samples. PyTorch's operators are timed as they are called, in turns with
torchsort's, by CUDA events; gpu.py times the ranks. The exit code is 1 if one of ours cannot run.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator

import torch
from driver import BENCHMARKS
from infonet_export import joint_histogram, soft_rank

sys.path.insert(0, str(BENCHMARKS))
from gpu_limits import histograms, measure_limits
from gpu_timing import device_timer, interleaved, milliseconds, table

GRID = 128  # of the model in the package
SIZES = ((1024, 500), (1024, 5000), (1024, 50_000), (64, 1_000_000))
Run = Callable[[], object]


def gradient(samples: torch.Tensor, eps: float) -> Run:
    """Of our soft ranks, by samples [B, n, 2]."""
    samples = samples.detach().requires_grad_()
    ranks, by = soft_rank(samples, eps), torch.randn_like(samples)
    return lambda: torch.autograd.grad(ranks, samples, by, retain_graph=True)


def torchsort_gradient(samples: torch.Tensor, eps: float) -> Run:
    """Of torchsort's, by rows in [0, 1], without our scaling before and after."""
    import torchsort

    low, high = samples.amin(1, keepdim=True), samples.amax(1, keepdim=True)
    scaled = ((samples - low) / (high - low)).transpose(1, 2).reshape(-1, samples.shape[1])
    scaled = scaled.detach().contiguous().requires_grad_()
    ranks, by = torchsort.soft_rank(scaled, "l2", eps), torch.randn_like(scaled)
    return lambda: torch.autograd.grad(ranks, scaled, by, retain_graph=True)


def histogram(samples: torch.Tensor) -> Run:
    ranks = soft_rank(samples)
    return lambda: joint_histogram(ranks, GRID)


def contestants(samples: torch.Tensor) -> Iterator[tuple[str, str, Callable[[], Run], float]]:
    """Name, what it is compared with, its maker, and the bytes that it must move."""
    batch, n, columns = samples.shape
    moved = 12.0 * batch * n * columns  # values and gradient read, gradient written
    for eps, label in ((1 / n, "1/n"), (0.1, "0.1")):
        name, rival = f"gradient, eps = {label}", f"torchsort's gradient, eps = {label}"
        yield rival, "", lambda eps=eps: torchsort_gradient(samples, eps), moved
        yield name, rival, lambda eps=eps: gradient(samples, eps), moved
    yield "joint histogram", "", lambda: histogram(samples), histograms(batch, n, GRID).bytes


def host_timer(function: Run, calls: int) -> float:
    """Seconds of some calls on the CPU."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return time.perf_counter() - start


def measure(sizes, device, rounds) -> tuple[list[list[str]], list[str], bool]:
    """Rows of the table, what was left out, and whether ours all ran."""
    on_gpu = device == "cuda"
    timed = device_timer() if on_gpu else host_timer
    bandwidth = measure_limits(timed).bandwidth if on_gpu else None
    rows, notes, whole = [], [], True
    for count, n in sizes:
        samples = torch.randn(max(1, count // 2), n, 2, device=device)
        functions, about = {}, {}
        for name, rival, make, moved in contestants(samples):
            try:
                functions[name] = make()
                functions[name]()
            except Exception as error:  # the others are still to be measured
                functions.pop(name, None)
                reason = " ".join(str(error).split()) or repr(error)
                notes.append(f"{name}, {count:,} x {n:,}: {reason[:300]}")
                optional = "INFONET_CUDA_LONG_SOFT_RANK" in reason
                whole &= optional or "torchsort" in name
            else:
                about[name] = (rival, moved)
        for name, timing in (times := interleaved(functions, timed, rounds)).items():
            rival, moved = about[name]
            faster = f"{times[rival].call / timing.call:.3g}" if rival in times else "-"
            share = f"{100 * moved / timing.call / bandwidth:.0f} %" if bandwidth else "-"
            rows.append([name, f"{count:,} x {n:,}", milliseconds(timing.call), faster, share])
        del samples, functions
        if on_gpu:
            torch.cuda.empty_cache()
    return rows, notes, whole


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--sizes", nargs="+", default=[f"{c}x{n}" for c, n in SIZES])
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        print("there is no GPU, or no PyTorch for it", file=sys.stderr)
        return 1
    sizes = [tuple(map(int, size.split("x"))) for size in options.sizes]
    rows, notes, whole = measure(sizes, options.device, options.rounds)
    header = ["operator", "rows x samples", "ms", "torchsort / ours", "of copy bandwidth"]
    print(table(header, rows))
    for note in notes:
        print(f"left out: {note}")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
