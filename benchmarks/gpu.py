"""Speed on a GPU: ranking beside torchsort and bare sorts, estimates beside the paper's network.

    python benchmarks/gpu.py [--engine copula.engine] [--minutes 9] [--skip compile ...]

Samples lie in the memory of the GPU and results stay there. Times are by CUDA events; what is
compared runs in turns, and medians are printed. Limits are measured on the spot: a large copy, and
large matrix products. The paper's network has random weights (time does not depend on them) and
PyTorch's own settings (float32 products without TF32). What is missing is left out, with the
reason; without a GPU nothing can be measured, and the exit code is 1. Nothing is asserted here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gpu_limits
import gpu_networks
import gpu_sorts
from gpu_timing import device_timer, interleaved, milliseconds, table

PAPER = ["published", "eager", "autocast", "compile", "compile-autocast"]
RANKED = [(1024, 500), (1024, 5000), (1024, 50_000), (1, 5000), (64, 1_000_000)]
CHECKED = 32  # pairs that are compared with the CPU


def missing_gpu() -> str | None:
    """Why nothing can be measured here; None if it can."""
    try:
        import torch
    except ImportError as error:
        return f"PyTorch is not installed ({error}): run  pip install torch"
    if torch.version.cuda is None:
        return f"this PyTorch ({torch.__version__}) is built for CPUs: install one for CUDA"
    if not torch.cuda.is_available():
        return "there is no GPU, or no driver for it: run  nvidia-smi  to see"
    return None


class Clock:
    """Time that is left, and what was left out."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes
        self.notes: list[str] = []

    def over(self, what: str) -> bool:
        if time.monotonic() < self.end:
            return False
        self.notes.append(f"{what}: out of time (--minutes)")
        return True

    def attempt(self, what: str, make: Callable[[], object]):
        """What ``make`` returns; None and a note if it cannot be had."""
        try:
            return make()
        except Exception as error:  # a benchmark goes on with what there is
            reason = " ".join(str(error).split()) or repr(error)
            self.notes.append(f"{what}: {reason[:300]}")
            return None


def soft_ranks(timed, limits, rounds, clock):
    """Rows of the table of ranking kernels."""
    import torch

    major, minor = torch.cuda.get_device_capability()
    library = clock.attempt("cub", lambda: gpu_sorts.compile_sort(f"sm_{major}{minor}"))
    rows = []
    for count, n in RANKED:
        if clock.over(f"soft ranks, {count} x {n}"):
            continue
        data = torch.randn(count, n, device="cuda")
        makers = {"torch.sort": lambda data=data: lambda: torch.sort(data, 1)}
        for eps, label in ((0.0, "0"), (1 / n, "1/n"), (0.1, "0.1")):
            name = f"infonet, eps = {label}"
            makers[name] = lambda data=data, eps=eps: gpu_sorts.ours(data, eps)
            if eps:
                name = f"torchsort, eps = {label}"
                makers[name] = lambda data=data, eps=eps: gpu_sorts.torchsorts(data, eps)
        if library:
            for radix, name in ((False, "cub segmented sort"), (True, "cub segmented radix sort")):
                makers[name] = lambda data=data, radix=radix: gpu_sorts.cub(data, library, radix)
        functions = {}
        for name, make in makers.items():
            run = clock.attempt(f"{name}, {count} x {n}", lambda make=make: ready(make()))
            if run:
                functions[name] = run
        times = interleaved(functions, timed, rounds)
        share = gpu_limits.ranking(count, n).bytes / limits.bandwidth
        exact = times.get("infonet, eps = 0")
        for name, timing in times.items():
            ratio = f"{timing.call / exact.call:.2f}" if exact else "-"
            cells = [milliseconds(timing.call), ratio, f"{100 * share / timing.call:.0f} %"]
            rows.append([name, f"{count:,} x {n:,}", *cells])
        del data, functions, makers
        torch.cuda.empty_cache()
    return rows


def ready(run):
    """``run``, after a first call that shows whether it works."""
    import torch

    run()
    torch.cuda.synchronize()
    return run


def contestants(options, clock):
    """All that can be had, ours first."""
    found = []
    if "cuda" not in options.skip:
        found.append(
            clock.attempt("device='cuda'", lambda: gpu_networks.infonet_on("cuda", options.model))
        )
    for engine in options.engine:
        make = lambda engine=engine: gpu_networks.infonet_on("tensorrt", engine)  # noqa: E731
        found.append(clock.attempt(f"device='tensorrt', {engine}", make))
    if not options.engine:
        clock.notes.append("device='tensorrt': give an engine of  infonet build  with --engine")
    kinds = [kind for kind in PAPER if kind not in options.skip]
    paper = lambda: gpu_networks.paper_networks(options.preset, kinds)  # noqa: E731
    return [c for c in found if c] + (clock.attempt("the paper's network", paper) or [])


