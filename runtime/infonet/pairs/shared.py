"""Mutual information of many categories with few samples each, and few labels.

Cells hold too few samples to be counted, so the categories learn from each other (`shared`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.counted import (
    Array,
    Counted,
    digamma,
    entropy,
    interval,
    log_gamma,
    plug_in,
)
from infonet.pairs.levels import Cells

# Share of what `shared` says that is in doubt, whatever the interval, and the share of samples that
# are alone in their cell from which all of it is.
_IN_DOUBT, _ALONE = 0.2, 0.2
_UNLIKE = 0.5  # of what the plain counts say more, that may be right
_COMPARABLE = 2  # times as many levels, from which on either variable may be the categories
# The kinds of categories: shares about those of all samples, from categories that hold one label
# each to categories that are all alike, ...
_CONCENTRATIONS = np.geomspace(1e-3, 1e5, 25)
# ... one label of its own, and so much of the shares of all samples beside it, ...
_BESIDE = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
# ... some of the labels, their numbers in steps of this factor up to a part of all, at shares that
# may be any, or are nearly equal.
_STEP, _MOST, _EVEN = 1.5, 0.75, (1.0, 8.0)
_ALIKE = 0.5  # of the categories, before anything is known of them
_STEPS, _LEARNT_FROM = 200, 5000  # of learning, at most, and categories that it looks at
_SETTLED = 1e-3  # nats of likelihood that a step must add
_MATTERS = 1e-7  # share of the categories below which a kind is left out
_TINY = 1e-12


@dataclass(frozen=True)
class Shared(Counted):
    """Estimate and 90 % interval, nats, and how much likelier samples are than those of categories
    that are all alike, as a logarithm."""

    gain: float


def sparse(cells: Cells) -> Counted:
    """Mutual information of two discrete variables with few samples a cell that occurs.

    That of `shared`; the interval holds the estimate of Chao & Shen (2003) as well, by the share of
    cells that were seen at all, which errs the other way.
    """
    found, counted = _either_way(cells), plug_in(cells).mi
    covered = min(_by_coverage(cells), max(counted, found.mi))
    mi = min(found.mi, counted)  # which is too large where samples are few, if it errs
    # What chance alone decides is little where few cells hold a single sample.
    alone = int((cells.counts == 1).sum()) / cells.x.n
    low = min(found.low, found.mi * (1 - _IN_DOUBT * min(1.0, alone / _ALONE)), mi)
    # Shares that vary smoothly from label to label are of no kind that `shared` knows, and then
    # the truth lies towards the plain counts.
    high = max(found.high, covered, mi + _UNLIKE * max(0.0, counted - mi))
    return Counted(mi, low, high)


def _either_way(cells: Cells) -> Shared:
    """`shared` of the variable of more levels; where the other one has nearly as many, of the one
    by which samples are more likely."""
    x, y = cells.x.number, cells.y.number
    ways = [cells] * (_COMPARABLE * x > y) + [cells.turned()] * (_COMPARABLE * y > x)
    return max(map(shared, ways), key=lambda found: (found.gain, found.mi, found.high))


def _by_coverage(cells: Cells) -> float:
    """H(X) + H(Y) - H(X, Y), each by Chao & Shen."""
    return sum(
        sign * _coverage_entropy(counts)
        for sign, counts in ((1, cells.x.counts), (1, cells.y.counts), (-1, cells.counts))
    )


def _coverage_entropy(counts: NDArray[np.integer]) -> float:
    n = int(counts.sum())
    alone = min(int((counts == 1).sum()), n - 1)
    seen = 1 - alone / n
    p = seen * counts / n
    return -float((p * np.log(p) / -np.expm1(n * np.log1p(-np.minimum(p, 1 - 1e-12)))).sum())


def shared(cells: Cells) -> Shared:
    """Mutual information of many categories with few samples each (x) and few labels (y).

    The labels of a category are drawn from shares of its own, which are of one of several kinds: a
    Dirichlet distribution about the shares of all samples, of one concentration or another; one
    label of its own, beside the shares of all samples; or some of the labels alone. How many
    categories are of which kind is learnt from all of them together (empirical Bayes: the maximum
    likelihood of a mixture, by expectation and maximisation, Laird 1978). Given its kind the mean
    entropy of a category is known in closed form (Wolpert & Wolf 1995).

    How many standard errors the estimate is from 0 is taken from the likelihood ratio to categories
    that are all alike.
    """
    x, y, n = cells.x, cells.y, cells.x.n
    kinds = _kinds(cells)
    logs = np.stack([kind.log_likelihood for kind in kinds])
    some = logs[:, :: -(-x.number // _LEARNT_FROM)]
    weights, gain = _learn(some, alike=_CONCENTRATIONS.size - 1)
    gain *= x.number / some.shape[1]
    kept = np.flatnonzero(weights > _MATTERS)
    belongs = weights[kept, None] * np.exp(logs[kept] - logs[kept].max(axis=0))
    belongs /= belongs.sum(axis=0)
    share = x.counts / n
    mean, spread, square = np.zeros((3, x.number))
    for k, part in zip(kept, belongs, strict=True):
        told, ratios = kinds[k].told()
        mean += part * told
        spread += part * told**2
        square += part * ratios
    prior = y.counts / n
    mi = max(0.0, -float(prior @ np.log(prior)) - float(share @ mean))
    _, error = entropy(y)
    variance = float(share**2 @ np.maximum(spread - mean**2, 0)) + float(share @ square) / n
    variance += mi**2 / max(2 * gain, 1.0) + error**2
    found = interval(mi, variance)
    return Shared(found.mi, found.low, found.high, gain)


def _learn(logs: Array, alike: int) -> tuple[Array, float]:
    """Shares of the kinds [K] of which log likelihoods [K, C] of categories are known, and what
    they add to the likelihood of all categories being of the kind `alike`, nats."""
    kinds, categories = logs.shape
    most = logs.max(axis=0)
    likely = np.exp(logs - most)
    weights = np.full(kinds, (1 - _ALIKE) / (kinds - 1))
    weights[alike] = _ALIKE
    before = -math.inf
    for _ in range(_STEPS):
        whole = weights @ likely
        now = float(np.log(whole).sum())
        if now - before < _SETTLED:
            break
        before = now
        weights = weights * (likely @ (1 / whole)) / categories
    gain = float((np.log(weights @ likely) + most - logs[alike]).sum())
    return weights, gain


class _Kind(Protocol):
    """Of what kind the shares of labels within a category are.

    Attributes:
        log_likelihood: of the labels of each category if it is of this kind, [C].
    """

    log_likelihood: Array

    def told(self) -> tuple[Array, Array]:
        """Mean entropy of the labels of each category, nats, and the variance of the log ratios of
        their shares to those of all samples, [C] each."""


class _Table:
    """Cells [c] of categories and labels, equal ones together.

    Attributes:
        cells: as they are.
        prior: shares of the labels among all samples, [Y].
    """

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.prior = cells.y.counts / cells.y.n
        self.counts, self._of_count = np.unique(cells.counts, return_inverse=True)
        keys, of_key = np.unique(cells.counts * cells.y.number + cells.second, return_inverse=True)
        self.key_counts, self.key_labels = np.divmod(keys, cells.y.number)
        self._of_key = of_key.reshape(-1)
        self._sizes, self._of_size = np.unique(cells.x.counts, return_inverse=True)

    def of_counts(self, values: Array) -> Array:
        """Values of the different counts, summed over the cells of each category, [C]."""
        return _sums(self.cells, values[self._of_count])

    def of_keys(self, values: Array) -> Array:
        """Values of the different pairs of a count and a label, summed likewise, [C]."""
        return _sums(self.cells, values[self._of_key])

    def log_rising(self, start: float) -> Array:
        """log(start (start + 1) ... (start + size - 1)) for the size of each category, [C]."""
        found = log_gamma(self._sizes + start) - math.lgamma(start)
        return np.asarray(found[self._of_size])


def _kinds(cells: Cells) -> list[_Kind]:
    table = _Table(cells)
    kinds: list[_Kind] = [_Dirichlet(table, concentration) for concentration in _CONCENTRATIONS]
    kinds += [_OneOfItsOwn(table, beside) for beside in _BESIDE]
    number = 2.0
    while number <= _MOST * cells.y.number:
        kinds += [_Some(table, round(number), even) for even in _EVEN]
        number = max(number * _STEP, round(number) + 1)
    return kinds


class _Dirichlet:
    """Shares of a Dirichlet distribution about those of all samples; see `_Kind`."""

    def __init__(self, table: _Table, concentration: float) -> None:
        self._cells, self._prior, self._a = table.cells, table.prior, concentration
        mass = concentration * table.prior
        terms = log_gamma(table.key_counts + mass[table.key_labels])
        terms -= log_gamma(mass)[table.key_labels]
        self.log_likelihood = table.of_keys(terms) - table.log_rising(concentration)

    def told(self) -> tuple[Array, Array]:
        """See `_Kind`."""
        cells, a = self._cells, self._a
        total = cells.x.counts + a
        empty = a * self._prior
        none = empty * digamma(empty + 1)
        # all labels as if they did not occur, then those that do in their place
        full = cells.counts + empty[cells.second]
        sums = none.sum() + _sums(cells, full * digamma(full + 1) - none[cells.second])
        # log ratios of the mean shares: of a label that does not occur, that of a / (count + a)
        ratio = np.log(full / (total[cells.first] * self._prior[cells.second]))
        away = np.log(a / total)
        weight, plain = full / total[cells.first], empty[cells.second] / total[cells.first]
        first, second = (
            a / total * away**k + _sums(cells, weight * ratio**k - plain * away[cells.first] ** k)
            for k in (1, 2)
        )
        mean = float(cells.x.counts / cells.x.n @ first)
        return digamma(total + 1) - sums / total, second - 2 * mean * first + mean**2


class _OneOfItsOwn:
    """One label of its own, and beside it the shares of all samples; see `_Kind`."""

    def __init__(self, table: _Table, beside: float) -> None:
        self._cells, self._prior, self._beside = table.cells, table.prior, beside
        cells, prior = table.cells, table.prior
        self._plain = plain = beside * prior
        self._own = own = plain + 1 - beside
        # Which label it is: each of those that occur may be, or another one.
        more = cells.counts * np.log(own / plain)[cells.second]
        top = np.zeros(cells.x.number)
        np.maximum.at(top, cells.first, more)
        self._odds = prior[cells.second] * np.exp(more - top[cells.first])
        self._other = np.maximum(1 - _sums(cells, prior[cells.second]), 0) * np.exp(-top)
        self._whole = _sums(cells, self._odds) + self._other
        common = _sums(cells, cells.counts * np.log(plain)[cells.second])
        self.log_likelihood = common + top + np.log(self._whole)

    def told(self) -> tuple[Array, Array]:
        """See `_Kind`."""
        plain, own = self._plain, self._own
        terms = plain * np.log(plain)
        away, near = math.log(self._beside), np.log(own / self._prior)
        first, second = ((self._beside - plain) * away**k + own * near**k for k in (1, 2))
        entropies = terms - own * np.log(own) - terms.sum()
        return self._mean(entropies), self._mean(second - first**2)

    def _mean(self, values: Array) -> Array:
        """Of values by the label of its own, [Y]."""
        cells, prior = self._cells, self._prior
        occur = _sums(cells, prior[cells.second])
        others = float(prior @ values) - _sums(cells, (prior * values)[cells.second])
        others = np.where(self._other > 0, others / np.maximum(1 - occur, _TINY), 0)
        occurring = _sums(cells, self._odds * values[cells.second])
        return np.asarray((occurring + self._other * others) / self._whole)


class _Some:
    """Some of the labels, all choices of so many alike, at shares of a Dirichlet distribution about
    equal ones; see `_Kind`."""

    def __init__(self, table: _Table, number: int, even: float) -> None:
        self._cells, self._number, self._even = table.cells, number, even
        cells = table.cells
        self._occur = np.bincount(cells.first, minlength=cells.x.number)
        missing = np.maximum(number - self._occur, 0)
        # of all choices, those that hold the labels that occur
        choices = log_gamma(cells.y.number - self._occur + 1) - log_gamma(missing + 1)
        choices -= math.lgamma(cells.y.number + 1) - math.lgamma(number + 1)
        found = choices + table.of_counts(log_gamma(table.counts + even) - math.lgamma(even))
        found -= table.log_rising(number * even)
        self.log_likelihood = np.where(self._occur <= number, found, -math.inf)

    def told(self) -> tuple[Array, Array]:
        """See `_Kind`."""
        cells, even = self._cells, self._even
        missing = np.maximum(self._number - self._occur, 0)
        total = cells.x.counts + even * (self._occur + missing)
        full = cells.counts + even
        sums = _sums(cells, full * digamma(full + 1)) + missing * even * digamma(even + 1)
        # Those that do not occur might be any labels: their ratios are to equal shares.
        prior = cells.y.counts / cells.y.n
        weight, rest = full / total[cells.first], missing * even / total
        ratio = np.log(weight / prior[cells.second])
        away = np.log(even / total * cells.y.number)
        first, second = (_sums(cells, weight * ratio**k) + rest * away**k for k in (1, 2))
        return digamma(total + 1) - sums / total, np.maximum(second - first**2, 0)


def _sums(cells: Cells, values: NDArray[Any]) -> Array:
    """Of values of the cells, over those of each category, [C]."""
    return np.asarray(np.bincount(cells.first, values, minlength=cells.x.number), np.float64)
