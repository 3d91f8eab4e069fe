"""`infonet evaluate`: every suite on a few cases, its tables and its pictures."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import infonet
import numpy as np
import pytest
from click.testing import CliRunner
from infonet.cli import main
from infonet_export.commands.evaluate import SUITE_NAMES
from infonet_export.evaluation import pictures
from infonet_export.evaluation.measure import Measurements
from infonet_export.evaluation.run import Run, Section
from infonet_export.evaluation.suites import SUITES, report

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture(scope="module")
def run():
    estimator = infonet.Estimator(threads=1)
    return Run(estimator, count=2, sizes=(60, 120), with_baselines=False)


def _rows(section):
    lines = [line for line in section.text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[:1] + lines[2:]]


def test_the_command_knows_all_suites():
    assert tuple(SUITES) == SUITE_NAMES


@pytest.mark.parametrize("name", [name for name in SUITE_NAMES if name != "power"])
def test_a_suite_is_a_function_of_the_seed(run, name):
    first, again = list(SUITES[name](run)), list(SUITES[name](run))
    assert [s.text for s in first] == [s.text for s in again]
    assert [s.title for s in first] == [s.title for s in again]
    other = list(SUITES[name](replace(run, seed=2)))
    assert [s.text for s in first] != [s.text for s in other]
    assert "nan" not in "".join(s.text for s in first)
    for section in first:
        head, *rows = _rows(section)
        assert rows
        assert all(len(row) == len(head) for row in rows)


def test_sizes_of_a_full_and_of_a_quick_evaluation(run):
    full, quick = Run(run.estimator), Run(run.estimator, quick=True)
    assert full.at(100, 100_000) == (100, 100_000)
    assert quick.at(100, 5000, 100_000) == (100, 5000)
    assert run.at(5000) == (60, 120)
    assert (full.number(500), quick.number(500), run.number(500)) == (500, 50, 2)


def test_the_tables_are_the_measurements(run):
    (section,) = SUITES["benchmark-mi"](replace(run, sizes=(100,), with_baselines=True))
    measured = section.measured
    head, *rows = _rows(section)
    assert len(rows) == 10  # nine tasks and all of them
    error = measured.mi - measured.truth
    assert rows[-1][head.index("RMSE")] == f"{np.sqrt(np.mean(error**2)):.4f}"
    ksg = measured.baselines["KSG"] - measured.truth
    assert rows[-1][head.index("KSG RMSE")] == f"{np.sqrt(np.mean(ksg**2)):.4f}"
    held = (measured.low <= measured.truth) & (measured.truth <= measured.high)
    assert rows[-1][head.index("90 % coverage")] == f"{100 * held.mean():.1f} %"


def test_strong_dependence_is_scored_relatively(run):
    (section,) = SUITES["high"](replace(run, sizes=(100,)))
    head, *rows = _rows(section)
    relative = section.measured.mi / section.measured.truth - 1
    assert rows[-1][head.index("RMSE")] == f"{100 * np.sqrt(np.mean(relative**2)):.1f} %"
    # Seven truths of 2 to 6 nats for five families, 7 and 8 for two of them, and the whole.
    assert len(rows) == 7 * 5 + 2 * 2 + 1


def test_cells_are_reported_where_ksg_is(run):
    sections = list(SUITES["held-out"](replace(run, count=15, sizes=(60,), with_baselines=True)))
    assert sections[-1].title.endswith("cells of family, n and MI against KSG")
    assert "of 13 cells" in sections[-2].text
    assert "RMSE below KSG's in" in sections[-1].text


def test_power_has_a_line_for_each_alternative(run):
    (section,) = SUITES["power"](replace(run, sizes=(60,), count=3))
    head, *rows = _rows(section)
    assert head == ["alternative", "infonet"]
    assert [row[0] for row in rows] == ["linear", "quadratic", "circular", "checkerboard", "sine"]
    assert section.power[0].alternative == "linear"


def test_models_without_p_values_are_evaluated_without_tests(tmp_path):
    class WithoutNull:
        model = SimpleNamespace(null=None, quantile_levels=())

        def mi(self, samples, progress=None):
            return np.zeros(len(samples))

    run = Run(WithoutNull(), count=2, sizes=(60,), with_baselines=False)
    *_, last = SUITES["independence"](run)
    (power,) = SUITES["power"](run)
    assert "no p-values" in last.text
    assert "no p-values" in power.text
    assert pictures.draw_pictures([last, power], tmp_path) == []


def _measured(families=("a", "b"), sizes=(100, 1000), oracle=True):
    rng = np.random.default_rng(0)
    group = np.repeat(families, 10 * len(sizes))
    n = np.tile(np.repeat(sizes, 10), len(families))
    truth = rng.random(len(n))
    mi = truth + rng.normal(size=len(n)) / np.sqrt(n)
    return Measurements(
        group=group, n=n, truth=truth,
        oracle=truth + 0.5 * (mi - truth) if oracle else np.full(len(n), np.nan),
        rival=np.full(len(n), -1), low=mi - 0.1, mi=mi, high=mi + 0.1,
        baselines={"KSG": truth + 2 * (mi - truth)},
    )  # fmt: skip


def test_the_error_drawn_is_the_error():
    data = _measured()
    (axes,) = pictures.error_against_n({"fresh": data}).axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"infonet", "KSG", "oracle"}
    expected = [np.sqrt(np.mean((p.mi - p.truth) ** 2)) for p in data.by_n().values()]
    for name, factor in (("infonet", 1), ("KSG", 2), ("oracle", 0.5)):
        np.testing.assert_allclose(lines[name].get_xdata(), [100, 1000])
        np.testing.assert_allclose(lines[name].get_ydata(), np.multiply(expected, factor))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    (axes,) = pictures.error_against_n({"held-out": _measured(oracle=False)}).axes
    assert "oracle" not in {line.get_label() for line in axes.get_lines()}


def test_the_estimates_drawn_are_the_estimates():
    data = _measured(sizes=(1000, 20_000))
    (axes,) = pictures.estimate_against_truth({"held-out": data}).axes
    drawn = {c.get_label(): c.get_offsets() for c in axes.collections}
    part = data.where(data.n == 20_000)  # nearer to 5000 on a log scale
    np.testing.assert_allclose(drawn["infonet"], np.stack([part.truth, part.mi], 1))
    np.testing.assert_allclose(drawn["KSG"], np.stack([part.truth, part.baselines["KSG"]], 1))
    assert "n = 20,000" in axes.get_title()


def test_the_coverage_drawn_is_the_coverage():
    data = _measured()
    (axes,) = pictures.coverage_against_n(data).axes
    thick = next(line for line in axes.get_lines() if line.get_label().startswith("all"))
    held = np.abs(data.mi - data.truth) <= 0.1
    expected = [100 * held[data.n == n].mean() for n in (100, 1000)]
    np.testing.assert_allclose(thick.get_ydata(), expected)
    assert len(axes.get_lines()) == 1 + 1 + 2  # 90 %, all, each family


def test_pictures_of_what_was_evaluated(tmp_path):
    sections = [
        Section("t", "", "fresh", _measured(sizes=(100,))),
        Section("t", "", "fresh", _measured(sizes=(1000,))),
        Section("cells", ""),
    ]
    drawn = pictures.draw_pictures(sections, tmp_path / "new")
    assert [path.name for path in drawn] == ["estimate-against-truth.png", "error-against-n.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)
    assert pictures.draw_pictures([Section("cells", "")], tmp_path / "none") == []
    without = replace(_measured(), low=np.full(40, np.nan))
    names = [
        p.name for p in pictures.draw_pictures([Section("t", "", "held-out", without)], tmp_path)
    ]
    assert "coverage.png" not in names


def test_a_report_is_shown_and_kept(run, tmp_path):
    shown = []
    report(replace(run, count=1, sizes=(60,)), ("held-out", "high"), tmp_path / "r", shown.append)
    text = (tmp_path / "r" / "evaluation.md").read_text()
    tables = [part for part in shown if part.startswith("### ")]
    assert text == "".join(f"{part}\n" for part in tables)
    pngs = sorted(path.name for path in (tmp_path / "r").glob("*.png"))
    assert pngs == ["coverage.png", "error-against-n.png", "estimate-against-truth.png"]
    assert sum(part.startswith("wrote ") for part in shown) == 3


def test_the_command(tmp_path):
    arguments = ["evaluate", "--suite", "high", "--suite", "discrete", "-n", "60", "--count", "1"]
    result = CliRunner().invoke(main, [*arguments, "--no-ksg", "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert result.output.index("nats, n = 60") < result.output.index("five-level ratings")
    assert "KSG" not in result.output
    assert (tmp_path / "out" / "estimate-against-truth.png").exists()


def test_wrong_suites_are_refused():
    result = CliRunner().invoke(main, ["evaluate", "--suite", "everything"])
    assert result.exit_code == 2
    assert "benchmark-mi" in result.output


def test_without_matplotlib_the_command_says_so_at_once(tmp_path):
    code = (
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"  # importing it now raises
        "from infonet.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "evaluate", "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'infonet[plot]'" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()
