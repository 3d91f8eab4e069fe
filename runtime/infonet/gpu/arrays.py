"""Results in the memory of a GPU, for other libraries to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.arrays import gpu_of

FLOAT32 = "<f4"


_PER_THREAD = 2  # the address that means the default stream of the thread


@dataclass(frozen=True)
class GpuSamples:
    """float32 samples [batch, n, 2] in the memory of a GPU, row-major.

    Attributes:
        address: of the first value.
        shape: (batch, n, 2).
        stream: address of a stream that may still write them; None: they are there.
        owner: keeps the memory.
    """

    address: int
    shape: tuple[int, ...]
    stream: int | None = None
    owner: Any = field(default=None, repr=False)

    def __len__(self) -> int:
        return self.shape[0]


def gpu_samples(values: Any, number: int, stream: int) -> GpuSamples:
    """Samples in the memory of GPU `number`, as they are; called on the thread that made them.

    Args:
        values: an array that exports DLPack or the CUDA array interface.
        number: of the GPU that computes.
        stream: address of the stream that will read them.

    Raises:
        InputError: another GPU, shape, type or layout.
    """
    found = gpu_of(values)
    if found not in (number, -1):
        raise InputError(
            f"samples are on GPU {found} and the estimator computes on GPU {number}: copy them "
            f"there, or set CUDA_VISIBLE_DEVICES={found}"
        )
    if getattr(values, "requires_grad", False) and hasattr(values, "detach"):
        values = values.detach()  # PyTorch exports no tensor that gradients flow through
    if not hasattr(values, "__dlpack__"):
        return parse_interface(values.__cuda_array_interface__, values)
    from cuda.core.utils import StridedMemoryView

    try:
        view = StridedMemoryView.from_dlpack(values, stream_ptr=stream)
        dtype = np.dtype(view.dtype).str
    except Exception as error:  # types that NumPy lacks, bfloat16 say
        reason = " ".join(str(error).split())
        raise InputError(
            f"samples cannot be read through DLPack ({reason}): pass float32, samples.float() say"
        ) from error
    strides = None if view.strides is None else tuple(4 * step for step in view.strides)
    check_layout(tuple(view.shape), dtype, strides)
    return GpuSamples(int(view.ptr), tuple(view.shape), owner=(view, values))


def parse_interface(interface: Mapping[str, Any], owner: Any = None) -> GpuSamples:
    """Samples by their `__cuda_array_interface__`, versions 2 and 3.

    See https://numba.readthedocs.io/en/stable/cuda/cuda_array_interface.html.

    Raises:
        InputError: not what the protocol says, or another shape, type or layout.
    """
    try:
        shape = tuple(int(size) for size in interface["shape"])
        dtype, address = str(interface["typestr"]), int(interface["data"][0])
        steps, stream = interface.get("strides"), interface.get("stream")
        strides = None if steps is None else tuple(int(step) for step in steps)
        stream = None if stream is None else int(stream)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"samples have a malformed __cuda_array_interface__ ({error!r}): pass a tensor of "
            "PyTorch or an array of CuPy"
        ) from error
    if interface.get("mask") is not None:
        raise InputError("samples have a mask, which is not read: leave out masked sets first")
    check_layout(shape, dtype, strides)
    if stream == 0:
        raise InputError("samples name stream 0, which the CUDA array interface forbids: pass 1")
    return GpuSamples(address, shape, stream, owner)


def wait_for_thread(samples: GpuSamples) -> GpuSamples:
    """Wait for the default stream of the calling thread, if samples name that: from another thread
    the same address means another stream."""
    if samples.stream != _PER_THREAD:
        return samples
    from cuda.core import PER_THREAD_DEFAULT_STREAM

    PER_THREAD_DEFAULT_STREAM.sync()
    return replace(samples, stream=None)


def check_layout(shape: tuple[int, ...], dtype: str, strides: tuple[int, ...] | None) -> None:
    """Refuse what the kernels do not read; strides in bytes.

    Raises:
        InputError: another shape, type or layout.
    """
    if len(shape) != 3 or shape[2] != 2:
        fix = "pass samples[None]" if len(shape) == 2 and shape[1] == 2 else "reshape them"
        raise InputError(f"samples have shape {list(shape)}, allowed is [batch, n, 2]: {fix}")
    if dtype != FLOAT32:
        raise InputError(
            f"samples on a GPU have dtype {dtype}, allowed is float32: pass samples.float(), or "
            "copy them to the CPU, which ranks float64 exactly"
        )
    expected, step = [], 4
    for size in reversed(shape):
        expected.append(step)
        step *= size
    same = strides is None or all(
        size <= 1 or found == wanted
        for size, found, wanted in zip(shape, strides, reversed(expected), strict=True)
    )
    if not same and 0 not in shape:
        raise InputError(
            f"samples on a GPU have strides {list(strides or ())} bytes, allowed are those of a "
            "row-major array: pass samples.contiguous()"
        )


def exact_in_float32(values: NDArray[Any]) -> bool:
    """Whether all values are finite float32 numbers, so that the GPU ranks them as the CPU does."""
    if values.dtype.kind in "iub":
        return not values.size or max(abs(int(values.min())), abs(int(values.max()))) <= 2**24
    if values.dtype == np.float32:
        return bool(np.isfinite(values).all())
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    return bool(np.isfinite(rounded).all() and (rounded == values).all())


@runtime_checkable
class OnDevice(Protocol):
    """A network that computes on a GPU."""

    def to_device(self, values: NDArray[np.float64]) -> DeviceArray:
        """Estimates in the memory of the GPU."""


class DeviceArray:
    """float32 [batch] in the memory of a GPU, complete; read through DLPack or the CUDA array
    interface: `torch.from_dlpack(result)`, `cupy.asarray(result)`."""

    def __init__(self, memory: Any, address: int, count: int) -> None:
        from cuda.core.utils import StridedMemoryView

        self.shape, self.dtype = (count,), np.dtype(np.float32)
        self._address, self._memory = address, memory
        self._view = StridedMemoryView.from_buffer(memory, self.shape, dtype=self.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": FLOAT32,
            "data": (self._address if self.shape[0] else 0, False),
            "strides": None,
            "stream": None,
            "version": 3,
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        kind, number = self._view.__dlpack_device__()
        return int(kind), int(number)

    def __dlpack__(self, **options: Any) -> Any:
        return self._view.__dlpack__(**options)
