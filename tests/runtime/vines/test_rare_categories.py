"""Conditions of many categories with few rows each: stores, patients, users."""

import infonet
import numpy as np
import pandas as pd
import pytest
from infonet.causal import IndependenceTests

GAUSSIAN = 0.2231  # nats, of a correlation of 0.6


def panel(rng, n, categories, dependent):
    """x and y with a common effect of the category, which one row in (n / categories) has."""
    group = rng.integers(0, categories, n)
    effect = 2 * rng.normal(size=categories)[group]
    x, e = rng.normal(size=(2, n))
    y = 0.6 * x + 0.8 * e if dependent else e
    return effect + x, effect + y, np.array([f"store {g}" for g in group])


@pytest.mark.parametrize(("n", "categories"), [(500, 50), (500, 100), (2000, 300)])
def test_a_common_effect_of_categories_is_no_dependence(estimator, n, categories):
    rng = np.random.default_rng(n + categories)
    found = [
        estimator.estimate(x, y, given=store)
        for x, y, store in (panel(rng, n, categories, False) for _ in range(12))
    ]
    assert max(one.mi for one in found) < 0.06
    assert np.mean([one.mi for one in found]) < 0.01
    assert sum(one.p_value < 0.05 for one in found) <= 3  # 1 in 50 times, at 5 %
    assert min(one.p_value for one in found) > 1e-5


@pytest.mark.parametrize(("n", "categories"), [(500, 50), (2000, 300), (2000, 120)])
def test_a_dependence_within_categories_is_seen_in_part_and_said_so(estimator, n, categories):
    rng = np.random.default_rng(7 * n + categories)
    found = [
        estimator.estimate(x, y, given=store)
        for x, y, store in (panel(rng, n, categories, True) for _ in range(10))
    ]
    assert 0.4 * GAUSSIAN < np.mean([one.mi for one in found]) < GAUSSIAN
    assert max(one.p_value for one in found) < 1e-6
    held = [one.interval[0] <= GAUSSIAN <= one.interval[1] for one in found]
    assert sum(held) >= 7
    assert all(any("few rows" in note for note in one.notes) for one in found)


def test_a_matrix_given_categories(estimator):
    rng = np.random.default_rng(3)
    x, y, store = panel(rng, 2000, 300, False)
    table = pd.DataFrame({"x": x, "y": y, "store": store})
    found = estimator.pairwise(table, given=["store"], progress=False)["x", "y"]
    assert found.mi < 0.01
    assert found.p_value > 1e-3


def test_causal_discovery_given_categories(estimator):
    rng = np.random.default_rng(4)
    x, y, store = panel(rng, 2000, 300, False)
    tests = IndependenceTests(pd.DataFrame({"x": x, "y": y, "store": store}), estimator=estimator)
    found = tests.test("x", "y", ["store"])
    assert found.mi < 0.01
    assert found.p_value > 1e-3
    assert tests.p_value("x", "y") < 1e-6


def test_categories_of_a_few_rows_each_are_refused(estimator):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 400))
    with pytest.raises(infonet.InputError, match=r"no category of given has 5 samples"):
        estimator.estimate(x, y, given=[f"k{i // 4}" for i in range(400)])


def test_columns_that_say_the_same(estimator):
    """A code and its name: what they tell of each other is their entropy, not that of numbers."""
    rng = np.random.default_rng(1)
    n = 2000
    a, z = rng.integers(0, 2, n), rng.normal(size=n)
    for found in (
        estimator.estimate(a, 10 * a, given=z),
        estimator.estimate(a, -a, given=z),
        estimator.estimate(np.c_[a, z], 10 * a),
        estimator.pairwise({"a": a, "b": 10 * a, "z": z}, given=["z"], progress=False)["a", "b"],
    ):
        assert found.mi == pytest.approx(np.log(2), abs=0.05)
        assert found.interval[1] < 0.8
    rounded = z.round()
    share = np.unique(rounded, return_counts=True)[1] / n
    entropy = -(share * np.log(share)).sum()
    found = estimator.estimate(rounded, 2 * rounded, given=rng.normal(size=n))
    assert found.mi == pytest.approx(entropy, rel=0.1)


def test_two_labels_given_a_number_that_tells_nothing(estimator):
    rng = np.random.default_rng(2)
    n, levels = 4000, 12
    a = rng.integers(0, levels, n)
    b = np.where(rng.random(n) < 0.75, a, rng.integers(0, levels, n))
    shares = 0.25 / levels**2 + np.eye(levels) * 0.75 / levels
    truth = (shares * np.log(shares * levels**2)).sum()
    names = [np.array([f"n{v}" for v in values]) for values in (a, b)]
    found = estimator.estimate(*names, given=rng.normal(size=n))
    assert 0.88 * truth < found.mi < truth


