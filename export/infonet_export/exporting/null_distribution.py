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

SIZES = (20, 30, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 300_000, 1_000_000)
PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)
BATCH = 50


def simulate_null(core: Core, sizes: tuple[int, ...] = SIZES, draws: int = 2000) -> dict[str, Any]:
    """Quantiles (nats) of mi for ``draws`` random permutations of every n in ``sizes``.

    Above 100,000 samples a quarter of the draws is made: permutations are slow there.
    """
    rows = []
    for n in sizes:
        rng = np.random.default_rng([20_240_210, n])
        count = draws if n <= 100_000 else draws // 4
        position = ((np.arange(n) + 0.5) / n).astype(np.float32)
        estimates: list[float] = []
        for _ in range(0, count, BATCH):
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
        rows.append([round(float(q), 7) for q in np.quantile(estimates, PROBABILITIES)])
    return {"n": list(sizes), "probabilities": list(PROBABILITIES), "quantiles": rows}
