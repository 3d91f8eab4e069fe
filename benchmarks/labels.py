"""A number against a label, beside scikit-learn (Ross 2014): the figures of the model card.

    python benchmarks/labels.py [--count 60] [--seed 3]

Labels drawn from a softmax of smooth waves of the number ("smooth"), labels that alternate along it
("stripes", a share of them flipped), and labels that are rare and independent of it. RMSE, bias and
coverage of the 90 % interval, nats.
"""

from __future__ import annotations

import argparse

import numpy as np
from infonet import Estimator
from sklearn.feature_selection import mutual_info_classif

SIZES = (100, 300, 1000, 5000, 20_000)
MOST_FOR_RIVAL = 5000  # scikit-learn takes long beyond


def smooth(rng, levels, strength):
    """(MI, draw): softmax of random waves; the truth by the rectangle rule."""
    order = np.arange(1, 7)
    weight = rng.normal(size=(levels, 6)) * strength / order
    phase = rng.uniform(0, 2 * np.pi, (levels, 6))

    def posterior(u):
        waves = np.cos(np.pi * order[:, None] * u + phase[..., None])
        p = np.exp(np.einsum("ki,kin->kn", weight, waves))
        return p / p.sum(0)

    p = posterior((np.arange(50_000) + 0.5) / 50_000)
    mi = float((p * np.log(p / p.mean(1, keepdims=True))).sum(0).mean())

    def draw(n):
        u = rng.random(n)
        return u, (posterior(u).cumsum(0) < rng.random(n)).sum(0).clip(0, levels - 1)

    return mi, draw


def stripes(rng, number, flipped):
    """(MI, draw): two labels of equal share, alternating."""
    kept = 1 - flipped
    entropy = -sum(p * np.log(p) for p in (flipped, kept) if p > 0)

    def draw(n):
        u = rng.random(n)
        return u, (u * number % 1 < 0.5) ^ (rng.random(n) < flipped)

    return float(np.log(2) - entropy), draw


def rare(rng, share):
    """(0, draw): a label that has nothing to do with the number."""
    return 0.0, lambda n: (rng.random(n), rng.random(n) < share)


CASES = {
    "smooth, 2 levels": lambda rng: smooth(rng, 2, rng.choice([0.3, 1, 3])),
    "smooth, 5 levels": lambda rng: smooth(rng, 5, rng.choice([0.3, 1, 3])),
    "smooth, 10 levels": lambda rng: smooth(rng, 10, rng.choice([0.3, 1, 3])),
    "4 stripes": lambda rng: stripes(rng, 4, 0.0),
    "4 stripes, 15 % flipped": lambda rng: stripes(rng, 4, 0.15),
    "16 stripes, 5 % flipped": lambda rng: stripes(rng, 16, 0.05),
    "independent, 2 %": lambda rng: rare(rng, 0.02),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=60, help="data sets of each kind and n")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    estimator = Estimator(threads=1)
    print("| label | n | RMSE | bias | 90 % coverage | scikit-learn RMSE | its bias |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for place, (name, make) in enumerate(CASES.items()):
        for n in SIZES:
            rng = np.random.default_rng([arguments.seed, place, n])
            ours, theirs, held = [], [], []
            for _ in range(arguments.count):
                mi, draw = make(rng)
                x, label = draw(n)
                if len(np.unique(label)) < 2:
                    continue
                found = estimator.estimate(x, label)
                ours.append(found.mi - mi)
                held.append(found.interval[0] <= mi <= found.interval[1])
                if n <= MOST_FOR_RIVAL:
                    rival = mutual_info_classif(x[:, None], label, random_state=0)[0]
                    theirs.append(rival - mi)
            print(
                f"| {name} | {n:,} | {rmse(ours)} | {np.mean(ours):+.4f} | {np.mean(held):.0%} "
                f"| {rmse(theirs) if theirs else ''} "
                f"| {f'{np.mean(theirs):+.4f}' if theirs else ''} |",
                flush=True,
            )


def rmse(errors):
    return f"{np.sqrt(np.mean(np.square(errors))):.4f}"


if __name__ == "__main__":
    main()
