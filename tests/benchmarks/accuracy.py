"""Accuracy of a model beside KSG and the oracle, on data that training never saw.

    python tests/benchmarks/accuracy.py [MODEL.onnx] [--seed 1] [--no-ksg]

Prints the tables of the README: the paper's evaluation mixtures (../shared/fixtures/gmm_eval.npz
where it is there, else as many fresh mixtures of the same recipe), held-out families at several n,
and the estimate under independence.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from infonet import Estimator
from infonet_export.evaluation import cases
from infonet_export.evaluation.evaluate import run, table

MIXTURES = Path(__file__).parents[3] / "shared" / "fixtures" / "gmm_eval.npz"


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", help="default: the model in the package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-ksg", action="store_true", help="KSG takes most of the time")
    options = parser.parse_args()
    estimator = Estimator(options.model, threads=1)
    with_ksg = not options.no_ksg
    seed = options.seed

    if MIXTURES.exists():
        title = "The paper's evaluation mixtures (500 for each K, XY and XZ), n = 5000"
        drawn = cases.mixture_file_cases(MIXTURES, 5000, seed)
    else:
        title = "Fresh mixtures of the paper's recipe (1000 for each K), n = 5000"
        drawn = cases.fresh_mixture_cases(1000, 5000, seed)
    print(f"### {title}\n\n{table(run(estimator, drawn, with_ksg=with_ksg))}\n", flush=True)

    for n in (100, 1000, 5000, 20_000):
        held_out = cases.held_out_cases(100, n, seed)
        print(f"### Families never trained on, n = {n}\n", flush=True)
        print(table(run(estimator, held_out, with_ksg=with_ksg)) + "\n", flush=True)

    print_independence(estimator, seed)
    print_swaps(estimator, seed)


def print_independence(estimator: Estimator, seed: int) -> None:
    """Estimates, p-values and intervals where the truth is 0."""
    print("### Independent continuous data, 400 pairs\n")
    print(
        "| n | mean estimate | 1.5 / sqrt(n) | p <= 0.05 | p <= 0.5 |\n|---:|---:|---:|---:|---:|"
    )
    for n in (30, 100, 300, 1000, 3000, 10_000, 30_000):
        drawn = [case.samples.T for case in cases.independent_cases(400, n, seed)]
        found = [estimator.estimate(x, y) for x, y in drawn]
        mean = np.mean([estimate.mi for estimate in found])
        p = np.array([estimate.p_value for estimate in found])
        shares = f"{100 * (p <= 0.05).mean():.1f} % | {100 * (p <= 0.5).mean():.1f} %"
        print(f"| {n} | {mean:.5f} | {1.5 / np.sqrt(n):.5f} | {shares} |", flush=True)
    print("\n### Independent discrete data, 200 pairs\n")
    print("| levels | n | mean estimate | intervals that hold 0 |\n|---:|---:|---:|---:|")
    for levels in (2, 5, 10, 50):
        for n in (100, 1000, 20_000):
            rng = np.random.default_rng([seed, levels, n])
            low, mi, _ = estimator.quantiles(rng.integers(levels, size=(200, n, 2))).T
            held = f"{100 * (low <= 0).mean():.1f} %"
            print(f"| {levels} | {n} | {mi.mean():.5f} | {held} |", flush=True)


def print_swaps(estimator: Estimator, seed: int) -> None:
    """How much the estimate depends on which variable comes first."""
    print("\n### x and y swapped, 400 mixtures\n")
    print("| n | mean difference | largest |\n|---:|---:|---:|")
    for n in (100, 1000, 5000):
        samples = np.stack([case.samples for case in cases.fresh_mixture_cases(100, n, seed)])
        change = np.abs(estimator.mi(samples) - estimator.mi(samples[:, :, ::-1]))
        print(f"| {n} | {change.mean():.4f} | {change.max():.4f} |", flush=True)


if __name__ == "__main__":
    main()
