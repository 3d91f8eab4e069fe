"""Tables all rows of which were written again, by a join or to balance classes, and designs."""

from __future__ import annotations

import numpy as np
import pytest
from infonet.pairs.estimates import COPIES_NOTE, REPEATED_NOTE

NOTES = (COPIES_NOTE, REPEATED_NOTE)


def _columns(r, n, how):
    """Two columns of rows, which are independent."""
    return {
        "label": lambda: (r.integers(18, 80, n), r.random(n) < 0.2),
        "rounded": lambda: r.normal(size=(2, n)).round(1),
        "ratings": lambda: r.integers(1, 6, (2, n)),
        "names": lambda: (np.char.add("t", r.integers(0, 12, n).astype(str)), r.poisson(3, n)),
    }[how]()


@pytest.mark.parametrize("how", ["label", "rounded", "ratings", "names"])
@pytest.mark.parametrize(("n", "times"), [(500, 2), (500, 3), (200, 5), (3000, 2)])
def test_rows_that_were_all_written_again_are_taken_once(estimator, how, n, times):
    rejected = held = 0
    for seed in range(12):
        r = np.random.default_rng([seed, n, times])
        x, y = _columns(r, n, how)
        rows = r.permutation(np.repeat(np.arange(n), times))
        found = estimator.estimate(x[rows], y[rows])
        once = estimator.estimate(x, y)
        assert REPEATED_NOTE in found.notes
        assert found.mi == pytest.approx(once.mi, abs=0.03)
        rejected += found.p_value < 0.05
        held += found.interval[0] < 0.01
    assert rejected <= 3
    assert held >= 10


def test_the_dependence_of_rows_that_were_written_again_is_that_of_each_once(estimator):
    for seed in range(6):
        r = np.random.default_rng([seed, 7])
        x, noise = r.normal(size=(2, 1000))
        age, rich = np.rint(40 + 12 * x), 0.6 * x + 0.8 * noise > 0.8
        once = estimator.estimate(age, rich)
        found = estimator.estimate(np.repeat(age, 3), np.repeat(rich, 3))
        assert found.mi == pytest.approx(once.mi, abs=0.01)
        assert found.interval == pytest.approx(once.interval, abs=0.01)
        assert found.p_value < 1e-6


@pytest.mark.parametrize("often", [(2, 2, 3), (2, 3, 3), (3, 4, 5)])
def test_rows_that_were_written_about_equally_often_are_taken_once(estimator, often):
    p = []
    for seed in range(8):
        r = np.random.default_rng([seed, 8])
        x, y = r.normal(size=(2, 400)).round(1)
        rows = np.repeat(np.arange(400), r.choice(often, 400))
        found = estimator.estimate(x[rows], y[rows])
        assert REPEATED_NOTE in found.notes
        assert found.mi < 0.03
        p.append(found.p_value)
    assert min(p) > 1e-3


@pytest.mark.parametrize(("rows", "times"), [(30, 10), (50, 20), (100, 50)])
def test_numbers_of_a_few_customers_with_many_rows_each_may_be_copies(estimator, rows, times):
    for seed in range(6):
        r = np.random.default_rng([seed, rows])
        x, y = np.repeat(r.normal(size=(2, rows)), times, axis=1)
        found = estimator.estimate(x, y)
        assert COPIES_NOTE in found.notes
        assert found.interval[0] == 0
        assert found.interval[1] > 0.95 * np.log(rows)  # that of two codes
        assert found.p_value > 1e-3


def _tables(r, n):
    """Tables without copies: many or few cells, even numbers, designs."""
    z = r.normal(size=n)
    yield r.random(n) < 0.5, r.random(n) < 0.5
    yield r.integers(1, 6, n), r.integers(1, 6, n)
    yield r.integers(18, 80, n), z > 0.8
    yield 2 * r.integers(0, 20, n), np.clip(np.rint(z), -2, 2)
    yield (z + r.normal(size=n)).round(1), (z + r.normal(size=n)).round(1)
    yield r.poisson(5 * np.exp(0.3 * z)), r.geometric(0.2, n)
    yield np.arange(n) % 8, np.arange(n) // 8 % 6  # factors of an experiment
    yield r.permutation(np.arange(n) % 25), r.integers(0, 20, n)
    yield np.arange(n) % 24, np.arange(n) % 24 < 6  # hours, of whole days


@pytest.mark.parametrize("n", [96, 240, 1200])
def test_tables_without_copies_are_taken_as_they_are(estimator, n):
    for seed in range(10):
        for x, y in _tables(np.random.default_rng([seed, n]), n):
            assert not set(NOTES) & set(estimator.estimate(x, y).notes)


def test_months_of_a_panel_repeat_what_does_not_change(estimator):
    """Of 150 persons in 12 months each, codes of places say which region they are in."""
    r = np.random.default_rng(9)
    place = r.integers(0, 30, 150)
    region = r.permutation(30)[place] % 4
    found = estimator.estimate(np.repeat(place, 12), np.repeat(region, 12))
    share = np.bincount(region) / 150
    assert found.mi == pytest.approx(-(share @ np.log(share)), abs=0.02)
    assert found.p_value < 1e-20
