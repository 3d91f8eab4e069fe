"""Samplers of the kinds of columns that real tables hold, joined so that the truth is known.

Shared by real_kinds.py, real_independence.py and real_power.py. A column is a latent number that
was cut: a margin is a partition into segments, each an atom (all of it one value: a count, a level,
zero, a rounded number) or continuous. Two latent numbers a ~ N(0, 1) and b = f(a) + s noise then
give every kind against every other, and the mutual information is a sum over atoms and a quadrature
over what is continuous.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import infonet
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, poisson

FAR = 7.5  # standard deviations that the quadrature reaches
Draw = Callable[[np.random.Generator, int], tuple[NDArray, NDArray]]


@dataclass(frozen=True)
class Margin:
    """A kind of column.

    Attributes:
        edges: probabilities between segments, increasing, in (0, 1).
        values: of each segment, NaN for a continuous one; text for categories.
        atom: bool for each segment.
        discrete: whether scikit-learn is to be told that it is.
        unordered: whether the values have no order: names, codes.
    """

    edges: NDArray
    values: NDArray
    atom: NDArray
    discrete: bool
    unordered: bool = False

    def apply(self, latent: NDArray, thresholds: NDArray) -> NDArray:
        """Values of latent numbers whose quantiles at the edges are `thresholds`."""
        segment = np.searchsorted(thresholds, latent)
        if self.atom.all():
            return self.values[segment]
        start = np.concatenate([[0.0], thresholds])[segment]
        return np.where(self.atom[segment], self.values[segment], latent - start)


def atoms(edges, values, discrete=True, unordered=False):
    values = np.asarray(values)
    return Margin(np.asarray(edges), values, np.ones(len(values), bool), discrete, unordered)


def number(rng):
    return Margin(np.empty(0), np.array([np.nan]), np.array([False]), False)


def rounded(step):
    def make(rng):
        values = np.arange(round(-4.5 / step), round(4.5 / step) + 1) * step
        return atoms(norm.cdf(values[1:] - step / 2), values, discrete=False)

    return make


def count(mean):
    def make(rng):
        top = int(poisson.isf(1e-7, mean))
        values = np.arange(int(poisson.ppf(1e-7, mean)), top + 1)
        return atoms(poisson.cdf(values[:-1], mean), values)

    return make


def zero_inflated(share):
    def make(rng):
        return Margin(np.array([share]), np.array([0, np.nan]), np.array([True, False]), False)

    return make


def rating(rng):
    return atoms([0.08, 0.22, 0.5, 0.8], [1, 2, 3, 4, 5])


def rare(share):
    return lambda rng: atoms([1 - share], [0, 1])


def _levels(rng, levels, evenness):
    """Edges of levels of unequal shares, none of them below 1e-6."""
    p = np.maximum(rng.dirichlet(np.full(levels, evenness)), 1e-6)
    return (p / p.sum()).cumsum()[:-1]


def names(rng, levels):
    return np.array([f"w{k:05}" for k in rng.choice(100_000, levels, replace=False)])


def category(levels, evenness=2.0):
    def make(rng):
        return atoms(_levels(rng, levels, evenness), names(rng, levels), unordered=True)

    return make


def code(levels):
    def make(rng):
        codes = rng.choice(10_000, levels, replace=False)
        return atoms(_levels(rng, levels, 2.0), codes, unordered=True)

    return make


KINDS = {
    "number": number,
    "rounded to 0.1": rounded(0.1),
    "rounded to 0.01": rounded(0.01),
    "zeros 50 %": zero_inflated(0.5),
    "zeros 90 %": zero_inflated(0.9),
    "zeros 98 %": zero_inflated(0.98),
    "count 0.3": count(0.3),
    "count 3": count(3),
    "count 30": count(30),
    "rating": rating,
    "category 3": category(3),
    "category 30": category(30),
    "category 300": category(300, 0.5),
    "code 100": code(100),
    "rare 3 %": rare(0.03),
    "rare 0.5 %": rare(0.005),
}


@dataclass(frozen=True)
class Case:
    """A joint distribution: names of both kinds and of what joins them, the truth and samples."""

    x: str
    y: str
    relation: str
    truth: float  # nats
    draw: Draw
    discrete: tuple[bool, bool]
    atoms: tuple[bool, bool]  # whether all values of each are atoms, so that it can be counted

    @property
    def name(self) -> str:
        return f"{self.x}, {self.y}, {self.relation}"


def number_of(text: str) -> int:
    """A number for a text, as a part of a seed."""
    return zlib.crc32(text.encode())


# f(latent number, its segment) and s
def _line(rho):
    return lambda a, segment: rho * a, np.sqrt(1 - rho**2)


def _parabola(strength):
    return lambda a, segment: strength * (a**2 - 1) / np.sqrt(2), np.sqrt(1 - strength**2)


def _means(strength, levels, rng):
    """Each level has a mean of its own, in no order."""
    table = strength * rng.standard_normal(levels)
    return lambda a, segment: table[segment], np.sqrt(1 - strength**2)


RELATIONS = ("none", "weak", "medium", "strong", "bent", "function")
_RHO = {"none": 0.0, "weak": 0.3, "medium": 0.6, "strong": 0.95}


def case(x_name: str, y_name: str, relation: str, seed: int = 1601) -> Case | None:
    """The case of two kinds and a relation; None if it has no finite or no positive truth."""
    rng = np.random.default_rng([seed, number_of(f"{x_name}, {y_name}, {relation}")])
    x, y = KINDS[x_name](rng), KINDS[y_name](rng)
    swap = (relation == "bent" and y.unordered and not x.unordered) or (
        relation == "function" and len(y.edges) > len(x.edges)
    )
    if relation == "function" and not (x.atom.all() or y.atom.all()):
        return None
    if relation == "function":
        # y as a function of x; what is continuous tells all of an atom
        swap = not y.atom.all() or (x.atom.all() and len(y.edges) > len(x.edges))
    first, second = (y, x) if swap else (x, y)
    if relation == "function":
        found = _function(first, second)
    elif relation == "bent":
        levels = len(first.values)
        found = _noisy(
            first, second, *(_means(0.8, levels, rng) if first.unordered else _parabola(0.8))
        )
    else:
        found = _noisy(first, second, *_line(_RHO[relation]))
    if found is None:
        return None
    truth, draw = found
    both = (lambda r, n: draw(r, n)[::-1]) if swap else draw
    return Case(
        x_name,
        y_name,
        relation,
        0.0 if relation == "none" else truth,
        both,
        (x.discrete, y.discrete),
        (bool(x.atom.all()), bool(y.atom.all())),
    )


def _function(x: Margin, y: Margin):
    """(truth, draw) of y as a function of x, increasing in the latent number."""
    ends = np.concatenate([[0.0], x.edges, [1.0]])
    middle = (ends[:-1] + ends[1:]) / 2
    if x.atom.all():
        # the share of each level of y is the sum of those of the levels of x within it
        at = np.searchsorted(y.edges, middle)
        shares = np.bincount(at, weights=np.diff(ends), minlength=len(y.values))
    else:
        pieces = np.unique(np.concatenate([ends, y.edges]))
        centre = (pieces[:-1] + pieces[1:]) / 2
        segment = np.searchsorted(x.edges, centre)
        at = np.searchsorted(y.edges, np.where(x.atom[segment], middle[segment], centre))
        shares = np.bincount(at, weights=np.diff(pieces), minlength=len(y.values))
    p = shares[shares > 0]
    truth = float(-(p * np.log(p)).sum())
    if truth < 1e-6:
        return None

    def draw(rng, n):
        u = rng.random(n)
        segment = np.searchsorted(x.edges, u)
        v = np.where(x.atom[segment], middle[segment], u)
        latent = norm.ppf(u)
        return x.apply(latent, norm.ppf(x.edges)), y.values[np.searchsorted(y.edges, v)]

    return truth, draw


def _nodes(edges: NDArray, low: float, high: float, step: float):
    """(nodes, weights, segment of each) of Gauss-Legendre rules between edges and steps."""
    grid = np.linspace(low, high, max(2, int((high - low) / step) + 2))
    inside = edges[(edges > low) & (edges < high)]
    ends = np.unique(np.concatenate([grid, inside]))
    width = np.diff(ends)
    nodes, weights = [], []
    for few, chosen in ((2, width <= step / 8), (6, width > step / 8)):
        z, w = np.polynomial.legendre.leggauss(few)
        nodes.append((ends[:-1, None] + width[:, None] * (z + 1) / 2)[chosen].ravel())
        weights.append((width[:, None] * w / 2)[chosen].ravel())
    node, weight = np.concatenate(nodes), np.concatenate(weights)
    order = np.argsort(node)
    return node[order], weight[order], np.searchsorted(edges, node[order])


def _cells(segment: NDArray, atom: NDArray) -> NDArray:
    """Where the cells of nodes start: an atom is one, each node elsewhere is one."""
    new = np.concatenate([[True], np.diff(segment) > 0])
    return np.flatnonzero(new | ~atom[segment])


def _noisy(x: Margin, y: Margin, f, s: float):
    """(truth, draw) of b = f(a) + s noise, cut into x and y."""
    x_edges = norm.ppf(x.edges)
    a, a_weight, a_segment = _nodes(x_edges, -FAR, FAR, 0.2)
    a_weight = a_weight * norm.pdf(a)
    mean = f(a, a_segment)
    low, high = mean.min() - FAR * s, mean.max() + FAR * s
    y_edges = np.empty(0)
    if len(y.edges):  # where exactly is of no importance, as the quadrature uses them as they are
        grid = np.linspace(low, high, 2001)
        some = np.linspace(mean.min(), mean.max(), 301)
        weight = np.histogram(mean, np.append(some, np.inf), weights=a_weight)[0]
        centre = some + (some[1] - some[0]) / 2
        cdf = weight @ norm.cdf((grid - centre[:, None]) / s)
        keep = np.concatenate([[True], np.diff(cdf) > 1e-15])
        y_edges = np.interp(y.edges, cdf[keep], grid[keep])
    b, b_weight, b_segment = _nodes(y_edges, low, high, s / 3)
    z = (b - mean[:, None]) / s
    joint = a_weight[:, None] * np.exp(-0.5 * z * z) * (b_weight / (s * np.sqrt(2 * np.pi)))
    joint = np.add.reduceat(joint, _cells(a_segment, x.atom), axis=0)
    joint = np.add.reduceat(joint, _cells(b_segment, y.atom), axis=1)
    total = joint.sum()
    if abs(total - 1) > 1e-6:
        raise ArithmeticError(f"the quadrature holds {total} of a probability of 1")
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    used = joint > 0
    expected = np.outer(rows, columns)
    truth = float((joint[used] * np.log(joint[used] / expected[used])).sum())

    def draw(rng, n):
        u = rng.standard_normal(n)
        v = f(u, np.searchsorted(x_edges, u)) + s * rng.standard_normal(n)
        return x.apply(u, x_edges), y.apply(v, y_edges)

    return truth, draw


def load_estimate(path: str | None):
    """The call to be measured: `module:name`, or infonet's estimator on one thread."""
    if path:
        module, _, name = path.partition(":")
        return getattr(importlib.import_module(module), name)
    return infonet.Estimator(threads=1).estimate
