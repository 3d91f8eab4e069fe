"""Whether a column says what another one says, by values; and what is left of it where it does not.

Columns of equal ranks need not say the same. Of events that follow one another, the start and the
end have the same order, and what they hold together is how long each took. So a column is a copy of
another only if its values are a function of the other's:

- equal up to rounding, or a line (a x + b) of it, on either scale or the logarithms of both;
- of columns with ties, a relabelling, one to one;
- another smooth function: every value that a polynomial through its neighbours foretells, with an
  error of the size of rounding, or one that is a millionth of the distance of neighbours and falls
  with the degree, as it does for smooth functions and not for noise.

Noise below a millionth of the distance between neighbours on a curve is taken for rounding. Where a
column is nearly in the order of another and no copy, it holds with it no more and no less than what
a smooth function of the other leaves of it. This is found by least squares on values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from infonet.inputs.checks import Column
from infonet.model.libraries import kernels
from infonet.pairs.ranking import rank_columns
from infonet.vines.copula import Array, Ranks, entropy_by_spacings, in_quartiles

NEARLY = 0.999  # correlation of ranks from which values are looked at
_ORDERS = (4, 8, 12)  # neighbours that a polynomial goes through
_INNER = 0.8  # share of the samples, in the middle, that are foretold
# Of those foretold badly: runs of neighbours, near kinks, and the share of all. What is an
# exception to a function here and there makes many runs.
_RUNS, _BAD = 3, 0.2
_ROUNDINGS, _SMOOTH, _CURVED = 8.0, 1e-6, 1e4
# Root mean square of what is rounded off, in halves of the distance of rounded numbers: 0.58, where
# all of it is alike. What lies at its ends only, as of 0 and 1 second, is no rounding.
_UNIFORM = 0.7
_DIGITS = 12  # decimals and significant digits that numbers may be rounded to
_MOST_SAMPLES = 4000  # samples of that look at neighbours
_DEGREE = 8
# Distances between the quartiles from the median beyond which values are outliers, and are cut.
_FAR, _FARTHEST = 10.0, 1e6


def is_relabelling(a: Column, b: Column) -> bool:
    """Whether columns [n] of values that repeat have the same ones equal."""
    first, second = (np.unique(column, return_inverse=True)[1].reshape(-1) for column in (a, b))
    count = int(first.max()) + 1
    if int(second.max()) + 1 != count or count > a.size // 2:
        return False
    names = np.empty(count, np.int64)
    names[first] = second
    return bool((names[first] == second).all())


def is_function(a: Column, b: Column) -> bool:
    """Whether b [n] is a function of a [n] that changes nearly as a does, up to rounding."""
    x, y = _numbers(a), _numbers(b)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    unit_x, unit_y = _rounding(x, a.dtype), _rounding(y, b.dtype)
    if any(
        _is_line(*_logarithm(x, unit_x, in_x), *_logarithm(y, unit_y, in_y))
        for in_x in (False, True)
        for in_y in (False, True)
    ):
        return True
    exact = _eps(y, b.dtype) + _slope(x, y) * _eps(x, a.dtype)
    return _is_smooth(x, y, unit_y, exact)


def left_of(a: Column, b: Column) -> Array:
    """What a smooth function of a [n] leaves of b [n], on the scale of b or that of its logarithm,
    whichever is told more of; [n]. Values far from the middle have no say in the function."""
    best, found = -math.inf, _numbers(b)
    for x in _scales(_numbers(a)):
        for y in _scales(_numbers(b)):
            inside = (np.abs(x) < _FAR) & (np.abs(y) < _FAR)
            if not inside.any():
                continue
            left = _left(_basis(x, inside), y, inside)
            told = entropy_by_spacings(y[inside]) - entropy_by_spacings(left[inside])
            if told > best + 1e-9:
                best, found = told, left
    return found


def order_correlations(ranks: Sequence[Ranks]) -> Array:
    """Spearman's correlations of columns of ranks [n], [d, d]."""
    rows = np.stack(ranks).astype(np.float64) - 0.5
    products = kernels().products(rows)
    size = np.sqrt(np.diag(products))
    found: Array = products / size[:, None] / size
    return found


