"""A label that follows a sum of columns, and columns that are nearly functions of each other."""

from __future__ import annotations

import math

import infonet
import numpy as np
import pytest

GRID = np.linspace(-8, 8, 1601)
WEIGHT = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()  # of a standard normal variable
COLLINEAR = np.log(2) / 2  # of w and w + noise


def _normal_cdf(t):
    return np.array([0.5 * (1 + math.erf(one / math.sqrt(2))) for one in t])


def _told_of_a_sign(noise):
    """I(t; t + noise > 0) of a standard normal t, by quadrature."""
    p = np.clip(_normal_cdf(GRID / noise), 1e-300, 1 - 1e-16)
    return np.log(2) + float(WEIGHT @ (p * np.log(p) + (1 - p) * np.log1p(-p)))


def _sign_of_a_sum(d, n, seed, noise=0.3):
    rng = np.random.default_rng([seed, d, n])
    x = rng.normal(size=(n, d))
    return x, x.sum(axis=1) / d**0.5 + noise * rng.normal(size=n) > 0


@pytest.mark.parametrize(("d", "n", "rel"), [(6, 2000, 0.06), (10, 2000, 0.06), (15, 1000, 0.1)])
def test_a_label_that_follows_a_sum_of_columns(d, n, rel):
    truth = _told_of_a_sign(0.3)
    found = [infonet.estimate(*_sign_of_a_sum(d, n, seed)) for seed in range(2)]
    assert np.mean([e.mi for e in found]) == pytest.approx(truth, rel=rel)
    assert all(e.interval[0] <= truth <= e.interval[1] for e in found)
    assert {e.method for e in found} == {"directions"}


def test_three_levels_cut_from_a_sum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 6))
    label = np.digitize(x.sum(axis=1), [-1, 1])
    p = np.bincount(label) / label.size
    truth = float(-p @ np.log(p))
    assert infonet.estimate(x, label).mi == pytest.approx(truth, rel=0.1)


def test_a_label_that_follows_products_of_columns():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2000, 4))
    found = infonet.estimate(x, x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] > 0)
    assert found.method == "directions"
    assert found.mi == pytest.approx(np.log(2), rel=0.16)


def test_two_labels_of_which_one_follows_a_sum():
    x, label = _sign_of_a_sum(6, 2000, 3)
    other = np.random.default_rng(3).integers(0, 3, label.size)
    found = infonet.estimate(x, np.column_stack([label, other]))
    assert found.mi == pytest.approx(_told_of_a_sign(0.3), rel=0.08)


def test_functions_for_a_label_find_nothing_where_nothing_is():
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x, label = rng.normal(size=(300, 5)), rng.integers(0, 3, 300)
        found.append(infonet.estimate(x, np.array(list("abc"))[label]))
    assert {e.method for e in found} == {"vine"}
    assert {e.interval[0] for e in found} == {0.0}


def test_exchange_order_threads_and_transforms_change_nothing_for_a_label():
    x, label = _sign_of_a_sum(6, 1000, 0)
    found = infonet.estimate(x, label)
    assert found.method == "directions"
    threads = infonet.Estimator(threads=2).estimate(x, label)
    same = [infonet.estimate(label, x), infonet.estimate(x[:, ::-1], label), threads]
    same.append(infonet.estimate(np.exp(x), label))
    assert {(e.mi, e.interval) for e in same} == {(found.mi, found.interval)}
    assert infonet.estimate(x, np.where(label, "b", "a")).mi == found.mi


def _collinear(eps, n, seed):
    rng = np.random.default_rng([seed, n])
    x, w, noise = rng.normal(size=(3, n))
    return np.column_stack([x, x + eps * w]), w + noise


@pytest.mark.parametrize(("eps", "n"), [(0.001, 1000), (0.001, 5000), (0.01, 300), (0.01, 5000)])
def test_a_small_difference_of_two_columns(eps, n):
    found = [infonet.estimate(*_collinear(eps, n, seed)) for seed in range(4)]
    assert np.mean([e.mi for e in found]) == pytest.approx(COLLINEAR, abs=0.04)
    assert {e.method for e in found} <= {"directions", "gaussian", "vine"}
    assert all(e.p_value < 1e-9 for e in found)


def test_nearly_collinear_columns_on_both_sides():
    rng = np.random.default_rng(1)
    a, b, w, v = rng.normal(size=(4, 2000))
    x, y = np.column_stack([a, a + 0.01 * w]), np.column_stack([b, b + 0.02 * (w + v)])
    found = infonet.estimate(x, y)
    assert found.mi == pytest.approx(COLLINEAR, abs=0.07)
    assert infonet.estimate(y, x).mi == found.mi


def test_outliers_and_rounding_of_nearly_collinear_columns():
    x, y = _collinear(0.01, 2000, 0)
    x[5], x[7] = (1e12, -1e12), -1e300
    assert infonet.estimate(x, y).mi == pytest.approx(COLLINEAR, abs=0.05)
    rounded = np.round(_collinear(0.01, 2000, 0)[0], 3)  # a difference has some fifty values
    assert infonet.estimate(rounded, y).mi == pytest.approx(COLLINEAR, abs=0.05)


def test_units_exchange_and_threads_change_nothing_for_collinear_columns():
    x, y = _collinear(0.01, 1000, 1)
    found = infonet.estimate(x, y)
    two = infonet.Estimator(threads=2)
    same = [infonet.estimate(y, x), two.estimate(x[:, ::-1], y)]
    assert {(e.mi, e.interval) for e in same} == {(found.mi, found.interval)}
    units = infonet.estimate(x * [3.0, 0.01] + [5.0, 7.0], 0.1 * y - 4)
    assert units.mi == pytest.approx(found.mi, rel=1e-6)


def test_nearly_collinear_columns_that_tell_nothing():
    found = []
    for seed in range(10):
        x, _ = _collinear(0.01, 500, seed)
        found.append(infonet.estimate(x, np.random.default_rng(seed + 99).normal(size=500)))
    assert np.mean([e.mi for e in found]) < 0.02
    assert "directions" not in {e.method for e in found}
