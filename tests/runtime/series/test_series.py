"""Lags and transfer entropy: against the truth of autoregressive series, and what is refused."""

from __future__ import annotations

import json

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.errors import InputError
from infonet.plotting import plot_lags
from infonet.series.blocks import block_length, memory, shuffled


def driven(n, seed=0, own=(0.5, 0.5), push=0.4):
    """x, and y that x drives one step later: a Gaussian autoregression of order 1."""
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    values = np.zeros((n, 2))
    for t in range(1, n):
        x, y = values[t - 1]
        values[t] = own[0] * x + noise[t, 0], push * x + own[1] * y + noise[t, 1]
    return values[:, 0], values[:, 1]


def autoregression(n, seed, coefficient=0.9):
    noise = np.random.default_rng(seed).normal(size=n)
    found = np.zeros(n)
    for t in range(1, n):
        found[t] = coefficient * found[t - 1] + noise[t]
    return found


def true_transfer(own, push):
    """Half the log of how much the variance of y falls when x is known, too."""
    a, b = own
    # Stationary covariance, from S = A S A' + I with A = [[a, 0], [push, b]].
    xx = 1 / (1 - a * a)
    xy = a * push * xx / (1 - a * b)
    yy = (1 + push**2 * xx + 2 * push * b * xy) / (1 - b * b)
    return 0.5 * np.log(1 + push**2 * (xx - xy**2 / yy))


def test_a_lag_is_the_pair_of_shifted_series_to_the_byte(estimator):
    x, y = driven(600)
    profile = estimator.lagged(x, y, lags=[3, -2, 0])
    pairs = [(x[:-3], y[3:]), (x[2:], y[:-2]), (x, y)]
    for lag, (one, other) in zip((3, -2, 0), pairs, strict=True):
        expected = estimator.estimate(one, other)
        found = profile[lag]
        assert (found.mi, found.interval) == (expected.mi, expected.interval)
        assert (found.p_value, found.n) == (expected.p_value, expected.n)
        assert found.table.tobytes() == expected.table.tobytes()
    np.testing.assert_array_equal(profile.lags, [3, -2, 0])
    np.testing.assert_array_equal(np.asarray(profile), profile.mi)


def test_threads_change_nothing(estimator):
    x, y = driven(400)
    many = infonet.Estimator(threads=4).lagged(x, y, range(-4, 5))
    assert many.mi.tobytes() == estimator.lagged(x, y, range(-4, 5)).mi.tobytes()


def test_the_peak_is_where_one_series_follows_the_other(estimator):
    rng = np.random.default_rng(1)
    x = rng.normal(size=1500)
    y = np.roll(x, 7) ** 2 + 0.5 * rng.normal(size=1500)
    profile = estimator.lagged(x, y, range(-10, 11))
    assert profile.peak == 7
    assert profile.peak_estimate is profile[7]
    assert estimator.lagged(y, x, range(-10, 11)).peak == -7
    others = profile.lags != 7
    assert profile.adjusted()[~others] < 1e-6
    assert profile.adjusted()[others].min() > 0.01
    assert "leads y by 7 steps" in str(profile)


def test_lags_of_an_autoregression_have_the_information_of_its_correlation(estimator):
    x = autoregression(5000, 3, 0.8)
    profile = estimator.lagged(x[:-1], x[1:], range(0, 4))  # x a step later is y, so lag - 1
    rho = 0.8 ** np.abs(profile.lags + 1.0)
    np.testing.assert_allclose(profile.mi, -0.5 * np.log(1 - rho**2), rtol=0.12)


def test_a_common_cause_is_taken_out_at_both_times(estimator):
    z = autoregression(2000, 5, 0.7)
    rng = np.random.default_rng(6)
    x, y = z + rng.normal(size=2000), np.roll(z, 2) + rng.normal(size=2000)
    open_, given = (estimator.lagged(x, y, [-1, 0, 2], given=g) for g in (None, z))
    assert open_[2].mi > 0.1
    assert given.mi.max() < 0.01
    assert given.given == ("given",)
    assert given[2].given == ("given(t)", "given(t+2)")
    same = estimator.estimate(x, y, given=z)
    assert (given[0].mi, given[0].p_value) == (same.mi, same.p_value)


@pytest.mark.parametrize(("own", "push"), [((0.5, 0.5), 0.4), ((0.3, 0.8), 0.8)])
def test_transfer_entropy_of_a_gaussian_autoregression(estimator, own, push):
    x, y = driven(4000, 1, own, push)
    there, back = estimator.transfer_entropy(x, y), estimator.transfer_entropy(y, x)
    assert there.mi == pytest.approx(true_transfer(own, push), rel=0.08)
    assert back.mi < 0.002
    assert there.p_value < 1e-6
    assert back.p_value > 0.01
    assert there.n == 3999


