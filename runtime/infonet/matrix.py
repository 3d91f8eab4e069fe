"""The labelled answer for all pairs of columns."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, MissingExtraError
from infonet.null import NullDistribution
from infonet.result import UNITS, Estimate
from infonet.significance import p_value


@dataclass(frozen=True, eq=False)
class PairwiseResult:
    """Mutual information of all pairs of d columns, in nats. Symmetric.

    The diagonal is NaN: the mutual information of a continuous variable with itself is infinite.
    `result["a", "b"]` is the Estimate of one pair.

    Attributes:
        names: names of the columns.
        mi: estimates, float64 [d, d]. NaN off the diagonal means too few complete rows.
        quantiles: quantiles of the belief about the true value, float64 [d, d, levels]; first and
            last are the 90 % interval. [d, d, 0] from a model that gives none.
        n: rows used for each pair, int64 [d, d].
        tied: pairs with equal values in a column, bool [d, d]; they have no p-value.
        constant: pairs with a column whose values are all equal, bool [d, d]; their mi is 0.
    """

    names: tuple[str, ...]
    mi: NDArray[np.float64]
    quantiles: NDArray[np.float64] = field(repr=False)
    n: NDArray[np.int64] = field(repr=False)
    tied: NDArray[np.bool_] = field(repr=False)
    constant: NDArray[np.bool_] = field(repr=False)
    null: NullDistribution | None = field(repr=False, default=None)

    @property
    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Lower and upper bounds of the 90 % intervals, float64 [d, d] each, nats.

        None if the model gives no intervals.
        """
        if not self.quantiles.shape[-1]:
            return None
        return self.quantiles[..., 0], self.quantiles[..., -1]

    def __getitem__(self, pair: tuple[str | int, str | int]) -> Estimate:
        i, j = (self._position(name) for name in pair)
        if i == j:
            raise InputError(f"{pair[0]!r} with itself has no estimate: name two columns")
        n, mi = int(self.n[i, j]), float(self.mi[i, j])
        if np.isnan(mi):
            p, note = None, "no estimate: too few complete rows"
        elif self.constant[i, j]:
            p, note = None, "a variable is constant: mutual information is 0"
        else:
            p, note = p_value(self.null, mi, n, bool(self.tied[i, j]))
        bounds = self.interval
        interval = bounds and (float(bounds[0][i, j]), float(bounds[1][i, j]))
        notes = (note,) if note else ()
        return Estimate(mi, interval, p, n, (self.names[i], self.names[j]), notes)

    def strongest(self, k: int = 10) -> list[Estimate]:
        """The `k` pairs of largest mi, strongest first."""
        first, second = np.triu_indices(len(self.names), 1)
        values = self.mi[first, second]
        order = np.argsort(-values, kind="stable")
        order = order[: min(max(k, 0), int((~np.isnan(values)).sum()))]  # NaN sorts last
        return [self[int(first[o]), int(second[o])] for o in order]

    def to_dict(self, unit: str = "nats") -> dict[str, Any]:
        """Plain values, ready for JSON: NaN becomes None. `unit` is "nats" or "bits".

        "low" and "high" are None if the model gives no intervals.
        """
        low, high = self.interval or (None, None)
        return {
            "names": list(self.names),
            "unit": unit,
            "mi": _plain(self.mi * UNITS[unit]),
            "low": None if low is None else _plain(low * UNITS[unit]),
            "high": None if high is None else _plain(high * UNITS[unit]),
            "n": self.n.tolist(),
        }

    def to_dataframe(self, backend: str = "pandas") -> Any:
        """The matrix as a data frame of "pandas", "polars" or "pyarrow".

        pandas gets the names as its index; the others, which have none, as a first column
        "column" (with underscores added where a variable is called so).

        Raises:
            MissingExtraError: the library is not installed.
        """
        if backend not in ("pandas", "polars", "pyarrow"):
            raise InputError(f"backend is {backend!r}, allowed are 'pandas', 'polars', 'pyarrow'")
        import narwhals.stable.v1 as nw

        data: dict[str, Any] = dict(zip(self.names, self.mi, strict=True))
        try:
            if backend == "pandas":
                import pandas as pd

                return pd.DataFrame(data, index=pd.Index(self.names))
            label = "column"
            while label in data:
                label += "_"
            columns = {label: list(self.names), **data}
            return nw.from_dict(columns, backend=backend).to_native()  # type: ignore[arg-type]
        except ImportError as error:
            raise MissingExtraError(f"to_dataframe({backend!r})", backend) from error

    def to_csv(self, target: str | Path | IO[str], unit: str = "nats") -> None:
        """Write the matrix, with names in the first row and column; the diagonal is empty."""
        if isinstance(target, (str, Path)):
            with Path(target).open("w", newline="", encoding="utf-8") as file:
                return self.to_csv(file, unit)
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["", *self.names])
        for name, row in zip(self.names, self.mi * UNITS[unit], strict=True):
            writer.writerow([name, *("" if np.isnan(value) else f"{value:.8g}" for value in row)])

    def _position(self, name: str | int) -> int:
        if isinstance(name, str) and name in self.names:
            return self.names.index(name)
        if isinstance(name, (int, np.integer)) and 0 <= name < len(self.names):
            return int(name)
        raise InputError(f"column {name!r} does not exist: choose from {', '.join(self.names)}")


def _plain(values: NDArray[np.float64]) -> Any:
    return [[None if np.isnan(value) else float(value) for value in row] for row in values]
