"""Mutual information of two discrete variables by their counts: what the network cannot know.

The special functions at the top work on whole arrays: NumPy lacks them, and the runtime does not
take SciPy for them.

The network reads ranks on a grid, which says less of a table of counts than the counts do. Where a
cell that occurs holds samples enough, the plug-in estimate with the Miller-Madow correction is near
the statistical limit, does not depend on an order of the levels, and has an interval in closed
form. Where many categories with few samples each meet a variable of few levels, see `shared.py`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.levels import Cells, Levels

Array = NDArray[np.float64]
_SHIFT = 8  # the asymptotic series are good to 1e-13 from here on


def digamma(x: Any) -> Array:
    """Logarithmic derivative of the gamma function, x > 0: the asymptotic series from 8 on, the
    recurrence below (Abramowitz & Stegun 6.3.5 and 6.3.18)."""
    x = np.asarray(x, np.float64)
    below = sum(1 / (x + i) for i in range(_SHIFT))
    z = x + _SHIFT
    q = 1 / z**2
    series = q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q / 240)))
    return np.asarray(np.log(z) - 0.5 / z - series - below)


def log_gamma(x: Any) -> Array:
    """Logarithm of the gamma function, x > 0 (Abramowitz & Stegun 6.1.41)."""
    x = np.asarray(x, np.float64)
    product = np.ones_like(x)
    for i in range(_SHIFT):
        product = product * (x + i)
    z = x + _SHIFT
    q = 1 / z**2
    series = (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q / 1680))) / z
    return np.asarray(
        (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series - np.log(product)
    )


def log_normal_tail(z: float) -> float:
    """log P(Z >= z) of a standard normal variable, also where the probability underflows."""
    if z < 30:
        return math.log(0.5 * math.erfc(z / math.sqrt(2)))
    q = 1 / z**2  # Abramowitz & Stegun 26.2.12
    return -0.5 * z * z - math.log(z * math.sqrt(2 * math.pi)) + math.log1p(-q * (1 - 3 * q))


def log_gamma_tail(x: float, shape: float) -> float:
    """log P(G >= x) of a gamma variable of this shape and scale 1.

    The series of the lower incomplete gamma function below shape + 1, the continued fraction of
    the upper one above, as in Numerical Recipes, section 6.2.
    """
    if x <= 0:
        return 0.0
    front = shape * math.log(x) - x - math.lgamma(shape)
    if x < shape + 1:
        term = total = 1 / shape
        k = shape
        while abs(term) > abs(total) * 1e-15:
            k += 1
            term *= x / k
            total += term
        lower = math.exp(front) * total
        return math.log1p(-min(lower, 1 - 1e-16))
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 100_000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        step = c * d
        fraction *= step
        if abs(step - 1) < 1e-14:
            break
    return front + math.log(fraction)


_POSSIBLE = 8  # cells that may occur for each sample, at most
# Means of cells, as multiples of those of independent variables: in quarters of an octave near 1,
# in octaves elsewhere, and 0 for cells that cannot occur.
_RATIOS = np.concatenate([[0.0], np.exp2([*range(-12, -1), *np.arange(-4, 5) / 4, *range(2, 13)])])
_INDEPENDENT = int(np.argmax(_RATIOS == 1))
# Shares of cells that cannot occur and of those of the mean of independent variables, before
# anything is known of them, and cells that count for the latter beside those that there are.
_IMPOSSIBLE, _ALIKE, _BESIDE = 0.45, 0.5, 2.0
_EXACT = 16  # samples of a cell up to which counts are told apart, above in quarters of an octave
_STEPS, _SETTLED = 100, 1e-2  # of learning, at most, and nats of likelihood that a step must add
_IN_DOUBT = 0.3  # of what is taken beside Miller and Madow's correction
Z95 = 1.6448536269514722  # 95 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Counted:
    """Estimate and 90 % interval of one pair, nats."""

    mi: float
    low: float
    high: float


def plug_in(cells: Cells) -> Counted:
    """Miller-Madow estimate of the pairs of levels that occur; see `from_table`."""
    return interval(*_of_cells(cells))


def dense(cells: Cells) -> Counted:
    """`plug_in`, less what its correction leaves of the bias where cells hold few samples.

    It takes half a sample for each cell that occurs, as is right for well-filled ones. For a count
    N of mean m the bias is E[N log N] - m log m. How the means differ from those of independent
    variables is learnt from the table: a cell may hold few samples as its levels are rare, or as
    they never go together, and then it has no bias.
    """
    n, (mi, variance) = cells.x.n, _of_cells(cells)
    if cells.x.number * cells.y.number > _POSSIBLE * n:  # most of which can never occur
        return interval(mi, variance)
    bias, error = learnt_bias(np.outer(cells.x.counts, cells.y.counts / n), cells.table())
    left = (bias - cells.number / 2) / n
    return interval(mi - left, variance + (_IN_DOUBT * left) ** 2 + (error / n) ** 2)


def learnt_bias(independent: Array, counts: NDArray[np.integer]) -> tuple[float, float]:
    """The sum of E[N log N] - m log m over cells whose means m are learnt, and its standard error.

    Each mean is a multiple of that of independent variables. How many cells have which multiple is
    learnt from all of them together (empirical Bayes: the maximum likelihood of a mixture, as in
    `shared`), and what a cell holds tells which of them may be its own.

    Args:
        independent: means [k, m] of independent variables of the same levels, above 0.
        counts: [k, m].
    """
    means, held, alike = _groups(independent.ravel(), counts.ravel())
    multiples = np.outer(means, _RATIOS)
    logs = np.log(np.maximum(multiples, 1e-300))  # so that what is held is impossible, not NaN
    logs = held[:, None] * logs - multiples
    likely = np.exp(logs - logs.max(axis=1, keepdims=True))
    rest = (1 - _IMPOSSIBLE - _ALIKE) / (_RATIOS.size - 2)
    shares = np.full(_RATIOS.size, rest)
    shares[[0, _INDEPENDENT]] = _IMPOSSIBLE, _ALIKE
    before = -math.inf
    for _ in range(_STEPS):
        whole = likely @ shares
        now = float(alike @ np.log(whole)) + _BESIDE * math.log(shares[_INDEPENDENT])
        if now - before < _SETTLED:
            break
        before = now
        shares = shares * ((alike / whole) @ likely)
        shares[_INDEPENDENT] += _BESIDE
        shares /= counts.size + _BESIDE
    belongs = likely * shares / (likely @ shares)[:, None]
    biases = np.interp(multiples, *_of_poisson())
    bias = (belongs * biases).sum(axis=1)
    spread = (belongs * biases**2).sum(axis=1) - bias**2
    return float(alike @ bias), math.sqrt(max(0.0, float(alike @ spread)))


def _groups(means: Array, counts: NDArray[np.integer]) -> tuple[Array, Array, NDArray[np.intp]]:
    """Cells of about the same mean and count: the mean and the count of each group, and how many
    cells it has."""
    place = np.rint(4 * np.log2(means)).astype(np.int64)
    most = int(counts.max())
    # counts stand for themselves up to _EXACT, then for those that are rounded alike
    stands = np.arange(most + 1, dtype=np.float64)
    beyond = stands[_EXACT:]
    beyond[:] = _EXACT * np.exp2(np.rint(4 * np.log2(beyond / _EXACT)) / 4)
    held, stands_at = np.unique(stands, return_inverse=True)
    key = (place - place.min()) * held.size + stands_at.reshape(-1)[counts]
    alike = np.bincount(key)
    used = np.flatnonzero(alike)
    return np.bincount(key, means)[used] / alike[used], held[used % held.size], alike[used]


def thin_bias(bias: float, used: int, n: int, mi: float, most: float) -> float:
    """What the correction of Miller and Madow leaves of the bias, nats.

    Args:
        bias: of all cells, by the means that they have if neither variable tells of the other.
        used: cells that occur.
        n: samples.
        mi: the estimate as it is.
        most: the entropy of a variable, which is all that can be told: the means are the less
            right, and the less is given, the more of it is.
    """
    told = min(max(mi, 0.0) / most, 1.0) if most > 0 else 1.0
    return (bias - used / 2) / n * (1 - told) ** 3


def from_table(
    counts: NDArray[np.integer], uncorrected: float = 0.0, apart: float = 0.0, bias: float = 0.0
) -> Counted:
    """Miller-Madow estimate of a table of counts [k, m].

    The correction is that of Miller (1955): each entropy is too small by (cells used - 1) / 2n. The
    interval is normal: the variance of the mean log ratio, plus that of half a chi-squared variable
    over n, which is all there is for independent variables, plus the squares of the part
    ``uncorrected`` of the largest correction and of ``apart``, nats. ``bias`` is what is known of
    the bias beside, nats.
    """
    first, second = np.nonzero(counts)
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    cells = counts[first, second], row[first], column[second]
    mi, variance = _miller_madow(*cells, uncorrected, apart)
    return interval(mi - bias, variance)


def _of_cells(cells: Cells) -> tuple[float, float]:
    # of cells of one sample there may be as many that were not seen
    unseen = int((cells.counts == 1).sum()) / (2 * cells.x.n)
    rows, columns = cells.x.counts[cells.first], cells.y.counts[cells.second]
    return _miller_madow(cells.counts, rows, columns, apart=unseen)


def _miller_madow(
    cells: NDArray[np.integer],
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    uncorrected: float = 0.0,
    apart: float = 0.0,
) -> tuple[float, float]:
    """Estimate and variance, from the cells that are used [c] and the sums of the row and the
    column of each."""
    n = int(cells.sum())
    p = cells / n
    log_ratio = np.log(cells * float(n)) - np.log(rows.astype(np.float64) * columns)
    mean = float(p @ log_ratio)
    # each row has as many cells as its samples divided among them
    height = round(float((cells / rows).sum()))
    width = round(float((cells / columns).sum()))
    mi = mean - (cells.size - height - width + 1) / (2 * n)
    freedom = (height - 1) * (width - 1)
    # what varies under independence: no more than the cells that occur can
    free = max(min(freedom, cells.size - 1), 0)
    variance = float(p @ (log_ratio - mean) ** 2) / n + free / (2 * n**2)
    variance += (uncorrected * freedom / (2 * n)) ** 2 + apart**2
    return mi, variance


def interval(mi: float, variance: float) -> Counted:
    """A normal 90 % interval about an estimate, both cut at 0."""
    reach, mi = Z95 * math.sqrt(variance), max(0.0, mi)
    return Counted(mi, max(0.0, mi - reach), mi + reach)


def poisson_bias(means: Array) -> float:
    """The sum of E[N log N] - m log m over Poisson variables N of means m."""
    return float(np.interp(means, *_of_poisson()).sum())


@functools.cache
def _of_poisson() -> tuple[Array, Array]:
    """Means, and E[N log N] - m log m of each."""
    means = np.concatenate([[0.0], np.geomspace(1e-3, 50, 200)])
    count = np.arange(1, 140)
    logs = np.log(np.maximum(means, 1e-300))
    likely = np.exp(count * logs[:, None] - means[:, None] - log_gamma(count + 1.0))
    return means, likely @ (count * np.log(count)) - means * logs


def entropy(levels: Levels) -> tuple[float, float]:
    """Entropy of a discrete variable (Miller-Madow) and its standard error, nats."""
    n = levels.n
    p = levels.counts / n
    surprise = -np.log(p)
    mean = float(p @ surprise)
    variance = float(p @ (surprise - mean) ** 2) / n + (levels.number - 1) / (2 * n**2)
    # of values that occur once there may be as many that were not seen
    variance += (int((levels.counts == 1).sum()) / (1.5 * n)) ** 2
    corrected = mean + (levels.number - 1) / (2 * n)
    if int(levels.counts.min()) > 1:  # all values were seen, and no more than so many can tell
        corrected = min(corrected, math.log(levels.number))
    return corrected, math.sqrt(variance)
