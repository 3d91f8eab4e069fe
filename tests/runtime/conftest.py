"""Shared fixtures of the runtime tests."""

from __future__ import annotations

from collections.abc import Callable

import infonet
import numpy as np
import pytest
from numpy.typing import NDArray

Sampler = Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]]


@pytest.fixture(scope="session")
def estimator() -> infonet.Estimator:
    """The default model on one thread."""
    return infonet.Estimator(threads=1)


@pytest.fixture(scope="session")
def gaussian() -> Sampler:
    """Draw n samples of a bivariate Gaussian of correlation rho."""

    def draw(rho: float, n: int, seed: int = 0):
        x, noise = np.random.default_rng(seed).standard_normal((2, n))
        return x, rho * x + np.sqrt(1 - rho**2) * noise

    return draw
