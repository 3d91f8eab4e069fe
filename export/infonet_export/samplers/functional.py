"""Y = f(X) + noise: curved, sharp and heavy-tailed dependence with a computed truth.

X is uniform (ranks do not see its law; f takes its place). I(X; Y) = h(Y) - h(Y | X). The density
of Y is a fine histogram of f(X) convolved with the exact cell probabilities of the noise, one
convolution for each level of a heteroscedastic noise; h(Y | X) comes from the same cells, so that
discretisation and cut tails cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtr, stdtr

from infonet_export.samplers.distribution import Array, Distribution, log_uniform

Curve = Callable[[Array], Array]
CELLS = 1 << 14
MOST_CELLS = 1 << 18
RESOLVABLE = 5.0  # nats: a grid of ranks cannot tell more
NODES = 1 << 15


@dataclass(frozen=True)
class Noise:
    """Noise of unit scale: sample(rng, n), its cdf, and the reach at which its tails are cut.

    width: of its narrowest feature.
    """

    name: str
    sample: Callable[[Generator, int], Array]
    cdf: Callable[[Array], Array]
    reach: float
    width: float = 1.0


def gaussian_noise() -> Noise:
    """Standard normal noise."""
    return Noise("gaussian", lambda r, n: r.standard_normal(n), ndtr, 8.0)


def uniform_noise() -> Noise:
    """Noise that is uniform on [-1, 1]."""
    return Noise(
        "uniform", lambda r, n: r.uniform(-1, 1, n), lambda x: np.clip((x + 1) / 2, 0, 1), 1.01
    )


def laplace_noise() -> Noise:
    """Laplace's noise of scale 1."""

    def cdf(x: Array) -> Array:
        return np.where(x < 0, 0.5 * np.exp(np.minimum(x, 0)), 1 - 0.5 * np.exp(-np.maximum(x, 0)))

    return Noise("laplace", lambda r, n: r.laplace(size=n), cdf, 25.0)


def student_noise(dof: float) -> Noise:
    """Student's noise of ``dof`` degrees of freedom; its tails are cut at 400."""
    return Noise("student", lambda r, n: r.standard_t(dof, n), lambda x: stdtr(dof, x), 400.0)


def branched_noise(rng: Generator) -> Noise:
    """Two to nine narrow branches: y given x is near one of several curves."""
    branches = rng.uniform(-1, 1, int(rng.integers(2, 10)))
    width = log_uniform(rng, 0.01, 0.3)
    round_ = rng.random() < 0.5
    base = gaussian_noise() if round_ else uniform_noise()

    def sample(r: Generator, n: int) -> Array:
        return np.asarray(r.choice(branches, n) + width * base.sample(r, n))

    def cdf(x: Array) -> Array:
        return np.asarray(np.mean([base.cdf((x - b) / width) for b in branches], axis=0))

    return Noise("branched", sample, cdf, 1 + base.reach * width, width)


