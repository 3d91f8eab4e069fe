"""The pictures of an evaluation as PNG files (matplotlib, from the extra plot)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from infonet.plotting import new_figure, require_matplotlib, save_figure

from infonet_export.evaluation.measure import Measurements, coverage, join, score
from infonet_export.evaluation.run import Section
from infonet_export.evaluation.significance import Power

OURS, ORACLE = "#0b5394", "#666666"
OTHERS = {"KSG": "#cc5500", "Gaussian copula": "#6aa84f", "histogram": "#a64d79"}
SHOWN_N = 5000


def draw_pictures(sections: Iterable[Section], folder: Path) -> list[Path]:
    """Write what the sections allow: estimate against truth, error against n, coverage, power.

    Raises MissingExtraError without matplotlib.
    """
    figures: dict[str, list[Section]] = {}
    for section in sections:
        if section.figure:
            figures.setdefault(section.figure, []).append(section)
    data = {
        name: join([s.measured for s in of_name if s.measured is not None])
        for name, of_name in figures.items()
        if of_name[0].measured is not None
    }
    found = [s.power for s in figures.get("power", [])]
    drawn: dict[str, Any] = {}
    if set(data) & set(TRUTH_PANELS):
        drawn["estimate-against-truth.png"] = estimate_against_truth(data)
    if set(data) & set(ERROR_PANELS):
        drawn["error-against-n.png"] = error_against_n(data)
    if "held-out" in data and np.isfinite(data["held-out"].low).all():
        drawn["coverage.png"] = coverage_against_n(data["held-out"])
    if found:
        drawn["power.png"] = power_chart(found[0])
    folder.mkdir(parents=True, exist_ok=True)
    return [save_figure(figure, folder / name) for name, figure in drawn.items()]


TRUTH_PANELS = {
    "mixtures": "mixtures of the paper's file",
    "fresh": "fresh mixtures",
    "held-out": "families never trained on",
    "high": "strong dependence",
}
ERROR_PANELS = {"fresh": "mixtures of the paper's recipe", "held-out": "families never trained on"}


def estimate_against_truth(data: dict[str, Measurements]) -> Any:
    """One panel a suite: the model and KSG at the n nearest to SHOWN_N."""
    panels = {key: title for key, title in TRUTH_PANELS.items() if key in data}
    if "mixtures" in panels:
        panels.pop("fresh", None)
    figure = new_figure(4.0 * len(panels), 4.2)
    for index, (key, title) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), index + 1)
        sizes = np.unique(data[key].n)
        n = int(sizes[np.abs(np.log(sizes / SHOWN_N)).argmin()])
        part = data[key].where(data[key].n == n)
        top = 1.05 * max(float(part.truth.max()), float(part.mi.max()))
        axes.plot([0, top], [0, top], color="black", linewidth=0.8)
        if "KSG" in part.baselines:
            style = {"s": 6, "alpha": 0.5, "linewidths": 0}
            axes.scatter(
                part.truth, part.baselines["KSG"], color=OTHERS["KSG"], label="KSG", **style
            )
        axes.scatter(part.truth, part.mi, s=6, alpha=0.6, linewidths=0, color=OURS, label="infonet")
        axes.set(title=f"{title}, n = {n:,}", xlabel="true MI (nats)", ylabel="estimate (nats)")
        axes.legend(frameon=False, loc="upper left", markerscale=2)
    return figure


def error_against_n(data: dict[str, Measurements]) -> Any:
    """RMSE of every estimator and, where densities are known, of the oracle; log axes."""
    panels = {key: title for key, title in ERROR_PANELS.items() if key in data}
    require_matplotlib("drawing")
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = new_figure(5.0 * len(panels), 4.2)
    for index, (key, title) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), index + 1)
        by_n = data[key].by_n()
        sizes = list(by_n)

        def line(values: Callable[[Measurements], Any], by_n: Any = by_n) -> list[float]:
            return [score(values(part), part.truth).rmse for part in by_n.values()]

        for name in data[key].baselines:
            heights = line(lambda part, name=name: part.baselines[name])  # type: ignore[misc]
            axes.plot(sizes, heights, "s--", markersize=3.5, color=OTHERS.get(name), label=name)
        axes.plot(sizes, line(lambda part: part.mi), "o-", color=OURS, label="infonet")
        if np.isfinite(data[key].oracle).all():
            axes.plot(sizes, line(lambda p: p.oracle), ":", color=ORACLE, label="oracle")
        axes.set(xscale="log", yscale="log", title=title, xlabel="n", ylabel="RMSE (nats)")
        plain = FuncFormatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3, which="both")
        axes.legend(frameon=False)
    return figure


def coverage_against_n(measured: Measurements) -> Any:
    """Share of 90 % intervals that hold the truth: each family thin, all of them thick."""
    figure = new_figure(6.0, 4.2)
    axes = figure.add_subplot(1, 1, 1)
    axes.axhspan(87, 93, color=OURS, alpha=0.15, linewidth=0)
    axes.axhline(90, color="black", linewidth=0.8)

    def line(part: Measurements) -> tuple[list[int], list[float]]:
        by_n = part.by_n()
        return list(by_n), [100 * coverage(p.low, p.high, p.truth) for p in by_n.values()]

    for part in measured.groups().values():
        axes.plot(*line(part), color=ORACLE, linewidth=0.7, alpha=0.6)
    axes.plot(*line(measured), "o-", color=OURS, linewidth=2, label="all held-out families")
    axes.set(xscale="log", xlabel="n", ylabel="coverage of the 90 % interval (%)", ylim=(40, 101))
    axes.legend(frameon=False, loc="lower right")
    return figure


def power_chart(found: list[Power]) -> Any:
    """Bars of every alternative and test."""
    figure = new_figure(7.0, 3.6)
    axes = figure.add_subplot(1, 1, 1)
    names = ["infonet", *found[0].others]
    colours = [OURS, OTHERS["KSG"], ORACLE]
    place = np.arange(len(found))
    for index, name in enumerate(names):
        heights = [p.ours if name == "infonet" else p.others[name] for p in found]
        shift = (index - (len(names) - 1) / 2) * 0.8 / len(names)
        colour = colours[index % len(colours)]
        axes.bar(place + shift, heights, 0.8 / len(names), color=colour, label=name)
    axes.set(ylabel="power at the level 0.05", ylim=(0, 1.12))
    axes.set_xticks(place, [p.alternative for p in found])
    axes.legend(frameon=False, ncols=len(names), loc="upper center")
    return figure
