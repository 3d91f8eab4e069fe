"""Categories with few samples each: what they share, against slow twins and known truths."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from infonet.pairs.levels import Cells, Levels
from infonet.pairs.shared import _BESIDE, _CONCENTRATIONS, _EVEN, shared, sparse
from scipy.stats import binom, dirichlet_multinomial, multinomial
from scipy.stats import entropy as entropy_of
from sklearn.metrics import mutual_info_score


def _cells(x, y):
    return Cells.of(Levels.of(np.asarray(x)), Levels.of(np.asarray(y)))


def _drawn(rng, shares, rows):
    """Categories and labels, so many rows of each category in the mean; and what they share."""
    categories = shares.shape[0]
    x = rng.integers(categories, size=categories * rows)
    y = (shares[x].cumsum(1) < rng.random((x.size, 1))).sum(1)
    whole = shares.mean(0)
    return x, y, float(entropy_of(whole) - entropy_of(shares, axis=1).mean())


def _kinds(rng, table, prior):
    """Of each kind: log likelihood of each row of counts, and mean entropy by simulation."""
    labels = prior.size
    for a in _CONCENTRATIONS:
        laws = (dirichlet_multinomial(a * prior, int(row.sum())) for row in table)
        likely = [law.logpmf(row) for law, row in zip(laws, table, strict=True)]
        drawn = np.stack([rng.dirichlet(a * prior + row, size=1500) for row in table])
        yield likely, _entropy(drawn).mean(1)
    for beside in _BESIDE:
        shares = beside * prior + (1 - beside) * np.eye(labels)
        joint = [multinomial(int(row.sum()), shares).logpmf(row) + np.log(prior) for row in table]
        weight = np.exp(joint - np.max(joint, axis=1, keepdims=True))
        told = (weight * _entropy(shares)).sum(1) / weight.sum(1)
        yield np.logaddexp.reduce(joint, axis=1), told
    for number in (2, 3):  # of four labels
        for even in _EVEN:
            chosen = list(combinations(range(labels), number))
            likely, told = [], []
            for row in table:
                possible = [c for c in chosen if row.sum() == row[list(c)].sum()]
                mass = np.full(number, even)
                law = dirichlet_multinomial(mass, int(row.sum()))
                each = [law.logpmf(row[list(c)]) - np.log(len(chosen)) for c in possible]
                likely.append(np.logaddexp.reduce(each) if each else -np.inf)
                drawn = [rng.dirichlet(mass + row[list(c)], size=1500) for c in possible]
                told.append(np.mean([_entropy(d).mean() for d in drawn]) if each else 0.0)
            yield likely, np.array(told)


def _entropy(shares):
    return entropy_of(np.maximum(shares, 1e-300), axis=-1)


def test_shared_counts_are_those_of_a_simulation():
    """A slow twin: laws of SciPy, and shares drawn from what the counts leave open."""
    rng = np.random.default_rng(6)
    means = np.concatenate([rng.dirichlet(np.ones(4), size=8), np.full((8, 4), 0.25), np.eye(4)])
    x = np.repeat(np.arange(20), rng.integers(3, 9, 20))
    y = np.array([rng.choice(4, p=means[k]) for k in x])
    cells = _cells(x, y)
    table, n = cells.table(), x.size
    prior, share = table.sum(0) / n, table.sum(1) / n
    likely, told = map(np.array, zip(*_kinds(rng, table, prior), strict=True))
    likely = np.exp(likely - likely.max(0))
    weight = np.full(len(likely), 0.5 / (len(likely) - 1))
    weight[_CONCENTRATIONS.size - 1] = 0.5
    for _ in range(200):
        belongs = weight[:, None] * likely / (weight @ likely)
        weight = belongs.mean(1)
    expected = entropy_of(prior) - float((belongs * told).sum(0) @ share)
    found = shared(cells)
    assert found.mi == pytest.approx(expected, abs=0.005)
    assert found.low < expected < found.high


@pytest.mark.parametrize(("strength", "per"), [(0.0, 5), (1.0, 4), (3.0, 8)])
def test_shared_counts_of_many_categories(strength, per):
    """150 categories of `per` rows: counts are useless, what they share is not."""
    errors, counted, held = [], [], 0
    for seed in range(20):
        rng = np.random.default_rng([seed, per])
        logits = strength * rng.normal(size=(150, 3))
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        truth = float(entropy_of(p.mean(0)) - entropy_of(p, axis=1).mean())
        x = np.repeat(np.arange(150), per)
        y = (p[x].cumsum(1) < rng.random((x.size, 1))).sum(1)
        found = shared(_cells(x, y))
        errors.append(found.mi - truth)
        counted.append(mutual_info_score(x, y) - truth)
        held += found.low <= truth <= found.high
    assert np.sqrt(np.mean(np.square(errors))) < 0.05
    assert np.abs(errors).mean() < 0.5 * np.abs(counted).mean()
    assert held >= binom.ppf(0.001, 20, 0.75)


def _one_likely_label(rng):
    shares = np.full((500, 20), 0.5 / 20)
    shares[np.arange(500), rng.integers(20, size=500)] += 0.5
    return shares


def _half_alike(rng):
    return np.concatenate([np.full((250, 20), 1 / 20), rng.dirichlet(np.full(20, 0.1), size=250)])


def _steep(rng):
    steep = 1 / np.arange(1, 21) ** 1.5
    return rng.permuted(np.tile(steep / steep.sum(), (500, 1)), axis=1)


def _three_each(rng):
    return rng.permuted(np.tile((np.arange(20) < 3) / 3, (500, 1)), axis=1)


def _similar_neighbours(rng):
    middle = rng.random((500, 1)) * 20
    shares = np.exp(-0.5 * ((np.arange(20) - middle) / 2) ** 2)
    return shares / shares.sum(1, keepdims=True)


def _about_those_of_all(rng):
    return rng.dirichlet(np.full(20, 0.25), size=500)


@pytest.mark.parametrize(
    "kind",
    [_one_likely_label, _half_alike, _steep, _three_each, _similar_neighbours, _about_those_of_all],
    ids=lambda kind: kind.__name__.strip("_"),
)
def test_categories_of_all_kinds(kind):
    """Ten rows in each of 500 categories, 20 labels; plug-in counts are 50 to 170 % too high."""
    for seed in range(3):
        rng = np.random.default_rng([seed, 2])
        x, y, truth = _drawn(rng, kind(rng), 10)
        found = sparse(_cells(x, y))
        assert found.mi == pytest.approx(truth, rel=0.1)
        assert found.low <= truth <= found.high


@pytest.mark.parametrize("labels", [2, 10, 50])
def test_categories_that_are_all_alike(labels):
    found = []
    for seed in range(10):
        rng = np.random.default_rng([seed, labels])
        x, y, _ = _drawn(rng, np.full((300, labels), 1 / labels), 12)
        found.append(sparse(_cells(x, y)))
    assert np.mean([one.mi for one in found]) < 0.015
    assert sum(one.low == 0 for one in found) >= 7  # one in twenty may not be
