"""One Gaussian copula of all columns, where the pair copulas of a vine are Gaussian.

A vine of a hundred columns fits thousands of copulas, each to what earlier ones left, and what each
leaves too much adds up: dense Gaussian columns, 50 + 50 with n = 10,000, are estimated 6 % too low.
If all of them are Gaussian, so is the copula of all columns, and determinants give its mutual
information with no fit in between. Their bias is known exactly (of the logarithm of a Wishart
determinant).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from infonet.model.libraries import kernels
from infonet.pairs.counted import digamma
from infonet.vines.copula import Array, Ranks
from infonet.vines.dvine import Vine

_FEW = 8  # columns up to which the errors of a vine do not add up
# Share of copulas that are refused though they are Gaussian, about twice that of chance: a test at
# 1 % of moments and one of counts.
_BY_CHANCE = 0.03
_ROOM = 4  # samples for each column
_EVIDENT = 0.001  # p-value of a copula up to which it is no accident that it is not Gaussian


def of_one_copula(vine: Vine, columns: Sequence[Ranks], groups: Sequence[int]) -> float | None:
    """Mutual information of groups of columns in nats, by determinants.

    What the few copulas that are not Gaussian tell beyond their correlations is added.

    Args:
        vine: of the columns; the edges between groups were asked for.
        columns: mid-ranks [n] each, in the order of the vine.
        groups: number of columns in each group.

    Returns:
        None where there are few columns or samples, or more than a few copulas are not Gaussian.
    """
    size, n = len(columns), columns[0].size
    if size <= _FEW or n < _ROOM * size or vine.read > _BY_CHANCE:
        return None
    scores = np.stack([kernels().normal_scores(column) for column in columns])
    covariance = kernels().products(scores) / n
    ends = np.cumsum(groups)
    parts = [slice(end - count, end) for end, count in zip(ends, groups, strict=True)]
    of_groups = sum(_log_determinant(covariance[part, part], n) for part in parts)
    mi = (of_groups - _log_determinant(covariance, n)) / 2
    others = [edge for edge in vine.edges if not edge.gaussian and edge.p_value <= _EVIDENT]
    return mi + sum(edge.mi - _of_correlation(edge.correlation, n) for edge in others)


def _log_determinant(covariance: Array, n: int) -> float:
    """Its logarithm without bias, of n samples of which the mean was taken off."""
    freedom, size = n - 1, len(covariance)
    chance = digamma((freedom - np.arange(size)) / 2) + math.log(2 / freedom)
    return float(np.linalg.slogdet(covariance)[1] - chance.sum())


def _of_correlation(r: float, n: int) -> float:
    return -0.5 * math.log1p(-r * r) - 1 / (2 * n)
