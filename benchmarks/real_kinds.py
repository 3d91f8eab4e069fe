"""Kinds of columns against each other, the truth known: errors and coverage, beside rivals.

    python benchmarks/real_kinds.py [--count 20] [--n 300,2000,20000] [--only "count, zeros"]
        [--relation strong,function] [--rivals 5] [--all] [--check 1000000]

Every kind of `real_samplers.KINDS` against every other, joined in six ways (a Gaussian copula of
correlation 0, 0.3, 0.6 or 0.95; "bent": a parabola, or a mean for each level in no order; a
function of it), and codes that few latent numbers give (partners, groups). scikit-learn's
estimator is that of the kind: mutual_info_regression for two numbers (zero-inflated and rounded
ones too), mutual_info_classif for a number and levels, mutual_info_score for two of levels;
Miller-Madow where both can be counted. Nats.

Flags: E: in most draws off by more than 10 % of the truth and outside the interval. C: the 90 %
interval holds the truth in fewer than 85 % (c: but that may be chance, P > 0.01). R: RMSE above
the better rival's by more than 0.02, on the draws that rivals had. W: an interval without width
that does not hold the truth. X: an error that is not an InputError. Refusals are counted.
"""

from __future__ import annotations

import argparse
import logging
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import infonet
import numpy as np
from real_samplers import KINDS, RELATIONS, Case, case, load_estimate, number_of
from real_structures import SPECIAL, special
from scipy.special import digamma
from scipy.stats import binom
from sklearn.feature_selection import mutual_info_regression
from sklearn.metrics import mutual_info_score

WORSE = 0.02  # nats above the better rival
NEAR = 1e-4  # nats by which an interval may miss the truth
SLOW = 5000  # rows from which rivals get fewer draws


def miller_madow(x, y):
    n, i, j = len(x), *(np.unique(v, return_inverse=True)[1].reshape(-1) for v in (x, y))
    rows, columns = i.max() + 1, j.max() + 1
    cells = len(np.unique(i * columns + j))
    return max(0.0, mutual_info_score(i, j) - (cells - rows - columns + 1) / (2 * n))


def scikit_learn(x, y, discrete):
    codes = [
        np.unique(v, return_inverse=True)[1].reshape(-1) if d else np.asarray(v, float)
        for v, d in zip((x, y), discrete, strict=True)
    ]
    if all(discrete):
        return mutual_info_score(*codes)
    if any(discrete):
        return ross(*(codes[::-1] if discrete[0] else codes))
    return mutual_info_regression(codes[0][:, None], codes[1], random_state=0)[0]


def ross(x, label, neighbours=3):
    """What mutual_info_classif gives (random_state=0), without its 10 ms a label.

    To rounding, but for labels of fewer than 8 samples, where it finds neighbours by a dot product
    and may count the last of them or not.
    """
    x = x / (x.std() or 1.0)
    noise = np.random.RandomState(0).standard_normal(len(x))
    x = x + 1e-10 * max(1.0, np.abs(x).mean()) * noise
    size = np.bincount(label)[label]
    x, label, size = x[size > 1], label[size > 1], size[size > 1]
    n = len(x)
    k = np.minimum(neighbours, size - 1)
    reach = np.empty(n)
    order = np.lexsort((x, label))
    for own in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        place, most = x[own], k[own[0]]
        padded = np.concatenate([np.full(most, -np.inf), place, np.full(most, np.inf)])
        windows = [  # of the nearest, some lie below and the others above
            np.maximum(
                place - padded[i : i + len(own)], padded[i + most : i + most + len(own)] - place
            )
            for i in range(most + 1)
        ]
        reach[own] = np.nextafter(np.min(windows, axis=0), 0)
    near = _within(np.sort(x), x, reach) + _within(np.sort(-x), -x, reach) - 1
    terms = digamma(k).mean() - digamma(size).mean() - digamma(np.maximum(near, 1)).mean()
    return max(0.0, digamma(n) + terms)


def _within(line, x, reach):
    """How many of `line`, sorted, are not above x by more than reach: exact where sums round."""
    end = np.searchsorted(line, x + reach, "right")
    padded = np.concatenate([[-np.inf], line, [np.inf]])
    for _ in range(4):
        end += padded[end + 1] - x <= reach
        end -= padded[end] - x > reach
    return end - np.searchsorted(line, x, "left")


