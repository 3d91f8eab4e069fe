"""The estimators that people use otherwise, on the same samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import mutual_info_regression


def ksg(samples: NDArray[np.float32], neighbors: int = 3) -> float:
    """Kraskov, Stoegbauer & Grassberger (2004) as scikit-learn has it: samples [n, 2] -> nats."""
    estimate = mutual_info_regression(
        samples[:, :1].astype(np.float64), samples[:, 1], n_neighbors=neighbors, random_state=0
    )
    return float(estimate[0])
