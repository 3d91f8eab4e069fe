"""Conditions that tell nearly all of x and y: nothing is made up, and what is left is seen."""

import math

import infonet
import infonet.causal
import numpy as np
import pandas
import pytest
from infonet.vines.copula import rank
from infonet.vines.effects import Effects
from infonet.vines.unseen import beyond
from scipy.stats import spearmanr

TRUTH = -0.5 * math.log1p(-(0.6**2))  # of noises with a correlation of 0.6


def nearly_equal(z):
    """Two columns with a correlation of 0.99, and their difference."""
    both = math.sqrt(0.99) * z[:, :1] + 0.1 * z[:, 1:]
    return both, (both[:, 0] - both[:, 1]) / math.sqrt(0.02)


CAUSES = {
    "line, a hundred times the noise": (1, lambda z: (z, z[:, 0], z[:, 0]), 0.01),
    "line and square": (1, lambda z: (z, z[:, 0], z[:, 0] ** 2), 0.02),
    "curves with long tails": (1, lambda z: (z, np.exp(z[:, 0]), np.tanh(z[:, 0])), 0.05),
    "difference of columns that are nearly equal": (
        3,
        lambda z: (nearly_equal(z)[0], nearly_equal(z)[1], nearly_equal(z)[1]),
        0.2,
    ),
    "sum of heavy columns": (5, lambda z: (z**3, (z**3).sum(1), (z**3).sum(1)), 1.0),
    "square of a sum": (5, lambda z: (z, z.sum(1) ** 2 / 5, z.sum(1) ** 2 / 5), 0.3),
}


def drawn(name, seed, n, correlation=0.0):
    count, cause, noise = CAUSES[name]
    rng = np.random.default_rng([91, seed])
    z, (v, w) = rng.standard_normal((n, count)), rng.standard_normal((2, n))
    given, of_x, of_y = cause(z)
    w = correlation * v + math.sqrt(1 - correlation**2) * w
    return of_x + noise * v, of_y + noise * w, given


@pytest.mark.parametrize("name", CAUSES)
def test_a_strong_cause_explains_what_it_causes(name):
    """Copulas of ranks alone left a trace of most of these in x and y, which tests found."""
    found = [
        infonet.estimate(*drawn(name, seed, 400)[:2], given=drawn(name, seed, 400)[2])
        for seed in range(12)
    ]
    assert sum(one.p_value <= 0.05 for one in found) <= 3
    assert np.mean([one.mi for one in found]) < 0.01
    assert all(one.interval[0] == 0 for one in found if one.p_value > 0.05)


@pytest.mark.parametrize("name", CAUSES)
def test_what_is_left_is_seen(name):
    held = 0
    for seed in range(4):
        x, y, given = drawn(name, seed, 2000, 0.6)
        found = infonet.estimate(x, y, given=given)
        assert found.mi == pytest.approx(TRUTH, abs=0.05)
        held += found.interval[0] <= TRUTH <= found.interval[1]
    assert held >= 2


@pytest.mark.parametrize("route", ["matrix", "causal discovery", "float32", "integers"])
def test_all_routes(route):
    p_values = []
    for seed in range(6):
        x, y, given = drawn("difference of columns that are nearly equal", seed, 400)
        table = pandas.DataFrame({"x": x, "y": y, "a": given[:, 0], "b": given[:, 1]})
        if route == "matrix":
            p_values.append(float(infonet.pairwise(table, given=["a", "b"]).p_values[0]))
        elif route == "causal discovery":
            tests = infonet.causal.IndependenceTests(table)
            p_values.append(tests.p_value("x", "y", ["a", "b"]))
        elif route == "float32":
            p_values.append(
                infonet.conditional_independence(
                    *(part.astype(np.float32) for part in (x, y, given))
                ).p_value
            )
        else:  # to a thousandth
            p_values.append(
                infonet.conditional_independence(
                    *(np.rint(1000 * part).astype(np.int64) for part in (x, y, given))
                ).p_value
            )
    assert sum(p <= 0.05 for p in p_values) <= 1


def test_labels_of_forty_rows_with_slopes_of_their_own():
    p_values = []
    for seed in range(8):
        rng = np.random.default_rng([92, seed])
        label, (z, v, w) = rng.integers(0, 8, 320), rng.standard_normal((3, 320))
        effect = (label - 3.5) * z
        given = pandas.DataFrame({"label": np.array(list("abcdefgh"))[label], "z": z})
        p_values.append(
            infonet.conditional_independence(effect + 0.3 * v, effect + 0.3 * w, given).p_value
        )
    assert sum(p <= 0.05 for p in p_values) <= 2


