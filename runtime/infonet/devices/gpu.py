"""One GPU: its memory, one stream, and the one thread that drives both.

ONNX Runtime keeps captured graphs for each thread, and CUDA a current device for each, so all work
goes through a single thread; callers wait for it. Memory, streams and graphs are those of
cuda-python (cuda.core).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from infonet.errors import DeviceError, InfoNetError

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


class Room:
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
