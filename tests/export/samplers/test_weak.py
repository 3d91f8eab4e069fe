"""Dependence at the limit of what n samples can tell."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers.distribution import Distribution
from infonet_export.samplers.training_families import draw_weak
from infonet_export.samplers.weak import weak
from scipy.stats import kstest, spearmanr


def _line(_):
    def sample(rng, n):
        x = rng.random(n)
        return np.stack([x, x**2], 1)

    return Distribution("line", np.nan, sample)


def _drawn(count, n):
    rng = np.random.default_rng(0)
    return [weak(rng, _line, n) for _ in range(count)]


def test_half_are_independent():
    drawn = _drawn(400, 1000)
    independent = [d for d in drawn if d.mi == 0]
    assert 160 < len(independent) < 240
    rng = np.random.default_rng(1)
    p = [spearmanr(*d.sample(rng, 500).T)[1] for d in independent]
    assert kstest(p, "uniform").pvalue > 1e-3


def test_a_diluted_row_keeps_its_pair_with_the_probability_of_its_strength():
    rng = np.random.default_rng(2)
    for distribution in (d for d in _drawn(40, 100) if d.name == "weak"):
        points = distribution.sample(rng, 20_000)
        # marginals are those of the base
        assert kstest(points[:, 0], "uniform").pvalue > 1e-6
        assert kstest(np.sqrt(points[:, 1]), "uniform").pvalue > 1e-6
        kept = np.mean(points[:, 1] == points[:, 0] ** 2)
        if distribution.mi == 0:
            assert kept == 0
        else:  # n w^2 is between 1 and 300
            assert 0.08 < kept <= 1


@pytest.mark.parametrize("n", [20, 200, 20_000])
def test_monotone_ones_have_their_truth(n):
    rng = np.random.default_rng(3)
    known = [d for d in _drawn(200, n) if d.name != "weak"]
    assert len(known) > 20
    for distribution in known[:6]:
        x, y = distribution.sample(rng, 50_000).T
        # for weak dependence of this kind MI is about rho^2 / 2
        rho = 2 * np.sin(np.pi * spearmanr(x, y)[0] / 6)
        expected = -0.5 * np.log1p(-(rho**2))
        assert distribution.mi == pytest.approx(expected, rel=0.2, abs=0.002 + 0.1 * rho**2)


def test_the_mix_draws_them_reproducibly():
    for seed in range(20):
        a, b = (draw_weak(np.random.default_rng(seed), 500) for _ in range(2))
        left, right = (d.sample(np.random.default_rng(1), 50) for d in (a, b))
        np.testing.assert_array_equal(left, right)