def with_effects(rng, n, categories, share=1.0):
    """Names of categories, a number x, and y: effects of the categories of standard deviation
    `share`, plus x, plus noise of 1.5."""
    group = rng.integers(0, categories, n)
    shares = np.bincount(group, minlength=categories) / n
    effects = rng.normal(size=categories)
    effects -= shares @ effects
    effects *= share / np.sqrt(shares @ effects**2)
    x = rng.normal(size=n)
    y = effects[group] + x + 1.5 * rng.normal(size=n)
    return np.array([f"store {g}" for g in group]), x, y


@pytest.mark.parametrize("categories", [50, 100, 300])
def test_categories_beside_a_number(estimator, categories):
    """Their codes are no numbers: I(L, X; Y) = I(L; Y) + I(X; Y | L)."""
    rng = np.random.default_rng(categories)
    truth = 0.5 * np.log((1 + 1 + 2.25) / 2.25)
    found = []
    for _ in range(5):
        store, x, y = with_effects(rng, 2000, categories)
        table = pd.DataFrame({"store": store, "x": x})
        found.append(estimator.estimate(table, y))
    assert np.mean([one.mi for one in found]) == pytest.approx(truth, rel=0.3)
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 4
    assert max(one.p_value for one in found) < 1e-10
    assert found[0].mi == pytest.approx(sum(term.mi for term in found[0].terms))
    alone, rest = found[-1].terms
    assert (alone.x, alone.y, alone.given) == ("store", "y", ())
    assert (rest.x, rest.y, rest.given) == ("x", "y", ("store",))
    assert alone.mi == estimator.estimate(store, y).mi
    other = estimator.estimate(y, table[["x", "store"]])  # x and y, and columns, may be exchanged
    assert (other.mi, other.interval, other.p_value) == (
        (found[-1].mi, found[-1].interval, found[-1].p_value)
    )
    assert {(term.y, term.x) for term in other.terms} == {("store", "x"), ("x", "x")}


def test_two_columns_of_categories_beside_a_number(estimator):
    rng = np.random.default_rng(5)
    store, x, y = with_effects(rng, 3000, 100)
    kind = rng.integers(0, 4, 3000)
    y = y + 1.5 * kind
    table = pd.DataFrame({"store": store, "kind": [f"kind {k}" for k in kind], "x": x})
    found = estimator.estimate(table, y)
    grid = np.linspace(-12, 17, 3001)
    density = np.mean(
        [np.exp(-((grid - 1.5 * k) ** 2) / 8.5) / np.sqrt(8.5 * np.pi) for k in range(4)], axis=0
    )
    entropy = -np.sum(density * np.log(density)) * (grid[1] - grid[0])
    truth = entropy - 0.5 * np.log(2 * np.pi * np.e * 2.25)
    assert 0.7 * truth < found.mi < 1.1 * truth


@pytest.mark.parametrize("categories", [50, 100, 300])
def test_categories_given_a_number(estimator, categories):
    rng = np.random.default_rng(categories + 1)
    truth = 0.5 * np.log((1 + 2.25) / 2.25)
    found, nothing = [], []
    for _ in range(5):
        store, x, y = with_effects(rng, 2000, categories)
        found.append(estimator.estimate(store, y, given=x))
        store, x, y = with_effects(rng, 2000, categories, share=0)
        nothing.append(estimator.estimate(store, y, given=x))
    assert np.mean([one.mi for one in found]) == pytest.approx(truth, rel=0.2)
    assert sum(one.interval[0] <= truth <= one.interval[1] for one in found) >= 4
    assert max(one.p_value for one in found) < 1e-3
    assert max(one.mi for one in nothing) < 0.04
    assert min(one.p_value for one in nothing) > 1e-3


@pytest.mark.parametrize("categories", [30, 100, 150])
def test_a_label_given_categories_of_unequal_size(estimator, categories):
    """Ranks within a category must not tell its size: that doubled what a label told."""
    found = []
    for seed in range(4):
        rng = np.random.default_rng([categories, seed])
        group, kind = rng.integers(0, categories, 3000), rng.integers(0, 4, 3000)
        y = rng.normal(size=categories)[group] + 1.8 * rng.normal(size=3000) + 1.5 * kind
        kinds = np.array(list("abcd"))[kind]
        found.append(estimator.estimate(kinds, y, given=[f"store {g}" for g in group]).mi)
    truth = 0.310  # h(y | store) - h(1.8 e), by the density on a grid
    assert 0.6 * truth < min(found)
    assert max(found) < 1.12 * truth


def test_rare_categories_among_several_columns_on_both_sides(estimator):
    """There a vine sees a part of what they tell: the note says so, and the upper end allows it."""
    rng = np.random.default_rng(9)
    store, x, y = with_effects(rng, 2000, 300)
    other = y + rng.normal(size=2000)
    truth = 0.5 * np.log((1 + 1 + 2.25) / 2.25)  # `other` adds nothing to y
    table, both = pd.DataFrame({"store": store, "x": x}), pd.DataFrame({"y": y, "other": other})
    found = estimator.estimate(table, both)
    assert found.interval[0] < truth < found.interval[1]
    assert any("categories of store have few rows" in note for note in found.notes)
    plain = estimator.estimate(x, both)
    assert not any("few rows" in note for note in plain.notes)
