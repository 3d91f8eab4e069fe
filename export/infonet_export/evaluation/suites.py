"""The parts of an evaluation, by the names that the command knows: each gives sections to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from infonet_export.evaluation import baselines as rivals
from infonet_export.evaluation import cases
from infonet_export.evaluation.baselines import Baseline
from infonet_export.evaluation.cases import Case
from infonet_export.evaluation.measure import Measurements, Progress, join
from infonet_export.evaluation.report import (
    Rows,
    cell_report,
    cells,
    markdown,
    number,
    percent,
    score_table,
    with_total,
)
from infonet_export.evaluation.run import Run, Section
from infonet_export.evaluation.significance import OTHERS, Rejections, power, rejections
from infonet_export.samplers.distribution import Family
from infonet_export.samplers.held_out import TEST
from infonet_export.samplers.unseen_new import NEW

KSG_ONLY: dict[str, Baseline] = {"KSG": rivals.ksg}
NO_P_VALUES = "The model gives no p-values: its file has no null distribution."
LARGE = 20_000  # beyond, fewer cases do: KSG takes a second each
HUGE = 1_000_000  # from here on half a minute


def mixtures(run: Run) -> Iterator[Section]:
    """Gaussian mixtures of the paper's recipe, and error against n on fresh ones."""
    if run.mixtures is not None:
        for n in run.at(1000, 5000):
            drawn = cases.mixture_file_cases(run.mixtures, n, run.seed)
            measured = run.measure("mixtures", _first(drawn, run.number(500)), rivals.CONTINUOUS)
            rows = [*with_total(measured.groups(), measured), *_above(measured, 1.0)]
            title = f"Mixtures of {run.mixtures.name}, n = {n:,}"
            yield Section(title, score_table("mixtures", rows), "mixtures", measured)
    parts = []
    for n in run.at(100, 300, 1000, 5000, 20_000, 100_000):
        count = run.number(50 if n <= LARGE else 10)
        drawn = cases.fresh_mixture_cases(count, n, run.seed)
        parts.append(run.measure("fresh mixtures", drawn, rivals.CONTINUOUS))
    measured = join(parts)
    by_n = measured.by_n()
    for n, part in by_n.items():
        if run.mixtures is None and n in (run.sizes or (5000,)):
            table = score_table("mixtures", [*with_total(part.groups(), part), *_above(part, 1.0)])
            yield Section(f"Fresh mixtures of the paper's recipe, n = {n:,}", table)
    rows = [(f"{n:,}", part) for n, part in by_n.items()]
    rows += [(f"{n:,}, above 1 nat", p) for n, part in by_n.items() for _, p in _above(part, 1.0)]
    table = score_table("n", rows)
    yield Section("Fresh mixtures of the paper's recipe, truths computed", table, "fresh", measured)


def benchmark_mi(run: Run) -> Iterator[Section]:
    """The nine one-dimensional tasks of benchmark-mi."""
    for n in run.at(1000, 5000):
        drawn = cases.benchmark_mi_cases(run.number(100), n, run.seed)
        measured = run.measure("benchmark-mi", drawn, rivals.CONTINUOUS)
        table = score_table("task", with_total(measured.groups(), measured))
        yield Section(f"benchmark-mi, 1v1 tasks, n = {n:,}", table, "benchmark-mi", measured)


def held_out(run: Run) -> Iterator[Section]:
    """The thirteen families of held_out.TEST, which neither training nor calibration draws."""
    yield from _held_out(run, "held-out", "Families never trained on", TEST)


def held_out_new(run: Run) -> Iterator[Section]:
    """The five families of unseen_new.NEW, which came after the estimator and its constants."""
    yield from _held_out(run, "held-out-new", "Families newer than the estimator", NEW)


def _held_out(run: Run, name: str, title: str, families: dict[str, Family]) -> Iterator[Section]:
    parts = []
    for n in run.at(100, 300, 1000, 5000, 20_000, 100_000, 1_000_000):
        count = run.number(100 if n <= LARGE else 10 if n < HUGE else 3)
        drawn = cases.held_out_cases(count, n, run.seed, families)
        parts.append(run.measure(f"{name}, n = {n:,}", drawn, rivals.CONTINUOUS))
        table = score_table("family", with_total(parts[-1].groups(), parts[-1]))
        yield Section(f"{title}, n = {n:,}", table)
    measured = join(parts)
    rows = [(f"{n:,}", part) for n, part in measured.by_n().items()]
    yield Section(title, score_table("n", rows), name, measured)
    if "KSG" in measured.baselines:
        whole = cells(measured, edges=(0.0, np.inf))
        report = [cell_report(whole), cell_report(cells(measured))]
        yield Section(f"{title}: cells of family and n against KSG", report[0])
        yield Section(f"{title}: cells of family, n and MI against KSG", report[1])


def high(run: Run) -> Iterator[Section]:
    """Truths from 2 to 8 nats; errors relative to the truth."""
    for n in run.at(5000):
        drawn = cases.high_information_cases(run.number(30), n, run.seed)
        measured = run.measure("high MI", drawn, rivals.CONTINUOUS)
        rows: Rows = [
            (f"{name}, {truth:g} nats", part.where(part.truth == truth))
            for name, part in measured.groups().items()
            for truth in np.unique(part.truth)
        ]
        table = score_table("case", [*rows, ("all", measured)], relative=True)
        yield Section(f"Truths of 2 to 8 nats, n = {n:,}", table, "high", measured)


