"""The worked example runs, at a small size, and what it says is right."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import infonet
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
sklearn_datasets = pytest.importorskip("sklearn.datasets", reason="the data are scikit-learn's")
pytest.importorskip("matplotlib", reason="the example draws pictures")


@pytest.fixture(scope="module")
def example():
    return runpy.run_path(str(EXAMPLES / "screen_columns.py"))


def test_screening(example, monkeypatch, tmp_path, capsys):
    options = ["screen_columns.py", "--rows", "200", "--output", str(tmp_path / "pictures")]
    monkeypatch.setattr(sys, "argv", options)
    names = [*list(example["load"](200))[10:30], "digit"]
    few = {name: values for name, values in example["load"](200).items() if name in names}
    monkeypatch.setitem(example["main"].__globals__, "load", lambda rows: few)
    example["main"]()
    text = capsys.readouterr().out
    for words in ("of 200 digits", "false discoveries", "Strongest pairs", "taken as codes"):
        assert words in text
    written = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in written] == ["matrix.png", "pairs.png", "target.png"]
    for path in written:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert f"wrote {path.name}" in text


def test_pictures_of_the_readme():
    text = (EXAMPLES / "README.md").read_text()
    for name in ("matrix", "pairs", "target"):
        assert f"images/{name}.png" in text
        assert 1000 < (EXAMPLES / f"images/{name}.png").stat().st_size < 150_000


def test_missed_by_correlation(example):
    mi = np.array([[np.nan, 0.9, 0.1], [0.9, np.nan, 0.3], [0.1, 0.3, np.nan]])
    rho = np.array([[1, 0.8, 0.1], [0.8, 1, -0.1], [0.1, -0.1, 1]])
    assert example["missed_by_correlation"](mi, rho, 5) == [(1, 2), (0, 2)]


def test_pixels_against_digits(example, estimator):
    """Both are discrete: the plug-in estimate with the correction of Miller & Madow is good."""
    table = example["load"](None)
    digits = np.array(table.pop("digit"))
    expected, found = [], []
    for ink in list(table.values())[::6]:
        expected.append(plug_in(ink, digits))
        found.append(estimator.estimate(ink, digits).mi)
    assert max(expected) > 0.3
    np.testing.assert_allclose(found, expected, atol=0.06)
    assert np.corrcoef(found, expected)[0, 1] > 0.97


def plug_in(x, y):
    """Entropies of x and of y less that of the pair, nats."""

    def entropy(values):
        counts = np.unique(values, axis=0, return_counts=True)[1]
        p = counts / counts.sum()
        return -(p * np.log(p)).sum() + (p.size - 1) / (2 * counts.sum())

    codes = [np.unique(values, return_inverse=True)[1] for values in (x, y)]
    return entropy(codes[0]) + entropy(codes[1]) - entropy(np.stack(codes, axis=1))


def test_table(example):
    table = example["load"](100)
    assert len(table) > 50
    assert infonet.inputs.open.open_columns(table).rows == 100
