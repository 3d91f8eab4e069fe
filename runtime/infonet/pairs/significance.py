"""p-values of pairs with a tied variable: tests that see labels, counts and zeros.

Ties that are broken at random leave independent variables independent and continuous, so that the
network's statistic has its usual null distribution. But the random order hides what a rare label
says. So it is joined by tests on the ties themselves, whose distribution under independence, that
of all permutations of one variable, has known moments:

- the correlation of mid-ranks, for two variables with an order: Spearman's with ties, which is the
  rank-sum test of Mann & Whitney for two groups and exact for a table of two by two;
- the test of Kruskal & Wallis, for a variable of few levels and one with an order;
- Pearson's chi-squared, for a table of counts.

Where a few samples decide (a rare label) the null distribution is simulated. Discrete statistics
get a random share of the probability of their own value, without which tests of rare labels would
reject too seldom; like the order of ties it is a function of seed and ranks. Which tests are made
depends on the two variables by themselves, never on how they go together. Their p-values are
combined by the Cauchy combination test (Liu & Xie 2020), which holds its level whether tests agree
or not. A label that changes too fast along a number for all of these has a test of its own, in
`agreement.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.counted import log_gamma, log_gamma_tail, log_normal_tail
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.structure import RankedVariable

Array = NDArray[np.float64]
_SMALLEST, _LARGEST = 1e-300, 0.99
_RARELY = 0.1  # weight of a test that is seldom needed
_DRAWS = 999  # permutations that are simulated where few samples decide
_BEYOND = -math.log(1 + _DRAWS)  # log p of what is larger than all of them
_SHUFFLED = 400  # samples at most that are shuffled as a whole
_FEW_TOGETHER = 6  # samples expected in both minorities, up to which it is simulated
_FEW_APART = 12  # samples in a minority, up to which it is simulated
_PER_GROUP = 5  # samples in each group but the largest at least, on average
_HEAVY = 0.3  # share of the fourth moment of a score times groups, from which few scores decide
_CELLS = 40  # of a table that is simulated where samples a cell are few
_PLAIN = 5.0  # and from which two moments tell the whole distribution
_EXPECTED = 3.0  # samples a cell at least, expected, from which a table is not


def log_p_values(x: RankedVariable, y: RankedVariable) -> list[float]:
    """Logarithms of the p-values of all tests that suit the ties of two variables.

    Args:
        x, y: of the same samples; one at least is tied, none is constant.
    """
    if x.fingerprint > y.fingerprint:  # the same bytes for the variables exchanged
        x, y = y, x
    seed = [x.seed, min(x.fingerprint, y.fingerprint), max(x.fingerprint, y.fingerprint), 2]
    random = np.random.default_rng(seed)
    tables = is_table(x, y)
    if tables and x.levels.number == 2 and y.levels.number == 2:
        return [_two_by_two(x.levels, y.levels, random)]
    found = []
    ordered = [not v.nominal or (v.tied and v.levels.number == 2) for v in (x, y)]
    if all(ordered):
        found.append(_correlation(x, y, random))
    if tables:
        found.append(_chi_squared(Cells.of(x.levels, y.levels), random))
        if ordered[0] == ordered[1]:
            return found
    for groups, other, has_order in ((x, y, ordered[1]), (y, x, ordered[0])):
        if has_order and _makes_groups(groups):
            found.append(_kruskal_wallis(groups.levels, _scores(other), 1, random))
            if groups.nominal:
                found.append(_kruskal_wallis(groups.levels, _scores(other), 2, random))
    # two variables without an order, or codes perhaps, that are too large for a table
    codes = x.tied and y.tied and _has_groups(x) and _has_groups(y)
    if not found or (codes and not tables):
        found.append(_chi_squared(Cells.of(x.levels, y.levels), random))
    return found


def combined(logs: Sequence[float], rarely: float | None = None) -> float:
    """One p-value from the logarithms of those of several tests of one hypothesis.

    Args:
        logs: of tests that count alike.
        rarely: of one more that sees what others miss and is seldom needed: it has a small weight,
            so that they lose little power by it.
    """
    if rarely is None and len(logs) == 1:
        return max(math.exp(min(logs[0], 0.0)), _SMALLEST)
    weights = [1 / len(logs)] * len(logs)
    if rarely is not None:
        logs = [*logs, rarely]
        weights = [(1 - _RARELY) * weight for weight in weights] + [_RARELY]
    least = min(logs)
    if least < math.log(1e-6):  # the mean of cotangents is that of the inverses
        inverse = sum(w * math.exp(least - log) for w, log in zip(weights, logs, strict=True))
        return max(math.exp(least - math.log(inverse)), _SMALLEST)
    # A p-value of 1, which discrete tests have, must not outvote all others.
    p = [min(math.exp(log), _LARGEST) for log in logs]
    mean = sum(w / math.tan(math.pi * value) for w, value in zip(weights, p, strict=True))
    return 0.5 - math.atan(mean) / math.pi


def uses_network(x: RankedVariable, y: RankedVariable) -> bool:
    """Whether the network's statistic is one of the tests of a pair with a tied variable.

    It reads an order, which categories do not have, and in a table of counts it sees less than the
    counts do.
    """
    if x.nominal or y.nominal:
        return False
    return not is_table(x, y)


def is_table(x: RankedVariable, y: RankedVariable) -> bool:
    """Whether two variables make a table of counts with samples enough to be tested as such."""
    if not (x.tied and y.tied):
        return False
    size = x.levels.number * y.levels.number
    few = 4 if x.nominal or y.nominal else 10
    return few * size <= x.n or min(x.levels.number, y.levels.number) == 1 or size == 4


def _makes_groups(v: RankedVariable) -> bool:
    if not v.tied or v.levels.number < 3:
        return False
    return v.nominal or _has_groups(v)


def _has_groups(v: RankedVariable) -> bool:
    return v.levels.minor >= _PER_GROUP * (v.levels.number - 1)


def _scores(v: RankedVariable) -> Array:
    """Mid-ranks about their mean, float64 [n]."""
    return v.ranks.astype(np.float64) - 0.5


def _correlation(x: RankedVariable, y: RankedVariable, random: np.random.Generator) -> float:
    """Two-sided test of the correlation of mid-ranks."""
    a, b = _scores(x), _scores(y)
    a, b = a - a.mean(), b - b.mean()
    n = a.size
    scale = math.sqrt(float(a @ a) * float(b @ b) / (n - 1))
    minor = sorted((v.levels.minor if v.tied else n, i) for i, v in enumerate((x, y)))
    fewest, other = minor[0][0], minor[1][0]
    if fewest <= _FEW_APART or fewest * other <= _FEW_TOGETHER * n:
        rare = x if minor[0][1] == 0 else y
        return _simulated(rare, (a, b) if rare is x else (b, a), scale, random)
    z = float(a @ b) / scale
    skewness = (
        float((a * a * a).sum() * (b * b * b).sum()) / n / (scale * math.sqrt((n - 1) / n)) ** 3
    )
    return min(0.0, math.log(2) + pearson_tail(abs(z), math.copysign(1, z) * skewness))


def pearson_tail(z: float, skewness: float) -> float:
    """log P(Z >= z), z >= 0, of a shifted gamma variable of mean 0, variance 1, this skewness."""
    if abs(skewness) < 1e-3:
        return log_normal_tail(z)
    shape = 4 / skewness**2
    if skewness > 0:
        return log_gamma_tail(shape + z * math.sqrt(shape), shape)
    # the lower tail of the mirrored variable: lighter than normal, which is taken for it
    return log_normal_tail(z)


def _simulated(
    rare: RankedVariable, scores: tuple[Array, Array], scale: float, random: np.random.Generator
) -> float:
    """Two-sided test of the correlation where few samples of `rare` are not its frequent value."""
    a, b = scores
    levels = rare.levels
    frequent = int(levels.counts.argmax())
    minority = np.flatnonzero(levels.codes != frequent)
    at = int(np.flatnonzero(levels.codes == frequent)[0])
    weight = a[minority] - a[at]  # b sums to 0, so the frequent value may count as 0
    observed = float(weight @ b[minority])
    drawn = _subsets(a.size, minority.size, random)
    if np.ptp(weight) > 0:
        weight = random.permuted(np.broadcast_to(weight, drawn.shape), axis=1)
    found = (b[drawn] * weight).sum(axis=1)
    log_p = _from_draws(abs(observed), np.abs(found), 1e-9 * scale, random)
    if log_p > _BEYOND:
        return log_p
    # beyond all that were drawn: the tail of a variable of the same moments
    skewness = math.copysign(1, observed) * float(((found / scale) ** 3).mean())
    return min(log_p, math.log(2) + pearson_tail(abs(observed) / scale, skewness))


def _subsets(n: int, size: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Random subsets of 0 to n - 1, int64 [draws, size]."""
    if size * 3 > n:
        return np.stack([random.permutation(n)[:size] for _ in range(_DRAWS)])
    drawn = np.sort(random.integers(0, n, (_DRAWS, size)), axis=1)
    while True:
        again = np.zeros(drawn.shape, np.bool_)
        again[:, 1:] = drawn[:, 1:] == drawn[:, :-1]
        rows = np.flatnonzero(again.any(axis=1))
        if not rows.size:
            return drawn
        part = drawn[rows]
        part[again[rows]] = random.integers(0, n, int(again[rows].sum()))
        drawn[rows] = np.sort(part, axis=1)


