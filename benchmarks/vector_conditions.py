"""Seeded samplers of x, y and a condition z with known I(X; Y | Z) (NumPy only).

`conditional`: Gaussian, warped and gated cases. `causes`: eight kinds of common cause, which all of
the dependence comes from: the truth is 0. `alternatives`: five kinds of dependence that is left
when the cause is known, for power. See `vector_tasks.Task`.
"""

from __future__ import annotations

import math

import numpy as np
from vector_tasks import (
    GATES,
    Task,
    covariance_mi,
    exactly,
    mixed_entropy,
    nodes,
    normal,
    normal_entropy,
)

# Conditional mutual information


def gaussian(dx, dy, dz, warped=False):
    """Covariance of random factors; `warped`: each column by a monotone function of its own."""
    d = dx + dy + dz
    for variant in range(1000):
        rng = np.random.default_rng([3, dx, dy, dz, variant])
        factor = rng.normal(size=(d, d + 1)) * 0.8
        covariance = factor @ factor.T + 0.3 * np.eye(d)
        truth = covariance_mi(covariance, range(dx), range(dx, dx + dy), range(dx + dy, d))
        if 0.1 < truth < 0.8:  # a relative error means something
            break
    root = np.linalg.cholesky(covariance)
    root /= np.sqrt((root * root).sum(1, keepdims=True))

    def draw(rng, n):
        sample = normal(rng, n, d) @ root.T
        if warped:
            for j in range(d):
                sample[:, j] = WARPS[j % len(WARPS)](sample[:, j])
        return sample[:, :dx], sample[:, dx : dx + dy], sample[:, dx + dy :]

    kind = "warped" if warped else "Gaussian"
    return Task(f"{kind} {dx} + {dy} given {dz}", (dx, dy, dz), draw, exactly(truth))


WARPS = (
    np.exp,
    lambda v: v**3,
    lambda v: np.tanh(1.5 * v),
    lambda v: np.sign(v) * np.sqrt(np.abs(v)),
    lambda v: 1 / (1 + np.exp(-2 * v)),
    lambda v: np.sinh(2 * v),
)


def gated(kind, noise, dz):
    """y = g(z1) x + noise, and further z shift x and y."""
    z, weight = nodes()
    opening = GATES[kind]

    def draw(rng, n):
        z = normal(rng, n, dz)
        shift = z[:, 1:].sum(1) / 2
        w = rng.standard_normal(n)
        y = opening(z[:, 0]) * w + shift + noise * rng.standard_normal(n)
        return w + shift, y, z

    truth = 0.5 * (weight * np.log1p((opening(z) / noise) ** 2)).sum()
    name = f"gate {kind}, 1 + 1 given {dz}, noise {noise}"
    return Task(name, (1, 1, dz), draw, exactly(truth))


def gate_of_two(noise):
    """y = sign(z1 z2) x + noise."""

    def draw(rng, n):
        z, x = normal(rng, n, 2), rng.standard_normal(n)
        return x, np.sign(z[:, 0] * z[:, 1]) * x + noise * rng.standard_normal(n), z

    truth = exactly(0.5 * math.log1p(noise**-2))
    return Task(f"gate sign(z1 z2), 1 + 1 given 2, noise {noise}", (1, 1, 2), draw, truth)


def warped_cause(kind, dz, correlation):
    """A common cause that shifts and stretches normal noises of a correlation."""
    make = CAUSES[kind]

    def draw(rng, n):
        z = normal(rng, n, dz)
        v, w = pair(rng, n, correlation)
        return *make(z, v, w), z

    truth = exactly(-0.5 * math.log1p(-(correlation**2)))
    name = f"cause {kind}, noises of correlation {correlation}, 1 + 1 given {dz}"
    return Task(name, (1, 1, dz), draw, truth)


def conditional():
    return (
        [gaussian(1, 1, dz) for dz in (1, 2, 3, 4)]
        + [gaussian(2, 2, 2), gaussian(3, 2, 1)]
        + [gaussian(1, 1, dz, warped=True) for dz in (1, 2, 3, 4)]
        + [gaussian(2, 2, 2, warped=True)]
        + [warped_cause("location and scale", dz, 0.6) for dz in (1, 2)]
        + [gated("sign(z)", 0.75, dz) for dz in (1, 2)]
        + [gated("tanh(2z)", 0.3, dz) for dz in (1, 2, 4)]
        + [gate_of_two(0.75)]
    )


# Common causes: nothing is left of the dependence when all of z is known


def pair(rng, n, correlation):
    v, w = rng.standard_normal((2, n))
    return v, correlation * v + math.sqrt(1 - correlation**2) * w


def joined(z):
    """One standard normal number of all of z."""
    return z.sum(1) / math.sqrt(z.shape[1])


