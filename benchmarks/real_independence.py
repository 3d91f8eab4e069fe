"""Rejections under independence, for ties of every kind; and discoveries in whole tables.

    python benchmarks/real_independence.py [--count 2000] [--n 200,1000,5000]
        [--only "ones, poisson"] [--tables 100] [--by estimate]

Columns of every kind, independent; a pair in which one is constant is drawn again. By default
pairs are those of `pairwise` of tables with up to 14 columns of each kind, so a column meets many
others, and a kind has about half as many pairs with itself; `--by estimate` draws two new columns
for each pair (slower). "none": pairs without a p-value.

H: more than 7 % below 0.05, or 2 % below 0.01, beyond chance (P < 0.01 that a valid test rejects so
often); L: fewer than 3 % below 0.05 likewise; h, l: outside, but that may be chance.

Then tables of 60 such columns: the share in which any pair is significant at 0.05 after the
adjustment of Benjamini and Hochberg, at most 5 % of tables (X where more than 5 %, beyond chance).
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections import Counter
from itertools import combinations_with_replacement

import infonet
import numpy as np
from real_samplers import load_estimate, names, number_of
from scipy.stats import binom

EACH = 14  # columns of a kind in a table, at most


def _category(levels):
    return lambda rng, n: names(rng, levels)[rng.choice(levels, n, p=_shares(rng, levels))]


def _shares(rng, levels):
    return rng.dirichlet(np.full(levels, 3.0))


def _zeros(share):
    return lambda rng, n: np.where(rng.random(n) < share, 0.0, rng.gamma(2.0, size=n))


def _ones(share):
    return lambda rng, n: (rng.random(n) < share).astype(int)


def _poisson(mean):
    return lambda rng, n: rng.poisson(mean, n)


KINDS = {
    "number": lambda rng, n: rng.standard_normal(n),
    "rounded to 0.1": lambda rng, n: rng.standard_normal(n).round(1),
    "ones 2 %": _ones(0.02),
    "ones 0.3 %": _ones(0.003),
    "ones 30 %": _ones(0.3),
    "poisson 0.1": _poisson(0.1),
    "poisson 0.5": _poisson(0.5),
    "poisson 1": _poisson(1.0),
    "poisson 3": _poisson(3.0),
    "zeros 50 %": _zeros(0.5),
    "zeros 90 %": _zeros(0.9),
    "zeros 98 %": _zeros(0.98),
    "rating": lambda rng, n: rng.choice(5, n, p=[0.08, 0.14, 0.28, 0.3, 0.2]) + 1,
    "category 3": _category(3),
    "category 12": _category(12),
    "category 50": _category(50),
}


def column(kind, rng, n):
    while True:
        values = KINDS[kind](rng, n)
        if (values != values[0]).any():
            return values


def by_pairwise(kinds, n, count, seed):
    """p-values of every pair of kinds: {(kind, kind): list}, NaN where there is none."""
    found = {pair: [] for pair in combinations_with_replacement(kinds, 2)}
    each = min(EACH, max(2, round((count / 4) ** 0.5)))
    for table in range(-(-count // each**2)):
        rng = np.random.default_rng([seed, n, table])
        data = {f"{k} {i}": column(k, rng, n) for k in kinds for i in range(each)}
        p = infonet_pairwise(data).p_value
        for i, j in found:
            a, b = (slice(kinds.index(k) * each, (kinds.index(k) + 1) * each) for k in (i, j))
            block = p[a, b]
            found[i, j] += (block[np.triu_indices(each, 1)] if i == j else block.ravel()).tolist()
    return {pair: np.array(p[:count]) for pair, p in found.items()}


def by_estimate(estimate, kinds, n, count, seed):
    found = {}
    for pair in combinations_with_replacement(kinds, 2):
        rng = np.random.default_rng([seed, n, number_of(str(pair))])
        p = [estimate(*(column(k, rng, n) for k in pair)).p_value for _ in range(count)]
        found[pair] = np.array([np.nan if v is None else v for v in p])
    return found


def infonet_pairwise(data):
    return infonet.Estimator(threads=1).pairwise(data, progress=False)


def flags(below, known, level, low, high):
    share = below / known
    if share > high:
        return "H" if binom.sf(below - 1, known, level) < 0.01 else "h"
    if share < low:
        return "L" if binom.cdf(below, known, level) < 0.01 else "l"
    return ""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=2000, help="pairs of each two kinds")
    parser.add_argument("--n", default="200,1000,5000", help="rows")
    parser.add_argument("--only", default="", help="words in the names of kinds, to use these only")
    parser.add_argument("--tables", type=int, default=100, help="tables of 60 columns; 0: none")
    parser.add_argument("--by", choices=("pairwise", "estimate"), default="pairwise")
    parser.add_argument("--estimate", help="module:name of a call like infonet.estimate")
    parser.add_argument("--seed", type=int, default=1602)
    parser.add_argument("--all", action="store_true", help="print every pair, not only flagged")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("infonet").setLevel(logging.ERROR)
    started = time.perf_counter()
    words = [w.strip() for w in arguments.only.split(",") if w.strip()]
    kinds = [k for k in KINDS if not words or any(w in k for w in words)]
    tally = Counter()
    if arguments.count:
        print("| x | y | n | p < 0.05 | p < 0.01 | none | smallest | largest | flags |")
        print("|---|---|---:|---:|---:|---:|---:|---:|---|")
    for n in map(int, arguments.n.split(",")) if arguments.count else ():
        if arguments.by == "estimate" or arguments.estimate:
            estimate = load_estimate(arguments.estimate)
            found = by_estimate(estimate, kinds, n, arguments.count, arguments.seed)
        else:
            found = by_pairwise(kinds, n, arguments.count, arguments.seed)
        for (x, y), p in found.items():
            known = p[~np.isnan(p)]
            if not len(known):
                print(f"| {x} | {y} | {n:,} | | | {len(p)} | | | |", flush=True)
                continue
            at5, at1 = (int((known <= level).sum()) for level in (0.05, 0.01))
            flag = flags(at5, len(known), 0.05, 0.03, 0.07)
            second = flags(at1, len(known), 0.01, 0.0, 0.02)
            flag += f" {second} at 0.01" if second else ""
            tally["pairs"] += 1
            tally.update(flag.split()[:1])
            if arguments.all or "H" in flag or "L" in flag:
                print(
                    f"| {x} | {y} | {n:,} | {at5 / len(known):.1%} | {at1 / len(known):.1%} "
                    f"| {len(p) - len(known)} | {known.min():.2g} | {known.max():.2g} | {flag} |",
                    flush=True,
                )
    print("\n" + ", ".join(f"{k} {v}" for k, v in tally.items()))
    if arguments.tables:
        print("\n| n | tables | with a discovery | discoveries | pairs | flags |")
        print("|---:|---:|---:|---:|---:|---|")
    for n in map(int, arguments.n.split(",")) if arguments.tables else ():
        hits, many = 0, 0
        for t in range(arguments.tables):
            rng = np.random.default_rng([arguments.seed, 60, n, t])
            chosen = [kinds[k] for k in rng.integers(len(kinds), size=60)]
            data = {f"{i} {k}": column(k, rng, n) for i, k in enumerate(chosen)}
            p = np.triu(np.nan_to_num(infonet_pairwise(data).adjusted("fdr_bh"), nan=1.0), 1)
            here = int(((p < 0.05) & np.triu(np.ones_like(p, bool), 1)).sum())
            hits, many = hits + (here > 0), many + here
        flag = "X" if binom.sf(hits - 1, arguments.tables, 0.05) < 0.01 else ""
        print(f"| {n:,} | {arguments.tables} | {hits} | {many} | {60 * 59 // 2} | {flag} |")
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
