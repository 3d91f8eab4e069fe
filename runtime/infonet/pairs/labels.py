"""Mutual information of a number and a label: a variable of few levels, whose order is not used.

The number's ranks are cut into equal bins, of a width that balances the bias of the cut against
that of the Miller-Madow correction, and bins and levels are counted. Labels that change faster than
such bins can show (narrower bins predict left-out labels better) get the nearest-neighbour estimate
of Ross (2014) instead, which is less biased there and noisier elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from infonet.pairs.counted import (
    Counted,
    entropy,
    from_table,
    interval,
    poisson_bias,
    thin_bias,
)
from infonet.pairs.levels import Levels

# Elsewhere the network is the better estimator: it knows that many levels mostly have an order.
# Two or three levels whose ties are broken at random it takes for a number, and errs more.
LEVELS, PER_LEVEL = 10, 25  # up to so many levels, with so many samples a level on average,
MANY_PER_LEVEL = 1000  # and any number of levels with so many samples each
_WIDTH = 1.4  # bins = _WIDTH sqrt(n / levels)
_RARE = 3  # samples a bin of each level but the most frequent, on average, at least
_FINER = (2, 4, 8, 16)
_CELLS = 8  # for each sample at most, in finer tables: rare levels make large ones
_WITHIN = 2.0  # times what bins of half the width tell more, that labels tell within bins
_CHANCE = 3.0  # standard errors of it that are left out
_THIN, _FILLED = 5.0, 12.0  # samples in a cell of these on average, from which they are believed
_MOST_THIN = 0.2  # of their cells, that hold no more than _THIN samples
_GAIN = 1.0  # nats of predicted likelihood that narrower bins must add, over all samples
_PSEUDOCOUNT = 0.5  # of each level in each bin (Krichevsky & Trofimov 1981)
_AROUND = 2  # bins on either side, whose labels are about as frequent
_NEIGHBOURS = 3
_EXACT = 1 << 22  # samples up to which float32 tells mid-ranks apart
_UNCORRECTED = 0.2  # of the Miller-Madow correction, that may be wrong: it widens the interval


def number_and_label(
    ranks: NDArray[np.float32], untied: NDArray[np.float32], label: Levels
) -> Counted:
    """Estimate and 90 % interval, nats.

    Args:
        ranks: mid-ranks of the number in (0, 1), float32 [n].
        untied: the same after ties were broken, or `ranks` itself where there are none.
        label: of at least 2 levels.
    """
    n, levels = len(ranks), label.number
    full = round(_WIDTH * math.sqrt(n / levels)) | 1
    # Rare levels that are thin in every bin look dependent, corrected or not.
    rare = label.minor / (levels - 1)
    bins = min(full, max(3, round(rare / _RARE) | 1))
    twice = _twice(ranks)
    counts = _cut(twice, label, bins)
    best, chosen = _predicted(counts) + _GAIN, counts
    finest = min(n // 2 - 1, _CELLS * n // levels)
    for narrow in (bins * factor | 1 for factor in _FINER if bins * factor <= finest):
        finer = _cut(twice, label, narrow)
        predicted = _predicted(finer)
        if predicted > best:
            best, chosen = predicted, finer
    if chosen is counts or n > _EXACT:
        apart, mi, (most, _) = 0.0, from_table(chosen).mi, entropy(label)
        if bins < full:
            apart = (from_table(_cut(twice, label, full)).mi - mi) / 2
        # what a few samples of a rare label say is uncertain by as much as they can say
        apart = math.hypot(apart, 0.9 * most / label.minor**0.75)
        missed, trusted = _missed(chosen, _cut(twice, label, 2 * bins | 1), mi)
        thin = thin_bias(_bias(chosen), int((chosen > 0).sum()), n, mi, most)
        found = from_table(chosen, _UNCORRECTED, math.hypot(apart, missed), thin)
        more = trusted * missed
        return Counted(found.mi + more, found.low + more, found.high + more)
    return neighbours(untied, label, from_table(chosen).mi)


def _missed(counts: NDArray[np.intp], finer: NDArray[np.intp], mi: float) -> tuple[float, float]:
    """What labels that change at sharp edges tell within bins, nats: within bins of half the width
    it is half as much, as an edge lies anywhere in a bin. Where labels change smoothly, what finer
    bins tell more is mostly within what chance does, and is left out. And how far it is trusted, 0
    to 1: of few samples a cell, finer bins seem to tell more though they do not.

    Args:
        counts: [bins, levels].
        finer: the same, of twice as many bins.
        mi: the estimate by `counts`.
    """
    more = from_table(finer).mi - mi
    # Chance has half a chi-squared variable over n, of as many degrees as there are cells more.
    free = sum(
        sign * (int((table > 0).sum()) - int(table.any(axis=1).sum()))
        for sign, table in ((1, finer), (-1, counts))
    )
    chance = _CHANCE * math.sqrt(max(free, 1) / 2) / int(counts.sum())
    used = finer[finer > 0]
    filled, thin = float(used.mean()), float((used <= _THIN).mean())
    trusted = min(max((filled - _THIN) / (_FILLED - _THIN), 0.0), 1.0)
    trusted *= max(0.0, 1 - thin / _MOST_THIN)
    return (_WITHIN * (more - chance**2 / more) if more > chance else 0.0), trusted


def _bias(counts: NDArray[np.intp]) -> float:
    """Bias of all cells of a table [bins, levels], whose means are those of neighbouring bins; see
    `counted.thin_bias`."""
    width, bias = 2 * _AROUND + 1, 0.0
    for column in counts.T:  # one after the other: rare levels make large tables
        around = np.pad(column, (_AROUND + 1, _AROUND), mode="edge").cumsum()
        bias += poisson_bias((around[width:] - around[:-width]) / width)
    return bias


def neighbours(ranks: NDArray[np.float32], label: Levels, counted: float | None = None) -> Counted:
    """Ross's estimate and 90 % interval, nats.

    Args:
        ranks: of a number without ties, float32 [n].
        label: any number of levels; those of one sample tell nothing and are left out.
        counted: an estimate of another bias to compare with, nats.
    """
    several = label.counts[label.codes] > 1
    if not several.any():
        return Counted(0.0, 0.0, math.log(len(ranks)))
    if not several.all():
        order = np.argsort(np.argsort(ranks[several], kind="stable"), kind="stable")
        ranks = ((order + 0.5) / order.size).astype(np.float32)
        label = label.take(several)
        if label.number == 1:
            return Counted(0.0, 0.0, math.log(len(several)))
    placed = _Placed.of(_twice(ranks), label)
    mi, variance = placed.estimate(_NEIGHBOURS)
    # How far estimates of unlike bias are apart says how sure any can be. That of twice as many
    # neighbours is about twice as large where labels change within few samples.
    biased, _ = placed.estimate(2 * _NEIGHBOURS)
    # Of few samples a level, neighbours reach far into it, and what varies within a level looks as
    # if it told levels apart. This was measured on groups of normal samples, 5 to 100 in each.
    excess = min(mi, 1.0) * _NEIGHBOURS / (3 * (len(ranks) / label.number + 6))
    mi -= excess
    variance += (biased - mi) ** 2 / 2 + excess**2
    if counted is not None:
        variance += (counted - mi) ** 2 / 4
    return interval(mi, variance)


def table_of(ranks: NDArray[np.float32], label: Levels) -> NDArray[np.intp]:
    """Counts [bins, levels] of as many bins as are counted where labels change slowly."""
    return _cut(_twice(ranks), label, round(_WIDTH * math.sqrt(len(ranks) / label.number)) | 1)


def _twice(ranks: NDArray[np.float32]) -> NDArray[np.int64]:
    """Twice the rank less 1/2: 1, 3 .. 2n - 1, and even numbers for ties."""
    n = len(ranks)
    twice = np.rint(ranks.astype(np.float64) * (2 * n)).astype(np.int64)
    return np.minimum(twice, 2 * n - 1)  # from n = 2^24 on the last rank is 1 in float32


def most_levels(n: int) -> int:
    """Levels up to which a variable of n samples is a label to be counted; the other has more."""
    return max(2, min(LEVELS, n // PER_LEVEL), n // MANY_PER_LEVEL)


def _cut(twice: NDArray[np.int64], label: Levels, bins: int) -> NDArray[np.intp]:
    """Counts [bins, levels]. An odd number of bins has no edge on an untied rank, so that reversing
    the number reverses the counts."""
    cell = twice * bins // (2 * len(twice)) * label.number + label.codes
    return np.bincount(cell, minlength=bins * label.number).reshape(bins, label.number)


def _predicted(counts: NDArray[np.intp]) -> float:
    """Log likelihood of all labels, each predicted from the others in its bin."""
    others = np.broadcast_to(counts.sum(axis=1, keepdims=True) - 1, counts.shape)
    used = counts > 0
    k, m = counts[used], others[used]
    share = (k - 1 + _PSEUDOCOUNT) / (m + _PSEUDOCOUNT * counts.shape[1])
    return float(k @ np.log(share))


@dataclass(frozen=True)
class _Placed:
    """Samples on a line, by label and then in order.

    Attributes:
        everyone: int64 [n], positions in order.
        place: int64 [n], positions by label and then in order.
        before, after: int64 [n], how many of the same label lie before and after each.
    """

    everyone: NDArray[np.int64]
    place: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @staticmethod
    def of(twice: NDArray[np.int64], label: Levels) -> _Placed:
        everyone = _spaced(len(twice))
        position = everyone[(twice - 1) // 2]
        order = np.argsort(twice)
        # NumPy sorts 16 bits in linear time
        small = np.uint16 if label.number <= np.iinfo(np.uint16).max else np.int64
        order = order[np.argsort(label.codes[order].astype(small), kind="stable")]
        place = position[order]
        size = np.repeat(label.counts, label.counts)
        start = np.repeat(label.counts.cumsum() - label.counts, label.counts)
        before = np.arange(len(twice)) - start
        return _Placed(everyone, place, before, size - 1 - before)

    def estimate(self, count: int) -> tuple[float, float]:
        """Ross's estimate by `count` neighbours, and its variance.

        How far the last of the neighbours of the same label is tells how many samples of any label
        are as near.
        """
        n, place = len(self.place), self.place
        at, size = np.arange(n), self.before + self.after + 1
        k = np.minimum(count, size - 1)
        far = self.everyone[-1] + 1
        reach = np.full(n, far)
        # the k nearest are neighbours in order: of k + 1 windows the one that reaches least far
        for left in range(count + 1):
            right = k - left
            fits = (left <= self.before) & (right >= 0) & (right <= self.after)
            i = at[fits]
            gone = place[i] - place[i - left], place[i + right[fits]] - place[i]
            reach[i] = np.minimum(reach[i], np.maximum(*gone))
        # those strictly nearer and the sample itself: as many as those as near without it
        inside = np.maximum(reach - 1, 0)
        near = np.searchsorted(self.everyone, place + inside, "right")
        near -= np.searchsorted(self.everyone, place - inside, "left")
        many = k > 0  # a level of one sample tells nothing
        terms = np.zeros(n)
        # the digamma function of whole numbers, but for a constant that cancels
        psi = np.concatenate([[np.nan, 0.0], (1 / np.arange(1, n)).cumsum()])
        terms[many] = psi[n] + psi[k[many]] - psi[size[many]] - psi[near[many]]
        return float(terms.mean()), float(terms.var()) / n


def _spaced(n: int) -> NDArray[np.int64]:
    """Increasing numbers, spaced as n uniform ones are: ranks would have ties of distances. Whole
    numbers, for which "strictly nearer" is exact, and the same from both ends."""
    gaps = 1 + (np.random.default_rng(0).standard_exponential(n // 2) * 2**20).astype(np.int64)
    return np.concatenate([[0], gaps, gaps[: n - 1 - n // 2][::-1]]).cumsum()
