"""How good is the gradient of MI(w'x, y) by w, and what else could it have been?

    python benchmarks/gradients.py [--seeds 20]

x is standard normal in six dimensions, y = a'x + noise ("linear") or (a'x)^2 + noise ("square"),
and w lies at a known angle to a, so the true gradient along the sphere is known: its direction by
symmetry, its length from the mutual information as a function of that angle. All candidates see the
same samples. Nothing is asserted here.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from infonet_export import MutualInformationLoss, joint_histogram, soft_rank, straight_through_rank
from infonet_export.copula.checkpoint import load_model
from infonet_export.differentiable import donsker_varadhan

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))
from maximise_mi import SIGNAL, true_mi  # noqa: E402

DIMENSIONS = 6
NET = load_model(ROOT / "export" / "checkpoints" / "copula.pt").net.requires_grad_(False)
GRID = NET.config.histogram_grid


def finite_sqrt(x, sqrt=torch.sqrt):
    """The square root, whose slope at 0 is infinite, with slope 0 there."""
    empty = x < 1e-6
    return torch.where(empty, sqrt(x.detach()), sqrt(torch.where(empty, 1.0, x)))


def through_the_network(samples, finite):
    with mock.patch.object(torch, "sqrt", finite_sqrt if finite else torch.sqrt):
        return NET(joint_histogram(straight_through_rank(samples), GRID)).quantiles[:, 1]


def fixed_table(samples, ranks):
    with torch.no_grad():
        table = NET(joint_histogram(soft_rank(samples), GRID)).table
    return donsker_varadhan(table, ranks)


def exact_then_soft(samples, eps):
    soft = soft_rank(samples, eps)
    return soft_rank(samples).detach() + (soft - soft.detach())


LOSS = MutualInformationLoss()
CANDIDATES = {
    "MutualInformationLoss": lambda s: -LOSS(s[..., 0], s[..., 1])[None],
    "soft ranks of eps = 2/n backward": lambda s: fixed_table(
        s, exact_then_soft(s, 2 / s.shape[1])
    ),
    "soft ranks of eps = 0.3/n backward": lambda s: fixed_table(
        s, exact_then_soft(s, 0.3 / s.shape[1])
    ),
    "soft ranks of eps = 0.3/n throughout": lambda s: fixed_table(
        s, soft_rank(s, 0.3 / s.shape[1])
    ),
    "through the network": lambda s: through_the_network(s, finite=False),
    "through the network, finite square roots": lambda s: through_the_network(s, finite=True),
}


PROBLEMS = (
    ("linear", 1000, 0.6),
    ("linear", 5000, 0.3),
    ("linear", 5000, 0.9),
    ("square", 1000, 0.6),
    ("square", 5000, 0.6),
)


def true_slope(target, cosine):
    """d MI / d angle towards a, nats per radian."""
    angle, step = math.acos(cosine), 1e-3
    ends = (true_mi(target, math.cos(angle + sign * step)) for sign in (-1, 1))
    return (next(ends) - next(ends)) / (2 * step)


def gradients(target, n, cosine, seed):
    """Of each candidate: (angle to the truth in degrees, length along the truth)."""
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.linalg.qr(torch.randn(DIMENSIONS, 2, generator=generator))[0].T
    x = torch.randn(n, DIMENSIONS, generator=generator)
    z = x @ a
    signal = z if target == "linear" else (z**2 - 1) / 2**0.5
    y = SIGNAL * signal + (1 - SIGNAL**2) ** 0.5 * torch.randn(n, generator=generator)
    start = cosine * a + math.sqrt(1 - cosine**2) * b
    truth = a - cosine * start
    truth /= truth.norm()
    for name, candidate in CANDIDATES.items():
        w = start.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(candidate(torch.stack([x @ w, y], 1)[None]).sum(), w)
        gradient = gradient - start * (start @ gradient)
        along = float(gradient @ truth)
        yield name, math.degrees(math.acos(np.clip(along / float(gradient.norm()), -1, 1))), along


def step_seconds(n, repeats=100):
    x, y = torch.randn(2, n, generator=torch.Generator().manual_seed(0))
    x.requires_grad_()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        LOSS(x, y).backward()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    cells = {name: [] for name in CANDIDATES}
    for target, n, cosine in PROBLEMS:
        rows = [list(gradients(target, n, cosine, seed)) for seed in range(seeds)]
        slope = true_slope(target, cosine)
        for index, name in enumerate(CANDIDATES):
            angles, lengths = np.array([row[index][1:] for row in rows]).T
            good = np.isfinite(angles).all()
            text = f"{angles.mean():.1f} ({angles.max():.1f}), {lengths.mean() / slope:.2f}"
            cells[name].append(text if good else "not a number")
    print("mean (largest) angle to the truth in degrees, mean length / that of the truth\n")
    titles = [f"{target}, {n}, {cosine}" for target, n, cosine in PROBLEMS]
    print("| target, n, cosine of w and a: |", " | ".join(titles), "|")
    print("|---|" + "---:|" * len(titles))
    for name, texts in cells.items():
        print(f"| {name} |", " | ".join(texts), "|")
    for n in (2000, 10_000):
        print(f"\nloss and gradient, n = {n}, one thread: {step_seconds(n) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
