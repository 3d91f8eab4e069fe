"""The sliding window: evaluations, input, saving, memory."""

from __future__ import annotations

import itertools
import json
import math
import pickle
import tracemalloc

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pytest
from infonet.monitor.window import Window

RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((700, 3))
ROWS[:, 2] += ROWS[:, 0]
NAMES = ("a", "b", "c")


@pytest.fixture
def monitor(estimator):
    def make(window=200, variables=NAMES, **options):
        return infonet.Monitor(window, variables, estimator=estimator, **options)

    return make


def same(first, second):
    """Evaluations, to the last byte."""
    assert [repr(e) for e in first] == [repr(e) for e in second]


def test_window_keeps_the_last_rows():
    rows = np.arange(2 * 977.0).reshape(977, 2)
    window, at = Window(50, 2), 0
    for size in [1, 1, 49, 50, 3, 0, 50, 50, 1, 37] * 4:
        part = rows[at : at + size]
        if size == 1:
            window.push(part[0])
        else:
            window.extend(part)
        at += size
        assert window.rows == at
        np.testing.assert_array_equal(window.columns(), rows[max(at - 50, 0) : at].T)


def test_evaluations_are_the_estimator_s(monitor, estimator):
    evaluations = monitor(stride=45).extend(ROWS, times=np.arange(700) * 10)
    assert [e.row for e in evaluations] == list(range(200, 701, 45))
    for e in evaluations:
        assert e.time == 10 * (e.row - 1)
        rows = ROWS[e.row - 200 : e.row]
        assert [x.names for x in e.estimates] == [("a", "b"), ("a", "c"), ("b", "c")]
        for found, (i, j) in zip(e.estimates, [(0, 1), (0, 2), (1, 2)], strict=True):
            expected = estimator.estimate(rows[:, i], rows[:, j], names=(NAMES[i], NAMES[j]))
            assert found.to_dict() == expected.to_dict()


def test_threads_change_nothing(monitor):
    rows = RNG.standard_normal((120, 10))
    threads = infonet.Estimator(threads=2)
    expected = monitor(100, 10, false_alarms=1).extend(rows)
    assert len(expected[0].estimates) == 45
    same(infonet.Monitor(100, 10, false_alarms=1, estimator=threads).extend(rows), expected)


def test_push_and_extend_agree(monitor):
    rows = ROWS.copy()
    rows[::7, 1] = np.nan
    rows[5::50, 2] = np.inf
    rows[:, 0] = np.round(rows[:, 0])
    times = [f"t{i}" for i in range(700)]
    one, many, parts = (monitor(stride=13, nan="omit") for _ in range(3))
    expected = [e for row, t in zip(rows, times, strict=True) if (e := one.push(row, t))]
    same(many.extend(rows, times), expected)
    found = []
    for start in range(0, 700, 111):
        found += parts.extend(rows[start : start + 111], times[start : start + 111])
    same(found, expected)
    assert one.rows == many.rows == parts.rows == 700
    complete = np.isfinite(rows).all(axis=1)
    assert one.skipped == many.skipped == 700 - complete.sum()
    kept = rows[complete]
    assert len(expected) == (len(kept) - 200) // 13 + 1
    assert expected[0].row == np.flatnonzero(complete)[199] + 1
    assert expected[0].time == times[expected[0].row - 1]
    without = monitor(stride=13).extend(kept)
    assert [repr(e.estimates) for e in without] == [repr(e.estimates) for e in expected]


@pytest.mark.parametrize(
    "convert",
    [
        lambda r: r.tolist(),
        lambda r: np.asfortranarray(r),
        lambda r: r[:, ::-1][:, ::-1],
        lambda r: np.ma.masked_invalid(r),
        lambda r: pd.DataFrame(r, columns=NAMES)[["c", "a", "b"]],
        lambda r: pl.DataFrame(r, schema=list(NAMES)),
        lambda r: dict(zip(NAMES, r.T, strict=True)),
    ],
    ids=["list", "fortran", "strided", "masked", "pandas", "polars", "mapping"],
)
def test_kinds_of_rows(monitor, convert):
    rows = ROWS[:300]  # 6 evaluations
    same(monitor().extend(convert(rows)), monitor().extend(rows))


def test_masked_values_are_missing(monitor):
    rows = np.ma.array(ROWS, mask=np.zeros(ROWS.shape, bool))
    rows[3, 1] = np.ma.masked
    with pytest.raises(infonet.InputError, match="b is nan in row 4"):
        monitor().extend(rows)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.uint8, bool])
