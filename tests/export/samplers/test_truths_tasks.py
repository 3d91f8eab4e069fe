"""Truths and samplers of the tasks that only evaluate: benchmark-mi, strong and discrete ones."""

from __future__ import annotations

import numpy as np
import pytest
from infonet_export.samplers import alternatives, benchmark_mi, discrete_tasks, high_information
from infonet_export.samplers.additive import NoisyCurve
from references import additive_mi, pmf_mi
from scipy import integrate, stats
from scipy.special import entr

N = 20_000
GAUSSIAN = -0.5 * np.log(1 - 0.75**2)


def every_task():
    yield from benchmark_mi.TASKS.values()
    for shape in high_information.SHAPES:
        yield high_information.shape(shape, 2.0)
        yield high_information.shape(shape, 4.0)
    for tasks in discrete_tasks.tasks().values():
        yield from tasks


@pytest.mark.parametrize("task", list(every_task()), ids=lambda task: f"{task.name}-{task.mi:.2f}")
def test_the_oracle_agrees_with_the_truth(task):
    points, ratio = task.draw(np.random.default_rng(3), 4 * N)
    np.testing.assert_array_equal(points, task.sample(np.random.default_rng(3), 4 * N))
    assert np.isfinite(points).all()
    error = ratio.std() / np.sqrt(4 * N)
    assert ratio.mean() == pytest.approx(task.mi, abs=4.5 * error + 1e-5)


def test_the_nine_tasks():
    truths = {name: task.mi for name, task in benchmark_mi.TASKS.items()}
    assert len(truths) == 9
    for name in ("1v1-additive-0.1", "1v1-additive-0.75"):
        epsilon = float(name.rsplit("-", 1)[1])
        y = np.linspace(-epsilon, 1 + epsilon, 4001)
        noise = stats.uniform(-epsilon, 2 * epsilon)
        scale = np.ones(4000)
        mi = additive_mi(lambda x: x, lambda x, s=scale: s, noise.logpdf, noise.entropy(), y)
        assert truths[name] == pytest.approx(mi, abs=2e-3)
    cauchy = [name for name in truths if "student" in name]
    # h of the bivariate Cauchy is log(2 pi e^3) by polar coordinates
    expected = 2 * stats.cauchy.entropy() - np.log(2 * np.pi) - 3
    for name in cauchy:
        assert truths[name] == pytest.approx(float(expected), abs=1e-9)
    others = set(truths) - set(cauchy) - {"1v1-additive-0.1", "1v1-additive-0.75"}
    assert len(others) == 5
    assert [truths[name] for name in others] == pytest.approx([GAUSSIAN] * 5)


def test_marginals_of_the_nine_tasks():
    rng = np.random.default_rng(0)
    samples = {name: task.sample(rng, N).T for name, task in benchmark_mi.TASKS.items()}

    def p_value(values, cdf):
        return stats.kstest(values, cdf).pvalue

    x, y = samples["1v1-normal-0.75"]
    assert min(p_value(x, "norm"), p_value((y - 0.75 * x) / np.sqrt(1 - 0.75**2), "norm")) > 1e-4
    x, y = samples["normal_cdf-1v1-normal-0.75"]
    assert min(p_value(x, "uniform"), p_value(y, "uniform")) > 1e-4
    x, y = samples["1v1-bimodal-0.75"]
    norm = stats.norm.cdf
    assert p_value(x, lambda t: 0.3 * norm(t) + 0.7 * norm(t, 5)) > 1e-4
    assert p_value(y, lambda t: 0.5 * norm(t, -1) + 0.5 * norm(t, 3)) > 1e-4
    x, y = samples["student-identity-1-1-1"]
    assert min(p_value(x, "cauchy"), p_value(y, "cauchy")) > 1e-4
    x, y = samples["1v1-additive-0.75"]
    assert p_value((y - x) / 1.5 + 0.5, "uniform") > 1e-4


def test_transforms_keep_the_order():
    grid = np.linspace(-5, 5, 20_001)
    for transform in (benchmark_mi._half_cube, benchmark_mi._wiggly_x, benchmark_mi._wiggly_y):
        assert (np.diff(transform(grid)) > 0).all()


@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0])
def test_noisy_line_of_a_normal_variable(sigma):
    x = np.linspace(-9, 9, 40_001)
    weights = np.exp(-0.5 * x**2) / np.exp(-0.5 * x**2).sum()
    model = NoisyCurve(x, weights, sigma)
    assert model.mi() == pytest.approx(0.5 * np.log1p(sigma**-2), abs=1e-5)
    y = np.array([-2.0, 0.0, 1.3])
    expected = stats.norm.logpdf(0.5) - np.log(sigma)
    expected = expected - stats.norm.logpdf(y, scale=np.sqrt(1 + sigma**2))
    np.testing.assert_allclose(model.log_ratio(np.full(3, 0.5 * sigma), y), expected, atol=1e-4)


