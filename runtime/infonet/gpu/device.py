"""One GPU: its memory, one stream, the one thread that drives both, and calls of a graph on it.

A graph of ONNX Runtime or an engine of TensorRT computes after the kernels. Sizes of calls are
fixed, so that each needs one CUDA graph: what is left over is padded to a size, and what the
padding gives is not read.

ONNX Runtime keeps captured graphs for each thread, and CUDA a current device for each, so all work
goes through a single thread; callers wait for it. Memory, streams and graphs are those of
cuda-python (cuda.core).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from infonet.errors import DeviceError, InfoNetError, InputError, ModelError
from infonet.model.engine_file import Profile, Shape
from infonet.model.load import Workload

T = TypeVar("T")
_log = logging.getLogger("infonet")


class Gpu:
    """A device with a stream. Methods but `do` are called on its thread, from within `do`.

    Attributes:
        ordinal: of the device; GPUs are counted from 0.
        stream: the address of the cudaStream_t.
        compute_capability: as "8.6".
        name: of the device.
    """

    ordinal: int
    stream: int
    compute_capability: str
    name: str

    def __init__(self, ordinal: int = 0) -> None:
        self.ordinal = ordinal
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="infonet-gpu")
        self._process = os.getpid()
        self.do(self._start)

    def _start(self) -> None:
        from cuda.core import Device

        self._device = Device(self.ordinal)
        self._device.set_current()
        self._stream = self._device.create_stream()
        self.stream = int(self._stream.handle)
        self.name = str(self._device.name)
        self.compute_capability = ".".join(map(str, self._device.compute_capability))

    def do(self, work: Callable[[], T]) -> T:
        """Run `work` on the thread of the GPU, after what was asked for before, and wait.

        Raises:
            DeviceError: CUDA or a library on top of it fails.
        """
        if os.getpid() != self._process:  # it has neither the thread nor a context of CUDA
            raise DeviceError(
                "this process was forked after the GPU had been opened, which CUDA does not allow: "
                'make the estimator in this process, or start it by the method "spawn"'
            )
        try:
            return self._thread.submit(work).result()
        except InfoNetError:
            raise
        except Exception as error:  # each library has its own
            reason = " ".join(str(error).split()) or repr(error)
            raise DeviceError(
                f"the GPU failed ({reason}): pass less at a time, or use device='cpu'"
            ) from error

    @property
    def kernels(self) -> Any:
        """The launches of the CUDA kernels on a stream: see `infonet_kernels._cuda`."""
        from infonet_kernels import _cuda

        return _cuda

    def allocate(self, size: int) -> Buffer:
        """Memory of `size` bytes, zero."""
        memory = self._device.allocate(max(size, 16), stream=self._stream)
        memory.fill(0, stream=self._stream)
        return Buffer(memory, max(size, 16))

    def upload(self, array: NDArray[Any], address: int) -> None:
        """Copy an array of any memory layout, which must not change before `sync` has returned."""
        if array.nbytes:
            # A copy made here may go: CUDA stages memory that is not pinned before it returns.
            array = np.ascontiguousarray(array)
            source = array.ctypes.data
            _check(_driver().cuMemcpyHtoDAsync(address, source, array.nbytes, self.stream))

    def copy(self, source: int, address: int, size: int) -> None:
        """Copy bytes within the device."""
        if size:
            _check(_driver().cuMemcpyDtoDAsync(address, source, size, self.stream))

    def download(self, address: int, array: NDArray[Any]) -> None:
        """Fill a contiguous array, once `sync` has returned."""
        if array.nbytes:
            target = array.ctypes.data
            _check(_driver().cuMemcpyDtoHAsync(target, address, array.nbytes, self.stream))

    def sync(self) -> None:
        """Wait for all that was put on the stream."""
        self._stream.sync()

    def follow(self, stream: int) -> None:
        """Let what comes wait for what `stream`, the address of another one, has now."""
        from cuda.core import Stream

        self._stream.wait(Stream.from_handle(stream))

    def capture(self, work: Callable[[], None]) -> Any:
        """Capture what `work` puts on the stream into a CUDA graph; None if that fails."""
        builder = self._stream.create_graph_builder()
        try:
            builder.begin_building("thread_local")
            work()
            return builder.end_building().complete()
        except Exception as error:  # what was captured so far is thrown away
            _log.warning("a CUDA graph cannot be made (%s): kernels are launched one by one", error)
            with contextlib.suppress(Exception):  # of a capture that CUDA has ended already
                builder.close()
            return None

    def launch(self, graph: Any) -> None:
        """Put a captured graph on the stream."""
        graph.launch(self._stream)


class Buffer:
    """Memory of a GPU, freed with this object."""

    def __init__(self, memory: Any, size: int) -> None:
        self.memory, self.size = memory, size
        self.address = int(memory.handle)


class GrowingBuffer:
    """A buffer that grows with what is asked for."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._buffer: Buffer | None = None

    def at_least(self, size: int) -> Buffer:
        """A buffer of `size` bytes or more; what it held is lost."""
        if self._buffer is None or self._buffer.size < size:
            self._gpu.sync()  # what uses the old one
            self._buffer = None
            self._buffer = self._gpu.allocate(size)
        return self._buffer