def _from_draws(
    observed: float, drawn: Array, tolerance: float, random: np.random.Generator
) -> float:
    """log p of a statistic among draws under independence, its own value counted at random."""
    above = int((drawn > observed + tolerance).sum())
    equal = int((drawn >= observed - tolerance).sum()) - above
    return math.log((above + float(random.random()) * (1 + equal)) / (1 + drawn.size))


def _two_by_two(x: Levels, y: Levels, random: np.random.Generator) -> float:
    """Fisher's exact test, two-sided, the probability of the table itself counted at random."""
    n = x.n
    m, k = int(x.counts[1]), int(y.counts[1])
    together = int((x.codes * y.codes).sum())
    low, high = max(0, m + k - n), min(m, k)
    # far from the mean all is negligible beside the table that was observed
    cells = np.arange(low, high + 1, dtype=np.float64)
    log_probability = (
        _log_choose(m, cells)
        + _log_choose(n - m, k - cells)
        - float(_log_choose(n, np.array([float(k)]))[0])
    )
    own = log_probability[together - low]
    less = log_probability < own - 1e-7
    equal = np.abs(log_probability - own) <= 1e-7
    rest = np.exp(log_probability[less] - own).sum()
    # the random share: a p-value that is uniform under independence, also of few samples
    share = rest + float(random.random()) * float(equal.sum())
    return min(0.0, float(own) + math.log(share))


