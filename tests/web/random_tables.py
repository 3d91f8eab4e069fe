"""Write random tables of all kinds as CSV, and what the package says of them, for the page's tests.

Usage: python random_tables.py FOLDER. The folder gets NAME.csv and NAME.json for each table. The
answers are made here and now by the package that is installed, so that the page is compared with
what the package does today.
"""

from __future__ import annotations

import csv
import itertools
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from infonet import Estimator
from infonet.inputs.open import open_columns
from infonet.matrix.frames import adjust
from infonet.plotting import cluster_order
from scipy.stats import norm

Random = np.random.Generator
Columns = dict[str, list[Any]]


def write_table(folder: Path, name: str, columns: Columns) -> None:
    """Write a table as CSV; None is an empty cell."""
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(
            ["" if v is None else v for v in row] for row in zip(*columns.values(), strict=True)
        )


def write_answers(folder: Path, name: str) -> None:
    """Write what the package says of all pairs of NAME.csv, as `infonet matrix --nan omit` does."""
    source = open_columns(str(folder / f"{name}.csv"), unusable="omit")
    result = Estimator(threads=1).pairwise(source, nan="omit")
    pairs = []
    for k in range(result.pairs.count):
        a, b = (int(i) for i in result.pairs.between(k, k + 1)[0])
        pair = result[result.names[a], result.names[b]]
        low, high = pair.interval or (math.nan, math.nan)
        pairs.append(
            {
                "names": pair.names,
                "mi": _plain(pair.mi),
                "low": _plain(low),
                "high": _plain(high),
                "p": pair.p_value,
                "n": pair.n,
                "method": pair.method,
                "notes": pair.notes,
            }
        )
    left_out = [name for name, _ in source.left_out]
    answers = {"names": source.names, "left_out": left_out, "rows": source.rows, "pairs": pairs}
    answers["nominal"] = source.nominal
    answers["adjusted"] = [_plain(p) for p in adjust(result.p_values, "fdr_bh").tolist()]
    answers["order"] = cluster_order(result.mi).tolist()
    (folder / f"{name}.json").write_text(json.dumps(answers), encoding="utf-8")


def write_tables(folder: Path, name: str, columns: Columns) -> None:
    """Write the tables of pointwise mutual information of pairs of a table without gaps."""
    pairs = list(itertools.combinations(columns, 2))
    estimator, found = Estimator(threads=1), []
    for x, y in pairs:
        table = estimator.estimate(columns[x], columns[y]).table
        found.append(None if table is None else table.round(6).ravel().tolist())
    (folder / f"{name}.tables.json").write_text(json.dumps(found), encoding="utf-8")


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def numbers(random: Random, n: int) -> Columns:
    """Continuous numbers, dependent and not, with few ties and with sharp dependence."""
    x = random.normal(size=n)
    return {
        "x": x.tolist(),
        "linear": (0.8 * x + random.normal(size=n)).tolist(),
        "parabola": (x**2 + 0.5 * random.normal(size=n)).tolist(),
        "other": random.exponential(size=n).tolist(),
        "sharp": (x + 0.003 * random.normal(size=n)).tolist(),
        "cubed": (x**3).tolist(),
        "some ties": np.where(random.random(n) < 0.01, 0.5, random.random(n)).tolist(),
    }


