"""Where a training runs."""

from __future__ import annotations

import torch


def choose_device(name: str | None) -> torch.device:
    """``name`` ("cpu" or "cuda"), or CUDA where there is a GPU. Raises ValueError for CUDA without
    one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but PyTorch finds no GPU: use 'cpu'")
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
