"""What ptxas wrote down of each kernel and architecture; fails on spills to memory.

    python kernels/cuda/ptxas_report.py build.log

`build.log` is the output of a build with `-Xptxas=-v`. Registers and shared memory are the most
over the architectures.
"""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
_SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_USED = re.compile(r"Used (\d+) registers(?:.*?, (\d+) bytes smem)?")


@dataclass(frozen=True)
class Kernel:
    """One kernel on one architecture; sizes in bytes, shared memory without the dynamic part."""

    name: str
    architecture: str
    stack: int
    spilled: int
    registers: int
    shared: int


def kernels_of(log: str) -> list[Kernel]:
    """The kernels in the output of a build."""
    found = []
    name = architecture = ""
    stack = spilled = 0
    for line in log.splitlines():
        if entry := _ENTRY.search(line):
            name, architecture = entry.groups()
        elif spills := _SPILLS.search(line):
            stack, stores, loads = map(int, spills.groups())
            spilled = stores + loads
        elif name and (used := _USED.search(line)):
            registers, shared = int(used[1]), int(used[2] or 0)
            found.append(Kernel(name, architecture, stack, spilled, registers, shared))
            name, stack, spilled = "", 0, 0
    return found


def _readable(names: list[str]) -> list[str]:
    """Names as in the source, without their arguments, where there is c++filt."""
    try:
        run = subprocess.run(
            ["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return names
    prefix = re.compile(r"^void |infonet::cuda::|\(anonymous namespace\)::")
    return [prefix.sub("", line).split("(")[0] for line in run.stdout.splitlines()]


def main(path: str) -> int:
    """Print a table; the exit code is 1 if any kernel spills, or if there is none."""
    kernels = kernels_of(Path(path).read_text(errors="replace"))
    if not kernels:
        print(f"{path}: no kernel was compiled with -Xptxas=-v", file=sys.stderr)
        return 1
    names = sorted({kernel.name for kernel in kernels})
    print(f"{'kernel':32}{'registers':>10}{'shared':>8}{'stack':>7}{'spilled':>9}")
    for name, readable in zip(names, _readable(names), strict=True):
        own = [kernel for kernel in kernels if kernel.name == name]
        most = [max(getattr(k, field) for k in own) for field in ("registers", "shared", "stack")]
        spilled = max(kernel.spilled for kernel in own)
        print(f"{readable:32}{most[0]:10}{most[1]:8}{most[2]:7}{spilled:9}")
    spilling = [f"{k.name} on {k.architecture}" for k in kernels if k.spilled]
    architectures = sorted({kernel.architecture for kernel in kernels})
    print(f"{len(names)} kernels for {', '.join(architectures)}; {len(spilling)} spill")
    for line in spilling:
        print(f"spills: {line}", file=sys.stderr)
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