@dataclass
class Cell:
    """Errors of the draws of one case and n."""

    case: Case
    n: int
    ours: list = field(default_factory=list)  # mi, low, high
    theirs: list = field(default_factory=list)  # scikit-learn, Miller-Madow; of the first draws
    refused: int = 0
    failures: list = field(default_factory=list)
    seconds: float = 0.0

    def measure(self, estimate, count, rivals, seed):
        for k in range(count):
            rng = np.random.default_rng([seed, number_of(self.case.name), self.n, k])
            x, y = self.case.draw(rng, self.n)
            if min(len(np.unique(x)), len(np.unique(y))) < 2:
                continue  # a constant column has no estimate to judge
            start = time.perf_counter()
            try:
                found = estimate(*((x, y) if k % 2 == 0 else (y, x)))
                self.ours.append((found.mi, *(found.interval or (np.nan, np.nan))))
            except infonet.InputError:
                self.refused += 1
                continue
            except Exception:
                self.failures.append(traceback.format_exc())
                continue
            finally:
                self.seconds += time.perf_counter() - start
            if len(self.theirs) < rivals:
                self.theirs.append(self._rivals(x, y))

    def _rivals(self, x, y):
        try:
            theirs = scikit_learn(x, y, self.case.discrete)
        except ValueError:
            theirs = np.nan
        return theirs, miller_madow(x, y) if all(self.case.atoms) else np.nan

    def summary(self):
        if not self.ours:
            return None
        truth, (mi, low, high) = self.case.truth, np.array(self.ours, float).T
        inside = (low <= truth + NEAR) & (truth - NEAR <= high)
        error = mi - truth
        cover = inside.mean()
        flags = ""
        if np.mean((np.abs(error) > 0.1 * truth) & ~inside) > 0.5:
            flags += "E"
        if cover < 0.85:
            flags += "C" if binom.cdf(inside.sum(), len(inside), 0.9) < 0.01 else "c"
        rivals = [(np.nan, np.nan)] * 2
        if self.theirs:
            rivals = [
                (np.mean(r - truth), np.sqrt(np.mean((r - truth) ** 2)))
                for r in np.array(self.theirs).T
            ]
            best = np.nanmin([r[1] for r in rivals] + [np.inf])
            if np.sqrt(np.mean(error[: len(self.theirs)] ** 2)) > best + WORSE:
                flags += "R"
        if ((high - low <= 0) & ~inside).any():
            flags += "W"
        flags += "X" * bool(self.failures)
        rmse = np.sqrt(np.mean(error**2))
        return error.mean(), rmse, cover, np.mean(high - low), rivals, flags

    def row(self, summary):
        bias, rmse, cover, width, rivals, flags = summary
        truth = self.case.truth
        relative = f"{abs(bias) / truth:.0%}" if truth > 0 else ""
        theirs = " | ".join("" if np.isnan(b) else f"{b:+.3f} / {r:.3f}" for b, r in rivals)
        refused = f", {self.refused} refused" if self.refused else ""
        return (
            f"| {self.case.x} | {self.case.y} | {self.case.relation} | {self.n:,} | {truth:.4f} "
            f"| {bias:+.4f} | {rmse:.4f} | {relative} | {cover:.0%} | {width:.3f} | {theirs} "
            f"| {flags}{refused} |"
        )


HEADER = (
    "| x | y | relation | n | truth | bias | RMSE | relative bias | coverage | width "
    "| scikit-learn bias / RMSE | Miller-Madow | flags |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|---|"
)


def cases(only, relations, seed, every):
    """Cases whose kinds hold the words of `only`: one word in either, or two, one in each."""
    words = [w.strip() for w in only.split(",")] if only else []

    def wanted(x, y):
        if len(words) == 2:
            (a, b) = words
            return (a in x and b in y) or (a in y and b in x)
        return not words or any(w in x or w in y for w in words)

    pairs = [p for p in combinations_with_replacement(KINDS, 2) if wanted(*p)]
    keys = [(x, y, r) for x, y in pairs for r in relations if r in RELATIONS]
    if "special" in relations:
        keys += [key for key in SPECIAL if wanted(*key[:2])]
    for key in keys[::every]:
        found = special(key, seed) if key in SPECIAL else case(*key, seed)
        if found is not None:
            yield found


