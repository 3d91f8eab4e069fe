"""p-values from the distribution of the test statistic under independence.

Models read ranks only. For independent continuous data the ranks are a uniformly random
permutation, so the distribution of any function of them depends on the number of samples alone:
one table of quantiles per model, made at export, serves all data. With ties that no longer holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EXTRAPOLATED = 1e-9  # how far a fitted tail is believed
_MOST_KEPT = 16  # numbers of samples whose quantiles are kept for the next call


@dataclass(frozen=True)
class Tail:
    """Generalised Pareto tail beyond the last quantile (Pickands 1975).

    Attributes:
        shape: from 0 (exponential) on.
        scales: of the excess at each n of the table, shape [s].
    """

    shape: float
    scales: Array


@dataclass(frozen=True)
class NullDistribution:
    """Quantiles of the test statistic for independent continuous data.

    Attributes:
        n: increasing sample counts, shape [s].
        probabilities: increasing, in (0, 1), shape [q].
        quantiles: of the statistic (nats, if it is "mi"), shape [s, q].
        statistic: "mi" or "score".
        tail: what lies beyond the last quantile, or None if that is not known.
    """

    n: Array
    probabilities: Array
    quantiles: Array
    statistic: str = "mi"
    tail: Tail | None = None
    _kept: dict[int, Array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @staticmethod
    def from_json(text: str) -> NullDistribution | None:
        """Parse the metadata entry; None for an empty one; ValueError for a malformed one."""
        if not text.strip():
            return None
        fields = json.loads(text)
        n, probabilities, quantiles = (
            np.asarray(fields[key], np.float64) for key in ("n", "probabilities", "quantiles")
        )
        tail = None
        if "tail" in fields:
            scales = np.asarray(fields["tail"]["scales"], np.float64)
            tail = Tail(float(fields["tail"]["shape"]), scales)
            if scales.shape != n.shape or not (scales > 0).all() or not tail.shape >= 0:
                raise ValueError("the tail must have a shape from 0 and one positive scale per n")
        if quantiles.shape != (n.size, probabilities.size) or not n.size:
            raise ValueError("quantiles must have one row per n and one column per probability")
        if (np.diff(n) <= 0).any() or (np.diff(probabilities) <= 0).any():
            raise ValueError("n and probabilities must increase")
        if probabilities[0] <= 0 or probabilities[-1] >= 1:
            raise ValueError("probabilities must lie between 0 and 1")
        return NullDistribution(n, probabilities, quantiles, fields.get("statistic", "mi"), tail)

    @property
    def smallest(self) -> float:
        """The smallest p-value that is reported; smaller ones are reported as this bound."""
        if self.tail is not None:
            return EXTRAPOLATED
        return round(1.0 - float(self.probabilities[-1]), 12)

    def covers(self, n: int) -> bool:
        """Whether p-values can be given for `n` samples."""
        return bool(self.n[0] <= n <= self.n[-1])

    def at(self, n: int) -> Array:
        """Quantiles for `n` samples, shape [q], by interpolation in log n.

        n times an estimate of mutual information has a nearly constant null distribution (for a
        likelihood ratio it is exactly a chi-squared one), so that product is what is interpolated.
        """
        found = self._kept.get(n)
        if found is None:
            if self.statistic != "mi":
                found = self._interpolate(self.quantiles, n)
            else:
                found = self._interpolate(self.quantiles * self.n[:, None], n) / n
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[n] = found
        return found

    def _interpolate(self, rows: Array, n: int) -> Array:
        high = min(max(int(np.searchsorted(self.n, n)), 1), self.n.size - 1)
        low = max(high - 1, 0)
        if high == low:
            return np.asarray(rows[0])
        weight = np.log(n / self.n[low]) / np.log(self.n[high] / self.n[low])
        return np.asarray(rows[low] + weight * (rows[high] - rows[low]))

    def p_value(self, statistic: float, n: int) -> float:
        """P(statistic at least as large) for independent data of `n` samples.

        Between two quantiles the logarithm of the probability is interpolated, because tails
        fall exponentially. Beyond the last one stands the tail, down to `smallest`; below the
        first the answer is 1: upper bounds both.
        """
        return float(self.p_values(np.array([statistic]), n)[0])

    def p_values(self, statistic: NDArray[np.floating[Any]], n: int) -> Array:
        """`p_value` of many statistics from `n` samples each, of any shape; NaN of NaN."""
        quantiles = self.at(n)
        high = np.searchsorted(quantiles, statistic, side="left")
        # np.clip takes four times as long
        inner = np.minimum(np.maximum(high, 1), quantiles.size - 1)
        below, above = quantiles[inner - 1], quantiles[inner]
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.minimum(np.maximum((statistic - below) / (above - below), 0.0), 1.0)
        log_p = self._log_probabilities
        p = np.exp(log_p[inner - 1] * (1 - weight) + log_p[inner] * weight)
        p = np.where(high == 0, 1.0, p)
        last = high == quantiles.size
        if last.any():
            beyond = self._beyond(np.maximum(statistic - quantiles[-1], 0.0), n)
            p = np.where(last, beyond, p)
        return np.asarray(np.where(np.isnan(statistic), np.nan, p), np.float64)

    @cached_property
    def _log_probabilities(self) -> Array:
        """Of a statistic at least as large as each quantile, shape [q]."""
        return np.asarray(np.log1p(-self.probabilities))

    def _beyond(self, excess: NDArray[np.floating[Any]], n: int) -> Array:
        if self.tail is None:
            return np.full(np.shape(excess), self.smallest)
        scaled = excess / float(self._interpolate(self.tail.scales, n))
        shape = self.tail.shape
        log_share = -np.log1p(shape * scaled) / shape if shape else -scaled
        share = (1.0 - self.probabilities[-1]) * np.exp(log_share)
        return np.asarray(np.maximum(share, self.smallest))
