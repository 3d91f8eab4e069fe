"""Feature selection: `infonet.sklearn` beside scikit-learn's own mutual information (KSG).

    python benchmarks/feature_selection.py [--n 5000] [--features 500] [--repeats 5]

Both functions score the same data in turn, on one thread. Printed are medians, and how many of the
20 best features of each are the other's and the right ones. Three problems:
strong: 40 features are functions of the target, some not monotone, with more and more noise;
classes: the same with the target cut into three classes, given as text;
weak: the target is a sum of 40 functions of features with smaller and smaller weights, so that each
tells little about it. All other features are noise, half of it correlated. Nothing is asserted.
"""

# ruff: noqa: E402

import os

# Before NumPy is loaded: its libraries would use every core.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import statistics
import time

import infonet
import numpy as np
import sklearn
from infonet.sklearn import MutualInformationSelector, mutual_info_classif, mutual_info_regression
from sklearn import feature_selection
from sklearn.feature_selection import SelectKBest

BEST = 20
SHAPES = (np.sin, np.square, np.abs, np.tanh, lambda x: x)


def shaped(rank, values):
    part = SHAPES[rank % len(SHAPES)](1.5 * values)
    return (part - part.mean()) / part.std()


def noise(n, d, random):
    """Features [n, d], the second half of them correlated; 40 columns of the first half."""
    features = random.standard_normal((n, d))
    half = d // 2
    features[:, half:] = 0.7 * features[:, half:] + 0.7 * random.standard_normal((n, 1))
    return features, random.permutation(half)[: 2 * BEST]


def strong(n, d, random):
    """Features, target, and the features that matter, those with least noise first."""
    features, where = noise(n, d, random)
    target = random.standard_normal(n)
    for rank, j in enumerate(where):
        features[:, j] = shaped(rank, target) + 0.1 * (rank + 5) * features[:, j]
    return features, target, where


def classes(n, d, random):
    features, target, where = strong(n, d, random)
    cuts = np.quantile(target, [0.2, 0.6])
    return features, np.array(["low", "middle", "high"])[np.searchsorted(cuts, target)], where


def weak(n, d, random):
    features, where = noise(n, d, random)
    target = random.standard_normal(n)
    for rank, j in enumerate(where):
        target += 1.1 * 0.95**rank * shaped(rank, features[:, j])
    return features, target, where


def compare(title, problem, ours, theirs, options):
    features, target, where = problem(options.n, options.features, np.random.default_rng(0))
    times = {"infonet": [], "scikit-learn": []}
    chosen = {}
    for _ in range(options.repeats):
        for name, function in (("infonet", ours), ("scikit-learn", theirs)):
            selector = SelectKBest(function, k=BEST)
            start = time.perf_counter()
            selector.fit(features, target)
            times[name].append(time.perf_counter() - start)
            chosen[name] = set(selector.get_support(indices=True))
    seconds = {name: statistics.median(values) for name, values in times.items()}
    first = set(where[:BEST])
    print(f"\n{title}: {options.features} features, n = {options.n:,}")
    for name, value in seconds.items():
        right = len(chosen[name] & first)
        print(f"  {name:<14}{value * 1e3:9.0f} ms   {right} of the first {BEST}")
    print(f"  scikit-learn / infonet     {seconds['scikit-learn'] / seconds['infonet']:.1f}")
    print(
        f"  chosen by both             {len(chosen['infonet'] & chosen['scikit-learn'])} of {BEST}"
    )


def discoveries(options):
    features, target, where = weak(options.n, options.features, np.random.default_rng(0))
    start = time.perf_counter()
    selector = MutualInformationSelector(alpha=0.05).fit(features, target)
    seconds = time.perf_counter() - start
    found = set(selector.get_support(indices=True))
    true = len(found & set(where))
    print(f"\nMutualInformationSelector(alpha=0.05) on the weak problem, {seconds * 1e3:.0f} ms:")
    print(
        f"  {len(found)} features, {true} of the {len(where)} that matter, {len(found) - true} not"
    )


def truth_of_classes(means, widths, shares):
    """Mutual information of a Gaussian mixture with its components, by integration."""
    grid = np.linspace(-12, 12, 20_001)
    scaled = (grid - means[:, None]) / widths[:, None]
    density = np.exp(-0.5 * scaled**2) / (widths[:, None] * np.sqrt(2 * np.pi))
    ratio = np.log(np.maximum(density, 1e-300)) - np.log(np.maximum(shares @ density, 1e-300))
    return float(shares @ np.trapezoid(density * ratio, grid, axis=1))


def accuracy_of_classes(draws=20):
    """Errors for Gaussians of different place and width, classes in no order, and of noise."""
    print("\nRMSE of scores of classes, nats: infonet / scikit-learn")
    ours, theirs = mutual_info_classif, feature_selection.mutual_info_classif
    for n in (200, 1000, 5000):
        for count in (2, 5, 10, 20):
            random, shown = np.random.default_rng(count), []
            for spread in (0.0, 1.0):
                errors = {ours: [], theirs: []}
                for seed in range(draws):
                    shares = random.dirichlet(np.full(count, 2.0))
                    means = spread * random.normal(0, 1, count)
                    widths = np.exp(spread * random.normal(0, 0.5, count))
                    codes = random.choice(count, n, p=shares)
                    x = means[codes] + widths[codes] * random.standard_normal(n)
                    truth = truth_of_classes(means, widths, shares)
                    for function, found in errors.items():
                        score = function(x[:, None], codes, random_state=seed)[0]
                        found.append((score - truth) ** 2)
                shown.append(" / ".join(f"{np.mean(e) ** 0.5:.4f}" for e in errors.values()))
            print(f"  n = {n:<6}{count:>3} classes    noise {shown[0]}    signal {shown[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--features", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"infonet {infonet.__version__}, scikit-learn {sklearn.__version__}, one thread")
    regression = mutual_info_regression, feature_selection.mutual_info_regression
    compare("Strong", strong, *regression, options)
    classification = mutual_info_classif, feature_selection.mutual_info_classif
    compare("Classes", classes, *classification, options)
    compare("Weak", weak, *regression, options)
    discoveries(options)
    accuracy_of_classes()


if __name__ == "__main__":
    main()
