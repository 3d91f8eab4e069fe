"""p-values from the distribution of the estimate under independence.

The estimate reads ranks only. For independent continuous data the ranks are a uniformly random
permutation, so the distribution of the estimate depends on the number of samples alone: one
table of quantiles per model, made at export, serves all data. With ties that no longer holds.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class NullDistribution:
    """Quantiles of the estimate for independent continuous data.

    Attributes:
        n: increasing sample counts, shape [s].
        probabilities: increasing, in (0, 1), shape [q].
        quantiles: nats, shape [s, q].
    """

    n: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    quantiles: NDArray[np.float64]

    @staticmethod
    def from_json(text: str) -> NullDistribution | None:
        """Parse the metadata entry; None for an empty one; ValueError for a malformed one."""
        if not text.strip():
            return None
        fields = json.loads(text)
        null = NullDistribution(
            *(np.asarray(fields[key], np.float64) for key in ("n", "probabilities", "quantiles"))
        )
        if null.quantiles.shape != (null.n.size, null.probabilities.size) or not null.n.size:
            raise ValueError("quantiles must have one row per n and one column per probability")
        if (np.diff(null.n) <= 0).any() or (np.diff(null.probabilities) <= 0).any():
            raise ValueError("n and probabilities must increase")
        if null.probabilities[0] <= 0 or null.probabilities[-1] >= 1:
            raise ValueError("probabilities must lie between 0 and 1")
        return null

    @property
    def smallest(self) -> float:
        """The smallest probability that the table knows."""
        return round(1.0 - float(self.probabilities[-1]), 12)

    def covers(self, n: int) -> bool:
        """Whether p-values can be given for `n` samples."""
        return bool(self.n[0] <= n <= self.n[-1])

    def at(self, n: int) -> NDArray[np.float64]:
        """Quantiles for `n` samples, shape [q], by interpolation in log n.

        n times the estimate has a nearly constant null distribution (for a likelihood ratio it
        is exactly a chi-squared one), so that product is what is interpolated.
        """
        high = min(max(int(np.searchsorted(self.n, n)), 1), self.n.size - 1)
        low = max(high - 1, 0)
        if high == low:
            return np.asarray(self.quantiles[0])
        n_low, n_high = float(self.n[low]), float(self.n[high])
        weight = math.log(n / n_low) / math.log(n_high / n_low)
        below = self.quantiles[low] * (n_low / n)
        above = self.quantiles[high] * (n_high / n)
        interpolated: NDArray[np.float64] = below + weight * (above - below)
        return interpolated

    def p_value(self, mi: float, n: int) -> float:
        """P(estimate >= mi) for independent data of `n` samples.

        Between two quantiles the logarithm of the probability is interpolated, because tails
        fall exponentially. Beyond the last quantile the answer is the smallest probability that
        the table knows, below the first it is 1: upper bounds both.
        """
        quantiles = self.at(n)
        high = int(np.searchsorted(quantiles, mi, side="left"))
        if high == 0:
            return 1.0
        if high == quantiles.size:
            return self.smallest
        below, above = float(quantiles[high - 1]), float(quantiles[high])
        weight = (mi - below) / (above - below)
        log_p = [math.log1p(-float(p)) for p in self.probabilities[high - 1 : high + 1]]
        return math.exp(log_p[0] * (1 - weight) + log_p[1] * weight)