@dataclass(frozen=True)
class Functional:
    """y = curve(x) + scale(x) * noise with x uniform on (0, 1).

    scales [m]: noise scale on m equal pieces of x (one piece: homoscedastic).
    """

    curve: Curve
    noise: Noise
    scales: Array

    def sample(self, rng: Generator, n: int) -> Array:
        """Draw n pairs, float64 [n, 2]."""
        x = rng.random(n)
        scale = self.scales[(x * len(self.scales)).astype(int)]
        return np.stack([x, self.curve(x) + scale * self.noise.sample(rng, n)], 1)

    def mi(self) -> float:
        """Mutual information in nats; NaN where the noise levels are too far apart for the grid."""
        pieces = len(self.scales)
        x = (np.arange(NODES) + 0.5) / NODES
        f = self.curve(x)
        reach = self.noise.reach * float(self.scales.max())
        low, high = f.min() - reach, f.max() + reach
        cells = CELLS
        sharpest = float(self.scales.min()) * self.noise.width
        while (high - low) / cells > sharpest / 4 and cells < MOST_CELLS:
            cells *= 2  # the sharpest noise must span some cells too
        step = (high - low) / (cells - 2)
        if step > sharpest:
            return float("nan")
        half = min(cells // 2, int(np.ceil(reach / step)) + 2)
        edges = (np.arange(-half, half + 2) - 0.5) * step
        size = next_fast_len(cells + 2 * half + 2, real=True)
        position = (f - low) / step
        cell = np.clip(position.astype(int), 0, cells - 2)
        share = position - cell
        total = np.zeros(size // 2 + 1, dtype=complex)
        conditional = 0.0
        for piece, scale in enumerate(self.scales):
            part = slice(piece * NODES // pieces, (piece + 1) * NODES // pieces)
            count = np.bincount(cell[part], 1 - share[part], cells)
            count += np.bincount(cell[part] + 1, share[part], cells)
            kernel = np.diff(self.noise.cdf(edges / scale))
            kernel /= kernel.sum()
            total += rfft(count / NODES, size) * rfft(kernel, size)
            conditional += _entropy(kernel) / pieces
        density = np.maximum(irfft(total, size), 0)
        return max(0.0, _entropy(density / density.sum()) - conditional)


def _entropy(p: Array) -> float:
    p = p[p > 1e-18]
    return float(-(p * np.log(p)).sum())


def _random_curve(rng: Generator) -> Curve:
    """Lines, polynomials, waves, steps, ramps and their inverses in distribution, of unit scale."""
    kind = rng.integers(8)
    if kind == 0:
        return lambda x: x
    if kind == 7:  # saw teeth: many values of x for one of y
        teeth, shift, slope = log_uniform(rng, 1, 9), rng.random(), rng.normal() * 0.2
        return lambda x: (teeth * x + shift) % 1.0 + slope * x
    if kind == 1:
        roots = rng.uniform(-0.2, 1.2, int(rng.integers(1, 5)))
        return lambda x: np.prod(x[:, None] - roots, 1)
    if kind == 2:
        frequency, phase, slope = log_uniform(rng, 0.5, 8), rng.uniform(0, 2 * np.pi), rng.normal()
        return lambda x: np.sin(2 * np.pi * frequency * x + phase) + slope * x
    if kind == 3:
        order = np.arange(1, 6)
        a, b = rng.normal(size=(2, 5)) / order ** rng.uniform(0.3, 1.5)
        return lambda x: (
            np.sin(np.pi * x[:, None] * order) @ a + np.cos(np.pi * x[:, None] * order) @ b
        )
    if kind == 4:  # piecewise constant
        levels = rng.normal(size=int(rng.integers(2, 12)))
        return lambda x: levels[np.minimum((x * len(levels)).astype(int), len(levels) - 1)]
    if kind == 5:  # piecewise linear, jumps now and then
        knots, values = np.linspace(0, 1, int(rng.integers(3, 9))), rng.normal(size=9)
        jump, where = rng.normal() * (rng.random() < 0.4), rng.random()
        return lambda x: np.interp(x, knots, values[: len(knots)]) + jump * (x > where)
    # the law of x matters: powers, the exponential and the logistic distribution
    power, symmetric = log_uniform(rng, 0.15, 6), float(rng.random() < 0.5)
    if rng.random() < 0.5:
        return lambda x: x**power
    return lambda x: np.log(x + 1e-9) - symmetric * np.log1p(1e-9 - x)


def functional(rng: Generator) -> Distribution:
    """A random curve with a random noise; four in ten have a noise level that changes with x."""
    while True:
        model = _random_functional(rng)
        mi = model.mi()
        if mi <= RESOLVABLE:
            return Distribution(f"functional-{model.noise.name}", mi, model.sample)


def _random_functional(rng: Generator) -> Functional:
    curve = _random_curve(rng)
    spread = float(np.std(curve((np.arange(4096) + 0.5) / 4096))) or 1.0
    # sharp relations are the hard ones
    low, high = (0.004, 0.1) if rng.random() < 0.25 else (0.01, 3)
    kind = rng.integers(6)
    if kind == 0:
        noise = gaussian_noise()
    elif kind <= 2:
        noise = uniform_noise()
    elif kind == 3:
        noise = laplace_noise()
    elif kind == 4:
        noise = student_noise(log_uniform(rng, 1.5, 10))
    else:
        noise, low, high = branched_noise(rng), 0.1, 3.0
    level = spread * log_uniform(rng, low, high)
    scales = np.array([level])
    if rng.random() < 0.4:
        pieces = int(2 ** rng.integers(1, 5))
        walk = np.cumsum(rng.normal(size=pieces)) * rng.uniform(0.2, 1)
        scales = level * np.exp(np.clip(walk - walk.mean(), -2.5, 2.5))
    return Functional(curve, noise, scales)
