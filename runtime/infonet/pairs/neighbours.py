"""Mutual information from nearest neighbours, the other estimate where there are few dimensions.

Estimator 1 of Kraskov, Stögbauer & Grassberger (Physical Review E 2004) on normal scores. It has no
grid, so that it sees dependence that is sharper than the network's. Of variables of several columns
it finds more than a vine where copulas change with two conditions at once, and less where there are
many dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.counted import digamma

Array = NDArray[np.float64]
Ranks = NDArray[np.float32]

NEIGHBOURS = 3
MOST_DIMENSIONS = 8  # of x and y together: beyond, neighbours are too far away to be of use
MOST_SAMPLES = 20_000  # more are thinned out: the bound hardly gains, and time is n log n


def neighbour_terms(x: Sequence[Ranks], y: Sequence[Ranks], threads: int = 1) -> Array:
    """What each sample adds to the estimate: their mean is the mutual information in nats.

    Args:
        x, y: mid-ranks [n] of each dimension, without ties.
        threads: results do not depend on it.

    Returns:
        float64 [n].
    """
    left, right = (np.stack([kernels().normal_scores(row) for row in rows], 1) for rows in (x, y))
    return terms_of_scores(left, right, threads)


def terms_of_scores(left: Array, right: Array, threads: int = 1) -> Array:
    """See `neighbour_terms`; of normal scores, float64 [n, dimensions] of either variable."""
    joint = np.concatenate([left, right], axis=1)
    distance = kernels().neighbour_distances(joint, NEIGHBOURS, threads)
    near = [kernels().neighbour_counts(part, distance, threads) for part in (left, right)]
    n = len(joint)
    constant = float((digamma(np.array([NEIGHBOURS])) + digamma(np.array([n])))[0])
    terms: Array = constant - (digamma(near[0] + 1.0) + digamma(near[1] + 1.0))
    return terms
