"""The mix of families that trains the model: shapes, truths, determinism, no surprises."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pytest
from infonet_export.samplers.distribution import log_uniform, normal_nodes, uniform_nodes
from infonet_export.samplers.training_families import FAMILIES, choose, draw, families
from scipy import stats


def test_two_hundred_draws_of_the_mix():
    names = Counter()
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")  # floating point aside, as in the pool
        for seed in range(200):
            rng = np.random.default_rng(seed)
            distribution = draw(rng)
            names[distribution.name] += 1
            points = distribution.sample(rng, 50)
            assert points.shape == (50, 2), distribution.name
            assert points.dtype == np.float64, distribution.name
            assert np.isfinite(points).all(), distribution.name
            if np.isnan(distribution.mi):
                assert distribution.name.startswith(("quantised", "functional"))
            else:
                assert 0 <= distribution.mi < 15, distribution.name
    assert len(names) >= 15, names


@pytest.mark.parametrize("name", families())
def test_a_family_is_a_function_of_its_generator(name):
    family = FAMILIES[name][0]
    with np.errstate(all="ignore"):
        for seed in range(3):
            first, second = (family(np.random.default_rng([7, seed])) for _ in range(2))
            np.testing.assert_equal(first.mi, second.mi)
            for n in (1, 37):
                a, b = (d.sample(np.random.default_rng(n), n) for d in (first, second))
                assert a.shape == (n, 2)
                np.testing.assert_array_equal(a, b)


def test_every_family_is_drawn_in_its_share():
    table = {name: (lambda rng, n=name: n, w) for name, (_, w) in FAMILIES.items()}
    rng = np.random.default_rng(0)
    drawn = Counter(choose(rng, table) for _ in range(20_000))
    weights = {name: weight for name, (_, weight) in table.items()}
    total = sum(weights.values())
    observed = [drawn[name] for name in weights]
    expected = [20_000 * weight / total for weight in weights.values()]
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_nodes_integrate_polynomials_and_cannot_be_changed():
    nodes = uniform_nodes(10_000)
    assert ((nodes > 0) & (nodes < 1)).all()
    assert np.mean(nodes[:, 0] ** 2 * nodes[:, 1]) == pytest.approx(1 / 6, abs=1e-3)
    normal = normal_nodes(10_000)
    np.testing.assert_allclose(np.cov(normal.T), np.eye(2), atol=0.01)
    for array in (nodes, normal):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0.5


def test_log_uniform_covers_its_range_evenly():
    rng = np.random.default_rng(0)
    drawn = np.log([log_uniform(rng, 0.1, 10) for _ in range(4000)])
    assert stats.kstest(drawn, stats.uniform(np.log(0.1), np.log(100)).cdf).pvalue > 1e-4
