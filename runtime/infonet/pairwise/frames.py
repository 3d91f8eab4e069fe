"""Pairs and matrices as data frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, MissingExtraError
from infonet.pairwise.adjust import adjust
from infonet.result import as_correlation, unit_scale

if TYPE_CHECKING:
    from infonet.pairwise.result import PairwiseResult

BACKENDS = ("pandas", "polars", "pyarrow")


def check_unit(unit: str) -> None:
    """Refuse a unit other than "nats" and "bits"."""
    unit_scale(unit)


def long_table(result: PairwiseResult, method: str, unit: str) -> dict[str, NDArray[Any]]:
    """See `PairwiseResult.to_long`."""
    p = result.p_values
    return long_rows(result, 0, result.pairs.count, p, adjust(p, method), unit)


def long_rows(
    result: PairwiseResult,
    start: int,
    stop: int,
    p: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    unit: str,
) -> dict[str, NDArray[Any]]:
    """Rows start .. stop - 1 of the long table; the p-values are those of all pairs."""
    scale = unit_scale(unit)
    names, here = np.array(result.names, object), slice(start, stop)
    columns = result.pairs.between(start, stop)
    nats = result.values[here].astype(np.float64)
    values = nats * scale
    none = np.full(len(values), np.nan)
    levels = values.shape[1] - 1
    counts = result.counts
    n = np.full(len(values), counts) if isinstance(counts, int) else counts[here].astype(np.int64)
    return {
        "x": names[columns[:, 0]],
        "y": names[columns[:, 1]],
        "mi": values[:, 0],
        "low": values[:, 1] if levels else none,
        "high": values[:, -1] if levels else none,
        "n": n,
        "p_value": p[here],
        "p_adjusted": adjusted[here],
        "correlation": as_correlation(nats[:, 0]),
    }


def to_frame(columns: dict[str, Any], backend: str, caller: str) -> Any:
    """A data frame of `backend`.

    Raises:
        InputError: another backend.
        MissingExtraError: it is not installed.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, allowed are 'pandas', 'polars', 'pyarrow'")
    import narwhals.stable.v1 as nw

    try:
        if backend == "pandas":
            import pandas as pd

            return pd.DataFrame(columns)
        plain = {k: v.tolist() if v.dtype == object else v for k, v in columns.items()}
        return nw.from_dict(plain, backend=backend).to_native()  # type: ignore[arg-type]
    except ImportError as error:
        raise MissingExtraError(f"{caller}({backend!r})", backend) from error


def labelled_frame(data: dict[str, NDArray[Any]], labels: Sequence[str], backend: str) -> Any:
    """A data frame with a label for each row; see `PairwiseResult.to_dataframe`."""
    if backend == "pandas":
        frame = to_frame(data, backend, "to_dataframe")
        frame.index = list(labels)
        return frame
    label = "column"
    while label in data:
        label += "_"
    return to_frame({label: np.array(labels, object), **data}, backend, "to_dataframe")
