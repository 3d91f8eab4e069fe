"""The same two columns give the same number, interval and p-value by every route."""

from __future__ import annotations

import csv
import io
import itertools
import json

import infonet
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet.sklearn import MutualInformationSelector, mutual_info_classif, mutual_info_regression

N = 420


def _columns():
    """One column of each kind; all but the last depend on the first."""
    rng = np.random.default_rng(21)
    number = rng.normal(size=N)
    noise = lambda: rng.normal(size=N)  # noqa: E731
    return {
        "number": number,
        "binary": (number + noise() > 0.3).astype(int),
        "rating": np.digitize(number + noise(), [-1.5, -0.4, 0.4, 1.5]) + 1,
        "count": rng.poisson(np.exp(0.4 * number)),
        "rain": np.where(number + 0.5 * noise() > 1.2, rng.gamma(2, size=N), 0.0),
        "rounded": np.round(2 * number + noise(), 1),
        "rare": (number + 0.4 * noise() > 2).astype(int),
        "team": np.array([f"team {k:02d}" for k in rng.permutation(40)])[
            np.clip(20 + 6 * number + 2 * noise(), 0, 39).astype(int)
        ],
        "noise": np.round(noise()),
    }


COLUMNS = _columns()
NUMBERS = [name for name, column in COLUMNS.items() if column.dtype.kind != "U"]
PAIRS = list(itertools.combinations(COLUMNS, 2))


@pytest.fixture(scope="module")
def alone(estimator):
    return {(x, y): estimator.estimate(COLUMNS[x], COLUMNS[y], names=(x, y)) for x, y in PAIRS}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("routes") / "t.csv"
    pd.DataFrame(COLUMNS).to_csv(path, index=False)
    return path


def test_every_kind_of_rule_is_among_the_pairs(alone):
    methods = {one.method for one in alone.values()}
    assert {
        "counts",
        "counts in bins, or nearest neighbours of a label",
        "nearest neighbours of a label",
        "parts, of a frequent value and the others",
    } <= methods


def test_module_functions(alone):
    for (x, y), expected in alone.items():
        assert infonet.mutual_information(COLUMNS[x], COLUMNS[y]) == expected.mi


def test_matrix(estimator, alone):
    for source in (COLUMNS, pd.DataFrame(COLUMNS)):
        result = estimator.pairwise(source)
        for (x, y), expected in alone.items():
            found = result[x, y]
            assert (found.mi, found.interval) == (expected.mi, expected.interval)
            assert found.p_value == expected.p_value
            assert found.method == expected.method
    some = estimator.pairwise(COLUMNS, targets=["rare", "noise"], tile=2)
    assert some["rain", "rare"].mi == alone["rain", "rare"].mi
    assert some["team", "noise"].p_value == alone["team", "noise"].p_value


def test_batch_of_numbers(estimator, alone):
    pairs = list(itertools.combinations(NUMBERS, 2))
    samples = np.stack([np.stack([COLUMNS[x], COLUMNS[y]], axis=1) for x, y in pairs])
    quantiles = estimator.quantiles(samples)
    for pair, found in zip(pairs, quantiles, strict=True):
        expected = alone[pair]
        assert (found[1], (found[0], found[2])) == (expected.mi, expected.interval)
    np.testing.assert_array_equal(estimator.mi(samples), quantiles[:, 1])


def test_command_of_all_pairs(alone, file):
    found = json.loads(CliRunner().invoke(main, ["matrix", str(file), "--json"]).stdout)
    place = {name: k for k, name in enumerate(found["names"])}
    assert set(place) == set(COLUMNS)
    for (x, y), expected in alone.items():
        assert found["mi"][place[x]][place[y]] == expected.mi
    printed = CliRunner().invoke(main, ["matrix", str(file), "--format", "long"]).stdout
    rows = {(row["x"], row["y"]): row for row in csv.DictReader(io.StringIO(printed))}
    assert set(rows) == set(alone)
    for pair, expected in alone.items():
        low, high = (float(rows[pair][name]) for name in ("low", "high"))
        assert (low, high) == pytest.approx(expected.interval, rel=1e-6)
        assert float(rows[pair]["p_value"]) == pytest.approx(expected.p_value, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("number", "rare"),
        ("rating", "count"),
        ("rain", "rounded"),
        ("rain", "team"),
    ],
)
def test_command_of_one_pair(alone, file, x, y):
    printed = CliRunner().invoke(main, ["mi", str(file), "--x", x, "--y", y, "--json"])
    found, expected = json.loads(printed.stdout), alone[x, y]
    assert (found["mi"], found["interval"]) == (expected.mi, list(expected.interval))
    assert found["p_value"] == expected.p_value


