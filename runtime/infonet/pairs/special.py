"""Special functions of whole arrays, which NumPy lacks and the runtime does not take SciPy for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SHIFT = 8  # the asymptotic series are good to 1e-13 from here on


def digamma(x: Any) -> Array:
    """Logarithmic derivative of the gamma function, x > 0: the asymptotic series from 8 on, the
    recurrence below (Abramowitz & Stegun 6.3.5 and 6.3.18)."""
    x = np.asarray(x, np.float64)
    below = sum(1 / (x + i) for i in range(_SHIFT))
    z = x + _SHIFT
    q = 1 / z**2
    series = q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q / 240)))
    return np.asarray(np.log(z) - 0.5 / z - series - below)


def log_gamma(x: Any) -> Array:
    """Logarithm of the gamma function, x > 0 (Abramowitz & Stegun 6.1.41)."""
    x = np.asarray(x, np.float64)
    product = np.ones_like(x)
    for i in range(_SHIFT):
        product = product * (x + i)
    z = x + _SHIFT
    q = 1 / z**2
    series = (1 / 12 - q * (1 / 360 - q * (1 / 1260 - q / 1680))) / z
    return np.asarray(
        (z - 0.5) * np.log(z) - z + 0.5 * math.log(2 * math.pi) + series - np.log(product)
    )


def log_normal_tail(z: float) -> float:
    """log P(Z >= z) of a standard normal variable, also where the probability underflows."""
    if z < 30:
        return math.log(0.5 * math.erfc(z / math.sqrt(2)))
    q = 1 / z**2  # Abramowitz & Stegun 26.2.12
    return -0.5 * z * z - math.log(z * math.sqrt(2 * math.pi)) + math.log1p(-q * (1 - 3 * q))


def log_gamma_tail(x: float, shape: float) -> float:
    """log P(G >= x) of a gamma variable of this shape and scale 1.

    The series of the lower incomplete gamma function below shape + 1, the continued fraction of
    the upper one above, as in Numerical Recipes, section 6.2.
    """
    if x <= 0:
        return 0.0
    front = shape * math.log(x) - x - math.lgamma(shape)
    if x < shape + 1:
        term = total = 1 / shape
        k = shape
        while abs(term) > abs(total) * 1e-15:
            k += 1
            term *= x / k
            total += term
        lower = math.exp(front) * total
        return math.log1p(-min(lower, 1 - 1e-16))
    tiny = 1e-300
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 100_000):
        a = -i * (i - shape)
        b += 2
        d = 1 / (a * d + b or tiny)
        c = b + a / c or tiny
        step = c * d
        fraction *= step
        if abs(step - 1) < 1e-14:
            break
    return front + math.log(fraction)
