"""Seeded samplers of several dimensions with known mutual information (NumPy only).

`mixtures`, `interactions` and `benchmark` are cases of I(X; Y); those with a condition are in
`vector_conditions.py`. A truth is exact, by quadrature of a smooth density (error below 1e-6), or
the mean of a million log density ratios, with its standard error in `Task.error`.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

RATIOS = 1_000_000
BATCH = 50_000


@dataclass(frozen=True)
class Task:
    """A distribution of x [n, dx], y [n, dy] and z [n, dz] (None if dz = 0); truth in nats."""

    name: str
    dims: tuple[int, int, int]
    draw: Callable  # (rng, n) -> x, y, z
    measure: Callable[[], tuple[float, float]]  # -> truth, its standard error

    def sample(self, rng, n):
        x, y, z = self.draw(rng, n)
        columns = [
            None if v is None else np.asarray(v).reshape(len(v), -1).astype(np.float32)
            for v in (x, y, z)
        ]
        found = tuple(0 if v is None else v.shape[1] for v in columns)
        if found != self.dims:
            raise ValueError(f"{self.name}: dimensions {found}, not {self.dims}")
        return columns

    @property
    def number(self):
        """For seeds: default_rng([seed, task.number, n, draw])."""
        return zlib.crc32(self.name.encode())

    @cached_property
    def _measured(self):
        return self.measure()

    @property
    def truth(self):
        return self._measured[0]

    @property
    def error(self):
        return self._measured[1]


def exactly(value):
    return lambda: (float(value), 0.0)


def normal(rng, n, d):
    return rng.standard_normal((n, d))


def ratios(batch, seed):
    """Mean and standard error of `batch(rng, n)`, log density ratios, over RATIOS of them."""
    rng = np.random.default_rng(seed)
    parts = np.concatenate([batch(rng, BATCH) for _ in range(RATIOS // BATCH)])
    return float(parts.mean()), float(parts.std() / math.sqrt(len(parts)))


def log_sum_exp(terms):
    most = terms.max(-1)
    return most + np.log(np.exp(terms - most[..., None]).sum(-1))


def nodes(reach=9.0, count=2400):
    """Points (0 is none) and weights for the mean of a function of a standard normal number."""
    x = np.linspace(-reach, reach, count)
    weight = np.exp(-x * x / 2)
    return x, weight / weight.sum()


def mixed_entropy(weight, mean, deviation):
    """Differential entropy of a scalar mixture of many normal components."""
    keep = weight > 1e-17
    weight, mean, deviation = (
        np.broadcast_to(v, weight.shape)[keep] for v in (weight, mean, deviation)
    )
    low, high = (mean - 9 * deviation).min(), (mean + 9 * deviation).max()
    y = np.linspace(low, high, math.ceil(8 * (high - low) / deviation.min()))
    density = np.zeros(len(y))
    for part in np.array_split(np.arange(len(weight)), max(1, len(weight) // 200)):
        scaled = (y[:, None] - mean[part]) / deviation[part]
        density += np.exp(-scaled * scaled / 2) @ (weight[part] / deviation[part])
    density /= math.sqrt(2 * math.pi)
    inside = density[density > 0]
    return float(-(inside * np.log(inside)).sum() * (y[1] - y[0]))


def normal_entropy(deviation):
    return 0.5 * math.log(2 * math.pi * math.e) + np.log(deviation)


def covariance_mi(covariance, x, y, z=()):
    """I(X; Y | Z) of normal variables, indices of columns."""
    x, y, z = list(x), list(y), list(z)

    def size(columns):
        return np.linalg.slogdet(covariance[np.ix_(columns, columns)])[1] if columns else 0.0

    return 0.5 * (size(x + z) + size(y + z) - size(x + y + z) - size(z))


# Gaussian mixtures


def mixture(components, dx, dy, variant=0):
    d = dx + dy
    rng = np.random.default_rng([components, dx, dy, variant])
    weight = rng.dirichlet(np.full(components, 5.0))
    mean = rng.normal(size=(components, d)) * 1.5
    factor = rng.normal(size=(components, d, d)) / math.sqrt(d)
    covariance = factor @ factor.transpose(0, 2, 1) + 0.15 * np.eye(d)
    root = np.linalg.cholesky(covariance)

    def draw(rng, n):
        which = rng.choice(components, n, p=weight)
        sample = mean[which] + np.einsum("nij,nj->ni", root[which], normal(rng, n, d))
        return sample[:, :dx], sample[:, dx:], None

    def log_density(sample, columns):
        terms = []
        for k in range(components):
            own = np.linalg.cholesky(covariance[k][columns, columns])
            scaled = np.linalg.solve(own, (sample - mean[k][columns]).T)
            size = np.log(np.diag(own)).sum() + 0.5 * len(own) * math.log(2 * math.pi)
            terms.append(math.log(weight[k]) - size - 0.5 * (scaled * scaled).sum(0))
        return log_sum_exp(np.stack(terms, -1))

    def batch(rng, n):
        x, y, _ = draw(rng, n)
        joint = log_density(np.hstack([x, y]), slice(0, d))
        return joint - log_density(x, slice(0, dx)) - log_density(y, slice(dx, d))

    name = f"mixture of {components}, {dx} + {dy}" + (f", variant {variant}" if variant else "")
    return Task(name, (dx, dy, 0), draw, lambda: ratios(batch, [7, components, dx, dy, variant]))


def mixtures(variants=2):
    """Of 3 and 4 components in 2 + 1, 2 + 2 and 3 + 3 dimensions."""
    return [
        mixture(components, dx, dy, variant)
        for dx, dy in ((2, 1), (2, 2), (3, 3))
        for components in (3, 4)
        for variant in range(variants)
    ]


# y = f(x) + noise where no pair of columns shows it all


def product(noise, fillers=0):
    """y = x1 x2 + noise; `fillers` columns of x have nothing to do with it."""
    x, weight = nodes()

    def draw(rng, n):
        x = normal(rng, n, 2 + fillers)
        return x, x[:, 0] * x[:, 1] + noise * rng.standard_normal(n), None

    def truth():
        return mixed_entropy(weight, 0.0, np.hypot(x, noise)) - normal_entropy(noise), 0.0

    return Task(f"product, {2 + fillers} + 1, noise {noise}", (2 + fillers, 1, 0), draw, truth)


def two_products(noise):
    """y = (x1 x2, x2 x3) + noise: normal given x2."""
    x, weight = nodes(6.0, 240)
    variance, log_weight = x * x + noise * noise, np.log(weight)

    def draw(rng, n):
        x = normal(rng, n, 3)
        return x, x[:, 1:2] * x[:, ::2] + noise * normal(rng, n, 2), None

    def batch(rng, n):
        x, y, _ = draw(rng, n)
        left = y - x[:, 1:2] * x[:, ::2]
        given = -0.5 * (left * left).sum(1) / noise**2 - 2 * math.log(noise)
        square = (y * y).sum(1, keepdims=True)
        return given - log_sum_exp(log_weight - np.log(variance) - 0.5 * square / variance)

    return Task(f"two products, 3 + 2, noise {noise}", (3, 2, 0), draw, lambda: ratios(batch, 11))


def gate(kind, noise):
    """y = g(z) w + noise, x = (w, z)."""
    x, weight = nodes()
    opening = GATES[kind]

    def draw(rng, n):
        x = normal(rng, n, 2)
        return x, opening(x[:, 1]) * x[:, 0] + noise * rng.standard_normal(n), None

    def truth():
        return mixed_entropy(weight, 0.0, np.hypot(opening(x), noise)) - normal_entropy(noise), 0.0

    return Task(f"gate {kind}, 2 + 1, noise {noise}", (2, 1, 0), draw, truth)


GATES = {"sign(z)": np.sign, "tanh(2z)": lambda z: np.tanh(2 * z)}


def radius(d, noise):
    """y = |x| + noise, x in d dimensions."""

    def draw(rng, n):
        x = normal(rng, n, d)
        return x, np.sqrt((x * x).sum(1)) + noise * rng.standard_normal(n), None

    def truth():
        r = (np.arange(4000) + 0.5) * 0.003
        weight = np.exp((d - 1) * np.log(r) - r * r / 2)
        return mixed_entropy(weight / weight.sum(), r, noise) - normal_entropy(noise), 0.0

    return Task(f"radius, {d} + 1, noise {noise}", (d, 1, 0), draw, truth)


def interactions():
    return [
        product(0.5),
        product(0.2),
        product(0.5, fillers=2),
        two_products(0.5),
        gate("sign(z)", 0.75),
        gate("tanh(2z)", 0.3),
        gate("tanh(2z)", 0.75),
        radius(2, 0.2),
        radius(3, 0.2),
        radius(5, 0.2),
    ]


# The benchmark's own kinds, for as many fresh draws as coverage needs


def dense(d):
    covariance = np.full((2 * d, 2 * d), 0.5) + 0.5 * np.eye(2 * d)

    def draw(rng, n):
        sample = math.sqrt(0.5) * (normal(rng, n, 2 * d) + normal(rng, n, 1))
        return sample[:, :d], sample[:, d:], None

    truth = covariance_mi(covariance, range(d), range(d, 2 * d))
    return Task(f"multinormal dense {d} + {d}", (d, d, 0), draw, exactly(truth))


def sparse(d):
    """Two pairs of correlation 0.8."""

    def draw(rng, n):
        x, y = normal(rng, n, d), normal(rng, n, d)
        y[:, :2] = 0.8 * x[:, :2] + 0.6 * y[:, :2]
        return x, y, None

    return Task(f"multinormal sparse {d} + {d}", (d, d, 0), draw, exactly(-math.log(0.36)))


STUDENT = {  # dimensions, degrees of freedom: MI of the benchmark
    (2, 1): 0.43194562,
    (2, 2): 0.19314718,
    (3, 2): 0.29092192,
    (3, 3): 0.17871185,
    (5, 2): 0.44815068,
    (5, 3): 0.29854362,
}


def student(d, freedom):
    def draw(rng, n):
        scale = np.sqrt(freedom / rng.chisquare(freedom, (n, 1)))
        return scale * normal(rng, n, d), scale * normal(rng, n, d), None

    name = f"student {d} + {d}, {freedom} degrees of freedom"
    return Task(name, (d, d, 0), draw, exactly(STUDENT[d, freedom]))


def benchmark():
    return [make(d) for make in (dense, sparse) for d in (2, 3, 5)] + [
        student(*key) for key in STUDENT
    ]