def test_transfer_entropy_is_conditional_information_of_the_past(estimator):
    x, y = driven(800, 2)
    found = estimator.transfer_entropy(x, y, history=2, lag=3)
    expected = estimator.estimate(
        np.stack([x[1:-3], x[:-4]], 1), y[4:], given=np.stack([y[3:-1], y[2:-2]], 1)
    )
    assert found.mi == expected.mi
    assert found.names == ("source(t-3), source(t-4)", "target(t)")
    assert found.given == ("target(t-1)", "target(t-2)")
    assert "beyond the history of 2 steps" in found.notes[-1]
    assert estimator.transfer_entropy(x, x).mi == 0


def test_a_series_that_drives_both_is_conditioned_on(estimator):
    z = autoregression(3000, 7, 0.5)
    rng = np.random.default_rng(8)
    x = z + 0.5 * rng.normal(size=3000)
    y = np.roll(z, 1) + 0.5 * rng.normal(size=3000)
    assert estimator.transfer_entropy(x, y).mi > 0.2
    assert estimator.transfer_entropy(x, y, given=z).mi < 0.01


def test_blocks_keep_the_level_where_series_have_memory(estimator):
    plain, blocks = [], []
    for seed in range(8):
        x, y = autoregression(400, 2 * seed), autoregression(400, 2 * seed + 1)
        plain.append(estimator.lagged(x, y, [0]).p_value[0])
        blocks.append(estimator.lagged(x, y, [0], permutations=19).p_value[0])
    assert np.sum(np.array(plain) <= 0.05) >= 6
    assert np.sum(np.array(blocks) <= 0.05) <= 2


def test_blocks_see_dependence(estimator):
    x, y = driven(500, 4, push=1.0)
    assert estimator.lagged(x, y, [1], permutations=19).p_value[0] == 1 / 20
    assert estimator.lagged(x, y, [1], given=x**2, permutations=19).p_value[0] == 1 / 20
    there = estimator.transfer_entropy(x, y, permutations=19)
    assert there.p_value == 1 / 20
    assert "19 permutations of blocks of " in there.notes[-1]
    assert estimator.transfer_entropy(y, x, permutations=19).p_value > 0.05
    two = estimator.transfer_entropy(x, y, history=2, permutations=4, block=20)
    assert two.p_value == 1 / 5
    assert "blocks of 20 samples" in two.notes[-1]


def test_shuffled_blocks_are_an_order_of_all_samples_with_their_neighbours():
    order = shuffled(103, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(order), np.arange(103))
    assert np.sum(np.diff(order) % 103 != 1) <= 10


def test_blocks_are_longer_than_the_memory_of_the_shorter_one():
    rng = np.random.default_rng(0)
    white, slow = rng.normal(size=2000), autoregression(2000, 1, 0.9)
    assert memory([white]) <= 3
    assert 10 < memory([slow]) < 100
    assert memory([white, slow]) == memory([slow])
    assert block_length([white], [slow]) == 13  # the cube root of n
    assert block_length([slow], [slow]) > memory([slow])


def test_missing_values_are_left_out_at_each_lag(estimator):
    x, y = driven(300)
    x[50] = y[80] = np.nan
    with pytest.raises(InputError, match=r"x has 1 NaN value \(first at index 50\)"):
        estimator.lagged(x, y, [0])
    profile = estimator.lagged(x, y, [0, 30], nan="omit")
    np.testing.assert_array_equal(profile.n, [298, 269])  # at lag 30 both gaps are in one row
    assert profile[30].mi == estimator.estimate(x[:-30], y[30:], nan="omit").mi
    assert estimator.transfer_entropy(x, y, nan="omit").n == 299 - 3


def test_series_of_a_frame_keep_their_names(estimator):
    pandas = pytest.importorskip("pandas")
    x, y = driven(300)
    frame = pandas.DataFrame({"rain": x, "river": y, "wind": x[::-1], "sun": y[::-1]})
    profile = estimator.lagged(frame["rain"], frame["river"], [0, 1], given=frame[["wind"]])
    assert (profile.names, profile.given) == (("rain", "river"), ("wind",))
    found = estimator.transfer_entropy(frame["rain"], frame["river"], given=frame[["wind", "sun"]])
    assert found.names == ("rain(t-1)", "river(t)")
    assert found.given == ("river(t-1)", "wind(t-1)", "sun(t-1)")
    several = estimator.lagged(frame[["rain", "wind"]], frame["river"], [1])
    assert several.names == ("rain, wind", "river")
    expected = estimator.estimate(frame[["rain", "wind"]][:-1], frame["river"][1:])
    assert several[1].mi == expected.mi


