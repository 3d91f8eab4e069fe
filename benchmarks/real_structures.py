"""Pairs of columns whose structure no latent number gives: keys, groups, labels, shared zeros.

Used by real_kinds.py, beside the kinds of real_samplers.py. The truth is a sum over the cells of a
table, or known in closed form.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from real_samplers import Case, names, number_of


def partners(levels, each, even=True):
    """Codes of many levels, each seen with few others: few cells of the table are occupied."""

    def make(rng):
        other = np.stack([rng.permutation(levels) for _ in range(each)], axis=1)
        share = np.ones((levels, each)) if even else rng.gamma(1.0, size=(levels, each))
        share /= share.sum()
        table = np.zeros((levels, levels))
        np.add.at(table, (np.repeat(np.arange(levels), each), other.ravel()), share.ravel())
        return _from_table(table, *(rng.choice(9999, levels, replace=False) for _ in range(2)))

    return make


def grouped(levels, groups, text):
    """A code, and the group that it belongs to."""

    def make(rng):
        group = rng.integers(0, groups, levels)
        table = np.zeros((levels, groups))
        table[np.arange(levels), group] = rng.dirichlet(np.full(levels, 2.0))
        if text:
            return _from_table(table, names(rng, levels), names(rng, groups))
        return _from_table(table, rng.choice(9999, levels, replace=False), np.arange(groups))

    return make


def relabelled(levels):
    """The same thing by two codes."""

    def make(rng):
        table = np.diag(rng.dirichlet(np.full(levels, 2.0)))
        return _from_table(table, *(rng.choice(9999, levels, replace=False) for _ in range(2)))

    return make


def shared_zeros(zeros, rho):
    """Two zero-inflated columns that are 0 together; else a Gaussian copula."""

    def make(rng):
        entropy = -zeros * np.log(zeros) - (1 - zeros) * np.log(1 - zeros)

        def draw(rng, n):
            none = rng.random(n) < zeros
            a = rng.standard_normal(n)
            b = rho * a + np.sqrt(1 - rho**2) * rng.standard_normal(n)
            return np.where(none, 0, np.exp(a)), np.where(none, 0, np.exp(b))

        return float(entropy - (1 - zeros) * np.log(1 - rho**2) / 2), draw

    return make


def _from_table(table, first, second):
    p = table[table > 0]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))[table > 0]
    truth = float((p * np.log(p / expected)).sum())
    cut = p.cumsum() / p.sum()
    i, j = np.nonzero(table)

    def draw(rng, n):
        at = np.searchsorted(cut[:-1], rng.random(n), side="right")
        return first[i[at]], second[j[at]]

    return truth, draw


BOTH = (True, True)
SPECIAL = {
    ("code 60", "code 60", "6 partners each"): (partners(60, 6), BOTH),
    ("code 100", "code 100", "10 partners each, uneven"): (partners(100, 10, False), BOTH),
    ("code 200", "code 200", "20 partners each"): (partners(200, 20), BOTH),
    ("code 200", "code 200", "5 partners each"): (partners(200, 5), BOTH),
    ("code 200", "code 21", "group of the code"): (grouped(200, 21, False), BOTH),
    ("code 346", "code 21", "group of the code"): (grouped(346, 21, False), BOTH),
    ("category 100", "category 8", "group of the name"): (grouped(100, 8, True), BOTH),
    ("code 50", "code 50", "relabelled"): (relabelled(50), BOTH),
    ("code 150", "code 150", "relabelled"): (relabelled(150), BOTH),
    ("zeros 60 %", "zeros 60 %", "0 together, else none"): (shared_zeros(0.6, 0.0), None),
    ("zeros 90 %", "zeros 90 %", "0 together, else strong"): (shared_zeros(0.9, 0.95), None),
}


@cache
def special(key: tuple[str, str, str], seed: int = 1601) -> Case:
    make, counted = SPECIAL[key]
    truth, draw = make(np.random.default_rng([seed, number_of(", ".join(key))]))
    flags = counted or (False, False)
    return Case(*key, truth, draw, flags, flags)
