"""What computes on a GPU after the kernels: a graph of ONNX Runtime or an engine of TensorRT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from infonet.devices.gpu import Buffer
from infonet.errors import ModelError


@dataclass(frozen=True)
class Call:
    """A core ready for one size of input, with its memory.

    Attributes:
        input: float32 [size, ...]: histograms, or ranks.
        outputs: float32 [size, ...] each, by name.
        shapes: of the outputs.
        enqueue: puts the work on the stream of the GPU, and does not wait.
        keep: objects that are kept alive as long as this call.
    """

    input: Buffer
    outputs: dict[str, Buffer]
    shapes: dict[str, tuple[int, ...]]
    enqueue: Callable[[], None]
    keep: Any = field(default=None, repr=False)


class Core(Protocol):
    """Methods are called on the thread of the GPU, but `sizes`.

    Attributes:
        capturable: whether `enqueue` may be captured into a CUDA graph together with the kernels.
        fixed: whether a call is for a number of samples too (a network that reads samples).
    """

    capturable: bool
    fixed: bool

    def sizes(self, n: int) -> tuple[int, ...]:
        """Sizes of calls for sets of n samples, ascending. InputError if there is none."""

    def open(self, size: int, n: int) -> Call:
        """Prepare a size; slow the first time."""


def input_shape(grid: int, size: int, n: int) -> tuple[int, ...]:
    """Of the input of a core: histograms [size, grid, grid], or ranks [size, n, 2] without."""
    return (size, grid, grid) if grid else (size, n, 2)


def output_shape(name: str, shape: tuple[Any, ...], size: int) -> tuple[int, ...]:
    """Of an output, whose first axis is the batch.

    Raises:
        ModelError: another axis is free.
    """
    rest = tuple(shape[1:])
    if not all(isinstance(axis, int) and axis > 0 for axis in rest):
        raise ModelError(f"output {name} has shape {list(shape)}: export the model again")
    return (size, *rest)
