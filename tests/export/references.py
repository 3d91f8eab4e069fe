"""Independent, slow calculations: what the tests compare the package with.

Nothing here imports infonet_export. Units are nats.
"""

from __future__ import annotations

import mpmath
import numpy as np
from scipy.special import logsumexp, ndtr
from scipy.stats import norm


def generators(family, theta):
    """The generator of an Archimedean copula and its two derivatives at t, given t and s = 1 -
    t."""
    a = mpmath.mpf(theta)
    log, exp, expm1 = mpmath.log, mpmath.exp, mpmath.expm1

    def clayton(t, _):
        return (t**-a - 1) / a, -(t ** (-a - 1)), (a + 1) * t ** (-a - 2)

    def gumbel(t, s):
        x = -mpmath.log1p(-s) if s < 0.5 else -log(t)
        return x**a, -a * x ** (a - 1) / t, a * x ** (a - 2) * (a - 1 + x) / t**2

    def frank(t, _):
        down = expm1(a * t)
        return -log(expm1(-a * t) / expm1(-a)), -a / down, a**2 * exp(a * t) / down**2

    def joe(t, s):
        power = exp(a * (log(s) if s < 0.5 else mpmath.log1p(-t)))
        rest = 1 - power if s < 0.5 else -expm1(a * mpmath.log1p(-t))
        slope = -a * power / s / rest
        value = -mpmath.log1p(-power) if s < 0.5 else -log(rest)
        return value, slope, a * power / s**2 * (a - 1 + power) / rest**2

    return {"clayton": clayton, "gumbel": gumbel, "frank": frank, "joe": joe}[family]


def archimedean_mi(family, theta):
    """MI by two one-dimensional integrals.

    The density is phi''(C) phi'(u) phi'(v) / |phi'(C)|^3 with C = C(u, v), and C has the Kendall
    density phi phi'' / phi'^2 (Genest & Rivest 1993), so that E log c needs no double integral.
    """
    phi = generators(family, theta)

    def integrand(t, s):
        value, slope, bend = phi(t, s)
        if value == 0:  # beyond the working precision of an end
            return mpmath.mpf(0)
        weight = value * bend / slope**2
        return weight * (mpmath.log(bend) - 3 * mpmath.log(-slope)) + 2 * mpmath.log(-slope)

    with mpmath.workdps(30):
        points = [0, mpmath.mpf("1e-6"), mpmath.mpf("1e-3"), 0.05, 0.5]
        low = mpmath.quad(lambda t: integrand(t, 1 - t), points)
        return float(low + mpmath.quad(lambda s: integrand(1 - s, s), points))


def copula_cdf(family, theta):
    """C(u, v) from the textbook (Nelsen 2006, table 4.1 and sections 3.2, 3.3)."""
    if family == "clayton":
        return lambda u, v: (u**-theta + v**-theta - 1) ** (-1 / theta)
    if family == "gumbel":
        return lambda u, v: np.exp(
            -(((-np.log(u)) ** theta + (-np.log(v)) ** theta) ** (1 / theta))
        )
    if family == "frank":

        def frank(u, v):
            a, b, end = np.exp(-theta * u), np.exp(-theta * v), np.exp(-theta)
            return -np.log((a * (1 - b) + b - end) / (1 - end)) / theta

        return frank
    if family == "joe":
        return lambda u, v: (
            1
            - ((1 - u) ** theta + (1 - v) ** theta - (1 - u) ** theta * (1 - v) ** theta)
            ** (1 / theta)
        )
    if family == "plackett":

        def plackett(u, v):
            s = 1 + (theta - 1) * (u + v)
            return (s - np.sqrt(s**2 - 4 * u * v * theta * (theta - 1))) / (2 * (theta - 1))

        return plackett
    if family == "fgm":
        return lambda u, v: u * v * (1 + theta * (1 - u) * (1 - v))
    raise ValueError(family)


def rectangle_probabilities(cdf, edges):
    """Probabilities of the cells of edges x edges (edges within (0, 1)) under a copula."""
    u = np.concatenate([[0.0], edges, [1.0]])
    inner = cdf(edges[:, None], edges[None, :])
    full = np.zeros((len(u), len(u)))
    full[1:-1, 1:-1] = inner
    full[-1, :], full[:, -1] = u, u
    return np.diff(np.diff(full, axis=0), axis=1)


