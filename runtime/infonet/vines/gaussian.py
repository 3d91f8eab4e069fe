"""One Gaussian copula of all columns, where the pair copulas of a vine are Gaussian.

A vine of a hundred columns fits thousands of copulas, each to what earlier ones left, and what each
leaves too much adds up: dense Gaussian columns, 50 + 50 with n = 10,000, are estimated 6 % too low.
Few columns that are strongly correlated lose as much, because ranks know a small difference of two
columns only up to the distances of samples. If all copulas are Gaussian, so is that of all columns,
and determinants give its mutual information with no fit in between. Their bias is known exactly (of
the logarithm of a Wishart determinant).

Columns have the normal scores of their ranks in the determinants. But where others tell most of a
column, those whose values pass for normal have these, as they hold small differences, as long as
all columns together pass for normal, too (Mardia 1970).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.pairs.counted import digamma, log_gamma_tail
from infonet.vines.copula import Array, Ranks
from infonet.vines.dvine import Vine

# Share of copulas that are refused though they are Gaussian, about twice that of chance: a test at
# 1 % of moments and one of counts.
_BY_CHANCE = 0.03
LEAST_FOR_EACH = 4  # samples for each column
_EVIDENT = 0.001  # p-value of a copula up to which it is no accident that it is not Gaussian
# One less the correlation of normal values with their normal scores is at most so many times
# log(n) / n, in 99 of 100 samples of 30 to 10,000 (the test of Shapiro and Francia, 1972).
_NORMAL = 0.45
_JOINTLY = 0.02  # p-value of the test that all columns together are normal
_PLACES = 9  # decimals, so that another unit of the values changes no bit
_COLLINEAR = 5.0  # variance over what other columns leave of it, from which ranks lose much
_MOST_TESTED, _MOST_SAMPLES = 16, 20_000  # columns and samples of that test


def of_one_copula(
    vine: Vine,
    columns: Sequence[Ranks],
    groups: Sequence[int],
    values: Sequence[NDArray[np.generic]] = (),
) -> float | None:
    """Mutual information of groups of columns in nats, by determinants.

    What the few copulas that are not Gaussian tell beyond their correlations is added.

    Args:
        vine: of the columns; the edges between groups were asked for.
        columns: mid-ranks [n] each, in the order of the vine.
        groups: number of columns in each group.
        values: the columns themselves; empty: only their ranks are known.

    Returns:
        None where there are two columns or few samples, or more than a few copulas are not
        Gaussian.
    """
    size, n = len(columns), columns[0].size
    if size < 3 or n < LEAST_FOR_EACH * size:
        return None
    pairs = size * (size - 1) // 2
    refused = vine.read * pairs
    gaussian = refused <= _BY_CHANCE * pairs
    scores = np.stack([kernels().normal_scores(column) for column in columns])
    ends = np.cumsum(groups)
    parts = [slice(end - count, end) for end, count in zip(ends, groups, strict=True)]
    if values and size <= _MOST_TESTED and inflated(scores) > _COLLINEAR:
        normal = np.stack([_normal(row, score) for row, score in zip(values, scores, strict=True)])
        if _jointly_normal(normal):
            # What ranks of such columns show besides is what they do not hold.
            gaussian, scores = True, normal
    if not gaussian:
        return None
    covariance = kernels().products(scores) / n
    of_groups = sum(_log_determinant(covariance[part, part], n) for part in parts)
    mi = (of_groups - _log_determinant(covariance, n)) / 2
    others = [edge for edge in vine.edges if not edge.gaussian and edge.p_value <= _EVIDENT]
    mi += sum(edge.mi - _of_correlation(edge.correlation, n) for edge in others)
    return round(mi, _PLACES)


def _normal(values: NDArray[np.generic], scores: Array) -> Array:
    """Values that pass for normal, of mean 0 and variance 1; else the normal scores of their ranks.
    All [n]."""
    n = scores.size
    numbers = np.nan_to_num(np.asarray(values, np.float64)) / 4
    with np.errstate(over="ignore", invalid="ignore"):
        centred = numbers - numbers.mean()
        size = math.sqrt(float((centred * centred).mean()))
        like = float((centred * scores).mean()) / (size * float(scores.std())) if size else 0.0
    return centred / size if 1 - like <= _NORMAL * math.log(n) / n else scores


def _jointly_normal(rows: Array) -> bool:
    """Whether rows [d, n] pass for a sample of a normal distribution, by their third and fourth
    moments together (Mardia 1970)."""
    rows = rows[:, :: max(1, -(-rows.shape[1] // _MOST_SAMPLES))]
    rows = rows - rows.mean(axis=1, keepdims=True)
    d, n = rows.shape
    try:
        root = np.linalg.cholesky(kernels().products(rows) / n)
    except np.linalg.LinAlgError:
        return False
    white = np.linalg.solve(root, rows)
    third = np.stack([np.einsum("an,bn,n->ab", white, white, row) for row in white]) / n
    skewness = float((third * third).sum())
    freedom = d * (d + 1) * (d + 2) / 6
    small = (d + 1) * (n + 1) * (n + 3) / (n * ((n + 1) * (d + 1) - 6))
    p = math.exp(log_gamma_tail(n * skewness * small / 12, freedom / 2))
    square = (white * white).sum(axis=0)
    expected, spread = d * (d + 2) * (n - 1) / (n + 1), math.sqrt(8 * d * (d + 2) / n)
    z = abs(float((square * square).mean()) - expected) / spread
    return 2 * min(p, math.erfc(z / math.sqrt(2))) > _JOINTLY


def inflated(rows: Array) -> float:
    """The largest variance inflation factor of rows [d, n]: the variance of a row over what the
    others leave of it."""
    moments = kernels().products(rows) / rows.shape[1]
    size = np.sqrt(np.diag(moments))
    correlations = moments / size[:, None] / size + 1e-9 * np.eye(len(size))
    return float(np.diag(np.linalg.inv(correlations)).max())


def _log_determinant(covariance: Array, n: int) -> float:
    """Its logarithm without bias, of n samples of which the mean was taken off."""
    freedom, size = n - 1, len(covariance)
    chance = digamma((freedom - np.arange(size)) / 2) + math.log(2 / freedom)
    return float(np.linalg.slogdet(covariance)[1] - chance.sum())


def _of_correlation(r: float, n: int) -> float:
    return -0.5 * math.log1p(-r * r) - 1 / (2 * n)
