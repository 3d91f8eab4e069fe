"""Whether a label agrees among neighbours on a number: a test that sees what changes too fast.

A label that changes many times over the range of a number (the parity of a digit, stripes, codes of
narrow bands) has the same mean rank everywhere, and the network's grid is too coarse for it, though
nearest neighbours estimate it well. They have a test of their own here: how many pairs of samples
that are near in the order of the number have one label. For neighbours next to each other it is
that of Wald & Wolfowitz (1940) by runs.
"""

from __future__ import annotations

import math

import numpy as np

from infonet.pairs.counted import log_gamma_tail
from infonet.pairs.levels import Levels
from infonet.pairs.significance import trace_variance
from infonet.pairs.structure import RankedVariable, Ranks

_NEAR = 3  # neighbours on either side
_BESIDE_EACH_OTHER = 4.0  # samples of one label expected so, beside those of the most frequent one


def log_p_of_agreement(x: RankedVariable, y: RankedVariable) -> float | None:
    """log p of a label or categories and a number; None where they are something else, or where few
    samples share a level.

    Of two tied numbers the one of fewer levels is the label. Whether there is a test depends on the
    two variables by themselves, as in `significance`.
    """
    labels = [
        (v.levels.number, v.fingerprint, v, other)
        for v, other in ((x, y), (y, x))
        if v.tied and not other.nominal
    ]
    if not labels:
        return None
    *_, label, number = min(labels, key=lambda found: found[:2])
    return _agreement(number.untied, label.levels)


def _agreement(ranks: Ranks, label: Levels) -> float | None:
    """One-sided: neighbours agree more often than those of a random order do."""
    n, counts = label.n, label.counts.astype(np.float64)
    share = counts / n
    beside = float(counts @ share - counts.max() * share.max())
    if beside < _BESIDE_EACH_OTHER or n <= 2 * _NEAR + 1:
        return None
    codes = label.codes[np.argsort(ranks, kind="stable")]
    agree = sum(int((codes == np.roll(codes, step)).sum()) for step in range(1, _NEAR + 1))
    # Pairs of neighbours, the last one beside the first, and pairs of one label: the trace of each
    # matrix less its means, that of its square, and the squares of its diagonal.
    ring = 2.0 * _NEAR
    near = -ring, ring * n - ring**2, ring**2 / n
    square = float(share @ share)
    alike = (
        n * (1 - square),
        n**2 * (square - 2 * float((share**3).sum()) + square**2),
        float(counts @ (1 - 2 * share + square) ** 2),
    )
    statistic = 2 * agree - ring * n * square
    mean = near[0] * alike[0] / (n - 1)
    z = (statistic - mean) / math.sqrt(trace_variance(n, near, alike))
    shape = 4 * beside  # pairs of rare labels are as Poisson counts, and have their skewness
    return log_gamma_tail(max(shape + z * math.sqrt(shape), 0.0), shape)
