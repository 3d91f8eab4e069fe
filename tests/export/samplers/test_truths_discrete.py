"""Blocks, discrete variables and quantised distributions."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import blocks, copulas
from infonet_export.samplers.blocks import Blocks, pmf_mutual_information, quantised, random_pmf
from infonet_export.samplers.distribution import Distribution
from references import pmf_mi
from scipy import stats


@pytest.mark.parametrize(
    ("pmf", "truth"),
    [
        ([[0.5, 0], [0, 0.5]], np.log(2)),
        ([[1, 1], [1, 1]], 0.0),
        ([[1, 0, 0], [0, 2, 0], [0, 0, 1]], 1.5 * np.log(2)),
        # H(Y) - H(Y | X)
        (
            [[0.25, 0.25], [0.5, 0]],
            -0.75 * np.log(0.75) - 0.25 * np.log(0.25) - 0.5 * np.log(2),
        ),
    ],
)
def test_small_tables_by_hand(pmf, truth):
    assert pmf_mutual_information(np.array(pmf, float)) == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("seed", range(25))
def test_random_tables_by_the_double_sum(seed):
    pmf = random_pmf(np.random.default_rng(seed))
    assert (pmf >= 0).all()
    assert pmf.min(initial=1) < pmf.max()
    assert all(2 <= side <= 60 for side in pmf.shape)
    assert pmf_mutual_information(pmf) == pytest.approx(pmf_mi(pmf), abs=1e-10)


@pytest.mark.parametrize(
    ("tied_x", "tied_y"), [(False, False), (True, False), (False, True), (True, True)]
)
def test_block_sampler(tied_x, tied_y):
    pmf = np.array([[4.0, 1.0, 0.0], [1.0, 2.0, 2.0]])
    model = Blocks(pmf, tied_x, tied_y)
    points = model.sample(np.random.default_rng(0), 20_000)
    cells = np.floor(points)
    counts = np.zeros_like(pmf)
    np.add.at(counts, tuple(cells.astype(int).T), 1)
    assert counts[0, 2] == 0
    held = pmf > 0
    assert stats.chisquare(counts[held], 20_000 * pmf[held] / 10).pvalue > 1e-4
    for tied, inside in zip((tied_x, tied_y), (points - cells).T, strict=True):
        if tied:
            assert (inside == 0).all()
        else:
            assert stats.kstest(inside, "uniform").pvalue > 1e-4
    assert model.mi() == pytest.approx(pmf_mi(pmf), abs=1e-12)


def test_names_say_whether_there_are_ties():
    for seed in range(30):
        distribution = blocks.blocks(np.random.default_rng(seed))
        points = distribution.sample(np.random.default_rng(0), 500)
        tied = any(len(np.unique(column)) < 100 for column in points.T)
        assert (distribution.name == "discrete") == tied


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9, -0.6])
def test_signs_of_the_bivariate_normal_follow_the_arcsine_law(rho):
    distribution = _quantised_normal(rho, np.array([0.0]))
    same = 0.5 + np.arcsin(rho) / np.pi
    truth = np.log(2) + same * np.log(same) + (1 - same) * np.log(1 - same)
    # plug-in of 150,000 draws: standard error |log odds| sqrt(same (1 - same) / draws)
    error = abs(np.log(same / (1 - same))) * np.sqrt(same * (1 - same) / 150_000)
    assert distribution.mi == pytest.approx(truth, abs=5 * error + 2e-5)
    points = distribution.sample(np.random.default_rng(5), 20_000)
    assert set(np.unique(points)) == {0.0, 1.0}
    assert np.mean(points[:, 0] == points[:, 1]) == pytest.approx(same, abs=0.02)


def test_levels_of_the_bivariate_normal_by_its_distribution_function():
    cuts = np.array([-1.0, -0.2, 0.4, 1.5])
    wide = np.concatenate([[-9.0], cuts, [9.0]])
    law = stats.multivariate_normal(cov=[[1, 0.7], [0.7, 1]])
    cdf = np.array([[law.cdf([a, b]) for b in wide] for a in wide])
    truth = pmf_mi(np.diff(np.diff(cdf, axis=0), axis=1))
    assert _quantised_normal(0.7, cuts).mi == pytest.approx(truth, abs=0.006)


def test_the_miller_madow_correction_removes_the_bias():
    # independent variables on 16 x 16 levels: the plug-in is 225 / 2N too large
    cuts = np.linspace(0, 1, 17)[1:-1]

    def base(rng):
        return Distribution("uniform", 0.0, lambda r, n: r.random((n, 2)))

    draws = 2000
    estimates = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        distribution = quantised(rng, base, draws, lambda *_: cuts)
        if not np.isnan(distribution.mi):
            estimates.append(distribution.mi)
    assert len(estimates) > 15
    assert np.mean(estimates) < 0.1 * 225 / (2 * draws)  # clipped at zero: half of the noise stays


def test_one_rounded_axis_has_no_truth():
    kinds = set()
    for seed in range(20):
        distribution = quantised(np.random.default_rng(seed), copulas.independent, 2000)
        points = distribution.sample(np.random.default_rng(1), 300)
        continuous = len(np.unique(points[:, 1])) == 300
        assert np.isnan(distribution.mi) == continuous
        assert len(np.unique(points[:, 0])) <= 16
        kinds.add(continuous)
    assert kinds == {True, False}


def _quantised_normal(rho, cuts):
    """A member whose both axes are rounded at ``cuts``."""
    copula = copulas.gaussian(rho)

    def base(rng):
        return Distribution("gaussian", copula.mutual_information(), copula.sample)

    for seed in range(20):
        distribution = quantised(np.random.default_rng(seed), base, cuts=lambda *_: cuts)
        if not np.isnan(distribution.mi):
            return distribution
    raise AssertionError("no seed rounds both axes")
