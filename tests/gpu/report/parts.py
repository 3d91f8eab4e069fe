"""What the report consists of: six parts, each of commands with a limit of time.

A part takes less than eight minutes even where every command runs into its limit. Commands start in
the root of the repository; "{python}" stands for the interpreter, "{report}" for this folder,
"{benchmarks}" for that of the benchmarks, "{staged}" for the files that stage.py took, "{minutes}"
for most of the time that the step gets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

LONGEST_PART = 8 * 60.0


@dataclass(frozen=True)
class Step:
    """One command.

    seconds: after these it is ended, and recorded as out of time. show: "all" of its output is put
    into the report (a table), or its "tail". environment: variables beside those of all steps.
    """

    name: str
    command: tuple[str, ...]
    seconds: float
    show: Literal["all", "tail"] = "tail"
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """Steps that belong together."""

    number: int
    title: str
    steps: tuple[Step, ...]

    @property
    def seconds(self) -> float:
        """What it takes at most."""
        return sum(step.seconds for step in self.steps)


def _tests(name: str, *files: str, seconds: float, words: str = "") -> Step:
    chosen = ("-k", words) if words else ()
    paths = tuple(f"tests/gpu/{file}" for file in files)
    # A name for each test: after a crash or the limit the log says which one it was.
    options = ("-v", "-ra", "--durations=5", "-p", "no:cacheprovider")
    return Step(name, ("{python}", "-m", "pytest", *options, *paths, *chosen), seconds)


def _sanitized(tool: str, file: str, seconds: float) -> Step:
    options = ("--error-exitcode", "1", "--target-processes", "all", "--tool", tool)
    inner = _tests("", file, seconds=seconds, words="not 1000000").command
    # Small shapes; and every tensor is an allocation of its own, whose ends are watched.
    environment = {"INFONET_SANITIZE": "1", "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
    name = f"{tool}, {file}"
    return Step(name, ("compute-sanitizer", *options, *inner), seconds, environment=environment)


def _benchmark(name: str, *arguments: str, seconds: float) -> Step:
    # gpu.py starts nothing new after its own limit, and says what it left out.
    command = ("{python}", "{benchmarks}/gpu.py", *arguments, "--minutes", "{minutes}")
    return Step(name, command, seconds, show="all")


def _script(name: str, *arguments: str, seconds: float) -> Step:
    return Step(name, ("{python}", *arguments), seconds, show="all")


_PAPER = ("published", "eager", "autocast", "compile", "compile-autocast")

PARTS = (
    Part(
        1,
        "Versions, the card and its ceilings",
        (_script("versions and ceilings", "{report}/ceilings.py", seconds=90),),
    ),
    Part(
        2,
        "Kernels, gradients and PyTorch operators against the CPU",
        (
            _tests("kernels", "test_kernels.py", seconds=180),
            _tests("gradients", "test_gradient.py", seconds=120),
            _tests("PyTorch operators", "test_torch_op.py", seconds=120),
        ),
    ),
    Part(
        3,
        "compute-sanitizer on small shapes",
        (
            _sanitized("memcheck", "test_kernels.py", 110),
            _sanitized("memcheck", "test_gradient.py", 110),
            _sanitized("racecheck", "test_kernels.py", 120),
            _sanitized("racecheck", "test_gradient.py", 120),
        ),
    ),
    Part(
        4,
        "Kernels beside torchsort, torch.sort and cub",
        (
            _script("torchsort, compiled here", "{report}/stage.py", "--torchsort", seconds=200),
            _benchmark("soft ranks", "--skip", "estimates", "cuda", *_PAPER, seconds=180),
            _script("gradients and histograms", "{report}/operators.py", seconds=90),
        ),
    ),
    Part(
        5,
        "device='cuda': agreement with the CPU, throughput and latency",
        (
            _tests("ONNX Runtime operators", "test_onnxruntime_ops.py", seconds=75),
            _tests("device='cuda'", "test_cuda_runtime.py", seconds=120),
            _script("agreement on 500 data sets", "{report}/agreement.py", seconds=110),
            _benchmark("throughput and latency", "--skip", "ranks", *_PAPER, seconds=100),
            _benchmark(
                "throughput and latency in float16",
                *("--skip", "ranks", *_PAPER, "--model", "{staged}/copula_fp16.onnx"),
                *("--sizes", "5000"),
                seconds=60,
            ),
        ),
    ),
    Part(
        6,
        "The paper's network in PyTorch, eager and compiled",
        (
            _benchmark(
                "eager",
                *("--skip", "ranks", "compile", "compile-autocast"),
                *("--sizes", "5000", "--rounds", "5"),
                seconds=150,
            ),
            # Each by itself: a compilation that does not end takes no other number with it.
            _benchmark(
                "compiled",
                *("--skip", "ranks", "cuda", "published", "autocast", "compile-autocast"),
                *("--sizes", "5000", "--batches", "1", "32", "--rounds", "5"),
                seconds=150,
            ),
            _benchmark(
                "compiled, float16",
                *("--skip", "ranks", "cuda", "published", "autocast", "compile"),
                *("--sizes", "5000", "--batches", "1", "32", "--rounds", "5"),
                seconds=150,
            ),
        ),
    ),
)
