"""The estimators that people use otherwise, on the same samples: samples [n, 2] -> nats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score

Samples = NDArray[np.floating[Any]]
Baseline = Callable[[Samples], float]


def ksg(samples: Samples, neighbors: int = 3) -> float:
    """Kraskov, Stoegbauer & Grassberger (2004) as scikit-learn has it, its noise against ties
    included."""
    estimate = mutual_info_regression(
        samples[:, :1].astype(np.float64), samples[:, 1], n_neighbors=neighbors, random_state=0
    )
    return float(estimate[0])


def gaussian_copula(samples: Samples) -> float:
    """-log(1 - r^2) / 2 of the correlation r of normal scores: exact for a normal copula, and a
    lower bound otherwise (Ince et al., Human Brain Mapping 38, 2017)."""
    r = _score_correlation(samples)
    return float(-0.5 * np.log1p(-min(r * r, 1 - 1e-12)))


def histogram(samples: Samples) -> float:
    """Histogram of equal-frequency bins with the Miller-Madow correction.

    The number of bins is that of Hacine-Gharbi & Ravier (Pattern Recognition Letters 115, 2018),
    which minimises the mean squared error of the entropy of a bivariate normal of correlation r:
    sqrt(1 + sqrt(1 + 24 n / (1 - r^2))) / sqrt 2, with r of the normal scores.
    """
    n, r = len(samples), _score_correlation(samples)
    bins = np.sqrt((1 + np.sqrt(1 + 24 * n / max(1 - r * r, 1e-9))) / 2)
    levels = np.linspace(0, 1, max(2, min(round(float(bins)), n // 2)) + 1)[1:-1]
    codes = [np.searchsorted(np.quantile(column, levels), column) for column in samples.T]
    return miller_madow(np.stack(codes, 1).astype(np.float64))


def plug_in(samples: Samples) -> float:
    """MI of the observed frequencies of discrete variables (scikit-learn)."""
    left, right = (np.unique(column, return_inverse=True)[1] for column in samples.T)
    return float(mutual_info_score(left, right))


def miller_madow(samples: Samples) -> float:
    """plug_in less its bias of first order, (cells - rows - columns + 1) / 2n of those that are
    occupied (Miller 1955); not below 0."""
    cells, rows, columns = (
        len(np.unique(part, axis=0)) for part in (samples, samples[:, 0], samples[:, 1])
    )
    return max(0.0, plug_in(samples) - (cells - rows - columns + 1) / (2 * len(samples)))


def ross(samples: Samples) -> float:
    """Ross (PLoS ONE 9, 2014) for a continuous and a discrete variable, as scikit-learn has it;
    the discrete one is that of fewer distinct values."""
    x, y = samples.T if _distinct(samples[:, 0]) >= _distinct(samples[:, 1]) else samples.T[::-1]
    labels = np.unique(y, return_inverse=True)[1]
    estimate = mutual_info_classif(x[:, None].astype(np.float64), labels, random_state=0)
    return float(estimate[0])


def scikit_learn(samples: Samples) -> float:
    """What scikit-learn has for such variables: plug_in where both are tied, ross where one is,
    ksg where none is."""
    tied = sum(_distinct(column) < len(column) for column in samples.T)
    return (ksg, ross, plug_in)[tied](samples)


CONTINUOUS: dict[str, Baseline] = {
    "KSG": ksg,
    "Gaussian copula": gaussian_copula,
    "histogram": histogram,
}
DISCRETE: dict[str, Baseline] = {
    "scikit-learn": scikit_learn,
    "KSG": ksg,
    "Miller-Madow": miller_madow,
}


def _score_correlation(samples: Samples) -> float:
    """Correlation of normal scores; 0 where a variable is constant."""
    scores = ndtri(rankdata(samples, axis=0) / (len(samples) + 1))
    if (np.ptp(scores, axis=0) == 0).any():
        return 0.0
    return float(np.corrcoef(scores.T)[0, 1])


def _distinct(column: Samples) -> int:
    return len(np.unique(column))
