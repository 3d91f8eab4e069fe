"""Pairs and matrices as data frames, with p-values adjusted for the number of pairs.

Methods of adjustment are named as in statsmodels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from infonet.errors import InputError, MissingExtraError
from infonet.model.null import NullDistribution
from infonet.units import as_correlation, unit_scale

if TYPE_CHECKING:
    from infonet.matrix.result import PairwiseResult


Method = Literal["bonferroni", "holm", "fdr_bh", "fdr_by"]
METHODS: tuple[Method, ...] = get_args(Method)


def check_method(method: str) -> None:
    """Refuse a method that does not exist."""
    if method not in METHODS:
        raise InputError(f"the method is {method!r}, allowed are {', '.join(map(repr, METHODS))}")


def adjust(p_values: NDArray[Any], method: str) -> NDArray[np.float64]:
    """Adjusted p-values; NaN stays NaN and does not count as a test.

    Args:
        p_values: of any shape.
        method: "bonferroni" and "holm" (Holm 1979) bound the probability of any false discovery,
            "fdr_bh" (Benjamini & Hochberg 1995) the expected share of false ones for independent
            or positively dependent tests, "fdr_by" (Benjamini & Yekutieli 2001) for any tests.

    Raises:
        InputError: another method.
    """
    check_method(method)
    adjusted = np.array(p_values, np.float64)
    tested = ~np.isnan(adjusted)
    p = adjusted[tested]
    m = p.size
    if not m:
        return adjusted
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, m + 1)
    ordered = p[order]
    if method == "bonferroni":
        ordered *= m
    elif method == "holm":
        ordered = np.maximum.accumulate(ordered * (m + 1 - rank))
    else:
        weight = np.sum(1 / rank) if method == "fdr_by" else 1.0
        ordered = np.minimum.accumulate((ordered * (m * weight) / rank)[::-1])[::-1]
    p[order] = np.minimum(ordered, 1.0)
    adjusted[tested] = p
    return adjusted


def why_none(null: NullDistribution | None, without: int, pairs: int) -> tuple[str, ...]:
    """One sentence on pairs that could be tested but have no p-value; empty if all have one.

    Args:
        null: distribution of the statistic under independence, if the model has it.
        without: how many these are.
        pairs: number of all pairs.
    """
    if not without:
        return ()
    those = "no p-values" if without == pairs else f"no p-value of {without:,} pair(s)"
    why = "the model has no null distribution"
    if null is not None:
        low, high = int(null.n[0]), int(null.n[-1])
        why = f"the null distribution is known for {low:,} to {high:,} rows"
    return (f"{those}: {why}; Estimator.estimate(x, y, permutations=999) tests one pair",)


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