@pytest.mark.parametrize("target", ["number", "rating", "count", "rain", "rare"])
def test_scikit_learn_s_functions(estimator, target):
    """A feature stands first, the target second."""
    others = [name for name in NUMBERS if name != target]
    features = np.stack([COLUMNS[name] for name in others], axis=1).astype(float)
    expected = [estimator.estimate(COLUMNS[name], COLUMNS[target]) for name in others]
    mi = [one.mi for one in expected]
    np.testing.assert_array_equal(mutual_info_regression(features, COLUMNS[target]), mi)
    if COLUMNS[target].dtype.kind == "i":
        np.testing.assert_array_equal(mutual_info_classif(features, COLUMNS[target]), mi)
    selector = MutualInformationSelector(alpha=0.1).fit(features, COLUMNS[target])
    np.testing.assert_array_equal(selector.scores_, mi)
    np.testing.assert_array_equal(selector.pvalues_, [one.p_value for one in expected])


def test_names_of_classes_by_scikit_learn(estimator):
    features = np.stack([COLUMNS[name] for name in NUMBERS], axis=1).astype(float)
    found = mutual_info_classif(features, COLUMNS["team"])
    expected = [estimator.estimate(COLUMNS[name], COLUMNS["team"]).mi for name in NUMBERS]
    np.testing.assert_array_equal(found, expected)


def test_a_rare_class_scores_what_the_estimator_says(estimator):
    """Three in a thousand, shifted by two and a half standard deviations."""
    rng = np.random.default_rng(22)
    label = (np.arange(8000) < 24).astype(int)
    x = rng.normal(size=8000) + 2.5 * label
    found = mutual_info_classif(x[:, None], label)[0]
    assert found == estimator.estimate(x, label).mi
    assert found == mutual_info_classif(x[:, None], label, random_state=5)[0]
    named = np.array(["genuine", "fraud"])[label]
    assert mutual_info_classif(x[:, None], named)[0] == estimator.estimate(x, named).mi
    assert mutual_info_classif(x[:, None], named)[0] == pytest.approx(found, abs=1e-6)


def test_monitor(estimator, alone):
    rows = np.stack([COLUMNS[name] for name in NUMBERS], axis=1)
    monitor = infonet.Monitor(N, NUMBERS, estimator=estimator)
    (evaluation,) = monitor.extend(rows)
    for found in evaluation.estimates:
        expected = alone[found.names]
        assert (found.mi, found.interval) == (expected.mi, expected.interval)
        assert found.p_value == expected.p_value


def test_gaps_leave_what_a_table_without_them_has(estimator):
    keep = np.random.default_rng(23).random(N) < 0.8
    gaps = np.where(keep, COLUMNS["rain"], np.nan)
    expected = estimator.estimate(COLUMNS["count"][keep], gaps[keep])
    alone = estimator.estimate(COLUMNS["count"], gaps, nan="omit")
    matrix = estimator.pairwise({"a": COLUMNS["count"], "b": gaps}, nan="omit")["a", "b"]
    for found in (alone, matrix):
        assert (found.n, found.mi, found.p_value) == (keep.sum(), expected.mi, expected.p_value)
    scored = mutual_info_regression(COLUMNS["count"][keep][:, None], gaps[keep])[0]
    assert scored == expected.mi


@pytest.mark.parametrize("seed", [1, 99])
def test_seed_by_every_route(estimator, file, seed):
    """Rain against rounded numbers: the order of the ties of both decides a little."""
    x, y = COLUMNS["rain"], COLUMNS["rounded"]
    one, other = (estimator.estimate(x, y, seed=s) for s in (seed, 0))
    assert one.mi != other.mi
    found = estimator.pairwise({"x": x, "y": y}, seed=seed)["x", "y"]
    assert (found.mi, found.p_value) == (one.mi, one.p_value)
    assert mutual_info_regression(x[:, None], y, random_state=seed)[0] == one.mi
    (evaluation,) = infonet.Monitor(N, 2, seed=seed, estimator=estimator).extend(
        np.stack([x, y], axis=1)
    )
    assert evaluation.estimates[0].mi == one.mi
    assert evaluation.estimates[0].p_value == one.p_value
    run = CliRunner().invoke
    options = ["--json", "--seed", str(seed)]
    assert json.loads(run(main, ["matrix", str(file), *options]).stdout)["mi"][4][5] == one.mi
    printed = run(main, ["mi", str(file), "--x", "rain", "--y", "rounded", *options]).stdout
    assert (json.loads(printed)["mi"], json.loads(printed)["p_value"]) == (one.mi, one.p_value)