def discrete(run: Run) -> Iterator[Section]:
    """Counts, ratings, a label beside a number, and rounded numbers."""
    parts = []
    for n in run.at(100, 300, 1000, 5000, 20_000):
        drawn = cases.discrete_cases(run.number(50), n, run.seed)
        parts.append(run.measure(f"discrete, n = {n:,}", drawn, rivals.DISCRETE))
    measured = join(parts)
    rows = [
        (f"{name}, n = {n:,}", part)
        for name, of_kind in measured.groups().items()
        for n, part in of_kind.by_n().items()
    ]
    yield Section("Discrete and tied variables", score_table("variables", rows), "", measured)
    name = "scikit-learn"
    if name in measured.baselines:
        report = cell_report(cells(measured, name), name)
        yield Section(f"Cells of kind, n and MI against {name}'s estimator for the kind", report)


def _above(part: Measurements, truth: float) -> list[tuple[str, Measurements]]:
    chosen = part.where(part.truth > truth)
    return [(f"truth above {truth:g} nat", chosen)] if len(chosen) else []


def _first(drawn: Iterable[Case], count: int) -> Iterator[Case]:
    """The first mixtures of every number of components, each with both of its pairs."""
    seen: Counter[str] = Counter()
    for case in drawn:
        seen[case.group] += 1
        if seen[case.group] <= 2 * count:
            yield case


def independence(run: Run) -> Iterator[Section]:
    """Estimates and p-values where nothing is to be found."""
    parts = []
    for levels in (0, 2, 5, 20):
        for n in run.at(100, 1000, 10_000):
            drawn = cases.independent_cases(run.number(200), n, run.seed, levels)
            baselines = rivals.DISCRETE if levels else KSG_ONLY
            part = run.measure("independent", drawn, baselines)
            parts.append((f"{part.group[0]}, n = {n:,}", part))
    for title, chosen in (
        ("Independent continuous data", [p for p in parts if "continuous" in p[0]]),
        ("Independent discrete data", [p for p in parts if "levels" in p[0]]),
    ):
        yield Section(title, score_table("data", chosen))
    if run.estimator.model.null is None:
        yield Section("Rejections under independence", NO_P_VALUES)
        return
    found: list[Rejections] = []
    count = run.number(20_000)
    sizes = run.sizes or (30, 100, 1000, 10_000)
    with Progress("p-values", count * len(sizes)) as bar:
        for n in sizes:
            found += rejections(run.estimator, n, count, run.seed, bar)
    head = ["n", "level", "rejected", "99 % band", "inside"]
    lines = [
        [
            f"{r.n:,}",
            f"{r.level:g}",
            percent(r.share, 3),
            f"{percent(r.low, 3)} to {percent(r.high, 3)}",
            "yes" if r.inside else "no",
        ]
        for r in found
    ]
    title = f"Rejections under independence, {count:,} data sets for each n"
    yield Section(title, markdown(head, lines))


def power_suite(run: Run) -> Iterator[Section]:
    """Power at the level 0.05 beside KSG and distance correlation."""
    if run.estimator.model.null is None:
        yield Section("Power at the level 0.05", NO_P_VALUES)
        return
    count = run.number(500)
    for n in run.sizes or (200,):
        with Progress("power", 5 * count) as bar:
            found = power(
                run.estimator,
                n,
                count,
                run.seed,
                null_draws=200 if run.quick else 2000,
                progress=bar,
                others=OTHERS if run.with_baselines else {},
            )
        names = list(found[0].others)
        lines = [
            [p.alternative, number(p.ours, 3), *(number(p.others[name], 3) for name in names)]
            for p in found
        ]
        title = f"Power at the level 0.05, n = {n:,}, {count:,} data sets each"
        table = markdown(["alternative", "infonet", *names], lines)
        yield Section(title, table, "power", power=found)


SUITES: dict[str, Callable[[Run], Iterator[Section]]] = {
    "mixtures": mixtures,
    "benchmark-mi": benchmark_mi,
    "held-out": held_out,
    "held-out-new": held_out_new,
    "high": high,
    "discrete": discrete,
    "independence": independence,
    "power": power_suite,
}


def report(
    run: Run, suites: Iterable[str], output: Path | None, show: Callable[[str], None]
) -> list[Section]:
    """Evaluate and show section by section; write evaluation.md and pictures to ``output``."""
    if output is not None:
        from infonet.plotting import require_matplotlib

        require_matplotlib("drawing an evaluation")  # now rather than after half an hour
        output.mkdir(parents=True, exist_ok=True)
        (output / "evaluation.md").unlink(missing_ok=True)
    done = []
    for section in _sections(run, suites):
        text = f"### {section.title}\n\n{section.text}\n"
        show(text)
        done.append(section)
        if output is not None:
            with (output / "evaluation.md").open("a", encoding="utf-8") as file:
                file.write(text + "\n")
    if output is not None:
        from infonet_export.evaluation.pictures import draw_pictures

        for path in draw_pictures(done, output):
            show(f"wrote {path}")
    return done


def _sections(run: Run, suites: Iterable[str]) -> Iterator[Section]:
    for name in suites:
        yield from SUITES[name](run)
