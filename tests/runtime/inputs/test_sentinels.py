"""Numbers that may say that a value is missing are named, by all routes."""

from __future__ import annotations

from pathlib import Path

import infonet
import numpy as np
import pandas as pd
import polars as pl
import pytest
from infonet.inputs.sentinels import sentinel_remark
from infonet.inputs.variables import as_column

_RNG = np.random.default_rng(20)
_TEMPERATURE = _RNG.normal(10, 3, 400)


def _with(values: np.ndarray, sentinel: float, rows: int = 20) -> np.ndarray:
    found = np.array(values)
    found[_RNG.choice(found.size, rows, replace=False)] = sentinel
    return found


@pytest.mark.parametrize("sentinel", [-999, -9999.0, 999.9, -999.25, 99, 1e20, 9.96921e36, -9e0])
def test_a_number_far_from_all_others_is_named(sentinel: float) -> None:
    values = np.abs(_TEMPERATURE) if sentinel == -9 else _TEMPERATURE
    (remark,) = sentinel_remark(_with(values, sentinel), ())
    assert remark.kind == "sentinel"
    assert remark.detail == f"{sentinel:.15g} in 20 rows"


@pytest.mark.parametrize(
    "values",
    [
        _TEMPERATURE,
        _with(_TEMPERATURE, -999, 1),  # of one row, ranks take little notice
        _with(_TEMPERATURE, 500.0),  # far, but nothing that says "missing"
        _RNG.integers(0, 100, 400),  # up to 99
        _RNG.integers(0, 10, 400),
        _RNG.integers(1, 6, 400),
        np.minimum(_RNG.integers(0, 120, 400), 99),  # ages, cut off
        _with(_RNG.normal(0, 2000, 400), -999.0),  # amid the others
        _RNG.choice([-1, 0, 1], 400),
        np.full(400, -999.0),
        _RNG.choice([0, 9], 400),
        np.empty(0),
        np.array([-999.0, -999.0]),
    ],
)
def test_numbers_as_they_should_be_are_not(values: np.ndarray) -> None:
    assert sentinel_remark(values, ()) == ()


def test_answers_of_a_survey_with_codes_for_none() -> None:
    answers = _RNG.choice([1, 2, 3, 4, 5, 97, 98, 99], 400)
    (remark,) = sentinel_remark(answers, ())
    assert remark.detail == f"99 in {(answers == 99).sum()} rows"


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.float32, np.float64])
def test_gaps_and_types(dtype: type) -> None:
    values = _with(np.round(_TEMPERATURE), -999).astype(dtype)
    assert sentinel_remark(values, ())[0].detail == "-999 in 20 rows"
    if values.dtype.kind == "f":
        values[values > 15] = np.nan
        values[0] = np.inf
        assert sentinel_remark(values, ())[0].detail.startswith("-999 in ")


def test_all_routes_say_so(tmp_path: Path) -> None:
    x, y = _with(_TEMPERATURE, -999), _RNG.normal(size=400)
    frame = pd.DataFrame({"x": x, "y": y})
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame.to_parquet(tmp_path / "table.parquet")
    np.save(tmp_path / "table.npy", frame.to_numpy())
    said = "x (-999 in 20 rows)"
    tables = (frame, pl.from_pandas(frame), {"x": x, "y": y}, frame.to_dict("records"))
    files = (tmp_path / "table.csv", tmp_path / "table.parquet")
    for data in (*tables, *files):
        (note,) = (n for n in infonet.pairwise(data).notes if "far from all" in n)
        assert note.endswith(said)
    for data in (frame.to_numpy(), tmp_path / "table.npy"):
        (note,) = (n for n in infonet.pairwise(data).notes if "far from all" in n)
        assert note.endswith(" 0 (-999 in 20 rows)")
    for found in (infonet.estimate(frame.x, frame.y), infonet.estimate(x, frame[["y"]])):
        assert any(note.endswith(said) for note in found.notes)
    assert not any("far from all" in n for n in infonet.estimate(y, y + _TEMPERATURE).notes)


def test_times_and_categories_are_no_measured_numbers() -> None:
    codes = np.where(_RNG.random(400) < 0.1, "-999", _RNG.choice(["1", "2", "3"], 400))
    assert not any("far from all" in n for n in as_column(pd.Categorical(codes), "x").notes)
    assert any("far from all" in n for n in as_column(codes, "x").notes)  # numbers, as in a file
    days = np.where(_RNG.random(400) < 0.1, 9999, _RNG.integers(1, 30, 400)).astype("M8[D]")
    assert not any("far from all" in n for n in as_column(days, "x").notes)
