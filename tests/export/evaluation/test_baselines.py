"""The other estimators against truths, definitions and slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.evaluation import baselines
from infonet_export.samplers import discrete_tasks
from references import pmf_mi
from scipy import stats
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression


def _normal(rho, n, seed=0):
    x, e = np.random.default_rng(seed).normal(size=(2, n))
    return np.stack([x, rho * x + np.sqrt(1 - rho**2) * e], 1)


def _slow_ksg(samples, k=3):
    """Algorithm 1 of Kraskov et al. by brute force, on columns of unit variance."""
    x, y = ((c - c.mean()) / c.std() for c in samples.T)
    dx, dy = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, k]  # the first is the point itself
    counts = [(d < radius[:, None]).sum(1) for d in (dx, dy)]
    mean = np.mean(digamma(counts[0]) + digamma(counts[1]))
    return max(0.0, digamma(len(x)) + digamma(k) - mean)


def test_ksg_is_the_one_of_kraskov_and_of_scikit_learn():
    samples = _normal(0.8, 400)
    assert baselines.ksg(samples) == pytest.approx(_slow_ksg(samples), abs=0.02)
    theirs = mutual_info_regression(samples[:, :1], samples[:, 1], random_state=0)[0]
    assert baselines.ksg(samples) == theirs
    assert baselines.ksg(samples.astype(np.float32)) == pytest.approx(theirs, abs=1e-3)


@pytest.mark.parametrize("rho", [0.0, -0.6, 0.95])
def test_gaussian_copula(rho):
    samples = _normal(rho, 20_000)
    truth = -0.5 * np.log(1 - rho**2)
    assert baselines.gaussian_copula(samples) == pytest.approx(truth, abs=0.02)
    # ranks only
    bent = np.stack([np.exp(samples[:, 0]), samples[:, 1] ** 3], 1)
    assert baselines.gaussian_copula(bent) == pytest.approx(
        baselines.gaussian_copula(samples), abs=1e-12
    )


def test_gaussian_copula_of_equal_and_constant_columns():
    x = np.arange(100.0)
    assert 10 < baselines.gaussian_copula(np.stack([x, x], 1)) < 20
    assert baselines.gaussian_copula(np.stack([x, 0 * x], 1)) == 0


@pytest.mark.parametrize(("rho", "error"), [(0.0, 0.01), (0.5, 0.03), (0.9, 0.15)])
def test_histogram_of_normals(rho, error):
    samples = _normal(rho, 20_000)
    truth = -0.5 * np.log(1 - rho**2)
    found = baselines.histogram(samples)
    assert found == pytest.approx(truth, abs=error)
    assert found < truth + 0.01  # binning loses information


def test_bins_of_the_histogram():
    """The formula by hand, and the plug-in estimate on those bins by a double sum."""
    n = 2000
    samples = _normal(0.7, n, seed=3)
    scores = stats.norm.ppf(stats.rankdata(samples, axis=0) / (n + 1))
    r = np.corrcoef(scores.T)[0, 1]
    bins = round(float(np.sqrt(1 + np.sqrt(1 + 24 * n / (1 - r**2))) / np.sqrt(2)))
    ranks = stats.rankdata(samples, axis=0) - 1
    counts = np.zeros((bins, bins))
    np.add.at(counts, tuple((ranks * bins // n).astype(int).T), 1)
    occupied = (counts > 0).sum() - 2 * bins + 1
    assert baselines.histogram(samples) == pytest.approx(
        pmf_mi(counts) - occupied / (2 * n), abs=2e-3
    )


def test_plug_in_and_its_correction():
    rng = np.random.default_rng(0)
    pmf = rng.dirichlet(np.ones(12)).reshape(3, 4)
    index = rng.choice(12, 500, p=pmf.ravel())
    samples = np.stack(np.divmod(index, 4), 1) * 0.7 - 3  # any numbers
    counts = np.bincount(index, minlength=12).reshape(3, 4)
    assert baselines.plug_in(samples) == pytest.approx(pmf_mi(counts), abs=1e-12)
    occupied = (counts > 0).sum() - (counts.sum(1) > 0).sum() - (counts.sum(0) > 0).sum() + 1
    expected = pmf_mi(counts) - occupied / 1000
    assert baselines.miller_madow(samples) == pytest.approx(expected, abs=1e-12)


def test_miller_madow_takes_the_bias_away():
    rng = np.random.default_rng(0)
    draws = rng.integers(5, size=(300, 400, 2)).astype(float)
    plain = np.mean([baselines.plug_in(samples) for samples in draws])
    corrected = np.mean([baselines.miller_madow(samples) for samples in draws])
    assert plain == pytest.approx(16 / 800, rel=0.1)  # (rows - 1)(columns - 1) / 2n
    assert corrected < 0.3 * plain
    assert min(baselines.miller_madow(samples) for samples in draws) >= 0


def test_ross_finds_the_label_on_either_side():
    task = discrete_tasks.two_classes(1.5)
    samples = task.sample(np.random.default_rng(0), 4000)
    found = baselines.ross(samples)
    assert found == pytest.approx(task.mi, abs=0.03)
    assert baselines.ross(samples[:, ::-1]) == found


def test_scikit_learn_takes_what_fits():
    rng = np.random.default_rng(0)
    number, label = rng.normal(size=300), rng.integers(3, size=300).astype(float)
    mixed = np.stack([number, label], 1)
    assert baselines.scikit_learn(mixed) == baselines.ross(mixed)
    discrete = np.stack([label, rng.permutation(label)], 1)
    assert baselines.scikit_learn(discrete) == baselines.plug_in(discrete)
    continuous = np.stack([number, rng.normal(size=300)], 1)
    assert baselines.scikit_learn(continuous) == baselines.ksg(continuous)
