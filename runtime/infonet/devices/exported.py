"""Results in the memory of a GPU, for other libraries to read."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from infonet.devices.foreign import FLOAT32


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
