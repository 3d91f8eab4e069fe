"""Monitors given others: numbers of every window, awkward conditions, alerts, saving, refusals."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import warnings

import infonet
import numpy as np
import pytest

NAMES = ("x", "y", "z", "w")


def noise(n, seed, count=4):
    return np.random.default_rng(seed).standard_normal((count, n))


def stream(n, seed=0, follow=1.0, link=0.0):
    """x and y follow z (and y w), as strongly as `follow` says; beyond that, link joins them."""
    a, b, z, w = noise(n, seed)
    return np.stack([follow * z + a, follow * (z + w / 2) + link * a + b, z, w], axis=1)


@pytest.fixture
def monitor(estimator):
    def make(window=300, variables=NAMES, given=("z", "w"), **options):
        return infonet.Monitor(window, variables, given=given, estimator=estimator, **options)

    return make


def table(rows, names=NAMES):
    return dict(zip(names, rows.T, strict=True))


def numbers(estimate):
    return estimate.mi, estimate.interval, estimate.p_value, estimate.n, estimate.given


def alerts(monitor, rows):
    return [alert for e in monitor.extend(rows) for alert in e.alerts]


def test_every_window_is_the_table_s(monitor, estimator):
    """What `pairwise(given=)` says of the rows of each window, to the last byte."""
    rows = stream(700, link=0.5)
    rows[:, 0] = rows[:, 0].round(1)
    for given in (["z"], ["z", "w"], [3, "z"]):
        watched = monitor(given=given, stride=200)
        evaluations = watched.extend(rows)
        assert [e.row for e in evaluations] == [300, 500, 700]
        for e in evaluations:
            expected = estimator.pairwise(table(rows[e.row - 300 : e.row]), given=given)
            pairs = itertools.combinations(expected.names, 2)
            assert [x.to_dict() for x in e.estimates] == [expected[p].to_dict() for p in pairs]
            assert e.estimates[0].given == watched.given == tuple(expected.given)


@pytest.mark.parametrize("link", [0.0, 0.6])
def test_windows_are_near_the_conditional_test(monitor, estimator, link):
    """The vine of one pair given others; of Gaussians the truth is known besides."""
    rows = stream(2000, seed=1, link=link)
    (e,) = monitor(2000, pairs=[("x", "y")]).extend(rows)
    x, y, z, w = rows.T
    test = estimator.conditional_independence(x, y, given=np.stack([z, w], axis=1))
    truth = math.log(1 + link**2) / 2
    assert e.estimates[0].mi == pytest.approx(test.mi, abs=0.015)
    assert e.estimates[0].mi == pytest.approx(truth, abs=0.03)
    assert (e.estimates[0].p_value < 1e-6) == (test.p_value < 1e-6) == (link > 0)
    assert (e.estimates[0].p_value > 0.05) == (test.p_value > 0.05) == (link == 0)


def codes(n):
    return np.arange(n) % 24


CONDITIONS = {
    "continuous": lambda z: z,
    "rounded": lambda z: np.round(2 * z),
    "binary": lambda z: z > 0,
    "the hour": lambda z: codes(z.size),
    "often zero": lambda z: np.maximum(z, 0),
    "constant": lambda z: np.full(z.size, 3.0),
    "all but one equal": lambda z: np.arange(z.size) == 70,
    "the row": lambda z: np.arange(z.size) / 10,
    "huge": lambda z: 1e300 * z,
    "decreasing copy of x": None,
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_awkward_conditions(monitor, estimator, kind):
    """As by `pairwise`; and row by row as all at once."""
    a, b, z, _ = noise(330, 2)
    condition = z if CONDITIONS[kind] is None else CONDITIONS[kind](z).astype(float)
    follow = condition / np.abs(condition).max()
    rows = np.stack([follow + 0.3 * a, follow + 0.3 * b, condition], axis=1)
    if CONDITIONS[kind] is None:
        rows[:, 0] = -condition
    names, options = ("x", "y", "z"), {"given": ["z"], "stride": 30, "pairs": [("x", "y")]}
    evaluations = monitor(variables=names, **options).extend(rows)
    one_by_one = monitor(variables=names, **options)
    pushed = [e for row in rows if (e := one_by_one.push(row)) is not None]
    assert [repr(e) for e in pushed] == [repr(e) for e in evaluations]
    assert len(evaluations) == 2
    for e in evaluations:
        part = table(rows[e.row - 300 : e.row], names)
        expected = estimator.pairwise(part, given=["z"])["x", "y"]
        assert numbers(e.estimates[0]) == numbers(expected)
        constant = any("z constant in this window" in note for note in e.estimates[0].notes)
        assert constant == (kind == "constant")
        if CONDITIONS[kind] is None:  # x is known
            assert (e.estimates[0].mi, e.estimates[0].p_value) == (0, None)
        elif kind not in ("constant", "all but one equal"):
            assert e.estimates[0].p_value > 0.001


def test_a_constant_condition_leaves_pairs_as_they_are(monitor, estimator):
    rows = stream(300, link=0.4)
    rows[:, 3] = 7.0
    (e,) = monitor(given=["w"]).extend(rows)
    for found, (i, j) in zip(e.estimates, itertools.combinations(range(3), 2), strict=True):
        alone = estimator.estimate(rows[:, i], rows[:, j])
        assert found.mi == pytest.approx(alone.mi, abs=1e-6)
        assert found.given == ("w",)
        assert found.notes[0] == "w constant in this window: it tells nothing there"


def test_a_variable_that_the_condition_tells(monitor):
    """A growing function of the condition: nothing of it is left, and it is no news."""
    rows = stream(600)
    rows[:, 0] = np.exp(rows[:, 2])
    evaluations = monitor(given=["z"], pairs=[("x", "y"), ("y", "w")], stride=300).extend(rows)
    for e in evaluations:
        assert e.estimates[0].mi == 0
        assert e.estimates[0].notes == ("x known from the condition: nothing is left",)
        assert not any("known from" in note for note in e.estimates[1].notes)
        assert e.dependent == (False, True)


def test_missing_values_of_the_condition(monitor, estimator):
    """The rows leave the window whole, whichever variable they lack."""
    rows = stream(420, link=0.5)
    rows[::9, 2] = np.nan
    rows[3::50, 0] = np.inf
    kept = rows[np.isfinite(rows).all(axis=1)]
    with_gaps, without = monitor(nan="omit", stride=30), monitor(stride=30)
    found, expected = with_gaps.extend(rows), without.extend(kept)
    assert with_gaps.skipped == len(rows) - len(kept) > 40
    assert [repr(e.estimates) for e in found] == [repr(e.estimates) for e in expected]
    last = found[-1].estimates[0]
    rest = estimator.pairwise(table(kept[60:360]), given=["z", "w"])["x", "y"]
    assert numbers(last) == numbers(rest)
    with pytest.raises(infonet.InputError, match="z is nan in row 1"):
        monitor().extend(rows)


def test_threads_and_chunks_change_nothing(monitor):
    rows = stream(900, link=0.3)
    options = {"stride": 60, "false_alarms": 0.2}
    expected = [repr(e) for e in monitor(**options).extend(rows)]
    two = infonet.Monitor(
        300, NAMES, given=["z", "w"], estimator=infonet.Estimator(threads=2), **options
    )
    assert [repr(e) for e in two.extend(rows)] == expected
    for size in (1, 7, 301):
        watched = monitor(**options)
        found = [watched.extend(rows[i : i + size]) for i in range(0, 900, size)]
        assert [repr(e) for part in found for e in part] == expected


def test_only_watched_variables_are_conditioned(monitor):
    """A variable that is in no pair changes nothing, and pairs do not depend on each other."""
    rows = stream(300, link=0.5)
    every = monitor(variables=NAMES, given=["z"]).extend(rows)[0]
    some = monitor(given=["z"], pairs=[("w", "y")]).extend(rows)[0]
    assert some.estimates[0].names == ("w", "y")
    (same,) = (e for e in every.estimates if e.names == ("y", "w"))
    assert some.estimates[0].mi == pytest.approx(same.mi, abs=1e-6)


def test_a_cause_that_drifts_raises_no_alert_but_a_link_does(estimator):
    """x and y follow z more and more from row 2,000 on, and are joined from row 6,000 on."""
    n, window = 8000, 1000
    follow = np.clip((np.arange(n) - 2000) / 2000, 0, 1)
    rows = stream(n, seed=5, follow=follow)[:, :3]
    rows[6000:, 1] += 0.6 * noise(n, 5)[0][6000:]
    names = ("x", "y", "z")
    plain = alerts(infonet.Monitor(window, names[:2], estimator=estimator), rows[:, :2])
    assert plain[0].kind == "appears"
    assert 2000 < plain[0].row <= 4000
    found = alerts(infonet.Monitor(window, names, given=["z"], estimator=estimator), rows)
    assert found[0].kind == "appears"
    assert 6000 < found[0].row <= 7000
    assert found[0].describe().startswith("dependence of x and y given z appears: 0.")
    assert found[0].to_dict()["estimate"]["given"] == ["z"]


@pytest.mark.parametrize("tied", [False, True])
def test_false_alarms_with_a_cause(estimator, tied):
    """60 windows at most 0.2 false alarms each: 12 are expected at most, and more than 22 would be
    3 standard deviations above. The cause is strong: without it, dependence is seen for certain."""
    window, rows = 200, stream(200 * 61, seed=8)[:, :3]
    if tied:
        rows[:, :2] += np.round(rows[:, 2:]) - rows[:, 2:]
        rows[:, 2] = np.round(rows[:, 2])
    options = {"stride": 50, "false_alarms": 0.2, "estimator": estimator}
    given = infonet.Monitor(window, ("x", "y", "z"), given=["z"], **options)
    evaluations = given.extend(rows)
    kinds = [alert.kind for e in evaluations for alert in e.alerts]
    assert kinds.count("appears") <= 22
    assert len(kinds) <= 44
    assert np.mean([e.dependent[0] for e in evaluations]) < 0.3
    (first, *_) = infonet.Monitor(window, ("x", "y"), **options).extend(rows[:window, :2])
    assert first.dependent == (True,)


@pytest.mark.parametrize("how", ["json", "pickle"])
def test_saved_and_restored(monitor, estimator, how):
    rows = stream(1200, seed=9, link=0.0)
    rows[500:, 1] += 2 * noise(1200, 9)[0][500:]
    rows[:, 2] = rows[:, 2].round(1)

    def make():
        return monitor(100, stride=20, false_alarms=0.2, given=["z"], pairs=[("y", "x")])

    whole, first = make(), make()
    expected = whole.extend(rows)
    assert any(e.alerts for e in expected)
    found = first.extend(rows[:750])
    assert first._states[0].reference is not None
    if how == "json":
        second = infonet.Monitor.from_dict(json.loads(json.dumps(first.to_dict())), estimator)
    else:
        second = pickle.loads(pickle.dumps(first))
    assert second.given == ("z",)
    found += second.extend(rows[750:])
    assert [repr(e) for e in found] == [repr(e) for e in expected]
    assert json.dumps(second.to_dict()) == json.dumps(whole.to_dict())


def test_saves_with_a_condition_that_was_changed(monitor, estimator):
    saved = json.loads(json.dumps(monitor(given=["z"]).to_dict()))
    assert saved["given"] == [2]
    without = {k: v for k, v in saved.items() if k != "given"}
    for damaged in (without, {**saved, "given": [3]}, {**saved, "given": []}):
        with pytest.raises(infonet.InputError, match="damaged"):
            infonet.Monitor.from_dict(damaged, estimator)
    del saved["content_sha256"]
    for given in (None, "z", ["z"], [4], [-1], [2.5], [True], [[2]]):
        with pytest.raises(infonet.InputError, match="damaged"):
            infonet.Monitor.from_dict({**saved, "given": given}, estimator)
    for given in ([], [0], [2, 2], [2, 3]):  # pairs hold 0, and 3
        with pytest.raises(infonet.InputError, match="given"):
            infonet.Monitor.from_dict({**saved, "given": given}, estimator)
    assert "given" not in infonet.Monitor(300, NAMES, estimator=estimator).to_dict()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"given": []}, "given names no column: name one at least, or pass None"),
        ({"given": "z"}, r"given is the string 'z', pass a list of names: \['z'\]"),
        ({"given": 2}, "given is 2, pass a list of names"),
        ({"given": ["no"]}, "given: column 'no' does not exist: choose from x, y, z, w"),
        ({"given": [4]}, "given: column 4 does not exist"),
        ({"given": ["z", 2]}, "name a column twice: name each once"),
        ({"given": ["y", "z", "w"]}, "variables are 1 beside those given, at least two"),
        ({"given": ["z"], "pairs": [("x", "z")]}, "'z' is given, and in the pair 'x', 'z'"),
        ({"given": ["w", "x"], "pairs": [(0, "y")]}, "'x' is given, and in the pair 'x', 'y'"),
        (
            {"given": range(7), "variables": 9, "window": 350},
            "a window of 350 rows is too small for 7 columns given, which need 360 rows: enlarge",
        ),
        (
            {"given": range(127), "variables": 129, "window": 100_000},
            "given names 127 columns, at most 126 are allowed: name fewer",
        ),
    ],
)
def test_bad_conditions(monitor, options, message):
    with pytest.raises(infonet.InputError, match=message) as caught:
        monitor(**options)
    assert "\n" not in str(caught.value)


def test_the_least_window_will_do(monitor):
    """Seven columns given, of which the watched follow one: as many rows as are asked for."""
    rows = noise(360, 3, 9).T
    rows[:, :2] += rows[:, 2:3]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (e,) = monitor(360, 9, given=range(2, 9)).extend(rows)
    assert e.estimates[0].p_value > 0.01
    assert e.estimates[0].mi < 0.03