X, Y = driven(100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.lagged(X, Y, [1.5]), "lags holds 1.5, allowed are whole numbers"),
        (lambda e: e.lagged(X, Y, [True]), "lags holds True"),
        (lambda e: e.lagged(X, Y, 3), "lags is 3, allowed are several whole numbers"),
        (lambda e: e.lagged(X, Y, []), "lags is empty"),
        (lambda e: e.lagged(X, Y, [2, 2]), "lags holds 2 twice"),
        (lambda e: e.lagged(X, Y, [-200]), "lag -200 leaves 0 of 100 samples, the model needs"),
        (lambda e: e.lagged(X, Y, range(90)), "use lags from -80 to 80, or pass more samples"),
        (lambda e: e.lagged(X, Y[1:]), r"x and y differ in length \(100 and 99\)"),
        (lambda e: e.lagged(X, Y, [0], given=X[1:]), r"x and given differ in length"),
        (lambda e: e.lagged(X[:9], Y[:9]), "x has 9 samples, the model needs at least 20"),
        (lambda e: e.lagged(X, Y, block=5), "block is 5 without permutations"),
        (lambda e: e.lagged(X, Y, block=0, permutations=9), "block is 0, allowed are whole"),
        (lambda e: e.lagged(X, Y, nan="drop"), "nan is 'drop', allowed are"),
        (lambda e: e.lagged(X, Y, [0])[1], "lag 1 was not estimated"),
        (lambda e: e.transfer_entropy(X, Y, history=0), "history is 0, allowed are whole"),
        (lambda e: e.transfer_entropy(X, Y, lag=1.0), "lag is 1.0, allowed are whole numbers"),
        (lambda e: e.transfer_entropy(X, Y, 1, 81), "history 1 and lag 81 leave 19 of 100"),
        (lambda e: e.transfer_entropy(X, Y, given={"target": X}), "both have a series 'target'"),
    ],
)
def test_bad_input_is_refused_in_one_line(estimator, call, message):
    with pytest.raises(InputError, match=message) as caught:
        call(estimator)
    assert "\n" not in str(caught.value)


def test_a_profile_as_plain_values(estimator):
    profile = estimator.lagged(X, Y, range(-8, 9))
    bits = profile.to_dict("bits")
    assert json.loads(json.dumps(bits)) == bits
    np.testing.assert_allclose(bits["mi"], profile.mi / np.log(2))
    assert bits["p_adjusted"] == profile.adjusted().tolist()
    assert "assume series without memory" in bits["notes"][-1]
    lines = str(profile).splitlines()
    assert lines[1].split() == ["lag", "nats", "5", "%", "95", "%", "p", "adjusted", "p", "n"]
    assert len(lines) == 2 + 12 + 1
    assert len(profile.describe(most=None).splitlines()) == 2 + 17
    assert f"largest at lag {profile.peak}" in profile._repr_html_()


def test_the_picture_shows_the_profile(estimator, tmp_path):
    pytest.importorskip("matplotlib")
    profile = estimator.lagged(X, Y, [2, 0, 1])
    (axes,) = plot_lags(profile, "bits").axes
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(line.get_ydata(), profile.mi[[1, 2, 0]] / np.log(2))


def test_the_command(estimator, tmp_path):
    pytest.importorskip("matplotlib")
    path, picture = tmp_path / "t.csv", tmp_path / "t.png"
    table = np.stack([X, Y, Y[::-1]], 1).tolist()
    rows = "\n".join(",".join(map(repr, row)) for row in table)
    path.write_text(f"A,B,C\n{rows}")

    def run(*more):
        arguments = ["lags", str(path), "--x", "A", "--y", "B", *more]
        return CliRunner().invoke(main, arguments)

    done = run("--max-lag", "2", "--plot", str(picture))
    expected = estimator.lagged(X, Y, range(-2, 3), names=("A", "B"))
    assert (done.exit_code, done.stdout.strip()) == (0, str(expected))
    assert "assume series without memory" in done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = json.loads(run("--max-lag", "1", "--given", "C", "--json", "--bits").stdout)
    assert (found["given"], found["unit"], found["lags"]) == (["C"], "bits", [-1, 0, 1])
    refused = run("--max-lag", "90")
    assert refused.exit_code == 1
    assert "lag -90 leaves 10 of 100 samples" in refused.stderr
    assert run("--max-lag", "-1").exit_code == 2


@pytest.mark.parametrize("kind", ["trend", "random walk", "autoregressive", "white"])
def test_series_that_remember_for_longer_than_blocks_are_named(estimator, kind):
    rng = np.random.default_rng(3)
    n = 1000
    x, y = rng.normal(size=(2, n))
    if kind == "trend":
        x, y = x + 4 * np.arange(n) / n, y + 4 * np.arange(n) / n
    elif kind == "random walk":
        x, y = np.cumsum(x), np.cumsum(y)
    elif kind == "autoregressive":
        for i in range(1, n):
            x[i], y[i] = x[i] + 0.8 * x[i - 1], y[i] + 0.8 * y[i - 1]
    long = kind in ("trend", "random walk")
    profile = estimator.lagged(x, y, [0, 1], permutations=9)
    transfer = estimator.transfer_entropy(x, y, permutations=9)
    assert any("longer than a tenth of their length" in note for note in profile.notes) == long
    if not long:
        assert not any("longer than a tenth" in note for note in transfer.notes)