def _numbers(values: Column) -> Array:
    return np.nan_to_num(np.asarray(values, np.float64)) / 4


def _eps(values: Array, dtype: np.dtype[np.generic]) -> Array:
    """How far neighbouring numbers of the type are apart."""
    with np.errstate(over="ignore"):
        single = (values.astype(np.float32) == values).all()  # they may have been so once
    eps = np.finfo(np.float32 if single else np.float64).eps
    if dtype == np.float16:
        eps = np.finfo(np.float16).eps
    return np.abs(values) * float(eps)


def _rounding(values: Array, dtype: np.dtype[np.generic]) -> Array:
    """Half of the distance to the next number that could stand there, by the decimals, or the
    significant digits, that all values are rounded to; [n]."""
    eps = _eps(values, dtype)
    whole = 4 * values  # see `_numbers`
    size = np.abs(whole)
    near = 8 * np.finfo(np.float64).eps * size
    half = eps
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for digits in range(_DIGITS):
            if (np.abs(whole - np.rint(whole * 10.0**digits) / 10.0**digits) <= near).all():
                half = np.maximum(half, 10.0**-digits / 8)
                break
        places = np.floor(np.log10(np.where(size > 0, size, 1)))
        for digits in range(2, _DIGITS):
            step = 10.0 ** (places - digits + 1)
            if (np.abs(whole - np.rint(whole / step) * step) <= near).all():
                half = np.maximum(half, np.minimum(step / 8, np.abs(values)))
                break
    return half


def _logarithm(values: Array, unit: Array, wanted: bool) -> tuple[Array, Array]:
    """Values and their rounding, of logarithms if they are wanted and there are any."""
    if not wanted:
        return values, unit
    sign = 1.0 if values[0] > 0 else -1.0
    if (values * sign <= 0).any():
        return np.full_like(values, np.nan), unit
    logs = np.log(values * sign)
    return logs, unit / np.abs(values) + np.finfo(np.float64).eps * np.abs(logs)


def _is_line(x: Array, unit_x: Array, y: Array, unit_y: Array) -> bool:
    """Whether y is a line of x, up to the rounding of y and what a number of x holds."""
    if np.isnan(x[0]) or np.isnan(y[0]):
        return False
    x, y = x - x.mean(), y - y.mean()
    square = float((x * x).sum())
    if not square or not math.isfinite(square):
        return False
    slope = float((x * y).sum()) / square
    left = y - slope * x
    left -= left.mean()
    exact = np.finfo(np.float64).eps * (np.abs(x).max() * abs(slope) + np.abs(y).max())
    share = np.abs(left) / (unit_y + exact)
    rounded = bool((unit_y > 16 * exact).any())
    most, mean = (1.1, _UNIFORM) if rounded else (_ROUNDINGS, _ROUNDINGS)
    return bool(share.max() <= most and math.sqrt(float((share * share).mean())) <= mean)


def _slope(x: Array, y: Array) -> Array:
    step = np.abs(np.gradient(x))
    found: Array = np.abs(np.gradient(y)) / np.where(step > 0, step, np.inf)
    return found