def _log_choose(n: int, k: Array) -> Array:
    return np.asarray(log_gamma(n + 1.0) - log_gamma(k + 1) - log_gamma(n - k + 1.0))


def _chi_squared(cells: Cells, random: np.random.Generator) -> float:
    """Pearson's chi-squared test, with the exact moments of all permutations, or simulated."""
    sizes = [(v.number, v.counts.tobytes()) for v in (cells.x, cells.y)]
    if sizes[0] > sizes[1]:  # the same draws for the variables exchanged
        cells = cells.turned()
    x, y = cells.x, cells.y
    n = x.n
    statistic = _pearson(cells.counts, x.counts[cells.first], y.counts[cells.second], n)
    size = x.number * y.number
    least = float(x.counts.min()) * float(y.counts.min()) / n
    if size <= _CELLS and least < _EXPECTED:
        return _beside_draws(statistic, _tables(x.counts, y.counts, random), random)
    if least < 1 and n <= _SHUFFLED:
        drawn = _shuffled(cells, random)
        return _beside_draws(statistic, drawn, random)
    freedom = (x.number - 1) * (y.number - 1)
    mean = freedom * n / (n - 1)
    variance = n**2 * trace_variance(n, _of_groups(x.counts), _of_groups(y.counts))
    if least >= _PLAIN:
        return log_gamma_tail(statistic * mean / variance, mean**2 / variance)
    # The skewness is that of Poisson counts in all cells: rare levels make a long tail. Not their
    # third moment, which next to nothing of a variance would turn into skewness without bound.
    once, twice = (
        float(n) ** k * float((1.0 / x.counts**k).sum()) * float((1.0 / y.counts**k).sum())
        for k in (1, 2)
    )
    shape = 4 * (2 * size + once) ** 3 / (8 * size + 22 * once + twice) ** 2 * freedom / size
    place = shape + (statistic - mean) * math.sqrt(shape / variance)
    return log_gamma_tail(max(place, 0.0), shape)


