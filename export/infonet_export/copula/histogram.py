"""What the network reads of a pair of samples: the joint histogram of their mid-ranks."""

from __future__ import annotations

import numpy as np
from infonet_kernels import joint_histogram, soft_rank
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def histogram(samples: NDArray[np.float64], grid: int) -> Floats:
    """samples [n, 2], cast to float32 -> joint histogram of mid-ranks, float32 [grid, grid]."""
    columns = np.ascontiguousarray(samples.T, dtype=np.float32)
    ranks = soft_rank(columns, eps=0.0, normalize="midrank")
    counts: Floats = joint_histogram(ranks[:1], ranks[1:], grid)[0]
    return counts


def finite_samples(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Samples within float32, which heavy tails may overflow; ranks need only the order."""
    return np.nan_to_num(np.clip(samples, -3e38, 3e38))