def additive(z, v, w):
    root = math.sqrt(z.shape[1])
    return (z * z).sum(1) / root + v, np.sin(3 * z).sum(1) / root + 0.5 * w


def multiplied(z, v, w):
    """z1^2 of one variable; otherwise products of neighbours."""
    effect = z[:, 0] ** 2 if z.shape[1] == 1 else (z[:, :-1] * z[:, 1:]).sum(1)
    return effect + v, effect + 0.7 * w


def scale(z, v, w):
    """Only the spread depends on z."""
    return np.exp(0.8 * joined(z)) * v, np.exp(0.6 * z[:, 0]) * w


def location_and_scale(z, v, w):
    a, b = joined(z), z[:, -1]
    x = np.sin(2 * a) + 0.5 * np.exp(0.4 * a) * v
    return x, b * b - (0.5 * np.exp(-0.3 * a)) * w


def step(z, v, w):
    a = joined(z)
    return np.sign(a) + 0.5 * v, (np.abs(a) < 0.7) + 2 * (z[:, 0] > 0) + 0.5 * w


def wave(z, v, w):
    a = joined(z)
    return np.cos(4 * a) + 0.3 * v, np.sin(4 * a) + z[:, 0] + 0.3 * w


def heavy(z, v, w):
    """z has heavy tails and so have the noises."""
    z = np.sinh(1.5 * z)
    return z.sum(1) + np.sinh(v), np.abs(z).sum(1) + np.sinh(w)


CAUSES = {
    "additive": additive,
    "product": multiplied,
    "scale": scale,
    "location and scale": location_and_scale,
    "step": step,
    "wave": wave,
    "heavy tails": heavy,
}


def common_cause(kind, dz):
    make = CAUSES[kind]

    def draw(rng, n):
        z, v, w = normal(rng, n, dz), *rng.standard_normal((2, n))
        x, y = make(z, v, w)
        return x, y, np.sinh(1.5 * z) if make is heavy else z

    return Task(f"{kind}, given {dz}", (1, 1, dz), draw, exactly(0))


def chain(dz):
    """x -> z1 -> ... -> y, bent at each link."""

    def draw(rng, n):
        x = state = rng.standard_normal(n)
        links = []
        for k in range(dz + 1):
            bent = np.tanh(2 * state) if k % 2 else state + 0.5 * state * state - 0.5
            state = bent + 0.4 * rng.standard_normal(n)
            links.append(state)
        return x, links[-1], np.stack(links[:-1], 1)

    return Task(f"chain, given {dz}", (1, 1, dz), draw, exactly(0))


def causes(sizes=(1, 2, 5)):
    """Eight kinds by one, two and five conditioning variables."""
    return [make(dz) for make in _kinds() for dz in sizes]


def _kinds():
    return [*(lambda dz, kind=kind: common_cause(kind, dz) for kind in CAUSES), chain]


# Alternatives


def alternative(name, dz, respond, truth):
    """x = sin 2z + noise v / 2, y = z^2 + noise r / 2 where r = respond(v, w, z) depends on v."""

    def draw(rng, n):
        z, v, w = normal(rng, n, dz), *rng.standard_normal((2, n))
        a = z[:, 0] if dz == 1 else z[:, 0] * z[:, 1]
        return np.sin(2 * a) + v / 2, a * a + respond(v, w, z) / 2, z

    return Task(f"{name}, given {dz}", (1, 1, dz), draw, truth)


def alternatives():
    v, weight = nodes()
    correlation, bend, stretch, opening, noise = 0.16, 0.22, 0.3, 0.26, 0.2

    def bent():
        return mixed_entropy(weight, bend * (v * v - 1), np.ones(1)) - normal_entropy(1.0), 0.0

    def spread():
        deviation = np.exp(stretch * v)
        given = (weight * normal_entropy(deviation)).sum()
        return mixed_entropy(weight, np.zeros(1), deviation) - given, 0.0

    def turned():
        return 0.5 * float((weight * np.log1p((opening * np.tanh(2 * v)) ** 2)).sum()), 0.0

    left = exactly(-0.5 * math.log1p(-(correlation**2)))
    mixed = exactly(-0.5 * math.log1p(-(noise**2)))

    def correlated(r):
        return lambda v, w, z: r * v + math.sqrt(1 - r * r) * w

    return [
        alternative("correlated noises", 1, correlated(correlation), left),
        alternative("bent noise", 1, lambda v, w, z: bend * (v * v - 1) + w, bent),
        alternative("spread", 1, lambda v, w, z: np.exp(stretch * v) * w, spread),
        alternative("gate", 1, lambda v, w, z: opening * np.tanh(2 * z[:, 0]) * v + w, turned),
        alternative("correlated noises, product of causes", 2, correlated(noise), mixed),
    ]


def nulls():
    """The two of the common causes on which other tests are run."""
    return [common_cause("location and scale", 1), common_cause("product", 2)]
