"""The operators of torch_ops/registered.py on a GPU: the CUDA kernels on the current stream.

Nothing waits for the GPU, and memory comes from PyTorch's allocator, so that steps can be captured
into a graph. Hence bad values raise nothing: ranks of a column with NaN (for eps > 0: or an
infinity) are NaN throughout, and so is the histogram of samples outside [0, 1].
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import infonet_kernels
import torch
from infonet_kernels import _cuda
from torch import Tensor


def soft_rank(samples: Tensor, eps: float, normalize: str) -> Tensor:
    """samples float32 [B, n, d] on a GPU -> soft ranks along axis 1, of the same shape."""
    values, (rows, n, columns) = _values("samples", samples)
    ranks = torch.empty_like(values)
    with _on_device_of(values) as stream:
        workspace = _workspace(_cuda.soft_rank_workspace(rows, n, eps), values)
        _cuda.launch_soft_rank(
            values=values.data_ptr(),
            rows=rows,
            n=n,
            columns=columns,
            eps=eps,
            normalize=_code(normalize),
            ranks=ranks.data_ptr(),
            on=_cuda.Launch(workspace.data_ptr(), workspace.numel(), stream),
        )
    return ranks


def soft_rank_backward(samples: Tensor, gradient: Tensor, eps: float, normalize: str) -> Tensor:
    """The gradient by the samples [B, n, d] from that by their soft ranks, for eps > 0."""
    values, (rows, n, columns) = _values("samples", samples)
    by, _ = _values("gradient", gradient)
    result = torch.empty_like(values)
    with _on_device_of(values) as stream:
        workspace = _workspace(_cuda.soft_rank_backward_workspace(rows, n, eps), values)
        _cuda.launch_soft_rank_backward(
            values=values.data_ptr(),
            by=by.data_ptr(),
            rows=rows,
            n=n,
            columns=columns,
            eps=eps,
            normalize=_code(normalize),
            gradient=result.data_ptr(),
            on=_cuda.Launch(workspace.data_ptr(), workspace.numel(), stream),
        )
    return result


def joint_histogram(ranks: Tensor, grid: int) -> Tensor:
    """ranks float32 [B, n, 2] in [0, 1] on a GPU -> splatted counts [B, grid, grid]."""
    values, (rows, n, columns) = _values("ranks", ranks)
    if columns != 2:
        raise ValueError(f"ranks: got shape {list(ranks.shape)}; [batch, n, 2] is needed")
    batch = rows // 2
    counts = values.new_empty(batch, grid, grid)
    with _on_device_of(values) as stream:
        workspace = _workspace(_cuda.histogram_workspace(batch, grid), values)
        x = values.data_ptr()
        _cuda.launch_joint_histogram(
            x=x,
            y=x + values.element_size(),
            rows=batch,
            n=n,
            stride=2,
            grid=grid,
            histogram=counts.data_ptr(),
            on=_cuda.Launch(workspace.data_ptr(), workspace.numel(), stream),
        )
    return counts


def _values(name: str, values: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
    """`values` as the kernels read them, and their rows, values a row, and columns."""
    if values.ndim != 3:
        raise ValueError(f"{name}: got shape {list(values.shape)}; [batch, n, d] is needed")
    if values.dtype != torch.float32:
        raise ValueError(
            f"{name}: got dtype {values.dtype} on {values.device}; on a GPU float32 is needed: "
            "use .float(), or .cpu() to compute in float64"
        )
    batch, n, columns = values.shape
    return values.detach().contiguous(), (batch * columns, n, max(columns, 1))


@contextlib.contextmanager
def _on_device_of(values: Tensor) -> Iterator[int]:
    """The handle of the current stream of a tensor's device, made the current device."""
    with torch.cuda.device(values.device):
        yield torch.cuda.current_stream().cuda_stream


def _workspace(size: int, values: Tensor) -> Tensor:
    # Freed on return, while the launch may be waiting: the allocator gives memory that was in use
    # on a stream to that stream's later work alone.
    return torch.empty(size, dtype=torch.uint8, device=values.device)


def _code(normalize: str) -> int:
    if normalize not in infonet_kernels.NORMALIZATIONS:
        allowed = ", ".join(map(repr, infonet_kernels.NORMALIZATIONS))
        raise ValueError(f"normalize: got {normalize!r}; allowed are {allowed}")
    return infonet_kernels.NORMALIZATIONS.index(normalize)