def test_what_is_not_seen_is_in_the_interval_and_the_note():
    """An effect of three columns that no function here is."""
    held, noted = 0, 0
    for seed in range(6):
        rng = np.random.default_rng([93, seed])
        z, (v, w) = rng.standard_normal((1000, 3)), rng.standard_normal((2, 1000))
        w = 0.6 * v + 0.8 * w
        x = np.cos(2 * np.sqrt((z * z).sum(1))) + 0.1 * v
        found = infonet.estimate(x, np.abs(z).sum(1) + 0.1 * w, given=z)
        assert found.mi < 0.8 * TRUTH
        held += found.interval[0] <= TRUTH <= found.interval[1]
        noted += any("half of the samples show less" in note for note in found.notes)
    assert held >= 4
    assert noted >= 4


@pytest.mark.parametrize("share", [0.2, 0.5, 2.0])
def test_beyond_is_exact_where_the_error_falls_as_it_is_taken_to(share):
    def told(q):
        return -0.5 * math.log1p(-((0.6 / (1 + q)) ** 2))

    whole, halves = told(share), told(share * 2**0.4)
    assert whole + beyond(whole, halves, 3.0) == pytest.approx(TRUTH, rel=1e-9)


def test_beyond_is_bounded():
    assert beyond(0.1, 0.1, 3.0) == beyond(0.0, 0.2, 3.0) == 0.0
    seen = math.sqrt(-math.expm1(-0.02))
    assert 0.01 + beyond(0.01, 0.0, 3.0) == pytest.approx(-0.5 * math.log1p(-((4 * seen) ** 2)))
    # as much of the effect is left as of the noise: a tenth of it may be an error
    even = 0.5 * math.log(2)
    assert 0.01 + beyond(0.01, 0.0, even) == pytest.approx(-0.5 * math.log1p(-((1.1 * seen) ** 2)))
    assert 0.5 + beyond(0.5, 0.1, 9.0) == pytest.approx(-0.5 * math.log1p(-(0.99**2)))
    assert beyond(3.0, 1.0, 9.0) == 0.0


class TestEffects:
    def columns(self, n=300):
        rng = np.random.default_rng(94)
        z, noise = rng.standard_normal((n, 2)), rng.standard_normal(n)
        return [z[:, 0], z[:, 1]], z[:, 0] ** 2 + z[:, 1] + 0.1 * noise, noise

    def test_what_is_left_is_the_noise(self):
        z, x, noise = self.columns()
        found = Effects(rank(z), z).without(rank([x])[0], x)
        assert spearmanr(found, noise).statistic > 0.94

    def test_weak_effects_are_left_to_copulas(self):
        z, x, noise = self.columns()
        column = 0.5 * x + 2 * noise
        assert Effects(rank(z), z).without(rank([column])[0], column) is None

    @pytest.mark.parametrize("unit", [1e-3, 7.0, 1e12])
    def test_units_change_nothing(self, unit):
        z, x, _ = self.columns()
        found = Effects(rank(z), z).without(rank([x])[0], x)
        scaled = [unit * column - unit for column in z]
        other = Effects(rank(z), scaled).without(rank([x])[0], 3 * unit * x + 1)
        np.testing.assert_allclose(other, found, atol=2 / 300)

    @pytest.mark.parametrize("value", [1e308, -1e308, 1e-308])
    def test_values_far_out(self, value):
        z, x, noise = self.columns()
        z[0][5], x[7] = value, value
        found = Effects(rank(z), z).without(rank([x])[0], x)
        assert spearmanr(found, noise).statistic > 0.7

    @pytest.mark.parametrize("n", [8, 20, 129])
    def test_few_samples(self, n):
        z, x, _ = self.columns(n)
        found = Effects(rank(z), z).without(rank([x])[0], x)
        assert found is not None or n < 129
        assert found is None or sorted(found) == pytest.approx((np.arange(n) + 0.5) / n)

    @pytest.mark.parametrize(("n", "count"), [(20, 4), (20, 6), (60, 12), (100, 30)])
    def test_more_columns_than_samples_can_tell(self, n, count):
        rng = np.random.default_rng(96)
        z, x = rng.standard_normal((count, n)), rng.standard_normal(n)
        effects = Effects.of(rank(list(z)), list(z), (), ())
        assert (effects is None) == (4 * count > n)
        if effects is not None:
            assert effects.without(rank([x])[0], x) is None
        found = infonet.estimate(z.sum(0) + x, x**2, given=z.T)
        assert 0 <= found.interval[0] <= found.mi <= found.interval[1] < 10

    def test_ranks_that_are_nearly_those_of_the_condition(self):
        """The noise does not show in ranks; in values it does."""
        rng = np.random.default_rng(95)
        z, noise = rng.standard_normal((2, 300))
        x = z + 1e-3 * noise
        found = Effects(rank([z]), [z]).without(rank([x])[0], x)
        assert spearmanr(found, noise).statistic > 0.97
