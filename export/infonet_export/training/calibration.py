"""Split-conformal calibration of the intervals (Romano, Patterson & Candes, NeurIPS 2019).

Quantile regression holds its level on the families it was trained on. On others it is too sure, so
the interval is stretched about the median by the factor that gives 90 % coverage on families that
training never drew (samplers/held_out.py, CALIBRATION). The families that judge, TEST, are others.
"""

from __future__ import annotations

import numpy as np
import torch

from infonet_export.models.copula import CopulaNet
from infonet_export.samplers.distribution import Family
from infonet_export.samplers.held_out import CALIBRATION
from infonet_export.training.pool import histogram

LEVEL = 0.9
SIZES = (100, 300, 1000, 3000, 10_000)


def interval_factor(
    net: CopulaNet, families: dict[str, Family] | None = None, count: int = 60, seed: int = 7
) -> float:
    """Smallest factor, at least 1, by which intervals reach LEVEL coverage on ``count`` distributions
    of every family at every n of SIZES."""
    needed = []
    for number, family in enumerate((CALIBRATION if families is None else families).values()):
        for n in SIZES:
            rng = np.random.default_rng([seed, number, n])
            drawn = [family(rng) for _ in range(count)]
            counts = np.stack([histogram(d.sample(rng, n), net.config.histogram_grid) for d in drawn])
            with torch.no_grad():
                low, middle, high = net(torch.from_numpy(counts)).quantiles.double().numpy().T
            error = np.array([d.mi for d in drawn]) - middle
            width = np.where(error < 0, middle - low, high - middle)
            # a lower end below 0 is clipped to 0 and so covers a truth of 0 at any factor
            needed.append(np.abs(error) / np.maximum(width, 1e-9))
    return max(1.0, float(np.quantile(np.concatenate(needed), LEVEL)))
