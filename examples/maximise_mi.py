"""Find the projection w'X of eight variables that says most about a target y, by its gradient.

    python examples/maximise_mi.py [--seeds 5] [--samples 2000]

The model that `infonet` ships is frozen; nothing is trained but the direction w. X is Gaussian with
a random covariance matrix, so the mutual information of any projection is known, and so is the best
one: the direction a that the target was made of. "linear" is y = a'X + noise; "square" is
y = (a'X)^2 + noise, where every correlation of X with y is zero.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
import torch
from infonet_export import MutualInformationLoss
from torch import Tensor

DIMENSIONS = 8
SIGNAL = 0.9  # standard deviation of the signal in y; that of y is 1


class Problem(NamedTuple):
    """x [n, d], y [n]; covariance [d, d] of x, and the direction [d] that y was made of."""

    x: Tensor
    y: Tensor
    covariance: Tensor
    direction: Tensor


def draw(target: str, n: int, generator: torch.Generator) -> Problem:
    """A random problem; ``target`` is "linear" or "square"."""
    mixing = torch.randn(DIMENSIONS, DIMENSIONS, generator=generator) / DIMENSIONS**0.5
    covariance = mixing @ mixing.T + 0.1 * torch.eye(DIMENSIONS)
    direction = torch.randn(DIMENSIONS, generator=generator)
    direction /= (direction @ covariance @ direction).sqrt()
    x = torch.randn(n, DIMENSIONS, generator=generator) @ torch.linalg.cholesky(covariance).T
    z = x @ direction
    signal = z if target == "linear" else (z**2 - 1) / 2**0.5
    noise = torch.randn(n, generator=generator)
    return Problem(x, SIGNAL * signal + (1 - SIGNAL**2) ** 0.5 * noise, covariance, direction)


def maximise(
    x: Tensor, y: Tensor, starts: Tensor, steps: int = 150, rate: float = 0.1
) -> tuple[Tensor, float]:
    """The best of the directions that ``starts`` [k, d] lead to, and its estimated MI (nats)."""
    loss = MutualInformationLoss(reduction="none")
    w = starts.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([w], lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    targets = y.expand(len(w), -1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(w @ x.T, targets).sum().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        mi = -loss(w @ x.T, targets)
    best = int(mi.argmax())
    return w.detach()[best], float(mi[best])


def correlation(w: Tensor, problem: Problem) -> float:
    """Correlation of w'X with a'X in the population."""
    covariance, a = problem.covariance, problem.direction
    return float((w @ covariance @ a) / (w @ covariance @ w).sqrt())


def true_mi(target: str, correlation: float) -> float:
    """Mutual information (nats) of w'X and y, from the correlation of w'X with a'X.

    Analytic for "linear"; for "square" by quadrature: given u = w'X, z = a'X is normal with mean
    c u and variance 1 - c^2, and y is a normal mixture over z.
    """
    c = min(abs(correlation), 1 - 1e-9)
    if target == "linear":
        return -0.5 * math.log(1 - (SIGNAL * c) ** 2)
    u = np.linspace(-6, 6, 301)
    v = np.linspace(-2.5, 12, 601)
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    weights = weights / weights.sum()
    noise = math.sqrt(1 - SIGNAL**2)
    given_u = np.empty((len(u), len(v)))
    for row, value in zip(given_u, u, strict=True):
        z = c * value + math.sqrt(1 - c * c) * nodes
        centre = SIGNAL * (z**2 - 1) / math.sqrt(2)
        row[:] = np.exp(-0.5 * ((v - centre[:, None]) / noise) ** 2).T @ weights
    given_u /= given_u.sum(1, keepdims=True)
    prior = np.exp(-(u**2) / 2)
    prior /= prior.sum()
    marginal = prior @ given_u
    terms = given_u * np.log(np.maximum(given_u, 1e-300) / np.maximum(marginal, 1e-300))
    return float(prior @ terms.sum(1))


def main() -> None:
    """Both targets, a table of what was found."""
    parser = argparse.ArgumentParser(description="Maximise mutual information by its gradient.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=2000)
    options = parser.parse_args()
    for target, count in (("linear", 1), ("square", 4)):
        best = true_mi(target, 1.0)
        print(f"{target} target, {count} random start(s); the best projection has {best:.4f} nats")
        shares = []
        for seed in range(options.seeds):
            generator = torch.Generator().manual_seed(seed)
            problem = draw(target, options.samples, generator)
            starts = torch.randn(count, DIMENSIONS, generator=generator)
            before = true_mi(target, correlation(starts[0], problem))
            start = time.perf_counter()
            w, estimate = maximise(problem.x, problem.y, starts)
            seconds = time.perf_counter() - start
            found = true_mi(target, correlation(w, problem))
            shares.append(found / best)
            print(
                f"  seed {seed}: {before:.4f} at the first start, {found:.4f} found "
                f"({found / best:.1%}; estimated {estimate:.4f}), {seconds:.1f} s"
            )
        print(f"  worst of {options.seeds}: {min(shares):.1%} of the best possible")


if __name__ == "__main__":
    main()
