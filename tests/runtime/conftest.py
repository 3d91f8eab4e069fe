"""Shared fixtures of the runtime tests."""

from __future__ import annotations

from collections.abc import Callable

import infonet
import infonet_kernels
import numpy as np
import pytest
from numpy.typing import NDArray

Sampler = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]


@pytest.fixture(scope="session")
def estimator() -> infonet.Estimator:
    """The default model on one thread."""
    return infonet.Estimator(threads=1)


@pytest.fixture(scope="session")
def operators() -> str:
    """The compiled library, whose operators ONNX Runtime calls; without it the test is skipped."""
    if infonet_kernels.why_numpy():
        pytest.skip(f"custom operators are compiled: {infonet_kernels.why_numpy()}")
    return str(infonet_kernels.library_path())


@pytest.fixture(scope="session")
def gaussian() -> Sampler:
    """Draw n samples of a bivariate Gaussian of correlation rho."""

    def draw(rho: float, n: int, seed: int = 0):
        x, noise = np.random.default_rng(seed).standard_normal((2, n))
        return x, rho * x + np.sqrt(1 - rho**2) * noise

    return draw


@pytest.fixture(scope="session")
def table() -> dict[str, NDArray[np.float64]]:
    """Five dependent columns of 200 samples, two with names that a CSV file must quote."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, 1)) + rng.standard_normal((200, 5)) * np.linspace(0.5, 3, 5)
    return dict(zip(["x,1", 'y"2', "z", "w", "v"], data.T, strict=True))