def _is_smooth(x: Array, y: Array, unit: Array, exact: Array) -> bool:
    """Whether polynomials through neighbours foretell values [n] at rising x [n], up to half of the
    distance of rounded ones, and how far numbers are exact."""
    new = np.r_[True, np.diff(x) > 0]
    if (np.abs(np.diff(y))[~new[1:]] > 2 * (unit + exact)[1:][~new[1:]]).any():
        return False  # of one x there are two y
    some = np.flatnonzero(new)[:: max(1, x.size // _MOST_SAMPLES)]
    x, y, unit, exact = x[some], y[some], unit[some], exact[some]
    n = x.size
    middle = slice(int(n * (1 - _INNER) / 2), n - int(n * (1 - _INNER) / 2))
    if n < 2 * max(_ORDERS):
        return False
    good = np.zeros(n, np.bool_)
    rounded, rest = bool((unit > 16 * exact).any()), math.inf
    errors = np.full(n, np.inf)
    distance = np.abs(np.gradient(y))
    for order in _ORDERS:
        half = order // 2
        inside = np.arange(half, n - half)
        offsets = np.r_[-half:0, 1 : half + 1]
        around, at = x[inside[:, None] + offsets], x[inside]
        weights = np.ones_like(around)
        for j in range(order):
            for k in range(order):
                if k != j:
                    weights[:, j] *= (at - around[:, k]) / (around[:, j] - around[:, k])
        near = inside[:, None] + offsets
        error = np.abs(y[inside] - (weights * y[near]).sum(axis=1))
        squares = (weights * weights * unit[near] ** 2).sum(axis=1) + unit[inside] ** 2
        share = error / np.sqrt(squares)
        noise = (np.abs(weights) * exact[near]).sum(axis=1) + exact[inside]
        errors[inside] = np.minimum(errors[inside], error)
        good[inside] |= (error <= _ROUNDINGS * noise) | (rounded & (share <= 2))
        few = share[share <= 2 / _UNIFORM]
        if few.size >= (1 - _BAD) * inside.size:
            rest = min(rest, math.sqrt(float((few * few).mean())))
    line = np.polynomial.polynomial.polyfit(x - x.mean(), y, 1)
    curve = float((y - np.polynomial.polynomial.polyval(x - x.mean(), line)).std())
    if curve > _CURVED * float(np.median(errors[middle])):
        good |= errors <= _SMOOTH * distance
    if rounded and rest > _UNIFORM:
        return False
    bad = np.flatnonzero(~good[middle])
    runs = 1 + int((np.diff(bad) > max(_ORDERS)).sum()) if bad.size else 0
    return runs <= _RUNS and bad.size <= _BAD * n


def _scales(numbers: Array) -> list[Array]:
    """Numbers in quartile distances, and their logarithms; what has none of these as it is."""
    found = [in_quartiles(numbers, _FARTHEST)]
    if numbers.min() > 0:
        found.append(in_quartiles(np.log(numbers), _FARTHEST))
    return [scale for scale in found if scale is not None] or [numbers]


def _basis(scale: Array, inside: NDArray[np.bool_]) -> Array:
    """Polynomials of a scale and of the normal scores of its ranks, orthonormal by the samples
    inside, [p, n]."""
    scores = kernels().normal_scores(rank_columns([scale]).rows[0])
    rows: list[Array] = [np.full(scale.size, float(inside.sum()) ** -0.5)]
    for power in range(1, _DEGREE + 1):
        for row in (scale, scores) if power == 1 else (scores * rows[-1],):
            left, size = row, math.sqrt(_product(row, row, inside))
            for _ in range(2):
                for known in rows:
                    left = left - _product(left, known, inside) * known
            rest = math.sqrt(_product(left, left, inside))
            if rest > 1e-10 * size:
                rows.append(left / rest)
    return np.stack(rows)


def _left(rows: Array, y: Array, inside: NDArray[np.bool_]) -> Array:
    """What is left of y by as many rows as generalised cross-validation finds best."""
    n, left = int(inside.sum()), y
    best, found = math.inf, y
    for count, row in enumerate(rows, 1):
        left = left - _product(left, row, inside) * row
        score = _product(left, left, inside) / (1 - 1.4 * min(count / n, 0.5)) ** 2
        if score < best:
            best, found = score, left
    return found


def _product(a: Array, b: Array, inside: NDArray[np.bool_]) -> float:
    return float((a * b * inside).sum())
