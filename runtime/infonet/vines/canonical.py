"""Canonical correlation analysis (Hotelling 1936) in which each sample's functions have the
coefficients that other samples give, so that what functions tell is not their fit to chance.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from infonet.model.libraries import kernels
from infonet.vines.copula import Array

RIDGE = 1e-3  # share of the variance added to that of each function, against singular matrices
_FOLDS = 4
_SEEN = 3.0  # standard errors of a correlation from which a pair of functions is kept
_KNOWN = 0.5  # share of the variance that functions kept before explain: then there is nothing new


def fitted_to_others(
    x: Array, y: Array, pairs: int, inside: NDArray[np.bool_] | None = None
) -> tuple[Array, Array]:
    """Canonical functions [pairs, m] of features x and y [p, m], in folds: those of a fold have the
    coefficients that all other samples give. Samples that are not `inside` [m] give none."""
    m, p = x.shape[1], len(x)
    both = np.concatenate([x, y])
    if inside is not None:
        both *= inside
    edges = [m * fold // _FOLDS for fold in range(_FOLDS + 1)]
    folds = [slice(*ends) for ends in pairwise(edges)]
    sums = [kernels().products(both[:, fold]) for fold in folds]
    of_all = canonical(sum(sums[1:], sums[0]) / m, p, pairs)
    f, g = np.empty((pairs, m)), np.empty((pairs, m))
    for place, fold in enumerate(folds):
        others = [part for other, part in enumerate(sums) if other != place]
        moments = sum(others[1:], others[0]) / (m - (fold.stop - fold.start))
        a, b = canonical(moments, p, pairs)
        # Where correlations are nearly equal, functions are known up to a rotation of both sides
        # (Procrustes): the one that is nearest to the functions of all samples.
        alike = product(product(a.T, moments[:p, :p]), of_all[0])
        alike += product(product(b.T, moments[p:, p:]), of_all[1])
        u, _, v = np.linalg.svd(alike)
        turn = product(u, v)
        f[:, fold] = applied(product(a, turn), x[:, fold])
        g[:, fold] = applied(product(b, turn), y[:, fold])
    return centred(f), centred(g)


def canonical(moments: Array, p: int, pairs: int) -> tuple[Array, Array]:
    """Coefficients [p, pairs] and [q, pairs] of canonical functions, from second moments of the
    features of both sides, p of x and q of y."""
    moments = moments + RIDGE * np.diag(np.diag(moments))
    root_x, root_y = np.linalg.cholesky(moments[:p, :p]), np.linalg.cholesky(moments[p:, p:])
    between = np.linalg.solve(root_y, np.linalg.solve(root_x, moments[:p, p:]).T).T
    u, _, v = np.linalg.svd(between, full_matrices=False)
    return np.linalg.solve(root_x.T, u[:, :pairs]), np.linalg.solve(root_y.T, v[:pairs].T)


def new_pairs(f: Array, g: Array, labels: bool = False) -> list[int]:
    """Places of pairs of functions that are correlated, and new: no functions of those before.

    The canonical functions of a nonlinear relation go on with its squares and products. Where g
    are functions of `labels`, each is a polynomial of any other, so that f alone are looked at.
    """
    kept: list[int] = []
    sides = (f,) if labels else (f, g)
    least = _SEEN / math.sqrt(f.shape[1])
    for place in range(len(f)):
        if correlation(f[place], g[place]) <= least:
            continue
        if max(explained(side[kept], side[place]) for side in sides) <= _KNOWN:
            kept.append(place)
    return kept


def explained(known: Array, row: Array) -> float:
    """Share of the variance of a row that known rows and their products of two explain."""
    if not len(known):
        return 0.0
    first, second = np.triu_indices(len(known))
    rows = centred(np.concatenate([known, known[first] * known[second], row[None]]))
    moments = kernels().products(rows)
    moments[:-1, :-1] += RIDGE * np.diag(np.diag(moments)[:-1])
    return 1 - float(residual_moments(moments, len(rows) - 1)[0, 0] / moments[-1, -1])


def residual_moments(moments: Array, known: int) -> Array:
    """Second moments of what the first rows leave of the others (Schur complement)."""
    cross = moments[:known, known:]
    ridge: Array = moments[:known, :known] + 1e-9 * np.eye(known)
    told = np.asarray(np.linalg.solve(ridge, cross), np.float64)
    left: Array = moments[known:, known:] - product(cross.T, told)
    return left


def product(a: Array, b: Array) -> Array:
    """Of two matrices, by sums whose order does not depend on the threads of a BLAS."""
    found: Array = np.einsum("ij,jk->ik", a, b)
    return found


def applied(coefficients: Array, features: Array) -> Array:
    """Functions [k, m] of features [p, m] by coefficients [p, k]."""
    return product(np.ascontiguousarray(coefficients.T), features)


def correlation(a: Array, b: Array) -> float:
    """Of two rows with mean 0; 0 if one of them is constant."""
    size = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / size if size else 0.0


def centred(rows: Array) -> Array:
    """Rows [k, m], each with mean 0."""
    centred: Array = rows - rows.mean(axis=1, keepdims=True)
    return centred
