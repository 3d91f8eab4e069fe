"""The distribution of the estimate under independence, simulated once per model.

Ranks of independent continuous variables are a uniformly random permutation, so it depends on n
alone.
"""

from __future__ import annotations

from typing import Any

import infonet_kernels
import numpy as np
import torch

from infonet_export.exporting.graphs import Core

# dense, because the quantiles of a network do not scale with n as those of a likelihood ratio do
_STEPS = (1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
SIZES = (
    *(round(10 * step) for step in _STEPS[2:]),
    *(round(scale * step) for scale in (100, 1000, 10_000, 100_000) for step in _STEPS),
    1_000_000,
)
PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
BEYOND = 4  # draws beyond a quantile without which it is not reported
BATCH = 50


def simulate_null(core: Core, sizes: tuple[int, ...] = SIZES, draws: int = 4000) -> dict[str, Any]:
    """Quantiles (nats) of mi for at least ``draws`` random permutations of every n in ``sizes``, at
    those of PROBABILITIES that so many draws can tell."""
    batches = -(-draws // BATCH)
    levels = [p for p in PROBABILITIES if (1 - p) * batches * BATCH >= BEYOND - 1e-9]
    rows = []
    for n in sizes:
        rng = np.random.default_rng([20_240_210, n])
        position = ((np.arange(n) + 0.5) / n).astype(np.float32)
        estimates: list[float] = []
        for _ in range(batches):
            # one permutation at a time: fifty of a million ranks would need 400 MB
            histogram = np.concatenate(
                [
                    infonet_kernels.joint_histogram(
                        position[None], rng.permutation(position)[None], core.grid
                    )
                    for _ in range(BATCH)
                ]
            )
            with torch.no_grad():
                estimates.extend(core(torch.from_numpy(histogram))[0].tolist())
        rows.append([round(float(q), 7) for q in np.quantile(estimates, levels)])
    return {"n": list(sizes), "probabilities": levels, "quantiles": rows}