def _shuffled(cells: Cells, random: np.random.Generator) -> Array:
    """Pearson's statistic after random permutations of the samples of y, float64 [draws]."""
    x, y, n = cells.x, cells.y, cells.x.n
    size = x.number * y.number
    weight = 1 / np.outer(x.counts, y.counts.astype(np.float64)).reshape(-1)
    found = np.empty(_DRAWS)
    at_once = max(1, 2**22 // (n + size))
    for start in range(0, _DRAWS, at_once):
        count = min(at_once, _DRAWS - start)
        codes = random.permuted(np.broadcast_to(y.codes, (count, n)), axis=1)
        keys = x.codes * y.number + codes + size * np.arange(count)[:, None]
        table = np.bincount(keys.reshape(-1), minlength=size * count).reshape(count, size)
        found[start : start + count] = n * ((table.astype(np.float64) ** 2) @ weight - 1)
    return found


def _beside_draws(statistic: float, drawn: Array, random: np.random.Generator) -> float:
    """log p of a statistic, large under dependence, beside draws under independence.

    Beyond all that were drawn stands the tail of a gamma variable of the same three moments.
    """
    mean, spread = float(drawn.mean()), float(drawn.std())
    log_p = _from_draws(statistic, drawn, 1e-9 * max(abs(mean), spread), random)
    if log_p > _BEYOND or spread == 0:
        return log_p
    skewness = float((((drawn - mean) / spread) ** 3).mean())
    return min(log_p, pearson_tail((statistic - mean) / spread, skewness))


def _pearson(
    counts: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64], n: int
) -> float:
    return n * (
        float((counts.astype(np.float64) ** 2 / (rows.astype(np.float64) * columns)).sum()) - 1
    )


def _of_groups(counts: NDArray[np.int64]) -> tuple[float, float, float]:
    """Of the projection on means of groups: trace, that of its square, squares of its diagonal."""
    n, k = int(counts.sum()), counts.size
    return k - 1.0, k - 1.0, float((1 / counts).sum()) - (2 * k - 1) / n


def trace_variance(n: int, a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    """Variance of tr(A P B P') over all permutations P of n samples (Kazi-Aoual et al. 1995).

    Args:
        n: at least 4.
        a, b: of centred symmetric matrices: trace, trace of the square, sum of the squares of the
            diagonal.
    """
    (t, t2, s2), (u, u2, r2) = a, b
    off = ((n - 1) * t2 - t**2) * ((n - 1) * u2 - u**2)
    diagonal = (n * (n + 1) * s2 - (n - 1) * (t**2 + 2 * t2)) * (
        n * (n + 1) * r2 - (n - 1) * (u**2 + 2 * u2)
    )
    return 2 * off / ((n - 1) ** 2 * (n + 1) * (n - 2)) + diagonal / (
        float(n + 1) * n * (n - 1) * (n - 2) * (n - 3)
    )


def _tables(
    rows: NDArray[np.int64], columns: NDArray[np.int64], random: np.random.Generator
) -> Array:
    """Pearson's statistic of random tables with these margins, float64 [draws]."""
    n = int(rows.sum())
    order = np.argsort(rows, kind="stable")  # the largest row is what the others leave
    left = np.broadcast_to(columns, (_DRAWS, columns.size)).copy()
    total = np.zeros(_DRAWS)
    for row in order[:-1]:
        wanted = np.full(_DRAWS, rows[row])
        beyond = left.sum(axis=1)
        for j in range(columns.size):
            beyond -= left[:, j]
            count = random.hypergeometric(left[:, j], beyond, wanted)
            left[:, j] -= count
            wanted -= count
            total += count**2 / (float(rows[row]) * columns[j])
    total += (left**2 / (float(rows[order[-1]]) * columns)).sum(axis=1)
    return np.asarray(n * (total - 1))


def _kruskal_wallis(
    groups: Levels, scores: Array, power: int, random: np.random.Generator
) -> float:
    """Differences between groups of the mean score (power 1), or of its spread (power 2)."""
    n, k = groups.n, groups.number
    b = scores if power == 1 else (scores - scores.mean()) ** 2
    b = b - b.mean()
    square = float(b @ b)
    if square <= 0:
        return 0.0
    b /= math.sqrt(square / (n - 1))
    sums = np.bincount(groups.codes, b, minlength=k)
    statistic = float((sums**2 / groups.counts).sum())
    squares = b * b
    fourth = float(squares @ squares) / (n - 1) ** 2
    if fourth * k > _HEAVY and n <= _SHUFFLED:  # a few scores make all the difference
        drawn = random.permuted(np.broadcast_to(b, (_DRAWS, n)), axis=1)
        starts = groups.counts.cumsum() - groups.counts
        sums = np.add.reduceat(drawn, starts, axis=1)
        return _beside_draws(statistic, (sums**2 / groups.counts).sum(axis=1), random)
    # mean and variance over all permutations (Kruskal & Wallis 1952, for any scores)
    variance = (n - 1) ** 2 * trace_variance(n, _of_groups(groups.counts), (1.0, 1.0, fourth))
    mean = k - 1.0
    return log_gamma_tail(statistic * mean / variance, mean**2 / variance)
