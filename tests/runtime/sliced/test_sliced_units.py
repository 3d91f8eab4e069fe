"""Sliced mutual information of columns in different units says that one outweighs the others."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from infonet.cli import main

N = 300


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    b = rng.standard_normal(N)
    frame = pd.DataFrame({"b": b, "when": pd.date_range("2020-01-01", periods=N)})
    return frame, b + 0.3 * rng.standard_normal(N)


def test_a_date_beside_a_number(estimator, data):
    frame, y = data
    found = estimator.sliced(frame, y, projections=32)
    assert found.mean < 0.05  # only the date is seen
    (note,) = found.notes
    assert note.startswith("column 'when' of x varies 1e13 times as much as column 'b' of x")
    assert "scale='minmax' (--scale minmax on the command line)" in note
    scaled = estimator.sliced(frame, y, projections=32, scale="minmax")
    assert scaled.notes == ()
    assert scaled.mean > 0.3


@pytest.mark.parametrize(("factor", "said"), [(1, False), (80, False), (150, True), (1e300, True)])
def test_from_which_scale_on(estimator, factor, said):
    x, y = np.random.default_rng(1).standard_normal((2, N, 3))
    x[:, 1] *= factor
    for values in (x, np.asfortranarray(x), dict(zip("abc", x.T, strict=True))):
        for pair in ((values, y), (y, values)):
            notes = estimator.sliced(*pair, projections=2).notes
            assert bool(notes) is said
            assert all("minmax" in note for note in notes)


def test_constants_offsets_and_gaps_are_no_scales(estimator):
    x, y = np.random.default_rng(2).standard_normal((2, N, 3))
    x[:, 0] = 1e12
    x[:, 1] += 1e9
    x[5, 2] = np.nan
    assert estimator.sliced(x, y, projections=2, nan="omit").notes == ()
    stamps = np.stack([2**62 + np.arange(N), 2**62 + 5 * np.arange(N)], axis=1)
    assert estimator.sliced(stamps, y, projections=2).notes == ()
    assert estimator.sliced(x[:, 1], y[:, 0], projections=2).notes == ()


def test_on_the_command_line(tmp_path, data):
    frame, y = data
    frame.assign(y=y).to_csv(tmp_path / "t.csv", index=False)
    command = ["smi", str(tmp_path / "t.csv"), "--x", "b,when", "--y", "y", "--projections", "4"]
    found = CliRunner().invoke(main, command)
    assert "--scale minmax" in found.stderr
    notes = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)["notes"]
    assert any("minmax" in note for note in notes)
    assert "minmax" not in CliRunner().invoke(main, [*command, "--scale", "minmax"]).stderr