def _driver() -> Any:
    from cuda.bindings import driver

    return driver


def _check(result: tuple[Any, ...]) -> None:
    if int(result[0]):
        raise DeviceError(f"the GPU failed ({result[0].name}): use device='cpu', or restart")


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


class DeviceGraph(Protocol):
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


_SAMPLES = 2**24  # of a call of an engine: up to three buffers of 128 MB for the kernels


@dataclass(frozen=True)
class Chunk:
    """Pairs from `start` on, `count` of them, in a call of `size` pairs."""

    start: int
    count: int
    size: int


def split(count: int, sizes: Sequence[int]) -> list[Chunk]:
    """Calls for `count` pairs.

    Args:
        count: from 0.
        sizes: of calls, ascending.
    """
    chunks, start = [], 0
    while start < count:
        left = count - start
        fitting = [size for size in sizes if size <= left]
        above = [size for size in sizes if size >= left]
        # Pad to the next size if more than half of it is used: that costs less than another call.
        padded = bool(above) and (not fitting or 2 * left > above[0])
        size = above[0] if padded else fitting[-1]
        chunks.append(Chunk(start, min(left, size), size))
        start += size
    return chunks


def graph_sizes(n: int, work: Workload) -> tuple[int, ...]:
    """Sizes of calls of an ONNX graph for sets of n samples, ascending; 1 is always one."""
    most = work.gpu_samples
    return tuple(size for size in work.gpu_calls if size == 1 or size * n <= most)


def profile_sizes(profiles: Sequence[Profile], rest: Shape, n: int) -> dict[int, int]:
    """Sizes of calls of an engine, ascending, and the position of the profile of each.

    The sizes are those that profiles were optimised for, their largest, and 1; of two profiles that
    cover a size, the first counts.

    Args:
        profiles: of the engine.
        rest: shape of its input but for the batch.
        n: samples of a set.

    Raises:
        InputError: no profile is for such an input.
    """
    found: dict[int, int] = {}
    for index, profile in enumerate(profiles):
        for size in (profile.min[0], profile.opt[0], profile.max[0]):
            if (size > 1 or profile.min[0] == 1) and profile.covers((size, *rest)):
                if size == profile.min[0] > 1 and size not in (profile.opt[0], profile.max[0]):
                    continue
                found.setdefault(size, index)
    if not found:
        ranges = ", ".join(f"{p.name}: {_range(p)}" for p in profiles)
        raise InputError(
            f"the engine has no profile for {'x'.join(map(str, rest))} after the batch, but for "
            f"{ranges}: build it with a profile for {n} samples, infonet build --profile "
            "NAME=min:opt:max"
        )
    small = {size: index for size, index in found.items() if size * n <= _SAMPLES}
    return dict(sorted((small or {min(found): found[min(found)]}).items()))


def _range(profile: Profile) -> str:
    low, high = ("x".join(map(str, shape[1:])) for shape in (profile.min, profile.max))
    return low if low == high else f"{low} to {high}"


class LruCache(Generic[T]):
    """The objects used last, each with memory and graphs on a GPU.

    Args:
        gpu: where they are.
        most: how many are kept.
    """

    def __init__(self, gpu: Gpu, most: int = 8) -> None:
        self._gpu, self._most = gpu, most
        self._found: OrderedDict[Hashable, T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The object of `key`; made on a miss, in the place of the one not used for longest."""
        if key not in self._found:
            while len(self._found) >= self._most:
                self._gpu.sync()  # it may still be at work
                self._found.popitem(last=False)
            self._found[key] = make()
        self._found.move_to_end(key)
        return self._found[key]


def empty_outputs(names: Sequence[str], call: Call, count: int) -> dict[str, NDArray[np.float32]]:
    """Arrays [count, ...] for outputs of a core."""
    return {name: np.empty((count, *call.shapes[name][1:]), np.float32) for name in names}


def download(gpu: Gpu, call: Call, found: dict[str, NDArray[np.float32]], chunk: Chunk) -> None:
    """Fetch the outputs of a call, without its padding."""
    for name, array in found.items():
        part = array[chunk.start : chunk.start + chunk.count]
        gpu.download(call.outputs[name].address, part)
