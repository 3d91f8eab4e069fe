"""Rows that repeat by weights, sampling or joins, which look like codes; and what is a function."""

import infonet
import numpy as np
import pytest
from infonet.pairs.estimates import COPIES_NOTE, REPEATED_NOTE


def _entropy(counts):
    share = np.asarray(counts) / np.sum(counts)
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())


def _oversampled(r, n, share):
    """Which rows, and the label, of a minority that is oversampled to one half."""
    size = int(n / 2 / (1 - share))
    few = int(share * size)
    rows = np.concatenate([np.arange(few, size), r.integers(0, few, size - few)])
    return size, rows, (np.arange(size) < few).astype(int)


def _weighted(r, n, how):
    """Indices of rows of a base table, some of them often."""
    base = n // 5
    weight = 1 / np.arange(1, base + 1)
    return {
        "zipf": lambda: r.choice(base, n, p=weight / weight.sum()),
        "with replacement": lambda: r.integers(0, base, n),
        "poisson 5": lambda: np.repeat(np.arange(base), r.poisson(5, base)),
        "poisson 8": lambda: np.repeat(np.arange(n // 8), r.poisson(8, n // 8)),
        "held": lambda: np.repeat(np.arange(base), r.geometric(1 / 5, base)),
        "a tenth ten times": lambda: np.concatenate(
            [np.arange(n // 20, n // 2), np.repeat(np.arange(n // 20), 10)]
        ),
    }[how]()


WEIGHTS = ("zipf", "with replacement", "poisson 5", "poisson 8", "held", "a tenth ten times")


def _assert_independence_is_possible(found):
    assert found.interval[0] == 0
    assert COPIES_NOTE in found.notes or REPEATED_NOTE in found.notes


@pytest.mark.parametrize("n", [300, 2000, 20_000])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_an_oversampled_minority_is_no_function_of_a_number(estimator, n, share):
    p = []
    for seed in range(4):
        r = np.random.default_rng([seed, n])
        size, rows, label = _oversampled(r, n, share)
        x, z = r.normal(size=(2, size))
        for y in (label, z):
            found = estimator.estimate(x[rows], y[rows])
            _assert_independence_is_possible(found)
            assert found.mi < 0.1
            p.append(found.p_value)
    assert 0.1 < np.median(p) < 0.9
    assert min(p) > 1e-4


@pytest.mark.parametrize("n", [300, 3000])
@pytest.mark.parametrize("how", WEIGHTS)
def test_independent_rows_that_repeat_may_be_independent(estimator, n, how):
    p = []
    for seed in range(6):
        r = np.random.default_rng([seed, n, 1])
        rows = _weighted(r, n, how)
        x, z = r.normal(size=(2, n))
        numbers = estimator.estimate(x[rows], z[rows])
        assert numbers.mi < 0.1
        for found in (numbers, estimator.estimate(x[rows], (z > 0)[rows])):
            if found.p_value > 0.01:
                _assert_independence_is_possible(found)
            p.append(found.p_value)
    assert 0.15 < np.median(p) < 0.85
    assert min(p) > 1e-4


@pytest.mark.parametrize("other", ["sex", "age"])
@pytest.mark.parametrize("n", [400, 4000, 20_000])
def test_orders_of_customers_are_no_observations_of_these(estimator, n, other):
    """A few customers have the same income."""
    p = []
    for seed in range(4):
        r = np.random.default_rng([seed, n, 2])
        customers = n // 6
        income = r.lognormal(10, 0.5, customers).round()
        about = {
            "sex": np.where(r.random(customers) < 0.5, "m", "f"),
            "age": r.integers(18, 80, customers),
        }[other]
        order = np.repeat(np.arange(customers), 1 + r.poisson(5, customers))
        found = estimator.estimate(income[order], about[order])
        assert found.interval[0] == 0
        assert COPIES_NOTE in found.notes
        p.append(found.p_value)
    assert min(p) > 1e-3


@pytest.mark.parametrize("how", ["zipf", "poisson 8", "held"])
def test_rows_that_repeat_show_the_dependence_of_the_different_ones(estimator, how):
    truth = -0.5 * np.log(1 - 0.6**2)
    errors = []
    for seed in range(6):
        r = np.random.default_rng([seed, 3])
        rows = _weighted(r, 3000, how)
        x, noise = r.normal(size=(2, 3000))
        found = estimator.estimate(x[rows], (0.6 * x + 0.8 * noise)[rows])
        assert COPIES_NOTE in found.notes
        assert found.interval[0] <= truth + 0.03
        assert found.p_value < 1e-4
        errors.append(found.mi - truth)
    assert np.abs(errors).mean() < 0.05


def test_the_test_by_permutations_takes_each_row_once(estimator):
    r = np.random.default_rng(4)
    size, rows, label = _oversampled(r, 400, 0.05)
    x = r.normal(size=size)
    found = estimator.estimate(x[rows], label[rows], permutations=99)
    assert found.p_value > 0.05


@pytest.mark.parametrize("n", [400, 5000])
def test_codes_that_occur_often_determine_labels(estimator, n):
    r = np.random.default_rng(n)
    town = r.integers(0, int(np.sqrt(n)), n)
    kind = r.integers(0, 4, n)[town]
    hour = r.integers(0, 24, n)
    for x, y in ((town, kind), (hour, hour // 8), (hour, (hour + 3) % 24 // 8)):
        found = estimator.estimate(x, y)
        truth = _entropy(np.bincount(y))
        assert found.mi == pytest.approx(truth, abs=0.01)
        assert truth - 0.1 < found.interval[0] < truth
        assert found.notes == () or COPIES_NOTE not in found.notes
        assert found.p_value < 1e-30


@pytest.mark.parametrize("n", [500, 5000])
def test_the_order_of_many_codes_shows_that_a_function_is_one(estimator, n):
    """Postcodes of one city are neighbours; numbers are rounded down."""
    r = np.random.default_rng(n)
    codes = int(3 * np.sqrt(n))
    postcode = r.integers(0, codes, n)
    city = postcode * 8 // codes
    x = r.normal(size=n).round(2)
    for u, v in ((postcode, np.array(list("bdacfehg"))[city]), (x, np.floor(x))):
        found = estimator.estimate(u, v)
        truth = _entropy(np.unique(v, return_counts=True)[1])
        assert found.mi == pytest.approx(truth, abs=0.02)
        assert found.interval[0] > truth - 0.15
        assert COPIES_NOTE not in found.notes


def test_many_codes_without_an_order_may_be_copies_of_rows(estimator):
    r = np.random.default_rng(5)
    code = r.integers(0, 200, 3000)
    for value in (r.integers(0, 4, 200), r.lognormal(2, 0.6, 200).round(1)):
        found = estimator.estimate(code, value[code])
        assert found.mi == pytest.approx(
            _entropy(np.unique(value[code], return_counts=True)[1]), abs=0.05
        )
        assert found.interval[0] == 0
        assert COPIES_NOTE in found.notes
        # text that repeats is no number that happens to be the same
        assert (
            COPIES_NOTE
            not in estimator.estimate(np.char.add("p", code.astype(str)), value[code]).notes
        )


def test_rounded_numbers_with_noise_are_no_copies(estimator):
    for seed in range(4):
        r = np.random.default_rng([seed, 6])
        x, noise = r.normal(size=(2, 2000))
        y = 0.6 * x + 0.8 * noise
        rain = np.where(x > 1, x, 0)
        flipped = (x > 0) ^ (r.random(2000) < 0.01)
        for u in (x.round(2), x.round(1), np.floor(50 * x), rain.round(2)):
            for v in (y.round(2), y > 0, flipped, r.random(2000) < 0.01, r.poisson(2, 2000)):
                assert COPIES_NOTE not in estimator.estimate(u, v).notes


def test_a_matrix_says_that_rows_repeat():
    r = np.random.default_rng(7)
    rows = r.integers(0, 60, 600)
    x, z = r.normal(size=(2, 60))
    found = infonet.pairwise({"x": x[rows], "z": z[rows], "label": (z > 0)[rows] * 1})
    for pair in (found["x", "z"], found["x", "label"]):
        assert pair.interval[0] == 0
        assert pair.p_value > 1e-3
        assert COPIES_NOTE in pair.notes


@pytest.mark.parametrize("n", [300, 1000])
def test_functions_of_rounded_numbers_that_repeat_a_few_times_may_be_functions(estimator, n):
    for seed in range(4):
        r = np.random.default_rng([seed, n])
        x = r.normal(size=n).round(2)
        for y in (np.sin(2 * x).round(6), (x**2).round(4), np.floor(2 * x) % 2):
            found = estimator.estimate(x, y)
            truth = _entropy(np.unique(y, return_counts=True)[1])
            assert found.interval[0] <= truth <= found.interval[1]
            assert found.interval[0] > 0.4 * truth


# Functions, as far as the samples show.


@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("expected", [0.5, 1, 2])
def test_intervals_of_functions_allow_for_exceptions_that_were_not_seen(estimator, n, expected):
    """Signs, of which so many in n are wrong."""
    truth = np.log(2) - _entropy([expected / n, 1 - expected / n])
    held = exact = 0
    for seed in range(20):
        r = np.random.default_rng([seed, n])
        x = r.normal(size=n)
        found = estimator.estimate(x, (x > 0) ^ (r.random(n) < expected / n))
        held += found.interval[0] <= truth <= found.interval[1]
        exact += found.method == "counts"
    assert held >= 16
    assert exact > 0


@pytest.mark.parametrize("n", [400, 3000])
def test_intervals_of_codes_allow_for_exceptions(estimator, n):
    held = 0
    for seed in range(20):
        r = np.random.default_rng([seed, n])
        code, label = r.integers(0, 12, n), r.permutation(12) % 4
        wrong = r.random(n) < 1 / n
        y = np.where(wrong, r.integers(0, 4, n), label[code])
        share = 0.75 / n  # of a label that is another one
        truth = np.log(4) - _entropy([1 - share, *[share / 3] * 3])
        found = estimator.estimate(code, y)
        held += found.interval[0] <= truth <= found.interval[1]
    assert held >= 16
