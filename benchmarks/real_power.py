"""Power of the test of independence on discrete data, beside the usual test of each kind.

    python benchmarks/real_power.py [--count 40] [--n 2000,10000] [--only rare]
        [--permutations 99]

Median of log10 p over draws: infonet's, and of scipy's Mann-Whitney, Fisher, chi-squared,
Kruskal-Wallis or Spearman test. infonet's table of p-values ends at 1e-9, and so do both figures
here. F: infonet's median is worse by more than 2. "below 0.05": share of draws, infonet's and the
rival's. With --permutations, p cannot be below one over their number plus one, which then is the
floor of both.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings

import numpy as np
from real_samplers import load_estimate, names, number_of
from scipy import stats

FLOOR = 1e-9
BEHIND = 2.0  # in log10


def mann_whitney(x, y):
    return stats.mannwhitneyu(x[y == 1], x[y == 0]).pvalue


def kruskal(x, y):
    return stats.kruskal(*(x[y == k] for k in np.unique(y))).pvalue


def spearman(x, y):
    return stats.spearmanr(x, y).pvalue


def table(x, y):
    return stats.contingency.crosstab(x, y).count


def fisher(x, y):
    return stats.fisher_exact(table(x, y)).pvalue


def chi_squared(x, y):
    return stats.chi2_contingency(table(x, y), correction=False).pvalue


def rare(share, shift):
    def draw(rng, n):
        y = (rng.random(n) < share).astype(int)
        return rng.standard_normal(n) + shift * y, y

    return draw, mann_whitney


def two_by_two(first, second, odds):
    """Second is the share of ones where the first is 0."""

    def draw(rng, n):
        x = (rng.random(n) < first).astype(int)
        ratio = second / (1 - second) * np.where(x, odds, 1.0)
        return x, (rng.random(n) < ratio / (1 + ratio)).astype(int)

    return draw, fisher


def latent(rho, first, second, rival):
    """A Gaussian copula of two columns, each a function of its ranks in (0, 1)."""

    def draw(rng, n):
        a = rng.standard_normal(n)
        b = rho * a + np.sqrt(1 - rho**2) * rng.standard_normal(n)
        return first(stats.norm.cdf(a)), second(stats.norm.cdf(b))

    return draw, rival


def groups(levels, spread, text=True):
    """Means of `levels` groups differ by a standard deviation of `spread`."""

    def draw(rng, n):
        group = rng.choice(levels, n, p=rng.dirichlet(np.full(levels, 3.0)))
        x = rng.standard_normal(n) + spread * rng.standard_normal(levels)[group]
        return x, names(rng, levels)[group] if text else group

    return draw, kruskal


def shares(levels, spread):
    """The share of ones differs between groups."""

    def draw(rng, n):
        group = rng.choice(levels, n, p=rng.dirichlet(np.full(levels, 3.0)))
        logit = spread * rng.standard_normal(levels)[group] - 2
        return names(rng, levels)[group], (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)

    return draw, chi_squared


def crossed(first, second, extra):
    """Categories: a share `extra` of rows in which the second is a function of the first."""

    def draw(rng, n):
        x, y = rng.integers(first, size=n), rng.integers(second, size=n)
        y = np.where(rng.random(n) < extra, rng.integers(second, size=first)[x], y)
        return names(rng, first)[x], names(rng, second)[y]

    return draw, chi_squared


def number(u):
    return stats.norm.ppf(u)


def rating(u):
    return np.searchsorted([0.08, 0.22, 0.5, 0.8], u) + 1


def poisson(mean):
    return lambda u: stats.poisson.ppf(u, mean).astype(int)


def zeros(share):
    return lambda u: np.where(u < share, 0, (u - share) / (1 - share))


CASES = {
    "number, rare 1 %, shift 0.5": rare(0.01, 0.5),
    "number, rare 1 %, shift 1": rare(0.01, 1.0),
    "number, rare 0.3 %, shift 1": rare(0.003, 1.0),
    "number, label 30 %, shift 0.1": rare(0.3, 0.1),
    "2 x 2, 1 % and 10 %, odds 4": two_by_two(0.01, 0.1, 4.0),
    "2 x 2, 5 % and 5 %, odds 3": two_by_two(0.05, 0.05, 3.0),
    "2 x 2, 1 % and 1 %, odds 20": two_by_two(0.01, 0.01, 20.0),
    "2 x 2, 40 % and 50 %, odds 1.3": two_by_two(0.4, 0.5, 1.3),
    "rating, rating, rho 0.1": latent(0.1, rating, rating, spearman),
    "rating, number, rho 0.1": latent(0.1, number, rating, spearman),
    "count 0.3, count 0.3, rho 0.15": latent(0.15, poisson(0.3), poisson(0.3), spearman),
    "count 0.1, number, rho 0.15": latent(0.15, number, poisson(0.1), spearman),
    "count 3, count 3, rho 0.1": latent(0.1, poisson(3), poisson(3), spearman),
    "zeros 90 %, number, rho 0.15": latent(0.15, number, zeros(0.9), spearman),
    "zeros 98 %, number, rho 0.3": latent(0.3, number, zeros(0.98), spearman),
    "zeros 90 %, zeros 90 %, rho 0.2": latent(0.2, zeros(0.9), zeros(0.9), spearman),
    "zeros 50 %, rating, rho 0.1": latent(0.1, zeros(0.5), rating, spearman),
    "number, category 3, means 0.1": groups(3, 0.1),
    "number, category 12, means 0.15": groups(12, 0.15),
    "number, category 50, means 0.25": groups(50, 0.25),
    "number, code 12, means 0.15": groups(12, 0.15, text=False),
    "category 12, rare, log odds 0.5": shares(12, 0.5),
    "category 50, rare, log odds 0.5": shares(50, 0.5),
    "category 4, category 5, 8 %": crossed(4, 5, 0.08),
    "category 12, category 12, 8 %": crossed(12, 12, 0.08),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=40, help="draws a case and n")
    parser.add_argument("--n", default="2000,10000", help="rows")
    parser.add_argument("--only", default="", help="words in the names of cases")
    parser.add_argument("--permutations", type=int, default=0)
    parser.add_argument("--estimate", help="module:name of a call like infonet.estimate")
    parser.add_argument("--seed", type=int, default=1603)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("infonet").setLevel(logging.ERROR)
    started = time.perf_counter()
    estimate = load_estimate(arguments.estimate)
    more = {"permutations": arguments.permutations} if arguments.permutations else {}
    floor = max(FLOOR, 1 / (1 + arguments.permutations) if arguments.permutations else 0)
    words = [w.strip() for w in arguments.only.split(",") if w.strip()]
    print("| case | n | infonet | rival | its test | below 0.05 | none | flags |")
    print("|---|---:|---:|---:|---|---|---:|---|")
    flagged = 0
    for name, (draw, rival) in CASES.items():
        if words and not any(w in name for w in words):
            continue
        for n in map(int, arguments.n.split(",")):
            ours, theirs, none = [], [], 0
            for k in range(arguments.count):
                rng = np.random.default_rng([arguments.seed, number_of(name), n, k])
                x, y = draw(rng, n)
                while min(len(np.unique(x)), len(np.unique(y))) < 2:
                    x, y = draw(rng, n)
                p = estimate(*((x, y) if k % 2 == 0 else (y, x)), **more).p_value
                if p is None:
                    none += 1
                    continue
                ours.append(p)
                theirs.append(rival(x, y))
            if not ours:
                print(f"| {name} | {n:,} | | | | | {none} | |", flush=True)
                continue
            medians = [np.log10(max(np.median(p), floor)) for p in (ours, theirs)]
            flag = "F" if medians[0] > medians[1] + BEHIND else ""
            flagged += bool(flag)
            shares_below = " / ".join(f"{np.mean(np.array(p) < 0.05):.0%}" for p in (ours, theirs))
            print(
                f"| {name} | {n:,} | {medians[0]:.1f} | {medians[1]:.1f} "
                f"| {rival.__name__.replace('_', ' ')} | {shares_below} | {none} | {flag} |",
                flush=True,
            )
    print(f"\n{flagged} flagged; {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