@pytest.mark.parametrize("name", list(high_information.CURVES))
def test_strong_functional_relations(name):
    curve = high_information.CURVES[name]
    task = high_information.shape(name, 2.5)
    x, y = task.sample(np.random.default_rng(0), 200_000).T
    sigma = np.std(y - curve(x))
    scale = np.full(4000, sigma)
    grid = np.linspace(y.min() - 4 * sigma, y.max() + 4 * sigma, 2000)
    mi = additive_mi(curve, lambda x: scale, stats.norm.logpdf, stats.norm.entropy(), grid)
    assert mi == pytest.approx(2.5, abs=0.01)


def test_strong_band_and_gaussian():
    x, y = high_information.shape("uniform band", 3.0).sample(np.random.default_rng(0), N).T
    epsilon = np.abs(y - x).max()
    assert epsilon - np.log(2 * epsilon) == pytest.approx(3.0, abs=1e-3)
    x, y = high_information.shape("gaussian", 3.0).sample(np.random.default_rng(0), N).T
    assert -0.5 * np.log(1 - np.corrcoef(x, y)[0, 1] ** 2) == pytest.approx(3.0, abs=0.05)
    weak = high_information.band(0.3)
    assert weak.mi == pytest.approx(0.3)
    assert np.ptp(np.subtract(*weak.sample(np.random.default_rng(0), N).T)) > 1.6


@pytest.mark.parametrize("rho", [-0.5, 0.3, 0.9, 0.999])
def test_normal_rectangles(rho):
    left, right = np.array([-1.2, 0.1, 0.9]), np.array([-0.4, 0.7])
    found = discrete_tasks.rectangle_probabilities(rho, left, right)
    normal = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    u, v = np.concatenate([[-9], left, [9]]), np.concatenate([[-9], right, [9]])
    cdf = np.array([[normal.cdf([a, b]) for b in v] for a in u])
    np.testing.assert_allclose(found, np.diff(np.diff(cdf, axis=0), axis=1), atol=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-12)


def test_cut_normals():
    for task in (discrete_tasks.ratings(0.6), discrete_tasks.rounded_normal(0.6, 1.0)):
        points = task.sample(np.random.default_rng(0), 40 * N).astype(int)
        counts = np.zeros(points.max(0) + 1)
        np.add.at(counts, tuple(points.T), 1)
        assert task.mi == pytest.approx(pmf_mi(counts), abs=2e-3)
    shares = np.bincount(
        discrete_tasks.ratings(0.6).sample(np.random.default_rng(1), N)[:, 0].astype(int)
    )
    assert stats.chisquare(shares, N * np.array([0.1, 0.2, 0.25, 0.3, 0.15])).pvalue > 1e-4


@pytest.mark.parametrize("rate", [0.3, 4.0])
def test_poisson_counts(rate):
    k = np.arange(60)
    own, common = stats.poisson.pmf(k, 1.0), stats.poisson.pmf(k, rate)
    joint = np.zeros((60, 60))
    for c in k:
        joint[c:, c:] += common[c] * np.outer(own[: 60 - c], own[: 60 - c])
    task = discrete_tasks.poisson_counts(rate)
    assert task.mi == pytest.approx(pmf_mi(joint), abs=1e-8)
    x, y = task.sample(np.random.default_rng(0), N).T
    assert np.cov(x, y)[0, 1] == pytest.approx(rate, rel=0.15)
    assert x.mean() == pytest.approx(1 + rate, rel=0.05)


@pytest.mark.parametrize("shift", [0.5, 3.0])
def test_two_classes(shift):
    share = 0.4

    def entropy_of_x():
        def density(t):
            return (1 - share) * stats.norm.pdf(t) + share * stats.norm.pdf(t, shift)

        return integrate.quad(lambda t: entr(density(t)), -10, 14, limit=200)[0]

    task = discrete_tasks.two_classes(shift, share)
    assert task.mi == pytest.approx(entropy_of_x() - stats.norm.entropy(), abs=1e-7)
    x, label = task.sample(np.random.default_rng(0), N).T
    assert label.mean() == pytest.approx(share, abs=0.02)
    assert stats.kstest(x - shift * label, "norm").pvalue > 1e-4


@pytest.mark.parametrize("name", list(alternatives.ALTERNATIVES))
def test_alternatives_are_dependent_and_their_null_is_not(name):
    alternative = alternatives.ALTERNATIVES[name]
    rng = np.random.default_rng(0)
    dependent = alternative(rng, 4000)
    independent = alternatives.independent(alternative, rng, 4000)
    for axis in (0, 1):  # the same marginals
        assert stats.ks_2samp(dependent[:, axis], independent[:, axis]).pvalue > 1e-4

    def chi_square(points):
        codes = [np.searchsorted(np.quantile(c, np.linspace(0, 1, 9)[1:-1]), c) for c in points.T]
        return stats.chi2_contingency(stats.contingency.crosstab(*codes).count).pvalue

    assert chi_square(dependent) < 1e-6
    assert chi_square(independent) > 1e-4
