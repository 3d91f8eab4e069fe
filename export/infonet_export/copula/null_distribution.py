"""The distribution of the test statistic under independence, simulated once per model.

Ranks of independent continuous variables are a uniformly random permutation, so it depends on n
alone. Quantiles are those of the simulations; beyond the last one stands a generalised Pareto tail
(Pickands 1975) fitted to the excesses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import infonet_kernels
import numpy as np
from numpy.typing import NDArray
from scipy.stats import genpareto

Array = NDArray[np.float64]
Statistic = Callable[[NDArray[np.float32]], NDArray[np.float32]]

# dense, because the quantiles of a network do not scale with n as those of a likelihood ratio do
_STEPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
SIZES = (
    *(round(10 * step) for step in _STEPS[2:]),
    *(round(scale * step) for scale in (100, 1000, 10_000, 100_000) for step in _STEPS),
    1_000_000,
)
PROBABILITIES = (0.02, 0.05, *np.round(np.arange(0.1, 0.91, 0.1), 1), 0.95, 0.97, 0.98)
LARGE = 10_000  # samples; beyond, simulations are dear and fewer are made


def simulate_null(
    statistic: Statistic, grid: int, sizes: tuple[int, ...] = SIZES, draws: int = 20_000
) -> dict[str, Any]:
    """The null distribution for the metadata of a model.

    statistic: histograms float32 [1, grid, grid] -> values [1]. draws: simulations for each n up to
    LARGE; beyond fewer, as one over the root of n.
    """
    excess, rows = [], []
    for n in sizes:
        count = max(200, round(draws * min(1.0, LARGE / n) ** 0.5))
        values = _simulate(statistic, grid, n, count)
        quantiles = np.quantile(values, PROBABILITIES)
        rows.append([round(float(q), 6) for q in quantiles])
        excess.append(values[values > quantiles[-1]] - quantiles[-1])
    # One shape for all n: a fit to the excesses of a single n would be mostly noise. Not negative,
    # which would end the tail and call what lies beyond impossible.
    shapes = [genpareto.fit(part, floc=0)[0] for part in excess]
    weights = [len(part) for part in excess]
    shape = round(max(0.0, float(np.average(shapes, weights=weights))), 4)
    scales = [round(float(part.mean()) * (1 - shape), 6) for part in excess]
    return {
        "statistic": "score",
        "n": list(sizes),
        "probabilities": [float(p) for p in PROBABILITIES],
        "quantiles": rows,
        "tail": {"shape": shape, "scales": scales},
    }


def _simulate(statistic: Statistic, grid: int, n: int, count: int) -> Array:
    rng = np.random.default_rng([20_240_210, n])
    position = ((np.arange(n) + 0.5) / n).astype(np.float32)
    values = np.empty(count)
    for i in range(count):
        shuffled = rng.permutation(position)
        histogram = infonet_kernels.joint_histogram(position[None], shuffled[None], grid)
        values[i] = statistic(histogram)[0]
    return values
