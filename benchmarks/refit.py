"""Fit the constants again by which estimates are corrected and intervals widened; print both.

    python benchmarks/refit.py cells|sharp|coarse|bounds [--count 30] [--seed 11]
        [--saved FILE] [--minutes 60] [--few-sizes]

cells and sharp (`refit_pairs.py`): the constants of runtime/infonet/pairs, cells.py, sharp.py and
refine.py, on the families that calibrate intervals. coarse (`refit_coarse.py`): from where on cells
are too coarse, refine.py, on these and on functional relations as training draws them. bounds
(`refit_vectors.py`): those of runtime/infonet/vines/bounds.py, on `vector_families.py`. Families
that judge are never drawn.

What is measured is kept in a file, a case a line, and a run goes on from there; after so many
minutes it stops and fits nothing. --few-sizes: fewer sizes of samples, for a try.

A fit minimises the mean over cells, of one family and one number of samples, of the logarithm of
the RMSE, or of the score of 90 % intervals (width, and 20 times by what the truth is beyond an
end; Gneiting & Raftery 2007), so that every cell counts the same whatever its scale. "Left out":
each family judged by constants fitted without it, which is what new data would see. Only where
that is clearly below 1 are refitted constants better than the committed ones.
"""

# ruff: noqa: E402

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import infonet
import numpy as np
from scipy.optimize import minimize

REACH = 20  # times, by which a constant may change: beyond, data do not determine it
OUTSIDE = 20  # 2 / 0.1: what a nat costs by which the truth is beyond an end of a 90 % interval


@dataclass(frozen=True)
class Fit:
    """Constants that are fitted together.

    Attributes:
        title: what they do.
        names: of the constants, module and name.
        committed: their values, all above 0.
        loss: (values, columns) -> what each case costs, [cases], above 0: squared errors, or scores
            of intervals.
        keep: columns -> which cases count.
        held: (values, columns) -> whether each interval holds the truth, or None.
    """

    title: str
    names: tuple[str, ...]
    committed: tuple[float, ...]
    loss: Callable
    keep: Callable
    held: Callable | None = None


def interval_score(low, high, truth):
    """[cases], nats: the smaller the better; its mean is smallest for the true quantiles."""
    return high - low + OUTSIDE * (np.maximum(low - truth, 0) + np.maximum(truth - high, 0))


def of_cells(fit, values, columns):
    """Logarithm of the mean loss of each cell, and the family of each; of the RMSE if squares."""
    losses = fit.loss(values, columns)
    cells = columns["cell"]
    number = np.bincount(cells)
    kept = number > 0
    means = np.bincount(cells, losses)[kept] / number[kept]
    power = 0.5 if fit.held is None else 1.0
    families = np.empty(len(number), object)
    families[cells] = columns["family"]
    return power * np.log(means + 1e-300), families[kept]


def fitted(fit, columns, start):
    """The values of least loss, by the simplex of Nelder & Mead in their logarithms, from `start`
    on and within REACH times the committed ones either way."""
    committed = np.log(fit.committed)
    near = np.log(REACH)

    def objective(logs):
        return of_cells(fit, np.exp(logs), columns)[0].mean()

    first = np.log(start)
    simplex = np.vstack([first, first + 0.4 * np.eye(len(first))])
    options = {"initial_simplex": simplex, "maxiter": 400 * len(first), "xatol": 2e-3}
    limits = np.stack([committed - near, committed + near], 1)
    found = minimize(objective, first, method="Nelder-Mead", bounds=limits, options=options)
    return np.exp(found.x)


def some(columns, kept):
    return {name: values[kept] for name, values in columns.items()}


