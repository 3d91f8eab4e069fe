"""Columns that say the same, columns that only have the same order, and columns in x and in y."""

from __future__ import annotations

import infonet
import numpy as np
import pytest
from infonet.vines.alike import is_function, is_relabelling, left_of
from infonet.vines.variables import SHARED_NOTE
from scipy.stats import norm

N = 2000


def events(n=N, seed=1):
    """Start and end of events that follow one another, how long they take, and what that moves."""
    rng = np.random.default_rng(seed)
    duration = 0.2 + 0.8 * rng.random(n)
    start = 1.7e9 + np.cumsum(1 + rng.exponential(5, n))
    return start, start + duration, duration, np.log(duration) + 0.4 * rng.normal(size=n)


def notes_of(found):
    return " ".join(found.notes)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [500, N])
def test_two_columns_of_one_order_tell_their_difference(estimator, n, sign):
    start, end, duration, y = events(n)
    truth = estimator.estimate(duration, y).mi
    found = estimator.estimate(np.c_[start, sign * end], y)
    assert found.mi == pytest.approx(truth, abs=0.03)
    assert found.p_value < 1e-9
    assert "copy" not in notes_of(found)
    assert "nearly in the order of another column" in notes_of(found)


def test_a_condition_of_the_same_order_is_not_the_column(estimator):
    start, end, duration, y = events()
    truth = estimator.estimate(duration, y).mi
    assert estimator.estimate(end, y, given=start).mi == pytest.approx(truth, abs=0.03)
    both = estimator.estimate(duration, y, given=np.c_[start, end])
    assert both.mi < 0.005
    assert both.p_value > 0.001


def test_matrices_given_a_column_of_the_same_order(estimator):
    start, end, _, y = events()
    found = infonet.pairwise({"s": start, "e": end, "y": y}, given=["s"])
    truth = estimator.estimate(end, y, given=start).mi
    assert not any("constant" in note for note in found.notes)
    assert np.nanmax(found.mi) == pytest.approx(truth, abs=1e-6)
    with pytest.warns(infonet.InfoNetWarning, match="constant everywhere: e"):
        copies = infonet.pairwise({"s": start, "e": 2 * start + 1, "y": y}, given=["s"])
    assert np.nanmax(copies.mi) < 0.01


def test_a_shared_order_is_no_shared_column(estimator):
    start, end, *_ = events()
    other = np.random.default_rng(3).normal(size=(N, 2))
    found = estimator.estimate(np.c_[start, other[:, 0]], np.c_[end, other[:, 1]])
    assert SHARED_NOTE not in found.notes
    assert "nearly in the same order" in notes_of(found)
    total = estimator.total_correlation(np.c_[start, end])
    assert total.mi > 3


FUNCTIONS = {
    "equal": lambda x: x,
    "line": lambda x: 3 * x + 7,
    "falling": lambda x: -x / 3,
    "exponential": np.exp,
    "cube": lambda x: x**3,
    "bent": lambda x: np.tanh(3 * x),
    "wavy": lambda x: x + 0.3 * np.sin(3 * x),
    "ranks": norm.cdf,
    "kink": lambda x: np.where(x > 0, x, 0.3 * x),
    "single": lambda x: np.exp(x).astype(np.float32),
    "decimals": lambda x: np.round(np.exp(x), 6),
    "digits": lambda x: np.array([float(f"{value:.7g}") for value in np.exp(x)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", [100, 1000])
def test_smooth_functions_are_copies(estimator, name, n):
    x, noise = np.random.default_rng(n).normal(size=(2, n))
    same = FUNCTIONS[name](x)
    assert is_function(x, same)
    found = estimator.estimate(np.c_[x, same], x + noise)
    assert found.mi == pytest.approx(estimator.estimate(x, x + noise).mi, abs=1e-6)
    assert "a copy of another column" in notes_of(found)
    assert "known already" in notes_of(estimator.estimate(same, x + noise, given=x))


@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("n", [30, 300, 3000])
def test_what_noise_is_added_to_is_no_copy(size, n):
    x = np.sort(np.random.default_rng(n).normal(size=n))
    noise = size * np.random.default_rng(1).random(n) * np.diff(x, append=x[-1] + 1).min()
    noise = noise if noise.max() > 1e-12 else noise * 1e-9 / noise.max()
    assert not is_function(x, x + noise)
    some = np.random.default_rng(2).random(n) < 0.4
    assert not is_function(x, np.where(some, x + noise, x))


def test_whole_seconds_of_an_event_are_no_rounding():
    start = np.rint(events()[0])
    for most in (2, 3, 40):
        seconds = np.random.default_rng(most).integers(0, most, N)
        assert not is_function(start, start + seconds)
    assert is_function(start, start + 3)


def test_what_is_left_holds_the_difference():
    start, end, duration, _ = events()
    assert abs(np.corrcoef(left_of(start, end), duration)[0, 1]) > 0.99
    prices = np.exp(np.cumsum(0.01 * np.random.default_rng(5).normal(size=N)))
    ratio = 1 + 0.001 * np.random.default_rng(6).random(N)
    assert abs(np.corrcoef(left_of(prices, prices * ratio), ratio)[0, 1]) > 0.95


def test_relabelling_is_one_to_one():
    codes = np.random.default_rng(0).integers(0, 4, 200)
    assert is_relabelling(codes, np.array([7, 1, 5, 0])[codes])
    assert not is_relabelling(codes, np.array([7, 1, 5, 5])[codes])
    assert not is_relabelling(codes // 2, codes)
    assert not is_relabelling(np.arange(200), np.arange(200))


@pytest.mark.parametrize("of_a", [np.asarray, np.square])
def test_a_shared_column_beside_others_is_a_large_number_and_no_error(estimator, of_a):
    a, b, c = np.random.default_rng(0).normal(size=(3, 1000))
    other = a if of_a is np.asarray else np.abs(a)
    found = estimator.estimate(np.c_[of_a(a), b], np.c_[other, b + c])
    assert found.mi > 3
    assert SHARED_NOTE in found.notes


def shared_label(n, seed):
    """A label in x and y beside columns: H = 0.4375 and 0.200 given the label."""
    a, b, c = np.random.default_rng([seed, n]).normal(size=(3, n))
    return (a > 1).astype(int), a + b, b + c


@pytest.mark.parametrize("other", [lambda label: label, lambda label: 5 - label])
def test_a_shared_label_tells_its_entropy(estimator, other):
    found = []
    for seed in range(8):
        label, left, right = shared_label(1000, seed)
        found.append(estimator.estimate(np.c_[label, left], np.c_[other(label), right]))
    assert np.mean([e.mi for e in found]) == pytest.approx(0.638, abs=0.03)
    assert sum(e.interval[0] <= 0.638 <= e.interval[1] for e in found) >= 5


def test_a_shared_label_alone_and_a_finer_one(estimator):
    label, left, right = shared_label(3000, 0)
    assert estimator.estimate(label, np.c_[label, right]).mi == pytest.approx(0.4375, abs=0.04)
    finer = 3 * label + np.random.default_rng(1).integers(0, 3, label.size)
    found = estimator.estimate(np.c_[label, left], np.c_[finer, right])
    assert found.mi == pytest.approx(0.638, abs=0.06)
    swapped = estimator.estimate(np.c_[finer, right], np.c_[label, left])
    assert swapped.mi == found.mi
