"""benchmarks/refit.py: its formulas are the runtime's, its fits find what is to be found."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import infonet
import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def modules():
    sys.path.insert(0, str(BENCHMARKS))
    names = ("refit", "refit_pairs", "refit_coarse", "refit_vectors")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def estimator():
    return infonet.Estimator(threads=1)


def _cases(refit, cases, estimator, size, module, monkeypatch, at_most):
    """The first case of each family at a small size, as columns."""
    monkeypatch.setattr(module, size, (3000,))
    options = SimpleNamespace(seed=3, count=1, few_sizes=False)
    drawn = list(cases(estimator, options))[:at_most]
    return refit.measured(drawn, None, float("inf"))


def test_the_formulas_of_cells_are_those_of_the_runtime(modules, estimator, monkeypatch):
    pairs = modules.refit_pairs
    columns = _cases(
        modules.refit, pairs.cell_cases, estimator, "CELL_SIZES", pairs, monkeypatch, 9
    )
    assert len(set(columns["family"])) == 7  # no family of labels
    assert len(pairs.cell_fits(columns)) == 3  # which compares all numbers, or ends
    monkeypatch.setattr(pairs.cells, "_NOISE", 1.1 * pairs.cells._NOISE)
    with pytest.raises(SystemExit, match="bring the formulas of this file in line"):
        pairs.cell_fits(columns)


def test_the_formulas_of_sharp_are_those_of_the_runtime(modules, estimator, monkeypatch):
    pairs = modules.refit_pairs
    columns = _cases(
        modules.refit, pairs.sharp_cases, estimator, "SHARP_SIZES", pairs, monkeypatch, 4
    )
    assert np.all((columns["truth"] > 2.4) & (columns["truth"] < 8.1))
    assert len(pairs.sharp_fits(columns)) == 3
    monkeypatch.setattr(pairs.sharp, "_SCALE", 0.02)
    with pytest.raises(SystemExit, match="interval of sharp"):
        pairs.sharp_fits(columns)


def test_where_the_sharp_estimate_comes_in(modules, estimator):
    """`mixed` is what the runtime gives from end to end."""
    from infonet_export.samplers.held_out import plackett_of

    pairs, refine = modules.refit_pairs, modules.refit_pairs.refine
    found = []
    for seed, ratio in enumerate((2e4, 5e4)):
        samples = plackett_of(ratio).sample(np.random.default_rng(seed), 4000)
        ranks = pairs.mid_ranks(samples)
        base, rows = pairs.read(estimator, ranks)
        other = pairs.sharp.beyond_the_grid(*rows)[0]
        values = {"base": base, "other": other, "open": 0.0, "n": 4000}
        found.append(base)
        ours = pairs.mixed({name: np.array([value]) for name, value in values.items()})[0]
        assert float(estimator.mi(ranks.T[None])[0]) == pytest.approx(ours, abs=2e-6)
    assert max(found) > refine.SHARP


def test_where_cells_are_too_coarse(modules, estimator, monkeypatch):
    """That the runtime leaves them there is compared from end to end, too."""
    coarse = modules.refit_coarse
    monkeypatch.setattr(coarse, "FAMILIES", {"functional": coarse.functional})
    monkeypatch.setattr(coarse, "SIZES", (20_000,))
    drawn = coarse.cases(estimator, SimpleNamespace(seed=3, count=1, few_sizes=False))
    columns = modules.refit.measured(list(drawn), None, float("inf"))
    assert columns["open"].max() > modules.refit_pairs.COARSE[0]
    assert len(coarse.fits(columns)) == 1
    columns["found"] = columns["base"]
    with pytest.raises(SystemExit, match="mixed"):
        coarse.fits(columns)


def test_the_formulas_of_bounds_are_those_of_the_runtime(modules, estimator, monkeypatch):
    vectors = modules.refit_vectors
    monkeypatch.setattr(vectors, "families", lambda: _some_families())
    columns = _cases(modules.refit, vectors.cases, estimator, "SIZES", vectors, monkeypatch, 4)
    assert len(vectors.fits(columns)) == 2
    assert (columns["vine"] <= columns["mi"]).all()


def _some_families():
    from vector_families import factors, heavy, swirl

    return [swirl(2, [0.7, 0.7], 0.8, True), heavy(2, 2, 4), factors(2, 2, 1, 1.0)]


def _columns(rng, count=4000):
    """Estimates whose error has a known share of a known column."""
    cell = np.arange(count) % 8
    families = np.array(["a", "b", "c", "d"])[cell % 4]
    x = rng.exponential(size=count)
    truth = 2.5 * x + 0.1 * rng.normal(size=count)
    return {"family": families, "n": np.where(cell < 4, 100, 1000), "cell": cell, "x": x,
            "truth": truth}  # fmt: skip


def test_a_fit_finds_the_constants_of_its_data(modules, capsys):
    refit = modules.refit
    columns = _columns(np.random.default_rng(0))

    def everything(part):
        return part["x"] >= 0

    mean = refit.Fit(
        "slope", ("slope",), (1.0,), lambda v, p: (v[0] * p["x"] - p["truth"]) ** 2, everything
    )
    assert refit.fitted(mean, columns, [1.0])[0] == pytest.approx(2.5, abs=0.02)

    def ends(values, part):
        return 2.5 * part["x"] - values[0], 2.5 * part["x"] + values[0]

    def holds(values, part):
        low, high = ends(values, part)
        return (low <= part["truth"]) & (part["truth"] <= high)

    width = refit.Fit(
        "width", ("width",), (1.0,),
        lambda v, p: refit.interval_score(*ends(v, p), p["truth"]), everything, holds,
    )  # fmt: skip
    # the interval of least score is that of the quantiles
    assert refit.fitted(width, columns, [1.0])[0] == pytest.approx(0.16449, abs=0.01)
    refit.report(width, columns)
    text = capsys.readouterr().out
    assert "| width | 1 | 0.1" in text
    assert "committed 100.0%, refitted 9" in text
    assert text.count("| a |") == text.count("| d |") == 1


def test_constants_stay_near_the_committed_ones(modules):
    refit = modules.refit
    columns = _columns(np.random.default_rng(1))
    useless = refit.Fit(
        "none", ("none",), (1.0,), lambda v, p: 1 + v[0] + p["x"], lambda p: p["x"] >= 0
    )
    assert refit.fitted(useless, columns, [1.0])[0] == pytest.approx(1 / refit.REACH, rel=1e-2)


def test_what_was_measured_is_kept(modules, tmp_path, capsys):
    refit, asked = modules.refit, []

    def case(k):
        def measure():
            asked.append(k)
            return {"family": "a", "n": 10 * (k % 2), "truth": float(k)}

        return f"case {k}", measure

    path = tmp_path / "saved.jsonl"
    first = refit.measured([case(0), case(1)], path, 10)
    again = refit.measured([case(0), case(1), case(2)], path, 10)
    assert asked == [0, 1, 2]
    np.testing.assert_array_equal(again["truth"][:2], first["truth"])
    assert again["cell"].tolist() == [0, 1, 0]
    assert refit.measured([case(k) for k in range(4)], path, 0) is None
    assert "go on" in capsys.readouterr().out
