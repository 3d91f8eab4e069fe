"""Two columns of categories with few rows in each cell, beside other estimators of their counts.

    python benchmarks/categories.py [--count 10] [--seed 0]

The labels of each category are drawn from shares of its own, which are known, so the truth is, too.
The kinds of shares differ in what categories have in common; the shapes in the numbers of rows,
categories and labels, and in whether all categories have as many rows.

Rivals: plain counts (scikit-learn's mutual_info_score), the same with the correction of Miller &
Madow, and the entropies of Chao & Shen (2003). RMSE in nats; "held" is the share of draws whose
90 % interval holds the truth.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import infonet
import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

Array = NDArray[Any]
SHAPES = [  # rows, categories, labels, exponent of the sizes of the categories
    (2000, 200, 10, 0.0),
    (5000, 500, 20, 0.0),
    (5000, 500, 50, 0.0),
    (5000, 1000, 7, 0.8),
    (2000, 100, 20, 0.8),
    (20000, 500, 20, 0.0),
]


def zipf(count: int, exponent: float) -> Array:
    shares = 1 / np.arange(1, count + 1) ** exponent
    return np.asarray(shares / shares.sum())


def alike(rng: np.random.Generator, categories: int, labels: int) -> Array:
    return np.tile(zipf(labels, 1), (categories, 1))


def dirichlet(concentration: float) -> Callable[[np.random.Generator, int, int], Array]:
    def draw(rng: np.random.Generator, categories: int, labels: int) -> Array:
        return rng.dirichlet(concentration * zipf(labels, 0.5), size=categories)

    return draw


def one_likely(noise: float) -> Callable[[np.random.Generator, int, int], Array]:
    def draw(rng: np.random.Generator, categories: int, labels: int) -> Array:
        own = np.eye(labels)[rng.integers(labels, size=categories)]
        return noise / labels + (1 - noise) * own

    return draw


def half_alike(rng: np.random.Generator, categories: int, labels: int) -> Array:
    shares = np.full((categories, labels), 1 / labels)
    half = categories // 2
    shares[:half] = rng.dirichlet(np.full(labels, 2 / labels), size=half)
    return shares


def steep(rng: np.random.Generator, categories: int, labels: int) -> Array:
    return rng.permuted(np.tile(zipf(labels, 1.5), (categories, 1)), axis=1)


def some(number: int) -> Callable[[np.random.Generator, int, int], Array]:
    def draw(rng: np.random.Generator, categories: int, labels: int) -> Array:
        chosen = np.arange(labels) < min(number, labels)
        return rng.permuted(np.tile(chosen / chosen.sum(), (categories, 1)), axis=1)

    return draw


def neighbours(rng: np.random.Generator, categories: int, labels: int) -> Array:
    middle = labels * rng.random((categories, 1))
    shares = np.exp(-0.5 * ((np.arange(labels) - middle) / (labels / 8)) ** 2)
    return np.asarray(shares / shares.sum(1, keepdims=True))


def logits(rng: np.random.Generator, categories: int, labels: int) -> Array:
    shares = np.exp(rng.normal(size=(categories, labels)))
    return np.asarray(shares / shares.sum(1, keepdims=True))


def groups(rng: np.random.Generator, categories: int, labels: int) -> Array:
    return rng.dirichlet(np.full(labels, 0.5), size=5)[rng.integers(5, size=categories)]


KINDS: dict[str, Callable[[np.random.Generator, int, int], Array]] = {
    "all alike": alike,
    "Dirichlet, concentration 3": dirichlet(3),
    "Dirichlet, concentration 30": dirichlet(30),
    "one likely label, 30 % noise": one_likely(0.3),
    "one likely label, 70 % noise": one_likely(0.7),
    "half of them alike": half_alike,
    "steep (Zipf 1.5), own order": steep,
    "three labels each": some(3),
    "neighbouring labels": neighbours,
    "normal logits": logits,
    "five groups": groups,
}


def draw(
    rng: np.random.Generator, kind: str, rows: int, categories: int, labels: int, exponent: float
) -> tuple[Array, Array, float]:
    """Category and label of each row, and their mutual information in nats."""
    shares, sizes = KINDS[kind](rng, categories, labels), zipf(categories, exponent)
    x = rng.choice(categories, size=rows, p=sizes)
    y = np.minimum((shares[x].cumsum(1) < rng.random((rows, 1))).sum(1), labels - 1)
    return x, y, float(entropy(sizes @ shares) - sizes @ entropy(shares, axis=1))


def chao_shen(x: Array, y: Array) -> float:
    def of(codes: Array) -> float:
        counts = np.unique(codes, return_counts=True)[1]
        n, alone = int(counts.sum()), int((counts == 1).sum())
        p = (1 - min(alone, n - 1) / n) * counts / n
        return float(-(p * np.log(p) / (1 - (1 - p) ** n)).sum())

    return of(x) + of(y) - of(x * (y.max() + 1) + y)


def miller_madow(x: Array, y: Array) -> float:
    used = np.unique(x * (y.max() + 1) + y).size - np.unique(x).size - np.unique(y).size + 1
    return float(mutual_info_score(x, y)) - used / (2 * x.size)


RIVALS: dict[str, Callable[[Array, Array], float]] = {
    "plain counts": mutual_info_score,
    "Miller-Madow": miller_madow,
    "Chao-Shen": chao_shen,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10, help="draws of each kind and shape")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| shares of the labels | truth | infonet | held | " + " | ".join(RIVALS) + " |")
    print("|---|---:|---:|---:|" + "---:|" * len(RIVALS))
    for number, kind in enumerate(KINDS):
        rows = []
        for shape, (n, categories, labels, exponent) in enumerate(SHAPES):
            for seed in range(arguments.count):
                rng = np.random.default_rng([arguments.seed, number, shape, seed])
                x, y, truth = draw(rng, kind, n, categories, labels, exponent)
                names = np.array([f"label {level}" for level in range(labels)])
                found = infonet.estimate(x.astype(str), names[y])
                low, high = found.interval
                held = low <= max(truth, 0.0) <= high
                told = [rival(x, y) for rival in RIVALS.values()]
                rows.append([truth, found.mi - truth, held, *(np.array(told) - truth)])
        table = np.array(rows, float)
        rmse = np.sqrt((table[:, [1, 3, 4, 5]] ** 2).mean(0))
        others = " | ".join(f"{value:.3f}" for value in rmse[1:])
        print(
            f"| {kind} | {table[:, 0].mean():.3f} | {rmse[0]:.3f} | {table[:, 2].mean():.0%} "
            f"| {others} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