def normal_score_integrals(log_density, step=0.02, reach=7.5, block=64):
    """Trapezoid rule of a copula density c over a square of normal scores.

    Returns (integral of c, largest error of the marginals, integral of c log c).
    """
    z = np.arange(-reach, reach + step / 2, step)
    u, weight = ndtr(z), norm.pdf(z) * step
    rows, columns, mi = np.zeros(len(z)), np.zeros(len(z)), 0.0
    for start in range(0, len(z), block):
        part = slice(start, start + block)
        left, right = np.meshgrid(u[part], u, indexing="ij")
        log_c = log_density(np.stack([left.ravel(), right.ravel()], 1)).reshape(left.shape)
        c = np.exp(log_c)
        rows[part] = c @ weight
        columns += weight[part] @ c
        mi += weight[part] @ np.where(c > 0, c * log_c, 0.0) @ weight
    central = np.abs(z) < 4
    off = max(np.abs(rows[central] - 1).max(), np.abs(columns[central] - 1).max())
    return float(weight @ rows), float(off), float(mi)


def mixture_log_ratio(weights, means, covariances, points):
    """log p(x, y) / (p(x) p(y)) of a Gaussian mixture, by scipy's normal densities."""
    joint, left, right = [], [], []
    for w, m, c in zip(weights, means, covariances, strict=True):
        inverse, (_, log_det) = np.linalg.inv(c), np.linalg.slogdet(c)
        d = points - m
        square = np.einsum("ni,ij,nj->n", d, inverse, d)
        joint.append(np.log(w) - 0.5 * square - 0.5 * log_det - np.log(2 * np.pi))
        left.append(np.log(w) + norm.logpdf(points[:, 0], m[0], np.sqrt(c[0, 0])))
        right.append(np.log(w) + norm.logpdf(points[:, 1], m[1], np.sqrt(c[1, 1])))
    return logsumexp(joint, 0) - logsumexp(left, 0) - logsumexp(right, 0)


def mixture_mi(weights, means, covariances, step=0.1, reach=6.0):
    """MI of a Gaussian mixture: a trapezoid rule in the whitened plane of every component."""
    z = np.arange(-reach, reach + step / 2, step)
    weight = np.outer(norm.pdf(z), norm.pdf(z)).ravel()
    weight /= weight.sum()
    plane = np.stack(np.meshgrid(z, z, indexing="ij"), -1).reshape(-1, 2)
    total = 0.0
    for w, m, c in zip(weights, means, covariances, strict=True):
        values, vectors = np.linalg.eigh(c)
        points = plane @ (vectors * np.sqrt(values)).T + m
        total += w * (weight @ mixture_log_ratio(weights, means, covariances, points))
    return float(total)


def pmf_mi(pmf):
    """MI of a joint pmf by the plain double sum."""
    pmf = np.asarray(pmf, float) / np.sum(pmf)
    left, right = pmf.sum(1), pmf.sum(0)
    total = 0.0
    for i in range(pmf.shape[0]):
        for j in range(pmf.shape[1]):
            if pmf[i, j] > 0:
                total += pmf[i, j] * (np.log(pmf[i, j]) - np.log(left[i]) - np.log(right[j]))
    return total


class Scripted:
    """A stand-in for a random generator whose draws are given: a family at a chosen parameter."""

    def __init__(self, *values):
        self.values = list(values)

    def _next(self, *_):
        return self.values.pop(0)

    uniform = normal = random = _next


def additive_mi(f, scale, log_pdf, noise_entropy, y, nodes=4000, block=400):
    """I(X; Y) of Y = f(X) + scale(X) * noise with X uniform, by brute force.

    f, scale: vectorised functions of x; log_pdf, noise_entropy: of the unit noise; y: increasing
    quadrature points that hold nearly all of the mass. h(Y) - h(noise) - E log scale.
    """
    x = (np.arange(nodes) + 0.5) / nodes
    centre, width = f(x), np.broadcast_to(scale(x), x.shape)
    density = np.empty_like(y)
    for start in range(0, len(y), block):
        part = y[start : start + block]
        density[start : start + block] = np.mean(
            np.exp(log_pdf((part[:, None] - centre) / width)) / width, 1
        )
    entropy = np.where(density > 0, -density * np.log(np.maximum(density, 1e-300)), 0.0)
    mass = np.trapezoid(density, y)
    assert abs(mass - 1) < 5e-3, mass
    return float(np.trapezoid(entropy, y) - noise_entropy - np.mean(np.log(width)))
