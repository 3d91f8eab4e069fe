"""Suites about independence: estimates near 0, p-values and power."""

from __future__ import annotations

from collections.abc import Iterator

from infonet_export.evaluation import baselines as rivals
from infonet_export.evaluation import cases
from infonet_export.evaluation.baselines import Baseline
from infonet_export.evaluation.progress import Progress
from infonet_export.evaluation.run import Run, Section
from infonet_export.evaluation.significance import OTHERS, Rejections, power, rejections
from infonet_export.evaluation.tables import markdown, number, percent, score_table

KSG_ONLY: dict[str, Baseline] = {"KSG": rivals.ksg}
NO_P_VALUES = "The model gives no p-values: its file has no null distribution."


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
