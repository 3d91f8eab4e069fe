"""What a vine needs beside the network, in NumPy; see `kernels/cpu/vine.cpp`."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from infonet_kernels._twin.histograms import check_grid, check_ranks
from infonet_kernels._twin.moments import block_sums
from infonet_kernels._twin.ranks import check_length

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
_ROUNDS = 200  # of scaling, at most
_CLOSE = 1e-6  # of the marginals to uniform ones
_RANGE = 60.0  # nats below the largest entry that still count

# Wichura's AS 241: numerators and denominators, the constants first.
_CENTRE = (
    (
        *(3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3),
        *(1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4),
        *(3.3430575583588128105e4, 2.5090809287301226727e3),
    ),
    (
        *(1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3),
        *(2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4),
        5.2264952788528545610e3,
    ),
)
_TAIL = (
    (
        *(1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0),
        *(3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1),
        *(2.27238449892691845833e-2, 7.74545014278341407640e-4),
    ),
    (
        *(1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1),
        *(1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4),
        1.05075007164441684324e-9,
    ),
)
_END = (
    (
        *(6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0),
        *(2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3),
        *(2.71155556874348757815e-5, 2.01033439929228813265e-7),
    ),
    (
        *(1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2),
        *(7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7),
        2.04426310338993978564e-15,
    ),
)


def normal_scores(ranks: Floats, n: int, scores: Doubles) -> None:
    """See infonet_normal_scores."""
    check_length(n)
    check_ranks(ranks, "")
    least = 0.5 / n
    p = np.minimum(np.maximum(ranks.astype(np.float64), least), 1.0 - least)
    q = p - 0.5
    centre = np.abs(q) <= 0.425
    r = 0.180625 - q * q
    scores[:] = q * _polynomial(_CENTRE[0], r) / _polynomial(_CENTRE[1], r)
    tail = ~centre
    far = np.where(q[tail] < 0, p[tail], 1.0 - p[tail])
    r = np.sqrt(-_by_element(math.log, far))
    near, beyond = r - 1.6, r - 5.0
    found = np.where(
        r <= 5.0,
        _polynomial(_TAIL[0], near) / _polynomial(_TAIL[1], near),
        _polynomial(_END[0], beyond) / _polynomial(_END[1], beyond),
    )
    scores[tail] = np.where(q[tail] < 0, -found, found)


def conditionals(
    table: Floats,
    grid: int,
    u: Floats,
    v: Floats,
    n: int,
    of_u: Floats,
    of_v: Floats,
    log_density: Floats,
) -> None:
    """See infonet_conditionals."""
    check_length(n)
    check_grid(grid)
    check_ranks(u, "u, ")
    check_ranks(v, "v, ")
    top = float(table.max())
    cells = _by_element(math.exp, np.maximum(table.astype(np.float64) - top, -_RANGE).ravel())
    cells = _balanced(cells.reshape(grid, grid))
    (x, right), (y, upper) = _place(u, grid), _place(v, grid)
    of_u[:] = _read(_steps(cells.T), grid, y, upper, u)
    of_v[:] = _read(_steps(cells), grid, x, right, v)
    below = cells[x, y] + (cells[x, y + 1] - cells[x, y]) * upper
    above = cells[x + 1, y] + (cells[x + 1, y + 1] - cells[x + 1, y]) * upper
    log_density[:] = _by_element(math.log, below + (above - below) * right)


def _by_element(function: Callable[[float], float], values: Doubles) -> Doubles:
    """By the C library, as the kernels do: NumPy's own functions round differently."""
    return np.array([function(value) for value in values.tolist()], np.float64)


def _polynomial(c: tuple[float, ...], x: Doubles) -> Doubles:
    found = np.full_like(x, c[-1])
    for coefficient in c[-2::-1]:
        found = found * x + coefficient
    return found


def _balanced(cells: Doubles) -> Doubles:
    """Rows and columns scaled until each has the mean 1."""
    grid = len(cells)
    for attempt in range(_ROUNDS):
        mean = block_sums(cells) / grid
        worst = np.abs(mean - 1.0).max()
        cells = cells * (1.0 / mean)[:, None]
        cells = cells * (grid / np.add.accumulate(cells, axis=0)[-1])
        if attempt > 0 and worst < _CLOSE:
            break
    return cells


def _steps(cells: Doubles) -> Doubles:
    """[grid, grid + 1]: what of the mass of each row lies below each border."""
    steps = np.zeros((len(cells), len(cells) + 1))
    steps[:, 1:] = np.add.accumulate(cells, axis=1)
    steps[:, 1:] *= 1.0 / steps[:, -1:]
    return steps


def _place(ranks: Floats, grid: int) -> tuple[NDArray[np.int64], Doubles]:
    """Where ranks lie between the centres of cells: the cell below, the share of the one above."""
    p = np.clip(ranks.astype(np.float64) * grid - 0.5, 0.0, float(grid - 1))
    cell = np.minimum(p.astype(np.int64), grid - 2)
    return cell, p - cell


def _read(
    steps: Doubles, grid: int, condition: NDArray[np.int64], share: Doubles, values: Floats
) -> Doubles:
    """F(value | condition), from the steps of the condition's cells."""
    q = np.clip(values.astype(np.float64) * grid, 0.0, float(grid))
    j = np.minimum(q.astype(np.int64), grid - 1)
    along = q - j
    below = steps[condition, j]
    below = below + (steps[condition, j + 1] - below) * along
    above = steps[condition + 1, j]
    above = above + (steps[condition + 1, j + 1] - above) * along
    found: Doubles = below + (above - below) * share
    return found