def test_kinds_of_numbers(monitor, dtype):
    rows = (10 * np.abs(ROWS[:300])).astype(dtype)  # 6 evaluations
    expected = monitor().extend(rows.astype(float))
    assert len(expected) == 6
    same(monitor().extend(rows), expected)
    watched = monitor()
    same([e for row in rows if (e := watched.push(row))], expected)
    named = monitor()
    assert named.push({"c": 1, "b": 2.5, "a": True}) is None
    assert named.rows == 1


def test_nothing_to_do(monitor):
    watched = monitor()
    assert watched.extend([]) == []
    assert watched.extend(np.empty((0, 3))) == []
    assert watched.rows == 0


def test_bad_rows_are_not_taken(monitor):
    watched = monitor()
    cases = [
        (lambda: watched.push([1, 2]), r"the row has shape \[2\], allowed is \[3\]"),
        (lambda: watched.push(np.ones((1, 3))), "use extend"),
        (lambda: watched.push({"a": 1, "c": 2}), "the row lacks b"),
        (lambda: watched.push(["a", "b", "c"]), "strings"),
        (lambda: watched.push([1, 2, None]), "c is nan in row 1"),
        (lambda: watched.push([1, 2j, 3]), "complex"),
        (lambda: watched.push([1, np.nan, 3]), "b is nan in row 1"),
        (lambda: watched.push([1, 2, 2**53 + 1]), "beyond 2\\*\\*53"),
        (lambda: watched.extend([[1, 2, 3], [1, 2]]), "ragged"),
        (lambda: watched.extend(np.ones((4, 2))), r"shape \[4, 2\]"),
        (lambda: watched.extend(np.ones(3)), r"shape \[3\]"),
        (lambda: watched.extend([[1, 2, 3], [-np.inf, 2, 3]]), "a is -inf in row 2"),
        (lambda: watched.extend(np.ones((4, 3)), times=[1]), "1 times for 4 rows"),
        (lambda: watched.extend({"a": [1.0], "b": [2.0]}), "'c' does not exist"),
    ]
    for call, message in cases:
        with pytest.raises(infonet.InputError, match=message):
            call()
    assert watched.rows == watched.skipped == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 99}, "needs? 100 rows|need 100 rows"),
        ({"window": 0}, "window is 0"),
        ({"window": 200.0}, "window is 200.0"),
        ({"window": True}, "window is True"),
        ({"window": 2_000_000}, "allowed are 40 to 1000000"),
        ({"variables": 1}, "variables is 1"),
        ({"variables": ["a"]}, "two or more different names"),
        ({"variables": ["a", "a"]}, "two or more different names"),
        ({"pairs": []}, "pairs are"),
        ({"pairs": [("a", "a")]}, "pairs are"),
        ({"pairs": [("a", "d")]}, "no variable 'd': choose from a, b, c"),
        ({"pairs": [(0, 3)]}, "no variable 3"),
        ({"stride": 0}, "stride is 0"),
        ({"stride": 201}, "stride is 201, allowed are 1 to the window"),
        ({"false_alarms": 0}, "false_alarms is 0"),
        ({"false_alarms": 1.5}, "false_alarms is 1.5"),
        ({"false_alarms": 1e-9, "window": 100}, "too small"),
        ({"false_alarms": float("nan")}, "false_alarms is nan"),
        ({"nan": "skip"}, "nan is 'skip'"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_options(monitor, options, message):
    with pytest.raises(infonet.InputError, match=message):
        monitor(**options)


def test_chosen_pairs(monitor):
    watched = monitor(pairs=[("c", "a"), (1, "c")])
    (first, *_) = watched.extend(ROWS)
    assert [x.names for x in first.estimates] == [("c", "a"), ("b", "c")]
    assert watched.pairs == ((2, 0), (1, 2))


@pytest.mark.parametrize(
    ("how", "at"), [("json", 0), ("json", 130), ("pickle", 200), ("pickle", 351), ("json", 640)]
)
def test_saved_and_restored(monitor, estimator, how, at):
    """A saved monitor goes on as if nothing had happened, with references and ties."""
    rows = ROWS.copy()
    rows[:, 1] = np.round(rows[:, 1])
    rows[400:, 0] = rows[400:, 1] + 0.1 * rows[400:, 0]

    def make():
        return monitor(100, stride=10, false_alarms=0.2, nan="omit")

    whole, first = make(), make()
    expected = whole.extend(rows)
    assert any(e.alerts for e in expected)
    found = first.extend(rows[:at])
    if how == "json":
        second = infonet.Monitor.from_dict(json.loads(json.dumps(first.to_dict())), estimator)
    else:
        second = pickle.loads(pickle.dumps(first))
    found += second.extend(rows[at:])
    same(found, expected)
    assert json.dumps(second.to_dict()) == json.dumps(whole.to_dict())


def test_damaged_saves(monitor):
    saved = monitor().to_dict()
    for damage, message in (
        ({"format": 2}, "format 2"),
        ({"model": "0" * 64}, "another model"),
        ({"columns": [[1.0], [2.0]]}, "damaged"),
        ({"states": [{}] * 3}, "damaged"),
    ):
        with pytest.raises(infonet.InputError, match=message):
            infonet.Monitor.from_dict({**saved, **damage})
    with pytest.raises(infonet.InputError, match="format 'list'"):
        infonet.Monitor.from_dict([])


@pytest.fixture(scope="module")
def saved_with_references(estimator):
    rows = ROWS.copy()
    rows[:, 0] = rows[:, 1] + 0.1 * rows[:, 0]
    watched = infonet.Monitor(
        100, ["a", "b", "c"], stride=10, false_alarms=0.2, estimator=estimator
    )
    watched.extend(rows[:255])
    saved = json.loads(json.dumps(watched.to_dict()))
    assert saved["states"][0]["reference"] is not None
    return saved


def places(value, path=()):
    """Where the values of nested lists and dicts are; of long lists, of the first two entries."""
    yield path
    if isinstance(value, (dict, list)):
        entries = value.items() if isinstance(value, dict) else list(enumerate(value))[:2]
        for key, entry in entries:
            yield from places(entry, (*path, key))


def put(saved, path, value):
    saved = json.loads(json.dumps(saved))
    inner = saved
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return saved


ODD = [None, True, -1, 0, 3, 10**30, 5e-324, math.nan, math.inf, "x", "1", "\ud800", [], {}, [[1]]]


@pytest.mark.parametrize("with_hash", [True, False])
def test_odd_values_in_saves(saved_with_references, estimator, with_hash):
    """Each in the place of each: refused in one line, or what it stands for is the same."""
    saved = dict(saved_with_references)
    if not with_hash:
        del saved["content_sha256"]
    following = infonet.Monitor.from_dict(saved, estimator).extend(ROWS[300:320])
    refused = []
    for path, value in itertools.product(list(places(saved))[1:], ODD):
        other = put(saved, path, value)
        try:
            found = infonet.Monitor.from_dict(other, estimator)
        except infonet.InputError as error:
            refused.append(str(error))
            continue
        if with_hash:
            assert other == saved
            same(found.extend(ROWS[300:320]), following)
    assert len(refused) > 600
    assert not any("\n" in message or len(message) > 500 for message in refused)


def test_every_changed_number_of_a_save_is_seen(saved_with_references, estimator):
    text = json.dumps(saved_with_references)
    rng, seen = np.random.default_rng(0), 0
    for place in rng.choice(len(text), 300, replace=False):
        if not text[place].isdigit():
            continue
        other = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
        try:
            changed = json.loads(other)
        except ValueError:  # a number that begins with 0
            continue
        if changed == saved_with_references:  # the last of 17 digits may stand for nothing
            continue
        seen += 1
        with pytest.raises(infonet.InputError):
            infonet.Monitor.from_dict(changed, estimator)
    assert seen > 200


def test_saves_as_other_programs_write_them(saved_with_references, estimator):
    """1.0 for 1 and 1 for 1.0, keys in another order; and as earlier versions wrote them."""

    def as_floats(value):
        if isinstance(value, dict):
            return {key: as_floats(value[key]) for key in sorted(value, reverse=True)}
        if isinstance(value, list):
            return [as_floats(entry) for entry in value]
        is_count = isinstance(value, int) and not isinstance(value, bool)
        return float(value) if is_count else value

    floats = {**as_floats(saved_with_references), "format": 1}
    earlier = {k: v for k, v in saved_with_references.items() if k != "content_sha256"}
    expected = infonet.Monitor.from_dict(saved_with_references, estimator).extend(ROWS[300:400])
    for saved in (floats, earlier):
        same(infonet.Monitor.from_dict(saved, estimator).extend(ROWS[300:400]), expected)


def test_a_rate_of_false_alarms_beyond_all_windows(estimator):
    with pytest.raises(infonet.InputError, match="too small"):
        infonet.Monitor(1000, false_alarms=5e-324, estimator=estimator)


def test_memory_is_flat(monitor):
    """200,000 rows through a window of 500; a copy of all rows would be 4.8 MB."""
    watched = monitor(500, stride=500, pairs=[(0, 2)])
    rows = RNG.standard_normal((2000, 3))
    for _ in range(5):
        watched.extend(rows)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(95):
            watched.extend(rows)
        for row in rows:
            watched.push(row)
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
    assert watched.rows == 202_000
