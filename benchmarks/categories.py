"""What the order of categories costs: estimates of categories against a number, the truth known.

    python benchmarks/categories.py [--repeats 10]

Given the category, the number is normal with a mean of its own (spread: standard deviation of the
means) and variance 1, so the mutual information is an integral. Categories are coded by frequency
(as `infonet.tables` does), in lexical order (a random one, as names mean nothing here), and in the
order of the true means, which is the best one and which nobody knows.
"""

from __future__ import annotations

import argparse

import infonet
import numpy as np
from infonet.tables import open_columns
from numpy.typing import NDArray

ORDERS = ("frequency", "lexical", "true order")


def truth(probabilities: NDArray[np.float64], means: NDArray[np.float64]) -> float:
    grid = np.linspace(-15, 15, 6001)
    density = np.exp(-0.5 * (grid - means[:, None]) ** 2) / np.sqrt(2 * np.pi)
    mixture = np.maximum(probabilities @ density, 1e-300)
    terms = density * np.log(np.maximum(density, 1e-300) / mixture)
    return float((probabilities @ terms).sum() * (grid[1] - grid[0]))


def errors(
    estimator: infonet.Estimator, n: int, k: int, spread: float, repeats: int, even: bool
) -> NDArray[np.float64]:
    """[repeats, 1 + orders]: the truth, and estimates less the truth, nats."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        p = np.full(k, 1 / k) if even else rng.dirichlet(np.full(k, 2.0))
        means = spread * rng.standard_normal(k)
        kind = rng.choice(k, n, p=p)
        y = means[kind] + rng.standard_normal(n)
        mi = truth(p, means)
        by_frequency = open_columns({"k": np.array([f"level {i:03}" for i in range(k)])[kind]})
        by_truth = np.argsort(np.argsort(means))[kind]
        pairs = [np.stack([codes, y], 1) for codes in (by_frequency.load(0), kind, by_truth)]
        found.append([mi, *(estimator.mi(np.stack(pairs)) - mi)])
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    estimator = infonet.Estimator(threads=1)
    print("bias / RMSE in nats\n")
    print("| rows | categories | | spread | truth | " + " | ".join(ORDERS) + " |")
    print("|---:|---:|---|---:|---:|" + "---|" * len(ORDERS))
    for n in (500, 5000):
        for k in (2, 5, 10, 15, 30, 50, 100):
            for even in (True, False):
                for spread in (0.0, 0.5, 2.0):
                    found = errors(estimator, n, k, spread, repeats, even)
                    cells = " | ".join(
                        f"{e.mean():+.3f} / {np.sqrt((e**2).mean()):.3f}" for e in found.T[1:]
                    )
                    kind = "even" if even else "uneven"
                    mi = abs(found[:, 0].mean())
                    print(f"| {n} | {k} | {kind} | {spread} | {mi:.2f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
