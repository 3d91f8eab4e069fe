"""Data frames of all kinds of columns, and targets of categories: what `estimate` says of each."""

from __future__ import annotations

import datetime

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pytest
from infonet.sklearn import (
    MutualInformationSelector,
    mutual_info_classif,
    mutual_info_regression,
)

N = 400
_RNG = np.random.default_rng(0)
Y = _RNG.normal(size=N)
LABELS = np.where(Y + 0.3 * _RNG.normal(size=N) > 0, "up", "down")
NAMES = np.array(["low", "middle", "high"])
LEVEL = np.digitize(Y + 0.5 * _RNG.normal(size=N), [-0.5, 0.5])
ORDERED = pd.Categorical(NAMES[LEVEL], NAMES, ordered=True)
WIDE = pd.DataFrame(
    {
        "number": Y + _RNG.normal(size=N),
        "truth": Y > 0.3,
        "int8": LEVEL.astype(np.int8),
        "whole with gaps": pd.array(_RNG.integers(0, 5, N), dtype="Int64"),
        "truth of pandas": pd.array(Y > 0, dtype="boolean"),
        "text": np.where(Y > 0.5, "a", "b"),
        "text of pandas": pd.array(np.where(Y > 0.5, "a", "b"), dtype="string"),
        "numbers as text": [f"{value:.3f}" for value in Y],
        "categories": pd.Categorical(NAMES[LEVEL]),
        "codes": pd.Categorical(np.array([7, 3, 5])[LEVEL]),
        "ordered": ORDERED,
        "large": 2**60 + np.round(40 * Y).astype(np.int64),
        "date": pd.date_range("2020-01-01", periods=N),
        "duration": pd.to_timedelta(np.round(1000 * Y), "s"),
        "time": [datetime.time(i % 24) for i in range(N)],
    }
)
FRAMES = {
    "pandas": WIDE,
    "pandas with periods": WIDE.assign(period=pd.period_range("2000-01-01", periods=N, freq="D")),
    "polars": pl.from_pandas(WIDE),
    "pyarrow": pl.from_pandas(WIDE).to_arrow(),
}


def scores_of_estimate(frame, target):
    names = frame.column_names if hasattr(frame, "column_names") else list(frame.columns)
    return [infonet.estimate(frame[name], target).mi for name in names]


@pytest.mark.parametrize("library", FRAMES)
def test_wide_frames_of_all_kinds(library):
    frame = FRAMES[library]
    scores = mutual_info_regression(frame, Y)
    np.testing.assert_array_equal(scores, scores_of_estimate(frame, Y))
    scores = mutual_info_classif(frame, LABELS)
    np.testing.assert_array_equal(scores, scores_of_estimate(frame, LABELS))
    selector = MutualInformationSelector(k=3).fit(frame, LABELS)
    np.testing.assert_array_equal(selector.scores_, scores)
    assert selector.n_features_in_ == len(scores)


@pytest.mark.parametrize("column", WIDE.columns)
def test_each_kind_beside_numbers(column):
    frame = pd.DataFrame({"number": WIDE["number"], "other": WIDE[column]})
    if column == "large":
        with pytest.raises(infonet.InputError, match="subtract its smallest value"):
            mutual_info_regression(frame, Y)  # scikit-learn has rounded it
        return
    scores = mutual_info_regression(frame, Y)
    np.testing.assert_array_equal(scores, scores_of_estimate(frame, Y))


def test_ordered_categories_keep_their_order():
    n = 80
    levels = np.round(3 * Y[:n] + 2 * _RNG.normal(size=n)).astype(int)
    ordered = pd.Categorical(levels, sorted(set(levels.tolist())), ordered=True)
    frame = pd.DataFrame({"ordered": ordered, "codes": pd.Categorical(levels)})
    scores = mutual_info_regression(frame, Y[:n])
    assert scores.tolist() == scores_of_estimate(frame, Y[:n])
    assert scores[0] == infonet.estimate(levels, Y[:n]).mi
    assert scores[0] != scores[1]


def test_targets_of_categories():
    features = WIDE[["number", "int8"]]
    for target in (ORDERED, WIDE["ordered"], WIDE["codes"], WIDE["codes"].array):
        expected = scores_of_estimate(features, target)
        np.testing.assert_array_equal(mutual_info_classif(features, target), expected)
        np.testing.assert_array_equal(mutual_info_regression(features, target), expected)
        selector = MutualInformationSelector(k=1).fit(features, target)
        np.testing.assert_array_equal(selector.scores_, expected)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        mutual_info_classif(features, pd.Categorical([None, *NAMES[LEVEL][1:]]))


@pytest.mark.parametrize("criterion", ["relevance", "mrmr", "jmi", "cmim"])
def test_selection_from_a_wide_frame(criterion):
    names = ["number", "text", "categories", "ordered", "date"]
    selector = MutualInformationSelector(k=2, criterion=criterion).fit(WIDE[names], Y)
    chosen = selector.get_feature_names_out().tolist()
    assert selector.feature_names_in_.tolist() == names
    assert len(chosen) == 2
    assert "date" not in chosen
    assert selector.transform(WIDE[names]).shape == (N, 2)
    frame = selector.set_output(transform="pandas").transform(WIDE[names])
    pd.testing.assert_frame_equal(frame, WIDE[chosen])


def test_dates_beside_numbers_are_transformed():
    frame = WIDE[["number", "date"]]
    array = MutualInformationSelector(k=2).fit(frame, Y).transform(frame)
    assert array.dtype == object
    assert array[3].tolist() == [frame["number"][3], frame["date"][3]]


def test_missing_values_of_a_wide_frame():
    frame = WIDE[["text", "number"]].copy()
    frame.loc[5, "text"] = None
    with pytest.raises(
        infonet.InputError, match=r"column 'text' has 1 NaN value \(first at index 5"
    ):
        mutual_info_regression(frame, Y)
    scores = mutual_info_regression(frame, Y, nan="omit")
    expected = [infonet.estimate(frame[name], Y, nan="omit").mi for name in frame]
    np.testing.assert_array_equal(scores, expected)


def test_what_is_refused_of_a_wide_frame():
    with pytest.raises(infonet.InputError, match="column 'id' holds text with 400 different"):
        mutual_info_regression(WIDE[["number"]].assign(id=[f"x{i}" for i in range(N)]), Y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        mutual_info_regression(WIDE, Y[:-1])
    with pytest.warns(infonet.InfoNetWarning, match="15 samples are fewer than the 20"):
        few = mutual_info_regression(WIDE[:15], Y[:15])
    assert np.isfinite(few).all()


@pytest.mark.parametrize("criterion", ["relevance", "mrmr", "jmi", "cmim"])
def test_features_without_values_come_last(criterion):
    """A feature that repeats another has a negative criterion, but something is known of it."""
    z = _RNG.normal(size=N)
    few = np.where(np.arange(N) < 10, z, np.nan)
    near, far = z + 0.1 * _RNG.normal(size=N), z + 0.01 * _RNG.normal(size=N)
    features = np.column_stack(
        [np.ones(N), near, np.full(N, np.nan), few, far, _RNG.normal(size=N)]
    )
    found = MutualInformationSelector(k=3, criterion=criterion, nan="omit").fit(features, z)
    assert sorted(found.ranking_[:3]) == [1, 4, 5]
    assert found.get_support(indices=True).tolist() == [1, 4, 5]
    found = MutualInformationSelector(k="all", criterion=criterion, nan="omit").fit(features, z)
    assert sorted(found.ranking_[3:]) == [0, 2, 3]
    assert found.scores_[[0, 2, 3]].tolist() == [0, 0, 0]