def check(found: Case, n: int, seed: int):
    """The truth beside counts of n samples, continuous parts cut into many equal bins."""
    x, y = found.draw(np.random.default_rng([seed, 99, number_of(found.name)]), n)
    codes = []
    for values, counted in zip((x, y), found.atoms, strict=True):
        if not counted:
            _, place, many = np.unique(values, return_inverse=True, return_counts=True)
            lone = many < n / 100
            order = np.cumsum(np.where(lone, many, 0))[place]
            bins = 150
            values = np.where(lone[place], order * bins // n, bins + place)
        codes.append(values)
    return miller_madow(*codes)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20, help="draws a cell")
    parser.add_argument("--n", default="300,2000,20000", help="rows")
    parser.add_argument("--only", default="", help="words in the names of kinds; two: one in each")
    parser.add_argument("--relation", default=",".join((*RELATIONS, "special")))
    parser.add_argument("--rivals", type=int, default=5, help=f"draws for rivals from {SLOW} rows")
    parser.add_argument("--seed", type=int, default=1601)
    parser.add_argument("--every", type=int, default=1, help="only every so-manieth case")
    parser.add_argument("--all", action="store_true", help="print cells without a flag too")
    parser.add_argument("--estimate", help="module:name of another call like infonet.estimate")
    parser.add_argument("--check", type=int, help="check the truths by so many samples, and end")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("infonet").setLevel(logging.ERROR)
    started = time.perf_counter()
    relations = arguments.relation.split(",")
    chosen = cases(arguments.only, relations, arguments.seed, arguments.every)
    if arguments.check:
        print("| x | y | relation | truth | counted | |\n|---|---|---|---:|---:|---|")
        for c in chosen:
            counted = check(c, arguments.check, arguments.seed)
            off = "OFF" if abs(counted - c.truth) > 0.01 + 0.02 * c.truth else ""
            print(f"| {c.x} | {c.y} | {c.relation} | {c.truth:.4f} | {counted:.4f} | {off} |")
        print(f"\n{time.perf_counter() - started:.0f} s")
        return
    estimate = load_estimate(arguments.estimate)
    tally, pairs, kinds, failures, took = Counter(), {}, {}, [], Counter()
    print(HEADER)
    for c in chosen:
        for n in map(int, arguments.n.split(",")):
            cell = Cell(c, n)
            rivals = arguments.count if n < SLOW else min(arguments.rivals, arguments.count)
            cell.measure(estimate, arguments.count, rivals, arguments.seed)
            failures += cell.failures
            took[n] += cell.seconds
            summary = cell.summary()
            if summary is None:
                tally["refused" if cell.refused else "constant"] += 1
                continue
            flags = summary[-1]
            tally["cells"] += 1
            tally.update(flags)
            many = pairs.setdefault((c.x, c.y), Counter())
            many["cells"] += 1
            many["flagged"] += any(f in flags for f in "ECRWX")
            for name in {c.x, c.y}:
                kind = kinds.setdefault(name, Counter())
                kind["cells"] += 1
                kind["coverage"] += summary[2]
                kind.update(flags)
            if arguments.all or flags not in ("", "c"):
                print(cell.row(summary), flush=True)
    print(
        "\nCells, and how many have each flag: " + ", ".join(f"{k} {v}" for k, v in tally.items())
    )
    print("\n| x | y | flagged | of |\n|---|---|---:|---:|")
    for (x, y), many in pairs.items():
        if many["flagged"]:
            print(f"| {x} | {y} | {many['flagged']} | {many['cells']} |")
    print(
        "\n| kind, against every kind | cells | within 10 % or the interval | mean coverage "
        "| not worse than rivals |\n|---|---:|---:|---:|---:|"
    )
    for name, kind in kinds.items():
        cells = kind["cells"]
        print(
            f"| {name} | {cells} | {1 - kind['E'] / cells:.0%} | {kind['coverage'] / cells:.0%} "
            f"| {1 - kind['R'] / cells:.0%} |"
        )
    for text in sorted(set(failures))[:5]:
        print("\n```\n" + text + "```")
    spent = ", ".join(f"{took[n]:.1f} s at n = {n:,}" for n in took)
    print(f"\nEstimates took {spent}; everything {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