def tied(random: Random, n: int) -> Columns:
    """Rounded numbers, counts, ratings, spikes, rare flags, constants."""
    x = random.normal(size=n)
    rain = np.where(random.random(n) < 0.85, 0.0, random.gamma(2.0, 3.0, n))
    claims = np.where(random.random(n) < 0.82, 0.0, np.abs(x) * random.gamma(3.0, 1.0, n))
    return {
        "x": x.round(4).tolist(),
        "rounded": (x + 0.5 * random.normal(size=n)).round(1).tolist(),
        "counts": random.poisson(np.exp(1.0 + 0.4 * x)).tolist(),
        "small counts": random.poisson(0.4 + 0.3 * (x > 0)).tolist(),
        "rating": np.clip(np.rint(3 + x), 1, 5).astype(int).tolist(),
        "rain": rain.round(1).tolist(),
        "claims": claims.tolist(),
        "wet": (rain > 2).astype(int).tolist(),
        "rare": (random.random(n) < 0.02).astype(int).tolist(),
        "flat": [7] * n,
        "product": random.permutation(np.arange(n) % max(6, n // 40)).tolist(),
    }


def labels(random: Random, n: int) -> Columns:
    """Text of few and many categories, beside numbers that depend on them."""
    kind = random.integers(0, 4, n)
    town = random.integers(0, max(5, n // 12), n)
    effect = random.normal(size=max(5, n // 12))
    height = effect[town] + 0.4 * random.normal(size=n)
    skewed = random.choice(9, n, p=np.r_[0.6, 0.2, np.full(7, 0.2 / 7)])
    return {
        "kind": [f"kind {k}" for k in kind],
        "town": [f"town {t}" for t in town],
        "region": [f"region {t % 5}" for t in town],
        "skewed": [f"s{k}" for k in skewed],
        "answer": np.where(random.random(n) < 0.3 + 0.1 * kind, "yes", "no").tolist(),
        "height": height.tolist(),
        "tens": height.round(1).tolist(),
        "score": (kind + random.integers(0, 3, n)).tolist(),
        "code": ((town * 7919) % 97).tolist(),
    }


def grouped(random: Random, n: int) -> Columns:
    """Codes and names that agree in their group, near numbers, ratings of rare levels, stripes."""
    group = random.integers(0, 5, n)
    codes = random.permutation(60)
    step = random.integers(0, 12, n)
    taste = random.normal(size=n)
    number = random.random(n)
    return {
        "first": (6 * group + random.integers(0, 6, n)).tolist(),
        "second": codes[6 * group + random.integers(0, 6, n)].tolist(),
        "name": [f"n{k}" for k in 4 * group + random.integers(0, 4, n)],
        "step": step.tolist(),
        "near": (step + random.integers(0, 3, n)).tolist(),
        "taste": (taste + 0.5 * random.normal(size=n)).round(0).tolist(),
        "other": (2 * taste + random.normal(size=n)).round(0).tolist(),
        "number": number.tolist(),
        "stripe": ((number * n / 25).astype(int) % 2).tolist(),
        "band": [f"b{k}" for k in (number * n / 25).astype(int) % 12],
    }


def crowded(random: Random, n: int) -> Columns:
    """Shares that sum to 1 and sums of heavy tails: density piles up along edges and in corners."""
    sharp, even = (random.gamma(shape, size=(3, n)) for shape in (0.3, 0.5))
    tails = 1 / random.normal(size=(2, n)) ** 2
    found = {"x": sharp[0] / sharp.sum(0), "y": sharp[1] / sharp.sum(0)}
    found |= {"u": even[0] / even.sum(0), "v": even[1] / even.sum(0)}
    found |= {"tail": tails[0], "sum": tails[0] + tails[1] / 2}
    return {name: values.tolist() for name, values in found.items()}


def gaps(random: Random, n: int) -> Columns:
    """All kinds at once, with values missing here and there."""
    many = {**numbers(random, n), **tied(random, n), **labels(random, n)}
    names = ("x", "linear", "rounded", "rain", "kind", "town", "answer", "counts", "sharp", "rare")
    found: Columns = {}
    for i, name in enumerate(names):
        missing = random.random(n) < 0.03 * i
        found[name] = [None if m else v for v, m in zip(many[name], missing, strict=True)]
    found["empty"] = [None if i > 5 else i for i in range(n)]
    return found


def repeated(random: Random, n: int) -> Columns:
    """Rows drawn with repetition, as of a bootstrap sample, and functions of other columns."""
    rows = random.integers(0, n, n)
    x, y = random.normal(size=(2, n))
    group = random.integers(0, 30, n)
    return {
        "x": x[rows].tolist(),
        "y": (x + y)[rows].tolist(),
        "z": (x**2).round(2)[rows].tolist(),
        "group": group.tolist(),
        "parity": (group % 2).tolist(),
        "name": [f"g{(g * 17) % 30}" for g in group],
        "step": (np.arange(n) // max(1, n // 12)).tolist(),
        "row": np.arange(n).tolist(),
    }


def weighted(random: Random, n: int) -> Columns:
    """Rows that repeat by weights, codes that do, exceptions of functions, common failures."""
    base = max(20, n // 6)
    share = 1 / np.arange(1, base + 1)
    row = random.choice(base, n, p=share / share.sum())
    x, y = random.normal(size=(2, base))
    income = random.lognormal(8, 0.3, base).round()
    code = random.integers(0, base, n)
    fault = random.random(n) < 0.03
    return {
        "x": x[row].tolist(),
        "y": y[row].tolist(),
        "bent": (x**2 + 0.3 * y)[row].round(6).tolist(),
        "label": (y > 1).astype(int)[row].tolist(),
        "sex": np.where(y < 0, "m", "f")[row].tolist(),
        "income": income[row].tolist(),
        "step": np.floor(2 * x)[row].tolist(),
        "flipped": ((x > 0)[row] ^ (random.random(n) < 1 / n)).astype(int).tolist(),
        "fault": np.where(fault, 0, random.normal(size=n)).tolist(),
        "fault too": np.where(fault, -1, random.normal(size=n)).tolist(),
        "code": code.tolist(),
        "kind": random.integers(0, 4, base)[code].tolist(),
        "price": random.lognormal(2, 0.6, base).round(1)[code].tolist(),
    }


def written(random: Random, n: int) -> Columns:
    """Rows that were all written four times, or some columns of these two or three times."""
    size = n // 4
    x, y = random.normal(size=(2, size))
    age = random.integers(18, 80, size)
    columns = {
        "x": x.tolist(),
        "rounded": x.round(1).tolist(),
        "other": y.round(1).tolist(),
        "age": age.tolist(),
        "label": (random.random(size) < 0.2 + 0.005 * (age - 18)).astype(int).tolist(),
        "rating": random.integers(1, 7, size).tolist(),
        "town": [f"t{k}" for k in random.integers(0, 12, size)],
    }
    found: Columns = {name: np.repeat(values, 4).tolist() for name, values in columns.items()}
    often = np.tile([2, 3, 3], size)[:size]
    for name in ("rounded", "other", "age"):
        more = np.repeat(columns[name], often).tolist()
        found[f"{name} often"] = [*more, *[None] * n][: 4 * size]
    station = np.arange(4 * size) % 25
    found["station"] = station.tolist()
    found["height"] = random.normal(size=25)[station].tolist()
    return found


def filled(random: Random, n: int) -> Columns:
    """Numbers of which many have one value, zero or the mean, beside labels and categories."""
    x, y = random.normal(size=(2, n))
    near = 0.8 * x + 0.6 * y
    group = (norm.cdf(x) * n / 5).astype(int)
    return {
        "imputed": np.where(random.random(n) < 0.5, near.mean(), near).tolist(),
        "claims": np.where(near > 0.3, np.exp(near), 0.0).tolist(),
        "rain": np.where(near > 1.2, np.exp(near), 0.0).tolist(),
        "rating": np.clip(np.rint(3 + x), 1, 5).astype(int).tolist(),
        "answer": np.where(x > 0.5, "yes", "no").tolist(),
        "group": [f"g{k}" for k in group],
        "code": random.permutation(n)[group].tolist(),
    }


KINDS: dict[str, tuple[Callable[[Random, int], Columns], tuple[int, ...]]] = {
    "numbers": (numbers, (24, 150, 2500, 21_000)),
    "tied": (tied, (24, 90, 400, 3000)),
    "labels": (labels, (30, 200, 380, 3000)),
    "gaps": (gaps, (60, 700)),
    "repeated": (repeated, (80, 900)),
    "weighted": (weighted, (300, 2000)),
    "grouped": (grouped, (250, 1500, 6000)),
    "crowded": (crowded, (1200, 5000, 9000)),
    "written": (written, (400, 2000)),
    "filled": (filled, (250, 1000, 3000)),
}

# Of which there are pictures.
DRAWN = (
    "numbers-150",
    "tied-400",
    "labels-200",
    "repeated-80",
    "weighted-300",
)


def main(folder: Path) -> None:
    """Write all tables."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (kind, (make, sizes)) in enumerate(KINDS.items()):
        for n in sizes:
            columns = make(np.random.default_rng([seed, n]), n)
            write_table(folder, f"{kind}-{n}", columns)
            write_answers(folder, f"{kind}-{n}")
            if f"{kind}-{n}" in DRAWN:
                write_tables(folder, f"{kind}-{n}", columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
