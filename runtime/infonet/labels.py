"""Mutual information of a number and a label: a variable of few levels, whose order is not used.

The number's ranks are cut into equal bins, of a width that balances the bias of the cut against
that of the Miller-Madow correction, and bins and levels are counted. Labels that change faster than
such bins can show (narrower bins predict left-out labels better) get the nearest-neighbour estimate
of Ross (2014) instead, which is less biased there and noisier elsewhere.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from infonet.discrete import Counted, interval, plug_in

# Elsewhere the network is the better estimator: it knows that many levels mostly have an order,
# and what few samples look like.
FEWEST = 200  # samples from which labels are counted
LEVELS, PER_LEVEL = 10, 50  # up to so many levels, with so many samples a level on average,
MANY_PER_LEVEL = 1000  # and any number of levels with so many samples each
_WIDTH = 1.4  # bins = _WIDTH sqrt(n / levels)
_RARE = 3  # samples a bin of each level but the most frequent, on average, at least
_FINER = (2, 4, 8, 16)
_CELLS = 8  # for each sample at most, in finer tables: rare levels make large ones
_GAIN = 1.0  # nats of predicted likelihood that narrower bins must add, over all samples
_PSEUDOCOUNT = 0.5  # of each level in each bin (Krichevsky & Trofimov 1981)
_NEIGHBOURS = 3
_EXACT = 1 << 22  # samples up to which float32 tells mid-ranks apart
_UNCORRECTED = 0.2  # of the Miller-Madow correction, that may be wrong: it widens the interval


def number_and_label(
    ranks: NDArray[np.float32], tied: bool, label: NDArray[np.intp], levels: int
) -> Counted:
    """Estimate and 90 % interval, nats.

    Args:
        ranks: mid-ranks of the number in (0, 1), float32 [n].
        tied: whether the number has more than a few ties: then it is counted in bins always.
        label: 0 to levels - 1, [n], each level present.
        levels: of the label, at least 2.
    """
    n = len(ranks)
    full = round(_WIDTH * math.sqrt(n / levels)) | 1
    # Rare levels that are thin in every bin look dependent, corrected or not.
    rare = (n - int(np.bincount(label).max())) / (levels - 1)
    bins = min(full, max(3, round(rare / _RARE) | 1))
    twice = np.rint(ranks.astype(np.float64) * (2 * n)).astype(np.int64)  # 1, 3 .. 2n - 1, untied
    twice = np.minimum(twice, 2 * n - 1)  # from n = 2^24 on the last rank is 1 in float32
    counts = _cut(twice, label, levels, bins)
    best, chosen = _predicted(counts) + _GAIN, counts
    finest = min(n // 2 - 1, _CELLS * n // levels)
    for narrow in (bins * factor | 1 for factor in _FINER if bins * factor <= finest):
        finer = _cut(twice, label, levels, narrow)
        predicted = _predicted(finer)
        if predicted > best:
            best, chosen = predicted, finer
    if chosen is counts or tied or n > _EXACT:
        apart = 0.0
        if bins < full:
            apart = (plug_in(_cut(twice, label, levels, full)).mi - plug_in(chosen).mi) / 2
        return plug_in(chosen, _UNCORRECTED, apart)
    everyone, groups = _placed(twice, label, levels)
    mi, variance = _nearest_neighbours(everyone, groups, _NEIGHBOURS)
    # How far estimates of unlike bias are apart says how sure any can be. That of twice as many
    # neighbours is about twice as large where labels change within few samples.
    biased, _ = _nearest_neighbours(everyone, groups, 2 * _NEIGHBOURS)
    return interval(mi, variance + (plug_in(chosen).mi - mi) ** 2 / 4 + (biased - mi) ** 2)


def most_levels(n: int) -> int:
    """Levels up to which a variable of n samples is a label to be counted; the other has more."""
    if n < FEWEST:
        return 0
    return max(min(LEVELS, n // PER_LEVEL), n // MANY_PER_LEVEL)


def _cut(
    twice: NDArray[np.int64], label: NDArray[np.intp], levels: int, bins: int
) -> NDArray[np.intp]:
    """Counts [bins, levels]. An odd number of bins has no edge on an untied rank, so that reversing
    the number reverses the counts."""
    cell = twice * bins // (2 * len(twice)) * levels + label
    return np.bincount(cell, minlength=bins * levels).reshape(bins, levels)


def _predicted(counts: NDArray[np.intp]) -> float:
    """Log likelihood of all labels, each predicted from the others in its bin."""
    others = np.broadcast_to(counts.sum(axis=1, keepdims=True) - 1, counts.shape)
    used = counts > 0
    k, m = counts[used], others[used]
    share = (k - 1 + _PSEUDOCOUNT) / (m + _PSEUDOCOUNT * counts.shape[1])
    return float(k @ np.log(share))


def _placed(
    twice: NDArray[np.int64], label: NDArray[np.intp], levels: int
) -> tuple[NDArray[np.int64], list[NDArray[np.intp]]]:
    """Where the samples lie on a line, in order, and which of them each label has.

    ``twice`` holds 1, 3 to 2n - 1; even numbers are ties, halfway between.
    """
    position = _spaced(len(twice))
    halves = np.empty(2 * len(twice) - 1, np.int64)
    halves[::2], halves[1::2] = 2 * position, position[:-1] + position[1:]
    order = np.argsort(twice)
    ends = np.bincount(label, minlength=levels).cumsum()
    groups = np.split(np.argsort(label[order], kind="stable"), ends[:-1])
    return halves[twice[order] - 1], groups


def _nearest_neighbours(
    everyone: NDArray[np.int64], groups: list[NDArray[np.intp]], neighbours: int
) -> tuple[float, float]:
    """Ross's estimator and its variance, of what `_placed` gives.

    How far the last of the neighbours of the same label is tells how many samples of any label are
    as near.
    """
    n, far = len(everyone), 2 * everyone[-1] + 1
    terms = np.zeros(n)
    for own in groups:
        size = len(own)
        k = min(neighbours, size - 1)
        if k == 0:
            continue  # a level of one sample tells nothing
        place = everyone[own]
        # the k nearest are neighbours in order: of k + 1 windows the one that reaches least far
        padded = np.concatenate([np.full(k, -far), place, np.full(k, 2 * far)])
        reach = np.min(
            [
                np.maximum(place - padded[i : i + size], padded[i + k : i + k + size] - place)
                for i in range(k + 1)
            ],
            axis=0,
        )
        # those strictly nearer and the sample itself: as many as those as near without it
        inside = np.maximum(reach - 1, 0)
        near = np.searchsorted(everyone, place + inside, "right")
        near -= np.searchsorted(everyone, place - inside, "left")
        terms[own] = digamma(n) + digamma(k) - digamma(size) - digamma(near)
    return float(terms.mean()), float(terms.var()) / n


def _spaced(n: int) -> NDArray[np.int64]:
    """Increasing numbers, spaced as n uniform ones are: ranks would have ties of distances. Whole
    numbers, for which "strictly nearer" is exact, and the same from both ends."""
    gaps = 1 + (np.random.default_rng(0).standard_exponential(n // 2) * 2**20).astype(np.int64)
    return np.concatenate([[0], gaps, gaps[: n - 1 - n // 2][::-1]]).cumsum()


def digamma(x: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Logarithmic derivative of the gamma function, x > 0: the asymptotic series from 8 on, the
    recurrence below (Abramowitz & Stegun 6.3.5 and 6.3.18)."""
    x = np.asarray(x, np.float64)
    below = sum(1 / (x + i) for i in range(8))
    z = x + 8
    q = 1 / z**2
    series = q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q / 240)))
    return np.asarray(np.log(z) - 0.5 / z - series - below)
