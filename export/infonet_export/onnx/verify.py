"""What the checks of exported files share: samples, a session, and the error that refuses one."""

from __future__ import annotations

from pathlib import Path

import infonet_kernels
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from infonet_export.samplers.training_families import draw


class ParityError(RuntimeError):
    """The exported graph and the checkpoint give different numbers."""


def draw_samples(rng: np.random.Generator, batch: int, n: int) -> NDArray[np.float32]:
    """Raw samples [batch, n, 2] of distributions that training draws."""
    with np.errstate(all="ignore"):
        pairs = [np.clip(draw(rng).sample(rng, n), -1e30, 1e30) for _ in range(batch)]
    return np.stack(pairs).astype(np.float32)


def session(path: Path, custom_ops: bool) -> onnxruntime.InferenceSession:
    """ONNX Runtime on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if custom_ops:
        options.register_custom_ops_library(str(infonet_kernels.library_path()))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
