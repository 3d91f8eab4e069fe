"""Y = f(X) + normal noise for any law of X: entropy and density of Y on a fine grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import fftconvolve

from infonet_export.samplers.distribution import Array

STEPS = 24  # of the grid within one standard deviation of the noise
REACH = 9.0  # standard deviations


@dataclass(frozen=True)
class NoisyCurve:
    """values [m] of f at nodes of X, their weights [m] (sum 1), and the noise's sigma."""

    values: Array
    weights: Array
    sigma: float

    def density(self) -> tuple[Array, Array]:
        """Grid points and the density of Y there: nodes shared out to two neighbours, then
        convolved. Sharing adds step^2 / 6 to the variance, which the kernel is short of."""
        step = self.sigma / STEPS
        low = self.values.min() - REACH * self.sigma
        cells = int(np.ceil((self.values.max() + REACH * self.sigma - low) / step)) + 2
        position = (self.values - low) / step
        cell = position.astype(np.int64)
        share = position - cell
        mass = np.bincount(cell, (1 - share) * self.weights, cells)
        mass += np.bincount(cell + 1, share * self.weights, cells)
        reach = int(REACH * STEPS)
        offset = np.arange(-reach, reach + 1) / STEPS
        kernel = np.exp(-0.5 * offset**2 / (1 - 1 / (6 * STEPS**2)))
        density = np.maximum(fftconvolve(mass, kernel / kernel.sum(), mode="same"), 0) / step
        return low + step * np.arange(cells), density

    def mi(self) -> float:
        """I(X; Y) = h(Y) - h(noise), nats, if f is one-to-one or not."""
        grid, density = self.density()
        held = density > 1e-300
        entropy = -np.sum(density[held] * np.log(density[held])) * (grid[1] - grid[0])
        return max(0.0, float(entropy - 0.5 * np.log(2 * np.pi * np.e) - np.log(self.sigma)))

    def log_ratio(self, residual: Array, y: Array) -> Array:
        """log p(y | x) - log p(y), where residual = y - f(x)."""
        grid, density = self.density()
        log_density = CubicSpline(grid, np.log(np.maximum(density, 1e-30)))
        conditional = -0.5 * (residual / self.sigma) ** 2 - np.log(self.sigma)
        return np.asarray(conditional - 0.5 * np.log(2 * np.pi) - log_density(y))