def end_to_end(options, timed, limits, clock):
    """Rows of the table of estimates."""
    import torch

    entries = contestants(options, clock)
    rows = []
    for n in options.sizes:
        for batch in options.batches:
            cell = f"batch {batch:,}, n = {n:,}"
            if clock.over(cell):
                continue
            base = torch.randn(batch, n, 2, device="cuda")
            base[..., 1] += base[..., 0] * torch.linspace(0, 3, batch, device="cuda")[:, None]
            functions, used = {}, {}
            for entry in entries:
                what = f"{entry.name}, {cell}"
                if clock.over(what):
                    continue
                make = lambda entry=entry, base=base: gpu_networks.fitting(entry.run, base)  # noqa: E731
                samples = clock.attempt(what, make)
                if samples is not None:
                    used[entry.name] = (entry, len(samples))
                    functions[entry.name] = lambda e=entry, s=samples: e.run(s)
            differences = agreement(entries, base, clock) if batch >= CHECKED else {}
            times = interleaved(functions, timed, options.rounds)
            rates = {name: used[name][1] / timing.call for name, timing in times.items()}
            eager = rates.get("paper, PyTorch eager")
            for name, timing in times.items():
                entry, size = used[name]
                work = counted(entry, options, size, n)
                rows.append(
                    [
                        name,
                        f"{n:,}",
                        f"{batch:,}" + (f" ({size:,} fit)" if size < batch else ""),
                        f"{rates[name]:,.0f}" if rates[name] >= 100 else f"{rates[name]:.3g}",
                        milliseconds(timing.median),
                        milliseconds(timing.p99),
                        f"{rates[name] / eager:.3g}" if eager else "-",
                        f"{100 * work.bytes / timing.call / limits.bandwidth:.1f} %"
                        if work.bytes
                        else "-",
                        f"{100 * work.flop / timing.call / limits.flop[entry.precision]:.1f} %",
                        differences.get(name, "-"),
                    ]
                )
            torch.cuda.empty_cache()
    return rows


def agreement(entries, samples, clock):
    """Largest difference of MI from the CPU, of ours."""
    import infonet
    import torch

    cpu = infonet.Estimator(device="cpu").mi(samples[:CHECKED].cpu().numpy())
    found = {}
    for entry in (e for e in entries if e.ours):
        got = clock.attempt(entry.name, lambda entry=entry: entry.run(samples[:CHECKED]))
        if got is not None:
            difference = abs(torch.from_dlpack(got).double().cpu().numpy() - cpu).max()
            found[entry.name] = f"{difference:.1e}"
    return found


def counted(entry, options, batch, n):
    """The work of one call."""
    if not entry.ours:
        return gpu_limits.perceiver(options.preset, batch, n)
    core = options.core
    work = gpu_limits.graph(core, (batch,))
    if entry.precision == "fp16":  # the core is in float32
        work = replace(work, bytes=work.bytes / 2)
    grid = gpu_limits.input_side(core)
    return work + gpu_limits.ranking(2 * batch, n) + gpu_limits.histograms(batch, n, grid)


def read_options(arguments):
    packaged = Path(__file__).resolve().parents[1] / "runtime" / "infonet" / "models"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", type=Path, nargs="+", default=[], help="engines of the model")
    parser.add_argument("--model", type=Path, help="model of device='cuda'; default: the package's")
    parser.add_argument("--core", type=Path, default=packaged / "copula.core.onnx",
                        help="core graph in float32 of that model, to count work")  # fmt: skip
    parser.add_argument("--preset", default="perceiver_softrank",
                        choices=["perceiver_softrank", "perceiver_rank"])  # fmt: skip
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32, 1024])
    parser.add_argument("--sizes", type=int, nargs="+", default=[5000, 500, 50_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=9, help="start nothing new after these")
    parser.add_argument("--skip", nargs="+", default=[],
                        choices=["ranks", "estimates", "cuda", *PAPER])  # fmt: skip
    options = parser.parse_args(arguments)
    for name in ("batches", "sizes"):
        if min(getattr(options, name)) < 1:
            parser.error(f"--{name} must be positive")
    if options.rounds < 1:
        parser.error("--rounds must be positive")
    for path in (*options.engine, options.core, *([options.model] if options.model else [])):
        if not path.is_file():
            parser.error(f"there is no file {path}")
    return options


def main(arguments=None):
    options = read_options(arguments)
    reason = missing_gpu()
    if reason:
        sys.exit(f"gpu.py measures on an NVIDIA GPU and cannot: {reason}")
    import infonet
    import torch

    clock, timed = Clock(options.minutes), device_timer()
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, CUDA {torch.version.cuda}")
    limits = gpu_limits.measure_limits(timed)
    reached = [f"copy {limits.bandwidth / 1e12:.2f} TB/s"]
    reached += [f"{k} products {v / 1e12:.0f} TFLOP/s" for k, v in limits.flop.items()]
    print(f"infonet {infonet.__version__}; measured limits: {', '.join(reached)}")
    if "ranks" not in options.skip:
        header = ["soft rank of rows", "size", "ms", "of ours, exact", "of copy bandwidth"]
        rows = soft_ranks(timed, limits, options.rounds, clock)
        print("\n" + table(header, rows), flush=True)
    if "estimates" not in options.skip:
        header = ["estimates", "n", "batch", "pairs/s", "median ms", "p99 ms", "times eager"]
        header += ["of bandwidth", "of arithmetic", "largest difference from the CPU"]
        print("\n" + table(header, end_to_end(options, timed, limits, clock)))
    for note in clock.notes:
        print(f"left out: {note}")


if __name__ == "__main__":
    main()
