"""Arrays of any library as NumPy's: PyTorch, CuPy, JAX and others, through DLPack; and batches."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError
from infonet.inputs.checks import require_real
from infonet.inputs.convert import from_array
from infonet.inputs.numbers import EXACT
from infonet.inputs.series import not_an_array

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


def as_batch(samples: Any) -> NDArray[Any]:
    """Return samples [batch, n, 2] of real numbers, dtype and layout kept.

    Raises:
        InputError: another shape, or not real numbers.
    """
    array = as_array(cpu_array(samples, "samples"), "samples")
    require_real(array, "samples")
    if isinstance(array, np.ma.MaskedArray):
        array = from_array(array, "samples")[0]
    if array.ndim != 3 or array.shape[2] != 2:
        fix = "pass samples[None]" if array.ndim == 2 and array.shape[1] == 2 else "reshape them"
        raise InputError(f"samples have shape {list(array.shape)}, allowed is [batch, n, 2]: {fix}")
    return array


def as_array(values: Any, label: str) -> NDArray[Any]:
    """`values` as an array of any dtype; masks are kept.

    Raises:
        InputError: a ragged list, or nothing that NumPy reads.
    """
    if _is_sparse(values):
        raise InputError(
            f"{label} is a sparse matrix of SciPy, allowed are dense ones: pass .toarray() of it"
        )
    if isinstance(values, np.ndarray):
        kept = isinstance(values, (np.memmap, np.ma.MaskedArray))
        return values if kept else np.asarray(values)  # of a matrix, columns are not [n]
    try:
        array = np.asarray(values)
        # NumPy turns [1, "a"] into strings, and [None, "a"] into objects: keep what they were.
        unlike = array.dtype.kind in "US"
        if isinstance(values, (list, tuple)):
            # Of times in two units, and of whole numbers among others, it may lose what they were.
            long = array.dtype == np.float64 and bool((np.abs(array) >= EXACT).any())
            unlike |= array.dtype.kind in "Mm" or long
        return np.asarray(values, object) if unlike else array
    except Exception as error:  # each library has its own
        if isinstance(values, (list, tuple)) and isinstance(error, ValueError):
            raise InputError(
                f"{label} is a ragged list, allowed are rows of one length: pass an array"
            ) from None
        raise not_an_array(values, label, error) from None


def _is_sparse(values: Any) -> bool:
    scipy = sys.modules.get("scipy.sparse")  # whoever has such a matrix has imported it
    return scipy is not None and bool(scipy.issparse(values))
