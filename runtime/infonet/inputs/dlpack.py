"""Arrays of other libraries: PyTorch, CuPy, JAX and others, in their memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from infonet.errors import InputError

# Device types of DLPack (dlpack.h); memory that the CPU reads, and that of GPUs.
_CPU, _CUDA, _CUDA_HOST, _CUDA_MANAGED = 1, 2, 3, 13


def gpu_of(values: Any) -> int | None:
    """The number of the GPU that holds an array, -1 if it does not say which; None: the CPU does.

    Raises:
        InputError: memory of neither.
    """
    if isinstance(values, (np.ndarray, list, tuple)):
        return None
    locate = getattr(values, "__dlpack_device__", None)
    if locate is not None:
        try:
            kind, number = (int(part) for part in locate())
        except Exception as error:  # PyTorch's "meta" tensors, which have no values
            reason = " ".join(str(error).split())
            raise InputError(
                f"the array is in no memory that can be read ({reason}): copy it to the CPU"
            ) from error
        if kind in (_CPU, _CUDA_HOST):
            return None
        if kind in (_CUDA, _CUDA_MANAGED):
            return number
        raise InputError(
            f"the array is in memory of DLPack device type {kind}, allowed are those of the CPU "
            "and of CUDA: copy it to the CPU"
        )
    return -1 if getattr(values, "__cuda_array_interface__", None) is not None else None


def cpu_array(values: Any, label: str) -> Any:
    """Convert a DLPack array to NumPy; return anything else unchanged.

    Raises:
        InputError: it is on a GPU, or cannot be exported.
    """
    number = gpu_of(values)
    if number is not None:
        where = "" if number < 0 else f" {number}"
        raise InputError(
            f"{label} are on GPU{where} and this estimator computes on the CPU: copy them with "
            ".cpu() or .get(), or use Estimator(device='cuda')"
        )
    if isinstance(values, np.ndarray) or not hasattr(values, "__dlpack__"):
        return values
    if hasattr(values, "__array__") and not getattr(values, "requires_grad", False):
        return values
    try:
        exported = values.detach() if hasattr(values, "detach") else values
        return np.from_dlpack(exported)
    except Exception as error:  # each library has its own
        reason = " ".join(str(error).split())
        raise InputError(
            f"{label} cannot be read through DLPack ({reason}): convert them to a NumPy array"
        ) from error