def report(fit, columns):
    """Print the constants and what they are worth."""
    columns = some(columns, fit.keep(columns))
    families = sorted(set(columns["family"]))
    committed = np.array(fit.committed)
    new = fitted(fit, columns, committed)
    before, of_family = of_cells(fit, committed, columns)
    change = of_cells(fit, new, columns)[0] - before
    others, apart, held_out = [], [], []
    for family in families:
        own = columns["family"] == family
        others.append(fitted(fit, some(columns, ~own), new))
        left_out = some(columns, own)
        cells = of_cells(fit, others[-1], left_out)[0]
        apart.append(cells - before[of_family == family])
        if fit.held is not None:
            held_out.append(fit.held(others[-1], left_out).mean())
    print(f"\n### {fit.title}\n\n{len(columns['n'])} cases, {len(families)} families.\n")
    print("| constant | committed | refitted | without one family |\n|---|---:|---:|---:|")
    for name, old, value, range_ in zip(fit.names, committed, new, np.array(others).T, strict=True):
        print(f"| {name} | {old:.4g} | {value:.4g} | {range_.min():.4g} to {range_.max():.4g} |")
    what = "RMSE" if fit.held is None else "interval score"
    print(f"\n| {what}, refitted over committed | fitted to all | left out |\n|---|---:|---:|")
    for family, cells in zip(families, apart, strict=True):
        own = np.exp(change[of_family == family].mean())
        print(f"| {family} | {own:.3f} | {np.exp(cells.mean()):.3f} |")
    left_out = np.concatenate(apart)
    error = np.std([cells.mean() for cells in apart]) / np.sqrt(len(apart))
    mean = np.exp(left_out.mean())
    print(f"| geometric mean of cells | {np.exp(change.mean()):.3f} | ", end="")
    print(f"{mean:.3f} +- {mean * error:.3f} |")
    if fit.held is not None:
        of_each = [fit.held(values, columns).mean() for values in (committed, new)]
        print(f"\nCoverage: committed {of_each[0]:.1%}, refitted {of_each[1]:.1%}, ", end="")
        print(f"left out {np.mean(held_out):.1%}, least of a family {min(held_out):.1%}")


def measured(cases, path, minutes):
    """Columns of all cases, of the file or measured now; None if time ran out.

    Args:
        cases: (key, measure) pairs; measure() -> a row of numbers and text.
        path: JSON lines, or None.
        minutes: that may pass.
    """
    known = {}
    if path is not None and path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            known[row["key"]] = row
    end, rows = time.monotonic() + 60 * minutes, []
    for key, measure in cases:
        if key not in known:
            if time.monotonic() > end:
                print(f"{len(rows)} cases are measured: run the same again to go on")
                return None
            known[key] = {"key": key, **measure()}
            if path is not None:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known[key]) + "\n")
        rows.append(known[key])
    names = [name for name in rows[0] if name != "key"]
    columns = {name: np.array([row[name] for row in rows]) for name in names}
    cells = [f"{row['family']} {row['n']}" for row in rows]
    columns["cell"] = np.unique(cells, return_inverse=True)[1]
    return columns


def check(what, ours, runtime):
    """The formulas that are fitted must be those of the runtime."""
    off = np.max(np.abs(ours - runtime))
    if off > 1e-6:
        raise SystemExit(
            f"{what}: the committed constants give numbers that differ by {off:.2g} from those of "
            "the runtime; bring the formulas of this file in line with it, or measure again"
        )


def processor():
    with Path("/proc/cpuinfo").open() as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores"


def main():
    import refit_coarse
    import refit_pairs
    import refit_vectors

    parts = {
        "cells": (refit_pairs.cell_cases, refit_pairs.cell_fits),
        "sharp": (refit_pairs.sharp_cases, refit_pairs.sharp_fits),
        "coarse": (refit_coarse.cases, refit_coarse.fits),
        "bounds": (refit_vectors.cases, refit_vectors.fits),
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=parts)
    parser.add_argument("--count", type=int, default=30, help="draws of each family and n")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--saved", type=Path, help="file of what was measured, to go on with")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--few-sizes", action="store_true")
    options = parser.parse_args()
    print(f"{options.part}, infonet {infonet.__version__}, {processor()}, one thread, ", end="")
    print(f"seed {options.seed}, {options.count} draws")
    cases, fits = parts[options.part]
    drawn = cases(infonet.Estimator(threads=1), options)
    columns = measured(drawn, options.saved, options.minutes)
    if columns is not None:
        for fit in fits(columns):
            report(fit, columns)


if __name__ == "__main__":
    main()
